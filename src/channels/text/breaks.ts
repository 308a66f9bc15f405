/**
 * Where a text may be cut so that a reader minds least: behind a paragraph, a line, a sentence, a word, in this order.
 * What is white space between two pieces stays with the first, and the indentation of a line stays with the line.
 */

/** In this order of preference; each finds the ends of its kind of unit, trailing white space included. */
export const breaks: readonly RegExp[] = Object.freeze([
  /\n(?:[ \t]*\r?\n)+/g,
  /\n/g,
  /[.!?…]["'”’)\]]*(?:[ \t]*\r?\n|[ \t]+)|[。！？]["'”’)\]」』]*/g,
  /(?<=\S)[ \t\u3000]+/g,
]);

/** A break counts only where it leaves the piece at least half as long as it could be. */
export function halfway(start: number, end: number): number {
  return start + (end - start) / 2;
}

/** The last break of a kind in `text` from `half` on up to `end` that is `allowed`; null where there is none. */
export function lastBreak(
  text: string,
  { start, end, half }: { readonly start: number; readonly end: number; readonly half: number },
  kind: RegExp,
  allowed: (index: number) => boolean,
): number | null {
  const found: number[] = [];
  for (const match of text.slice(start, end).matchAll(kind)) {
    const at = start + match.index + match[0].length;
    if (at >= half) found.push(at);
  }
  return found.findLast(allowed) ?? null;
}
