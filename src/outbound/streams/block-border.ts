/**
 * Where a text that is still being written may be cut: at the end of a paragraph, a line, a sentence or a word, and not
 * inside fenced code. Pure.
 */
import { characterStart } from "../../domain/text.ts";

/** Code that is open at some place of a text. */
export interface Fence {
  /** The line that opened it, without its line break. */
  readonly opening: string;
  /** Its marks, which close it again. */
  readonly marks: string;
}

/** From here to there, without an end where it is not closed yet. */
interface FencedRange {
  readonly start: number;
  readonly end: number;
  readonly fence: Fence;
}

export interface Cut {
  readonly end: number;
  /** Set where the cut had to fall into code: it is closed before and opened again behind it. */
  readonly fence: Fence | null;
}

/**
 * The best cut of `text` between `min` and `max`, or null where there is none yet. `open` is the code that the text begins
 * in. While more may come, a text that is shorter than `max` is cut at strong borders alone.
 */
export function findCut(text: string, { min, max }: { min: number; max: number }, open: Fence | null): Cut | null {
  const fenced = fencedRanges(text, open);
  const isFull = text.length >= max;
  for (const pattern of isFull ? [...strongBorders, wordBorder] : strongBorders) {
    const end = lastBorder(text.slice(0, max), pattern, (at) => at >= min && !isInside(at, fenced));
    if (end !== null) return { end, fence: null };
  }
  return isFull ? forcedCut(text, max, fenced, open) : null;
}

/** Everything that may leave after a silence: all of it, or what stands before code that is not closed yet. */
export function quietCut(text: string, open: Fence | null): Cut | null {
  const end = fencedRanges(text, open).find((range) => range.end === Number.POSITIVE_INFINITY)?.start ?? text.length;
  // The first marks of a fence that is just being written.
  const whole = /(^|\n)[ \t]*(`{1,2}|~{1,2})$/.exec(text.slice(0, end));
  const at = whole === null ? end : whole.index + (whole[1] ?? "").length;
  return at > 0 ? { end: at, fence: null } : null;
}

/** In this order; each finds the ends of its kind. An indentation belongs to what follows. */
const strongBorders: readonly RegExp[] = [/\n[ \t]*\n(?:[ \t]*\n)*/g, /\n/g, /[.!?…。！？]["'”’)\]]*\s/g];
const wordBorder = /\s/g;

function lastBorder(window: string, pattern: RegExp, fits: (at: number) => boolean): number | null {
  let last: number | null = null;
  for (const match of window.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (fits(end)) last = end;
  }
  return last;
}

/** No border fits: before the code that is in the way, else inside it, else inside a word. */
function forcedCut(text: string, max: number, fenced: readonly FencedRange[], open: Fence | null): Cut {
  const around = fenced.find((range) => max > range.start && max < range.end);
  if (around === undefined) {
    const word = lastBorder(text.slice(0, max), wordBorder, (at) => !isInside(at, fenced));
    return { end: word ?? hardEnd(text, max), fence: null };
  }
  if (around.start > 0 && text.slice(0, around.start).trim() !== "") return { end: around.start, fence: null };
  // Behind the opening line at least, or the same code would be opened for ever.
  const carried = around.start === 0 && open !== null;
  const firstLine = carried ? 0 : text.indexOf("\n", around.start) + 1;
  const line = lastBorder(text.slice(0, max), /\n/g, (at) => at > firstLine);
  return { end: line ?? hardEnd(text, max), fence: around.fence };
}

function hardEnd(text: string, max: number): number {
  const start = characterStart(text, max);
  return start > 0 ? start : max;
}

function isInside(at: number, fenced: readonly FencedRange[]): boolean {
  return fenced.some((range) => at > range.start && at < range.end);
}

const fenceLine = /^[ \t]*(`{3,}|~{3,})(.*)$/;

function fencedRanges(text: string, open: Fence | null): FencedRange[] {
  const ranges: FencedRange[] = [];
  let current: { readonly start: number; readonly fence: Fence } | null =
    open === null ? null : { start: 0, fence: open };
  let start = 0;
  for (const line of text.split("\n")) {
    const end = start + line.length + 1;
    const marks = fenceLine.exec(line);
    if (current === null) {
      const opens = marks !== null && !(marks[1]?.startsWith("`") === true && marks[2]?.includes("`") === true);
      if (opens) current = { start, fence: { opening: line, marks: marks[1] as string } };
    } else if (marks !== null && closes(marks, current.fence)) {
      ranges.push({ ...current, end: Math.min(end, text.length) });
      current = null;
    }
    start = end;
  }
  if (current !== null) ranges.push({ ...current, end: Number.POSITIVE_INFINITY });
  return ranges;
}

function closes([, marks = "", rest = ""]: RegExpExecArray, fence: Fence): boolean {
  return rest.trim() === "" && marks.startsWith(fence.marks);
}
