/**
 * Cuts a text into pieces that fit a platform's limit, counted in the platform's own unit. The pieces joined are the
 * text, exactly. A cut prefers the end of a paragraph, a line, a sentence, a word, and never falls inside what a reader
 * sees as one character, unless that one character alone is larger than the limit.
 */
import type { TextUnit } from "../contract.ts";
import { breaks, halfway, lastBreak } from "./breaks.ts";
import { charactersOf, type Characters } from "./characters.ts";

/** `text` must be well-formed (no lone surrogates) where the unit is bytes; a lone one counts as its replacement. */
export function textPieces(text: string, max: number, unit: TextUnit): readonly string[] {
  const pieces: string[] = [];
  const characters = charactersOf(text);
  let start = 0;
  while (start < text.length) {
    const room = longestPrefix(text, start, max, unit);
    const end = room === text.length ? room : bestCut(text, { start, room }, characters);
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

/** Where to cut at or before `room`: a kind of break counts only if it leaves the piece at least half full. */
function bestCut(text: string, { start, room }: { start: number; room: number }, characters: Characters): number {
  const window = { start, end: room, half: halfway(start, room) };
  for (const kind of breaks) {
    const cut = lastBreak(text, window, kind, (at) => characters.borderBefore(at, start) === at);
    if (cut !== null) return cut;
  }
  const edge = characters.borderBefore(room, start);
  return edge > start ? edge : room;
}
