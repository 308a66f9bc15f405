/**
 * Whether a line can be shown to a person as what it is. Refuses what a screen hides, moves or turns around: consent to a
 * line is worth what the eye could see of it.
 */
import { limits } from "../../domain/limits.ts";

/** Null where it can be shown whole; else why not, as the end of a sentence about the line. */
export function unshowable(text: string): string | null {
  if (text.trim() === "") return "is empty";
  if (text.length > limits.commandLineChars) {
    return `is longer than ${limits.commandLineChars} characters, more than anybody would read; write it to a file and run that`;
  }
  if (!text.isWellFormed()) return "has half of a character in it";
  const hidden = hiddenCharacter.exec(text.replaceAll(colouredSign, ""));
  if (hidden === null) return null;
  const code = (hidden[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `has a character that cannot be seen (U+${code})`;
}

/** Words in which letters of several scripts stand together, one looking like another: `gіt` with a Cyrillic letter. */
export function lookalikes(words: readonly string[]): readonly string[] {
  return words.filter((word) => /\p{Script=Latin}/u.test(word) && strangeLetter.test(word));
}

/** A sign that is asked to be drawn in colour; the request itself is invisible, and harmless there. */
const colouredSign = /(?<=\p{Extended_Pictographic})\uFE0F/gu;

/**
 * All control characters but tab and line feed, what is ignored or turns the direction of writing, spaces that are not
 * the space a shell divides words at, and what no font has.
 */
const hiddenCharacter =
  /(?![\n\t ])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Letters beside Latin ones, and Latin ones in the full width of an ideograph or in a mathematician's hand. */
const strangeLetter =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\uFF00-\uFF5E\u{1D400}-\u{1D7FF}]/u;
