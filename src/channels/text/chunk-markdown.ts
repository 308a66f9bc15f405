/**
 * Cuts a text into chunks that fit what a platform takes, as the platform will count them. The sources of the chunks
 * joined are the text, exactly. What a reader wants in one piece stays in one piece where it fits; a fence that does
 * not is closed at the end of a chunk and opened again in the next.
 */
import type { ChunkMode } from "../contract.ts";
import { breaks, halfway, lastBreak } from "./breaks.ts";
import { charactersOf, wholePoint, type Characters } from "./characters.ts";
import { ChunkText } from "./chunk-text.ts";
import { markdownShape, noShape, type MarkdownShape, type Region } from "./markdown-shape.ts";
import { enclosing, lastUpTo } from "./places.ts";

export interface Chunk {
  /** Its part of the text, as it was. */
  readonly source: string;
  /** What is rendered of it: without the empty lines around it, complete in itself. Empty where nothing is to be seen. */
  readonly text: string;
}

export interface ChunkOptions {
  readonly max: number;
  readonly mode: ChunkMode;
  /**
   * What the platform will count of a chunk's `text`; UTF-16 units as they are where absent. Anything may be said of it
   * but that it depends on nothing else; `Infinity` is too large for another reason.
   */
  readonly size?: (text: string) => number;
}

/** Each chunk is at most `max`, unless one character alone is larger. No text, no chunk. */
export function chunkMarkdown(markdown: string, options: ChunkOptions): readonly Chunk[] {
  const shape = options.mode === "text" ? noShape : markdownShape(markdown);
  const chunker = new Chunker(markdown, shape, options);
  const ends = options.mode === "paragraph" ? [...shape.paragraphs.slice(1), markdown.length] : [markdown.length];
  const chunks: Chunk[] = [];
  let start = 0;
  for (const end of ends) {
    while (start < end) {
      const cut = chunker.next(start, end);
      chunks.push({ source: markdown.slice(start, cut), text: chunker.text.of(start, cut) });
      start = cut;
    }
  }
  return chunks;
}

/** A chunk that is this near to full is full: looking for the last character would cost more than it shows. */
const fullEnough = 0.98;
/** What a guess aims at, so that it is full enough whether it turns out a little more or a little less. */
const aim = 0.99;
/** How much further a look goes at most than the one before it. */
const maxGrowth = 8;

class Chunker {
  readonly text: ChunkText;
  readonly #source: string;
  readonly #shape: MarkdownShape;
  readonly #characters: Characters;
  readonly #max: number;
  readonly #measure: (text: string) => number;
  /** Regions that were too large to be kept whole. */
  readonly #opened = new Set<Region>();
  /** What was measured of the chunk that is looked for, by where it would end. */
  readonly #sizes = new Map<number, number>();
  /** How far the chunk before this one could have gone: this one is likely to be like it. */
  #usual: number;

  constructor(source: string, shape: MarkdownShape, options: ChunkOptions) {
    this.#source = source;
    this.#shape = shape;
    this.#characters = charactersOf(source);
    this.#max = options.max;
    this.#usual = options.max;
    this.#measure = options.size ?? ((text) => text.length);
    this.text = new ChunkText(source, shape, options);
  }

  /** Where the chunk that begins at `start` ends; behind `start` in any case, at most at `limit`. */
  next(start: number, limit: number): number {
    this.#sizes.clear();
    for (;;) {
      const reach = this.#furthest(start, limit);
      if (reach === limit) return limit;
      if (reach !== null) this.#usual = reach - start;
      const tooLarge = reach === null ? this.#blocking(this.#endOfCharacter(start)) : this.#worthCutting(start, reach);
      if (tooLarge !== null) this.#opened.add(tooLarge);
      else return reach === null ? this.#hardCut(start, limit) : this.#bestCut(start, reach);
    }
  }

