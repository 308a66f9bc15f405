/**
 * The events of one ConverseStream answer as ours. Decides how it ended by what came; waits behind the stop for the
 * count of tokens, which comes last, and does without where none comes.
 */
import type { TokenUsage } from "../../domain/money.ts";
import type { ModelEvent } from "../contract.ts";
import { record, type ProviderFault } from "../failure.ts";
import { parsedInput } from "../tool-input.ts";
import { encryptedSeal, signedSeal } from "./seal.ts";

type Json = Readonly<Record<string, unknown>>;
type CallEvent = Extract<ModelEvent, { type: "tool-call" }>;

/** What is gathered of one block until it is whole. */
interface Block {
  readonly call: { readonly id: string; readonly tool: string } | null;
  json: string;
  signature: string;
  encrypted: Buffer[];
}

export interface AnswerScene {
  readonly modelId: string;
  readonly callId: (proposed: string) => string;
  readonly fail: (fault: ProviderFault) => ModelEvent;
}

const nothing: readonly ModelEvent[] = [];

export class Answer {
  readonly #scene: AnswerScene;
  readonly #blocks = new Map<unknown, Block>();
  readonly #broken: CallEvent[] = [];
  #calls = 0;
  #said = false;
  #stopReason: string | null = null;

  constructor(scene: AnswerScene) {
    this.#scene = scene;
  }

  take(type: string, event: Json): readonly ModelEvent[] {
    switch (type) {
      case "contentBlockStart":
        this.#start(event);
        return nothing;
      case "contentBlockDelta":
        return this.#delta(event);
      case "contentBlockStop":
        return this.#stop(event["contentBlockIndex"]);
      case "messageStop":
        this.#stopReason = typeof event["stopReason"] === "string" ? event["stopReason"] : "end_turn";
        return nothing;
      case "metadata":
        return this.#stopReason === null ? nothing : this.#end(usageOf(record(event["usage"])));
      default:
        return nothing;
    }
  }

  /** The body is over. Nothing where it did not say that the answer is. */
  close(): readonly ModelEvent[] {
    return this.#stopReason === null ? nothing : this.#end(null);
  }

  #start({ contentBlockIndex: index, start }: Json): void {
    const use = record(record(start)?.["toolUse"]);
    if (use === undefined) return;
    const call = { id: textIn(use, "toolUseId"), tool: textIn(use, "name") };
    this.#blocks.set(index, { ...newBlock(), call });
  }

  #delta({ contentBlockIndex: index, delta }: Json): readonly ModelEvent[] {
    const { text, toolUse, reasoningContent } = record(delta) ?? {};
    if (typeof text === "string" && text !== "") {
      this.#said = true;
      return [{ type: "text", text }];
    }
    const use = record(toolUse);
    if (use !== undefined) this.#block(index).json += textIn(use, "input");
    const thought = record(reasoningContent);
    if (thought === undefined) return nothing;
    const block = this.#block(index);
    block.signature += textIn(thought, "signature");
    // Each piece is base64 of its own: the bytes are joined, not the letters.
    const encrypted = textIn(thought, "redactedContent");
    if (encrypted !== "") block.encrypted.push(Buffer.from(encrypted, "base64"));
    const words = textIn(thought, "text");
    return words === "" ? nothing : [{ type: "thinking", text: words }];
  }

  #stop(index: unknown): readonly ModelEvent[] {
    const block = this.#blocks.get(index);
    if (block === undefined) return nothing;
    this.#blocks.delete(index);
    const { modelId } = this.#scene;
    if (block.call !== null) return this.#call(block.call, block.json);
    if (block.signature !== "")
      return [{ type: "thinking", text: "", signature: signedSeal(modelId, block.signature) }];
    if (block.encrypted.length === 0) return nothing;
    const data = Buffer.concat(block.encrypted).toString("base64");
    return [{ type: "thinking", text: "", signature: encryptedSeal(modelId, data) }];
  }

  #call({ id, tool }: NonNullable<Block["call"]>, json: string): readonly ModelEvent[] {
    const call: CallEvent = { type: "tool-call", callId: this.#scene.callId(id), tool, input: parsedInput(json) };
    if (typeof call.input === "string") {
      this.#broken.push(call);
      return nothing;
    }
    this.#calls += 1;
    return [call];
  }

  #end(usage: TokenUsage | null): readonly ModelEvent[] {
    const stop = this.#stopReason ?? "";
    if (stop.startsWith("malformed_"))
      return [this.#scene.fail({ message: `the model wrote ${stop}`, reason: "unreadable" })];
    const isCut = stop === "max_tokens" || stop === "model_context_window_exceeded";
    // A call that ran out of tokens is no call.
    const broken = isCut ? [] : this.#broken;
    if (this.#calls + broken.length > 0) return [...broken, { type: "end", reason: "tool-calls", usage }];
    const isFiltered = stop === "content_filtered" || stop === "guardrail_intervened" || stop === "refusal";
    if (isFiltered && !this.#said) return [this.#scene.fail({ message: stop, reason: "content_filter" })];
    return [{ type: "end", reason: isCut ? "length" : isFiltered ? "content-filter" : "stop", usage }];
  }

  #block(index: unknown): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const block = newBlock();
    this.#blocks.set(index, block);
    return block;
  }
}

function newBlock(): Block {
  return { call: null, json: "", signature: "", encrypted: [] };
}

function textIn(source: Json, field: string): string {
  return typeof source[field] === "string" ? source[field] : "";
}

/** Null where nothing was counted. What came from the cache or went into it is not part of `inputTokens`. */
function usageOf(usage: Json | undefined): TokenUsage | null {
  const count = (field: string): number => (typeof usage?.[field] === "number" ? usage[field] : 0);
  const counted = {
    input: count("inputTokens"),
    output: count("outputTokens"),
    cacheRead: count("cacheReadInputTokens"),
    cacheWrite: count("cacheWriteInputTokens"),
  };
  return Object.values(counted).every((each) => each === 0) ? null : counted;
}
