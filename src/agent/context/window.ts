/** How much of a model's window a request may fill, and how much stays for the answer. Pure. */
import type { Config } from "../../config/schema/root.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import type { ContextReport } from "./contract.ts";

export interface ContextWindow {
  readonly tokens: number;
  readonly from: ContextReport["windowFrom"];
  /** What system prompt, tools and messages may have together. */
  readonly inputTokens: number;
  /** Set aside for the answer. */
  readonly outputTokens: number;
  /** From here on the conversation is summed up first. */
  readonly triggerTokens: number;
}

export interface WindowFacts {
  readonly model: ModelInfo;
  readonly defaults: Pick<Config["agents"]["defaults"], "contextTokens" | "compaction">;
  /** What the endpoint itself has said. */
  readonly learntTokens: number | null;
  readonly maxOutputTokens: number | undefined;
}

export function contextWindow({ model, defaults, learntTokens, maxOutputTokens }: WindowFacts): ContextWindow {
  const { tokens, from } = smallest([
    [model.contextWindow ?? limits.unknownWindowTokens, model.contextWindow === null ? "assumed" : "model"],
    [learntTokens ?? Number.POSITIVE_INFINITY, "learnt"],
    [defaults.contextTokens ?? Number.POSITIVE_INFINITY, "configuration"],
  ]);
  const { reserveTokens, triggerRatio } = defaults.compaction;
  // Whatever somebody asks for: half of the window is the conversation's, or there would be nothing to answer.
  const outputTokens = Math.min(
    Math.max(maxOutputTokens ?? Math.min(reserveTokens, model.maxTokens ?? reserveTokens), 1),
    Math.floor(tokens / 2),
  );
  const inputTokens = tokens - outputTokens;
  return {
    tokens,
    from,
    inputTokens,
    outputTokens,
    triggerTokens: Math.min(inputTokens, Math.floor(tokens * triggerRatio)),
  };
}

/**
 * What to ask for as the longest answer. Several servers refuse a request whose prompt and longest answer together are
 * larger than the window, and some take the model's most where nobody says less.
 */
export function answerCap(
  window: ContextWindow,
  inputTokens: number,
  { model, maxOutputTokens }: Pick<WindowFacts, "model" | "maxOutputTokens">,
): number | undefined {
  const wanted = maxOutputTokens ?? model.maxTokens;
  if (wanted === null) return undefined;
  const room = Math.max(1, window.tokens - inputTokens);
  return wanted > room ? room : maxOutputTokens;
}

type Sized = readonly [tokens: number, from: ContextReport["windowFrom"]];

function smallest(sizes: readonly Sized[]): { tokens: number; from: ContextReport["windowFrom"] } {
  const [tokens, from] = sizes.reduce((least, size) => (size[0] < least[0] ? size : least));
  return { tokens, from };
}
