/**
 * The SDK's stream parts as our events. Decides how an answer ended by what came and not by what the protocol calls it.
 * A failure part ends the stream: what the SDK yields behind it is not looked at.
 */
import type { LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import type { AppError } from "../../domain/app-error.ts";
import type { TokenUsage } from "../../domain/money.ts";
import type { ModelEvent } from "../contract.ts";
import { record, type ProviderFault } from "../failure.ts";
import { costOfUsage } from "../reported-cost.ts";
import { parsedInput } from "../tool-input.ts";
import type { Seal, Seals } from "./seal.ts";

export interface PartsScene {
  readonly seals: Seals;
  /** Gives a tool call an id that the conversation does not have yet. */
  readonly callId: (proposed: string) => string;
  readonly fail: (fault: ProviderFault) => AppError;
  /** What a failure that the SDK reports means; null leaves it to what came before it. */
  readonly faultOf: (thrown: unknown) => ProviderFault | null;
  /** Whether an answer without a finish reason was complete all the same: the wire's own end mark came. */
  readonly sawEndMark: () => boolean;
}

export async function* eventsOf(
  parts: ReadableStream<LanguageModelV4StreamPart>,
  scene: PartsScene,
): AsyncGenerator<ModelEvent> {
  const answer = new Answer(scene);
  const reader = parts.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = answer.take(value);
    for (const event of events) yield event;
  }
}

type Metadata = Parameters<Seal["read"]>[0];

const nothing: readonly ModelEvent[] = [];

class Answer {
  readonly #scene: PartsScene;
  #said = false;
  #calls = 0;
  /** A call whose JSON broke off; not a call where the answer ran out of tokens. */
  readonly #broken: Extract<ModelEvent, { type: "tool-call" }>[] = [];

  constructor(scene: PartsScene) {
    this.#scene = scene;
  }

  take(part: LanguageModelV4StreamPart): readonly ModelEvent[] {
    switch (part.type) {
      case "text-delta":
        if (part.delta === "") return nothing;
        this.#said = true;
        return [{ type: "text", text: part.delta }];
      case "reasoning-start":
        // A seal at the start is final only where no text follows: Anthropic's redacted thoughts.
        return isRedacted(part.providerMetadata) ? this.#thinking("", part.providerMetadata) : nothing;
      case "reasoning-delta":
        return this.#thinking(part.delta, part.providerMetadata);
      case "reasoning-end":
        return this.#closeThinking(part.providerMetadata);
      case "tool-call":
        return part.providerExecuted === true ? nothing : this.#toolCall(part);
      case "error":
        return this.#failed(part.error);
      case "finish":
        return this.#finish(part.finishReason, part.usage);
      default:
        return nothing;
    }
  }

  #thinking(text: string, metadata: Metadata): readonly ModelEvent[] {
    return thought(text, this.#scene.seals.thoughts.read(metadata));
  }

