/**
 * Cuts a text into pieces that fit a platform's limit, counted in the platform's own unit. The pieces joined are the
 * text, exactly. A cut prefers the end of a paragraph, a line, a sentence, a word, and never falls inside what a reader
 * sees as one character, unless that one character alone is larger than the limit.
 */
import type { TextUnit } from "./contract.ts";

/** `text` must be well-formed (no lone surrogates) where the unit is bytes; a lone one counts as its replacement. */
export function textPieces(text: string, max: number, unit: TextUnit): readonly string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    const room = longestPrefix(text, start, max, unit);
    const end = room === text.length ? room : bestCut(text, start, room);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

/** How large a text is in a unit. */
export function textSize(text: string, unit: TextUnit): number {
  if (unit === "utf16") return text.length;
  if (unit === "byte") return Buffer.byteLength(text);
  let count = 0;
  for (const _point of text) count += 1;
  return count;
}

/** The index behind the last code point that still fits; at least one code point, so that cutting always goes on. */
function longestPrefix(text: string, start: number, max: number, unit: TextUnit): number {
  let size = 0;
  let index = start;
  while (index < text.length) {
    const point = text.codePointAt(index) ?? 0;
    size += pointSize(point, unit);
    if (size > max && index > start) return index;
    index += point > 0xffff ? 2 : 1;
  }
  return index;
}

function pointSize(point: number, unit: TextUnit): number {
  if (unit === "codepoint") return 1;
  if (unit === "utf16") return point > 0xffff ? 2 : 1;
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

/** In this order of preference; each finds the ends of its kind of unit, trailing white space included. */
const breaks: readonly RegExp[] = [/\n\s*\n\s*/g, /\n/g, /[.!?…。！？]["'”’)\]]*\s+/g, /[ \t\u3000]+/g];

/** Where to cut at or before `room`: a kind of break counts only if it leaves the piece at least half full. */
function bestCut(text: string, start: number, room: number): number {
  const window = text.slice(start, room);
  for (const pattern of breaks) {
    let last = -1;
    for (const match of window.matchAll(pattern)) last = match.index + match[0].length;
    if (last >= window.length / 2) return start + last;
  }
  return graphemeCut(text, start, room);
}

/** How far around a cut it is looked for the edges of one visible character. */
const graphemeReach = 256;

function graphemeCut(text: string, start: number, room: number): number {
  // The last visible character before the cut may go on behind it: a family of emoji is many code points.
  const from = Math.max(start, wholePoint(text, room - graphemeReach));
  const segments = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(
    text.slice(from, room + graphemeReach),
  );
  const edge = from + (segments.containing(room - from)?.index ?? room - from);
  return edge > start ? edge : room;
}

/** The index itself, or the one before it where it would fall inside a surrogate pair. */
function wholePoint(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index;
}
