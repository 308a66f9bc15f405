/**
 * Where one visible character ends and the next begins, in a text that is too long to be looked at as a whole. A visible
 * character may be many code points (a family of emoji, a letter with its accents), and whether two belong together may
 * depend on what stands before them, so the look begins at a place that is certainly a border.
 */

export interface Characters {
  /** The border at or before `index`, not before `from`, which must be one itself. */
  borderBefore(index: number, from: number): number;
  /** The end of the character that begins at `index`; `index + reach` at the latest where it is longer than that. */
  endOf(index: number, reach: number): number;
}

export function charactersOf(text: string): Characters {
  // To make one takes longer than to cut a short text, and most of those are plain.
  let made: Intl.Segmenter | null = null;
  const segmented = (window: string): Intl.Segments =>
    (made ??= new Intl.Segmenter("en", { granularity: "grapheme" })).segment(window);
  return {
    borderBefore(index, from) {
      if (index <= from || index >= text.length) return Math.max(from, Math.min(index, text.length));
      if (isPlain(text, index - 1) && isPlain(text, index)) return index;
      const known = certainBorder(text, index - 1, from);
      // Whether there is a border depends on what stands before it and on the one code point behind it.
      const window = text.slice(known, index + 2);
      return known + (segmented(window).containing(index - known)?.index ?? index - known);
    },
    endOf(index, reach) {
      if (isPlain(text, index) && (index + 1 === text.length || isPlain(text, index + 1))) return index + 1;
      const window = text.slice(index, index + reach + 1);
      return index + Math.min(segmented(window).containing(0)?.segment.length ?? 1, reach);
    },
  };
}

/** The index itself, or the one before it where it would fall inside a surrogate pair. */
export function wholePoint(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  const before = text.charCodeAt(index - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff ? index - 1 : index;
}

/** Between two plain characters there is always a border. */
function certainBorder(text: string, index: number, from: number): number {
  let at = index;
  while (at > from && !(isPlain(text, at - 1) && isPlain(text, at))) at -= 1;
  return at;
}

/** Printable ASCII, line feeds, and the letters of the large scripts that never join what stands before or behind. */
function isPlain(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  if (unit < 0x7f) return unit >= 0x20 || unit === 0x0a;
  return plainRanges.some(([first, last]) => unit >= first && unit <= last);
}

const plainRanges: readonly (readonly [number, number])[] = [
  // Latin, Greek, Cyrillic, Hebrew, Arabic, kana and Han: letters alone, no marks among them.
  [0xc0, 0x24f],
  [0x391, 0x3ff],
  [0x400, 0x481],
  [0x5d0, 0x5ea],
  [0x621, 0x64a],
  [0x3041, 0x3096],
  [0x30a1, 0x30fa],
  [0x4e00, 0x9fff],
];
