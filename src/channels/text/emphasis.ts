/** Which marks of emphasis were meant as such: inside a word they hardly were, and 5*3*2 is a product. */
import type { Token } from "marked";

/** `before` is what stands right before the token, as shown. */
export function isEmphasisInWord(before: string, token: Token, next: Token | undefined): boolean {
  if (token.type !== "em" && token.type !== "strong" && token.type !== "del") return false;
  return /[\p{L}\p{N}]$/u.test(before.slice(-2)) || /^[\p{L}\p{N}]/u.test(next?.raw ?? "");
}
