/**
 * The SDK's model with what OpenRouter says beside OpenAI's protocol: the details of thoughts, which have to come back,
 * what the call cost, and errors with all that is in them. Reads them from the chunks as they came over the wire.
 */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { record } from "../failure.ts";
import { metadataKey } from "./request.ts";

type Json = Readonly<Record<string, unknown>>;

export function withExtras(model: LanguageModelV4): LanguageModelV4 {
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(options),
    async doStream(options) {
      const { stream, ...rest } = await model.doStream({ ...options, includeRawChunks: true });
      const extras = new Extras();
      const transform = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
        transform: (part, controller) => {
          for (const each of extras.take(part)) controller.enqueue(each);
        },
      });
      return { ...rest, stream: stream.pipeThrough(transform) };
    },
  };
}

const detailsBlock = "details";

class Extras {
  #details: Json[] = [];
  #isThinking = false;
  #costMicros: number | undefined;

  take(part: LanguageModelV4StreamPart): readonly LanguageModelV4StreamPart[] {
    switch (part.type) {
      case "raw":
        return this.#raw(record(part.rawValue) ?? {});
      case "reasoning-start":
        this.#isThinking = true;
        return [part];
      case "reasoning-end":
        this.#isThinking = false;
        return [{ ...part, ...this.#sealed() }];
      case "finish":
        return [...this.#leftOver(), this.#costed(part)];
      // Sealed thoughts without a word stand before what they led to.
      case "text-start":
      case "tool-input-start":
      case "tool-call":
        return [...this.#leftOver(), part];
      default:
        return [part];
    }
  }

  #raw(chunk: Json): readonly LanguageModelV4StreamPart[] {
    const cost = costMicrosOf(record(chunk["usage"]));
    if (cost !== undefined) this.#costMicros = cost;
    // Before the SDK makes less of it: what is upstream says why in a field that it drops.
    if (record(chunk["error"]) !== undefined) return [{ type: "error", error: chunk }];
    const choices = Array.isArray(chunk["choices"]) ? chunk["choices"] : [];
    const details = record(record(choices[0])?.["delta"])?.["reasoning_details"];
    if (Array.isArray(details)) for (const detail of details) this.#collect(record(detail));
    return [];
  }

  /** Pieces of one detail come one by one, and go back as one. */
  #collect(detail: Json | undefined): void {
    if (detail === undefined) return;
    const last = this.#details.at(-1);
    const field =
      detail["type"] === "reasoning.text" ? "text" : detail["type"] === "reasoning.summary" ? "summary" : null;
    if (field === null || last === undefined || !isSameDetail(last, detail)) {
      this.#details.push(detail);
      return;
    }
    const told = [last[field], detail[field]].filter((text) => typeof text === "string").join("");
    const named = Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== null));
    this.#details[this.#details.length - 1] = { ...last, ...named, [field]: told };
  }

  #leftOver(): readonly LanguageModelV4StreamPart[] {
    if (this.#isThinking || this.#details.length === 0) return [];
    return [
      { type: "reasoning-start", id: detailsBlock },
      { type: "reasoning-end", id: detailsBlock, ...this.#sealed() },
    ];
  }

  #sealed(): Pick<Extract<LanguageModelV4StreamPart, { type: "reasoning-end" }>, "providerMetadata"> {
    const details = this.#details;
    this.#details = [];
    if (details.length === 0) return {};
    return { providerMetadata: { [metadataKey]: { details: JSON.stringify(details) } } };
  }

  #costed(part: Extract<LanguageModelV4StreamPart, { type: "finish" }>): LanguageModelV4StreamPart {
    if (this.#costMicros === undefined) return part;
    const told = { ...part.providerMetadata?.[metadataKey], costMicros: this.#costMicros };
    return { ...part, providerMetadata: { ...part.providerMetadata, [metadataKey]: told } };
  }
}

/** Index and kind name a detail; a signed one is complete. */
function isSameDetail(last: Json, next: Json): boolean {
  const isClosed = typeof last["signature"] === "string" && last["signature"] !== "";
  return !isClosed && last["type"] === next["type"] && last["index"] === next["index"];
}

/** More than any call costs: a number beyond it is a mistake of whoever counted. */
const mostUsd = 10_000;

/**
 * One credit is a dollar. Where the person's own key at the maker was used, the credits are the router's fee alone and
 * the maker's charge comes on top. Undefined where nothing that can be a price was said: unknown is never free.
 */
export function costMicrosOf(usage: Json | undefined): number | undefined {
  const fee = usd(usage?.["cost"]);
  if (fee === undefined) return undefined;
  if (usage?.["is_byok"] !== true) return Math.ceil(micros(fee));
  const upstream = usd(record(usage["cost_details"])?.["upstream_inference_cost"]);
  return upstream === undefined ? undefined : Math.ceil(micros(fee + upstream));
}

function usd(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= mostUsd ? value : undefined;
}

/** Without the dust of binary fractions, which rounding up would make a whole micro-dollar of. */
function micros(dollars: number): number {
  return Number((dollars * 1_000_000).toFixed(3));
}
