/** Texts that are too long for their place, cut in the middle with a mark that says so. Pure and deterministic. */
import { textTokens } from "./token-estimate.ts";

/** The larger part of what is kept is the beginning: that is where a text says what it is. */
const headShare = 0.6;

/** At most about `tokens` tokens, by the estimate. The text itself where it fits. `why` is told in the mark. */
export function cutToTokens(text: string, tokens: number, why: string): string {
  const has = textTokens(text);
  if (has <= tokens) return text;
  let keepChars = Math.floor((text.length * Math.max(0, tokens - markTokens)) / has);
  for (;;) {
    const cut = cutToChars(text, keepChars, why);
    // A text is not dear everywhere alike: what was kept may be its dearest part.
    if (keepChars <= 0 || textTokens(cut) <= tokens) return cut;
    keepChars = Math.floor(keepChars * 0.8);
  }
}

/** Keeps so many UTF-16 units of beginning and end, and says how many are missing. */
export function cutToChars(text: string, keepChars: number, why: string): string {
  if (text.length <= keepChars) return text;
  const head = Math.floor(Math.max(0, keepChars) * headShare);
  const tail = Math.max(0, keepChars) - head;
  const mark = `[… ${text.length - head - tail} characters left out here: ${why} …]`;
  const pieces = [text.slice(0, head), mark, tail === 0 ? "" : text.slice(-tail)];
  return pieces
    .filter((piece) => piece !== "")
    .join("\n")
    .toWellFormed();
}

/** What the mark itself costs, generously. */
export const markTokens = 40;
