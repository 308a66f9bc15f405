/**
 * How much a model is to think, in the words that people may use. What a model really does with a word is the
 * providers' table; a word that is none of these is refused where it is set.
 */
import { AppError } from "./app-error.ts";

/** Every word that is taken, from nothing to most; `on` and `adaptive` leave the amount to the model. */
export const thinkingLevels = [
  "off",
  "on",
  "adaptive",
  "minimal",
  "low",
  "medium",
  "high",
  "extended",
  "xhigh",
  "x-high",
  "deep",
  "max",
  "ultra",
] as const;
export type ThinkingLevel = (typeof thinkingLevels)[number];

/** One of the words, in small letters. */
export function isThinkingLevel(word: unknown): word is ThinkingLevel {
  return thinkingLevels.some((level) => level === word);
}

/** The level a person named, however they wrote it. Throws RPC_003 with the list of words for any other. */
export function thinkingLevelOf(word: string, param: string): ThinkingLevel {
  const level = word.trim().toLowerCase();
  if (isThinkingLevel(level)) return level;
  throw new AppError("RPC_003", `There is no such thinking level; there are ${thinkingLevels.join(", ")}.`, {
    details: { param, allowed: thinkingLevels },
  });
}
