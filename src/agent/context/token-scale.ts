/**
 * What a model's own counting says about our estimate, and what an endpoint says about its window. Learnt while the
 * process lives and forgotten with it: the next answer tells it again.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";

export interface TokenScale {
  /** Tokens of this model for an estimate; rounded up. */
  scaled(model: ModelInfo, estimated: number): number;
  /** The provider counted `reported` where we had estimated `estimated`, both for the same whole request. */
  learn(model: ModelInfo, estimated: number, reported: number): void;
  /** A request of so many estimated tokens did not fit; the error may name the window. */
  overflowed(model: ModelInfo, estimated: number, error: AppErrorJson | undefined): void;
  /** What an endpoint said its window is; null where it said nothing. */
  window(model: ModelInfo): number | null;
}

/** Further off, it is no matter of counting: the request was not what we think it was. */
const bounds = { least: 0.5, most: 2 };
/** Below this, what a provider adds of its own outweighs what we sent. */
const leastSampleTokens = 500;
/** The next prompt is another text than the last: a measured ratio is not taken to the last token. */
const caution = 1.05;

interface Learnt {
  readonly ratio: number;
  readonly windowTokens: number | null;
}

const nothing: Learnt = Object.freeze({ ratio: 1, windowTokens: null });

export function createTokenScale(): TokenScale {
  const learnt = new Map<string, Learnt>();
  const of = ({ ref }: ModelInfo): Learnt => learnt.get(ref) ?? nothing;
  const keep = ({ ref }: ModelInfo, now: Learnt): void => {
    learnt.delete(ref);
    learnt.set(ref, now);
    if (learnt.size > limits.contextModels) learnt.delete(learnt.keys().next().value as string);
  };
  return {
    scaled: (model, estimated) => Math.ceil(estimated * of(model).ratio),
    learn(model, estimated, reported) {
      if (estimated < leastSampleTokens || reported < leastSampleTokens) return;
      const ratio = clamp((reported / estimated) * caution);
      const before = of(model);
      // Up at once, for the safe side; down in halves.
      keep(model, { ...before, ratio: ratio > before.ratio ? ratio : (ratio + before.ratio) / 2 });
    },
    overflowed(model, estimated, error) {
      const before = of(model);
      const told = error === undefined ? null : windowIn(error);
      const windowTokens = told ?? before.windowTokens;
      const known = windowTokens ?? model.contextWindow;
      const ratio = known === null || estimated <= 0 ? before.ratio : clamp((known / estimated) * caution);
      keep(model, { windowTokens, ratio: Math.max(before.ratio, ratio) });
    },
    window: (model) => of(model).windowTokens,
  };
}

function clamp(ratio: number): number {
  return Math.min(bounds.most, Math.max(bounds.least, ratio));
}

/** As OpenAI and its likes, Anthropic, Gemini and llama.cpp word it. A hint: it is believed only where it lowers a window. */
const windowWords = [
  /maximum context length is (\d+)/i,
  /context (?:length|window|size) (?:is |of )?\(?(\d+)/i,
  /> (\d+) maximum/i,
  /maximum number of tokens allowed \(?(\d+)/i,
];

function windowIn({ message }: AppErrorJson): number | null {
  for (const words of windowWords) {
    const digits = words.exec(message)?.[1];
    const tokens = digits === undefined ? Number.NaN : Number(digits);
    if (Number.isSafeInteger(tokens) && tokens >= limits.leastWindowTokens) return tokens;
  }
  return null;
}
