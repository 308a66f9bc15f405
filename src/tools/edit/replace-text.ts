/**
 * Exact replacement in a text, such that doing it twice does it once: what is already replaced is known again, and a
 * replacement that would find itself in its own result is refused. Pure.
 */
import { nearestLines } from "./nearest-lines.ts";

export interface Replacement {
  readonly oldText: string;
  readonly newText: string;
  readonly replaceAll: boolean;
}

export type Replaced =
  /** `count`: places that were changed; 0 where everything was there already. */
  | { readonly ok: true; readonly text: string; readonly count: number }
  /** `problem` for the model: one sentence, without words of the text. */
  | { readonly ok: false; readonly problem: string };

/** One after the other, all or none. Line ends of the replacements become those of the text. */
export function replaceInText(text: string, replacements: readonly Replacement[]): Replaced {
  const once = pass(text, replacements);
  if (!once.ok) return once;
  const twice = pass(once.text, replacements);
  if (twice.ok && twice.text !== once.text) {
    return { ok: false, problem: "The result would match oldText again; give more of the text around it." };
  }
  return once;
}

function pass(text: string, replacements: readonly Replacement[]): Replaced {
  const ends = lineEndsOf(text);
  const asText = (words: string): string => (ends === "mixed" ? words : words.replaceAll("\r\n", "\n"));
  const wanted = replacements.map(({ oldText, newText, replaceAll }) => ({
    oldText: asText(oldText),
    newText: asText(newText),
    replaceAll,
  }));
  const done = replaceEach(asText(text), wanted);
  return done.ok && ends === "crlf" ? { ...done, text: done.text.replaceAll("\n", "\r\n") } : done;
}

const mostComparisons = 1_000_000;

function replaceEach(text: string, replacements: readonly Replacement[]): Replaced {
  let current = text;
  let count = 0;
  for (const [index, replacement] of replacements.entries()) {
    const next = replaceOne(current, replacement);
    const which = replacements.length === 1 ? "" : `Edit ${index + 1}: `;
    if (!next.ok) return { ok: false, problem: which + next.problem };
    current = next.text;
    count += next.count;
  }
  return { ok: true, text: current, count };
}

function replaceOne(text: string, { oldText, newText, replaceAll }: Replacement): Replaced {
  if (oldText === "") return { ok: false, problem: "oldText is empty. To write a whole file use write." };
  if (oldText === newText) return { ok: false, problem: "oldText and newText are the same." };
  const places = placesOf(text, oldText, newText);
  if (places === null)
    return { ok: false, problem: "oldText is in newText or in the file too often. Give a longer one." };
  const [first] = places;
  if (first === undefined) return notThere(text, oldText, newText);
  if (places.length > 1 && !replaceAll) {
    const lines = places.slice(0, 5).map((place) => lineAt(text, place));
    const shown = `${lines.join(", ")}${places.length > 5 ? ", …" : ""}`;
    return {
      ok: false,
      problem: `oldText is in the file ${places.length} times (lines ${shown}). Give more of the text around it, or set replaceAll.`,
    };
  }
  let result = "";
  let from = 0;
  let count = 0;
  for (const place of places) {
    // Overlaps with the one before it.
    if (place < from) continue;
    result += text.slice(from, place) + newText;
    from = place + oldText.length;
    count += 1;
  }
  return { ok: true, text: result + text.slice(from), count };
}

/** Done already, where the new text is there and long enough not to be there by chance. */
function notThere(text: string, oldText: string, newText: string): Replaced {
  const place = newText === "" ? -1 : text.indexOf(newText);
  if (place !== -1 && (newText.includes(oldText) || newText.trim().length >= tellingChars)) {
    return { ok: true, text, count: 0 };
  }
  const there = place === -1 ? "" : ` newText is, in line ${lineAt(text, place)}: it may be done already.`;
  return { ok: false, problem: `oldText is not in the file.${there} ${nearestLines(text, oldText)}` };
}

const tellingChars = 16;

/** Where the old text stands, overlaps too, but for places that are a part of the new text already; null where that takes too long to tell. */
function placesOf(text: string, oldText: string, newText: string): readonly number[] | null {
  const offsets = allOf(newText, oldText);
  const places = allOf(text, oldText);
  if (places.length * offsets.length > mostComparisons) return null;
  return places.filter(
    (place) => !offsets.some((offset) => place >= offset && text.startsWith(newText, place - offset)),
  );
}

function allOf(text: string, part: string): readonly number[] {
  const places: number[] = [];
  for (let place = text.indexOf(part); place !== -1; place = text.indexOf(part, place + 1)) places.push(place);
  return places;
}

function lineAt(text: string, place: number): number {
  return text.slice(0, place).split("\n").length;
}

function lineEndsOf(text: string): "lf" | "crlf" | "mixed" {
  if (!text.includes("\r")) return "lf";
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? "mixed" : "crlf";
}
