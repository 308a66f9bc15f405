/**
 * The SDK's model with what OpenRouter says beside OpenAI's protocol: the details of thoughts, which have to come back,
 * and errors with all that is in them. Reads them from the chunks as they came over the wire.
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
      // Sealed thoughts without a word stand before what they led to.
      case "finish":
      case "text-start":
      case "tool-input-start":
      case "tool-call":
        return [...this.#leftOver(), part];
      default:
        return [part];
    }
  }

  #raw(chunk: Json): readonly LanguageModelV4StreamPart[] {
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
}

/** Index and kind name a detail; a signed one is complete. */
function isSameDetail(last: Json, next: Json): boolean {
  const isClosed = typeof last["signature"] === "string" && last["signature"] !== "";
  return !isClosed && last["type"] === next["type"] && last["index"] === next["index"];
}
