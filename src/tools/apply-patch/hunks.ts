/** Puts the hunks of a patch into a text, or says which does not fit. Lines that stay are the text's own, blanks and ends too. Pure. */
import type { Hunk } from "./parse.ts";

export type Patched =
  | { readonly ok: true; readonly text: string }
  /** For the model: one sentence without words of the text. */
  | { readonly ok: false; readonly problem: string };

interface Line {
  readonly text: string;
  /** `\n`, `\r\n`, or nothing behind the last. */
  readonly end: string;
}

/** In order, each behind the one before. A hunk whose place is not certain is refused. */
export function applyHunks(text: string, hunks: readonly Hunk[]): Patched {
  const lines = linesOf(text);
  const end = lines.find((line) => line.end !== "")?.end ?? "\n";
  const search = new LineSearch(lines);
  const result: Line[] = [];
  let cursor = 0;
  const keepTo = (to: number): void => {
    for (; cursor < to; cursor += 1) result.push(lines[cursor] ?? nothing);
  };
  for (const [index, hunk] of hunks.entries()) {
    const found = placeOfHunk(search, hunk, cursor);
    if (typeof found === "string") return { ok: false, problem: `Change ${index + 1}: ${found}` };
    keepTo(found.at);
    for (const { sign, text: words } of hunk.lines) {
      if (sign === "+") {
        result.push({ text: words, end });
        continue;
      }
      if (sign === " ") result.push(lines[cursor] ?? nothing);
      cursor += 1;
    }
  }
  keepTo(lines.length);
  return { ok: true, text: joined(result, end, lines.length === 0 || lines.at(-1)?.end !== "") };
}

const nothing: Line = { text: "", end: "" };

function placeOfHunk(search: LineSearch, hunk: Hunk, cursor: number): { readonly at: number } | string {
  let from = cursor;
  for (const header of hunk.headers) {
    const at = search.header(header, from);
    if (at === -1) return `the line behind @@ is not in the file (after line ${from}).`;
    from = at;
  }
  const wanted = hunk.lines.filter(({ sign }) => sign !== "+").map((line) => line.text);
  if (wanted.length === 0) {
    if (hunk.headers.length === 0 || hunk.isAtEnd) return { at: search.count };
    return { at: from + 1 };
  }
  const places = search.places(wanted, from, hunk.isAtEnd);
  if (places === null) return "its lines repeat too often to be looked for; use smaller changes.";
  const [first] = places;
  if (first === undefined) {
    return `its old lines are not in the file${from === 0 ? "" : ` after line ${from}`}${hunk.isAtEnd ? " at its end" : ""}; read it again.`;
  }
  if (places.length > 1 && hunk.headers.length === 0) {
    const shown = places.map((place) => place + 1).join(", ");
    return `its old lines are in the file several times (lines ${shown}); give more lines around it, or a line above it behind @@.`;
  }
  return { at: first };
}

/** Looks for lines in a text, with a bound on all its looking together. */
class LineSearch {
  readonly #lines: readonly Line[];
  #left = mostComparisons;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get count(): number {
    return this.#lines.length;
  }

  /** The line that has these words, whatever blanks are around them; -1 where there is none. */
  header(words: string, from: number): number {
    for (let at = from; at < this.#lines.length && this.#left > 0; at += 1) {
      this.#left -= 1;
      if (this.#lines[at]?.text.trim() === words) return at;
    }
    return -1;
  }

  /** Where the lines stand, a few places at most: exactly, or else but for blanks at their ends. Null where it takes too long. */
  places(wanted: readonly string[], from: number, isAtEnd: boolean): readonly number[] | null {
    const exact = this.#matches(wanted, { from, isAtEnd, form: (text) => text });
    const found = exact.length > 0 ? exact : this.#matches(wanted, { from, isAtEnd, form: (text) => text.trimEnd() });
    return this.#left > 0 ? found : null;
  }

  #matches(
    wanted: readonly string[],
    {
      from,
      isAtEnd,
      form,
    }: { readonly from: number; readonly isAtEnd: boolean; readonly form: (text: string) => string },
  ): readonly number[] {
    const last = this.#lines.length - wanted.length;
    const places: number[] = [];
    for (let at = isAtEnd ? Math.max(from, last) : from; at <= last; at += 1) {
      const isHere = wanted.every((text, index) => {
        this.#left -= 1;
        return this.#left > 0 && form(this.#lines[at + index]?.text ?? "") === form(text);
      });
      if (this.#left <= 0) return places;
      if (isHere && places.push(at) >= mostPlaces) return places;
    }
    return places;
  }
}

const mostComparisons = 10_000_000;
const mostPlaces = 5;

function linesOf(text: string): readonly Line[] {
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  const lines: Line[] = parts.map((part) =>
    part.endsWith("\r") ? { text: part.slice(0, -1), end: "\r\n" } : { text: part, end: "\n" },
  );
  if (last !== "") lines.push({ text: last, end: "" });
  return lines;
}

/** Every line but the last ends; the last as it did before. */
function joined(lines: readonly Line[], end: string, endsWithLine: boolean): string {
  return lines
    .map((line, index) => {
      if (index < lines.length - 1) return line.text + (line.end || end);
      return line.text + (endsWithLine ? line.end || end : "");
    })
    .join("");
}