  #closeThinking(metadata: Metadata): readonly ModelEvent[] {
    const { thoughts, plain } = this.#scene.seals;
    return thought("", thoughts.read(metadata) ?? plain);
  }

  #toolCall(part: Extract<LanguageModelV4StreamPart, { type: "tool-call" }>): readonly ModelEvent[] {
    const input = parsedInput(part.input);
    const call: ModelEvent = {
      type: "tool-call",
      callId: this.#scene.callId(part.toolCallId),
      tool: part.toolName,
      input,
    };
    if (typeof input === "string") {
      this.#broken.push(call);
      return nothing;
    }
    this.#calls += 1;
    return [...thought("", this.#scene.seals.calls?.read(part.providerMetadata)), call];
  }

  #failed(thrown: unknown): readonly ModelEvent[] {
    // The one error that is none: all came, the dialect just names no finish reason.
    if (isMissingFinish(thrown) && this.#scene.sawEndMark()) return nothing;
    const fault = this.#scene.faultOf(thrown) ?? {
      message: thrown instanceof Error ? thrown.message : "",
      reason: "interrupted" as const,
    };
    return [{ type: "failure", error: this.#scene.fail(fault).toJSON() }];
  }

  #finish({ unified, raw }: LanguageModelV4FinishReason, usage: LanguageModelV4Usage): readonly ModelEvent[] {
    const complete = raw !== undefined || this.#scene.sawEndMark();
    if (unified === "interrupted" || (!complete && unified === "error"))
      return this.#fail("interrupted", "it ended in the middle");
    // `error` is also what some compatible servers write as the reason itself.
    if (raw !== undefined && (unified === "error" || raw === "error"))
      return this.#fail("unreadable", `the provider gave up with ${raw}`);
    const broken = unified === "length" ? [] : this.#broken;
    if (this.#calls + broken.length > 0) return [...broken, this.#end("tool-calls", usage)];
    if (unified === "content-filter" && !this.#said) return this.#fail("content_filter", raw ?? "");
    return [this.#end(unified === "length" || unified === "content-filter" ? unified : "stop", usage)];
  }

  #end(reason: Extract<ModelEvent, { type: "end" }>["reason"], usage: LanguageModelV4Usage): ModelEvent {
    const costMicros = costOfUsage(usage.raw);
    return { type: "end", reason, usage: tokenUsage(usage), ...(costMicros === undefined ? {} : { costMicros }) };
  }

  #fail(reason: NonNullable<ProviderFault["reason"]>, message: string): readonly ModelEvent[] {
    return [{ type: "failure", error: this.#scene.fail({ message, reason }).toJSON() }];
  }
}

/** Null where nothing was counted. A call that cost no token at all does not exist: zeros are a server that does not count. */
export function tokenUsage({ inputTokens, outputTokens, raw }: LanguageModelV4Usage): TokenUsage | null {
  const told = cachedByDialect(raw);
  const cacheRead = inputTokens.cacheRead === 0 ? told.read : (inputTokens.cacheRead ?? told.read);
  const cacheWrite = inputTokens.cacheWrite ?? told.write;
  const total = inputTokens.total ?? 0;
  // A server that counts less in all than in its cache counts the cache on top.
  const input = total >= cacheRead + cacheWrite ? total - cacheRead - cacheWrite : total;
  const output = outputTokens.total ?? 0;
  return input + output + cacheRead + cacheWrite === 0 ? null : { input, output, cacheRead, cacheWrite };
}

/**
 * Where compatible servers write what the SDK does not read: DeepSeek and Moonshot the cache's part of the prompt;
 * OpenRouter and LiteLLM what they wrote into it.
 */
function cachedByDialect(raw: unknown): { readonly read: number; readonly write: number } {
  const usage = record(raw) ?? {};
  // Of the other wires the SDK reads all there is.
  if (typeof usage["prompt_tokens"] !== "number") return { read: 0, write: 0 };
  const { prompt_cache_hit_tokens: hit, cached_tokens: cached, cache_read_input_tokens: read } = usage;
  const { cache_write_tokens: written } = record(usage["prompt_tokens_details"]) ?? {};
  return {
    read: firstCount(hit, cached, read),
    write: firstCount(written, usage["cache_creation_input_tokens"]),
  };
}

function firstCount(...values: readonly unknown[]): number {
  return values.find((value): value is number => typeof value === "number" && value > 0) ?? 0;
}

function thought(text: string, signature: string | undefined): readonly ModelEvent[] {
  if (signature !== undefined) return [{ type: "thinking", text, signature }];
  return text === "" ? nothing : [{ type: "thinking", text }];
}

function isRedacted(metadata: Metadata): boolean {
  return metadata?.["anthropic"]?.["redactedData"] !== undefined;
}

function isMissingFinish(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    thrown.name === "AI_InvalidResponseDataError" &&
    (thrown as { data?: unknown }).data === undefined
  );
}