  /** A region that needs several chunks anyway begins in this one where there is much room left; null where it waits. */
  #worthCutting(start: number, reach: number): Region | null {
    const region = this.#blocking(reach + 1);
    if (region === null || region.inside.length < 2) return null;
    return this.#size(start, reach) < this.#max / 2 && this.#isTooLarge(region) ? region : null;
  }

  #isTooLarge({ start, end }: Region): boolean {
    return this.#measure(this.text.of(start, end)) > this.#max;
  }

  /** Of the chunk that begins at `start`, which is the same until the next one is looked for. */
  #size(start: number, end: number): number {
    const known = this.#sizes.get(end);
    if (known !== undefined) return known;
    const size = this.#measure(this.text.of(start, end));
    this.#sizes.set(end, size);
    return size;
  }

  /** The furthest place at which the chunk may be cut and still fits; null where there is none. */
  #furthest(start: number, limit: number): number | null {
    let fits = { at: start, size: 0 };
    let tooFar = { at: limit + 1, size: Infinity };
    let guess = start + this.#usual;
    for (let round = 0; ; round += 1) {
      const at = this.#cutNear(Math.min(guess, limit), { start, fits: fits.at, limit });
      if (at >= tooFar.at) break;
      const size = this.#size(start, at);
      if (size > this.#max) tooFar = { at, size };
      else {
        fits = { at, size };
        // Where little is left behind it, all of it may fit.
        const ends = tooFar.at <= limit || limit - at > this.#max;
        if (at === limit || (ends && size >= this.#max * fullEnough)) break;
      }
      if (tooFar.at - fits.at <= 1) break;
      guess = this.#guess({ start, fits, tooFar, limit, round });
    }
    return fits.at > start ? fits.at : null;
  }

  #guess({ start, fits, tooFar, limit, round }: Search): number {
    if (tooFar.at > limit) {
      const growth = fits.size === 0 ? maxGrowth : Math.min((this.#max * aim) / fits.size, maxGrowth);
      return Math.max(fits.at + 1, start + Math.ceil((fits.at - start) * growth));
    }
    const gap = tooFar.at - fits.at;
    const straight = (gap * (this.#max * aim - fits.size)) / (tooFar.size - fits.size);
    // Every other time by halves, so that a size that jumps is found as well as one that grows.
    const step = round % 2 === 0 && Number.isFinite(tooFar.size) ? Math.floor(straight) : Math.floor(gap / 2);
    return fits.at + Math.min(Math.max(step, 1), gap - 1);
  }

  /** The nearest place before `guess` where a cut is allowed, or the first one behind what is known to fit. */
  #cutNear(guess: number, { start, fits, limit }: { start: number; fits: number; limit: number }): number {
    const before = this.#allowedBefore(guess, start);
    return before > fits ? before : Math.min(this.#allowedAfter(fits), limit);
  }

  #allowedBefore(index: number, start: number): number {
    let at = index;
    for (;;) {
      const region = this.#blocking(at);
      const next = region === null ? this.#characters.borderBefore(at, start) : region.start;
      if (next >= at) return at;
      if (next <= start) return start;
      at = next;
    }
  }

  #allowedAfter(index: number): number {
    let at = this.#endOfCharacter(index);
    for (;;) {
      const region = this.#blocking(at);
      const border = region === null ? this.#characters.borderBefore(at, index) : at;
      const next = region?.end ?? (border === at ? at : this.#endOfCharacter(border));
      if (next <= at) return at;
      at = next;
    }
  }

  /** A character of more units than this cannot fit, whatever they are counted in. */
  #characterReach(): number {
    return this.#max * 4 + 4;
  }

  #endOfCharacter(index: number): number {
    return this.#characters.endOf(index, this.#characterReach());
  }

  #isAllowed(index: number, start: number): boolean {
    return this.#blocking(index) === null && this.#characters.borderBefore(index, start) === index;
  }

  /** The region that a cut at this place would cut in two, as far as it has not been opened. */
  #blocking(index: number): Region | null {
    let region = enclosing(this.#shape.whole, index);
    while (region !== null && this.#opened.has(region)) region = enclosing(region.inside, index);
    return region;
  }

  /** At or before `reach`, where a reader minds least. */
  #bestCut(start: number, reach: number): number {
    const half = halfway(start, reach);
    const fits = (at: number): boolean => this.#isAllowed(at, start) && this.#size(start, at) <= this.#max;
    for (const borders of [this.#shape.blocks, this.#shape.items]) {
      const border = lastUpTo(borders, reach);
      if (border !== null && border >= half && border > start && fits(border)) return border;
    }
    for (const kind of breaks) {
      const cut = lastBreak(this.#source, { start, end: reach, half }, kind, (at) => this.#isAllowed(at, start));
      if (cut !== null && cut > start && this.#size(start, cut) <= this.#max) return cut;
    }
    return reach;
  }

  /** Between two code points where not even one visible character fits; one code point in any case. */
  #hardCut(start: number, limit: number): number {
    let fits = start + (wholePoint(this.#source, start + 1) === start ? 2 : 1);
    let tooFar = Math.min(limit, start + this.#characterReach()) + 1;
    while (tooFar - fits > 1) {
      const middle = Math.floor((fits + tooFar) / 2);
      const at = wholePoint(this.#source, middle);
      if (at <= fits || this.#size(start, at) > this.#max) tooFar = middle;
      else fits = at;
    }
    // A joiner alone would be a chunk in which nothing can be seen: it stays between what it joins.
    const beforeJoined = wholePoint(this.#source, fits - 1);
    const splitsJoin = this.#source.charAt(fits) === "\u200d" && beforeJoined > start;
    return Math.min(splitsJoin ? beforeJoined : fits, limit);
  }
}

interface Search {
  readonly start: number;
  readonly fits: { readonly at: number; readonly size: number };
  readonly tooFar: { readonly at: number; readonly size: number };
  readonly limit: number;
  readonly round: number;
}
