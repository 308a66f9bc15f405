/**
 * Text as people write it: cleaned of what no person typed, measured in the unit that a limit is stated in, and cut
 * only between what a reader sees as one character. Pure; nothing here throws.
 */

/** How a limit counts: UTF-8 bytes, UTF-16 units, code points, or what a reader sees as one character. */
export type TextMeasure = "byte" | "utf16" | "codepoint" | "grapheme";

/**
 * The text without NUL and other control characters, with `\n` as its only line break, and with half surrogate pairs
 * replaced. Tabs, emoji, joiners, combining marks and marks of direction stay: they carry meaning.
 */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  // Nearly every text is clean already; one scan is all that such a text pays.
  if (!dirt.test(whole)) return whole;
  return whole.replace(lineBreaks, "\n").replace(controlCharacters, "");
}

/** Length as UTF-8. A half surrogate pair counts as the three bytes that its replacement takes. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 4;
      index += 1;
    } else bytes += 3;
  }
  return bytes;
}

export function codePoints(text: string): number {
  return text.length - pairs(text);
}

/** Characters as a reader counts them. Linear, but the slowest of these: about 60 ms for a megabyte. */
export function graphemes(text: string): number {
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

export function measureText(text: string, measure: TextMeasure): number {
  switch (measure) {
    case "byte":
      return utf8Bytes(text);
    case "utf16":
      return text.length;
    case "codepoint":
      return codePoints(text);
    case "grapheme":
      return graphemes(text);
  }
}

/**
 * The longest beginning that fits, never ending inside a character as a reader sees it. Empty where even the first
 * character does not fit.
 */
export function truncateText(text: string, max: number, measure: TextMeasure): string {
  const end = fittingUnits(text, max, measure);
  if (end >= text.length) return text;
  return text.slice(0, characterStart(text, end));
}

/** `truncateText` by UTF-8 bytes, the unit of our own limits. */
export function truncateBytes(text: string, maxBytes: number): string {
  return truncateText(text, maxBytes, "byte");
}

/** Where the character begins that holds this UTF-16 unit: a place where the text may be cut. */
export function characterStart(text: string, unit: number): number {
  if (unit <= 0 || unit >= text.length) return Math.min(Math.max(unit, 0), text.length);
  return segmenter.segment(text).containing(unit)?.index ?? unit;
}

// The locale does not change where characters begin; naming one keeps the result off the machine's settings.
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
// oxlint-disable-next-line eslint/no-control-regex -- control characters are what it looks for.
const dirt = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
/** CR LF, CR, NEL and the two Unicode separators. */
const lineBreaks = /\r\n|[\r\u0085\u2028\u2029]/g;
/** Run after the line breaks: form feed and vertical tab separate too, but are no line break in any chat. */
// oxlint-disable-next-line eslint/no-control-regex -- control characters are what it removes.
const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** How many UTF-16 units from the start fit; may lie inside a character. */
function fittingUnits(text: string, max: number, measure: TextMeasure): number {
  if (measure === "utf16") return Math.max(0, Math.floor(max));
  if (measure === "grapheme") return fittingGraphemes(text, max);
  let used = 0;
  for (let index = 0; index < text.length;) {
    const point = text.codePointAt(index) ?? 0;
    used += measure === "byte" ? utf8BytesOf(point) : 1;
    if (used > max) return index;
    index += point > 0xffff ? 2 : 1;
  }
  return text.length;
}

function fittingGraphemes(text: string, max: number): number {
  let count = 0;
  for (const { index } of segmenter.segment(text)) {
    count += 1;
    if (count > max) return index;
  }
  return text.length;
}

function utf8BytesOf(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point > 0xffff ? 4 : 3;
}

function pairs(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length - 1; index += 1) {
    if (isHighSurrogate(text.charCodeAt(index)) && isLowSurrogate(text.charCodeAt(index + 1))) {
      count += 1;
      index += 1;
    }
  }
  return count;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
