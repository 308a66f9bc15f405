/**
 * Links, addresses and spans of code inside a paragraph, as places in its source. Looks at each character once, so that
 * no text makes it slow, and believes in more than a parser would: what only looks like a link is kept whole as well,
 * which costs a reader nothing.
 */
import type { Region } from "./markdown-shape.ts";
import type { Range } from "./places.ts";

/** In order, none inside another. */
export function inlineRegions(text: string, { start, end }: Range): readonly Region[] {
  const found = new Finder(text, end);
  let at = start;
  while (at < end) at = found.step(at);
  return found.regions;
}

// What may stand behind a link's text, and what stands for itself. Lengths are bounded so that a look has an end.
const target =
  /\(\s{0,9}(?:<[^<>\n]*>|[^\s()<]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s{1,9}(?:"[^"]{0,500}"|'[^']{0,500}'|\([^()]{0,500}\)))?\s{0,9}\)/y;
const reference = /\[[^[\]]{0,500}\]/y;
const tag = /<(?:[a-z][a-z0-9+.-]{1,31}:[^\s<>]*|\/?[a-z][^<>]*|[^\s<>@]+@[^\s<>]+)>/iy;
const address = /https?:\/\/[^\s<>"'`]+/iy;

class Finder {
  readonly regions: Region[] = [];
  readonly #text: string;
  readonly #end: number;
  /** Places of brackets that are still open. */
  readonly #open: number[] = [];
  /** Runs of backticks that are still to come, by length: their places, nearest last. */
  #runs: Map<number, number[]> | null = null;

  constructor(text: string, end: number) {
    this.#text = text;
    this.#end = end;
  }

  /** Looks at what stands at a place, and returns where to look next. */
  step(at: number): number {
    switch (this.#text.charAt(at)) {
      case "\\":
        return at + 2;
      case "`":
        return this.#code(at);
      case "<":
        return this.#match(tag, at) ?? at + 1;
      case "[":
        this.#open.push(at);
        return at + 1;
      case "]":
        return this.#link(at);
      case "h":
      case "H":
        return this.#match(address, at) ?? at + 1;
      default:
        return at + 1;
    }
  }

  #match(pattern: RegExp, at: number): number | null {
    const until = this.#endOf(pattern, at);
    if (until !== null) this.#keep(at, until);
    return until;
  }

  #endOf(pattern: RegExp, at: number): number | null {
    pattern.lastIndex = at;
    const found = pattern.test(this.#text) && pattern.lastIndex <= this.#end ? pattern.lastIndex : null;
    pattern.lastIndex = 0;
    return found;
  }

  #link(at: number): number {
    const opened = this.#open.pop();
    if (opened === undefined) return at + 1;
    const until = this.#endOf(target, at + 1) ?? this.#endOf(reference, at + 1);
    if (until === null) return at + 1;
    this.#keep(this.#text.charAt(opened - 1) === "!" ? opened - 1 : opened, until);
    return until;
  }

  #code(at: number): number {
    let after = at;
    while (after < this.#end && this.#text.charAt(after) === "`") after += 1;
    this.#runs ??= this.#runsFrom(at);
    const places = this.#runs.get(after - at) ?? [];
    while ((places.at(-1) ?? Infinity) <= at) places.pop();
    const closing = places.at(-1);
    if (closing === undefined) return after;
    const until = closing + (after - at);
    this.#keep(at, until);
    return until;
  }

  #runsFrom(start: number): Map<number, number[]> {
    const runs = new Map<number, number[]>();
    const pattern = /`+/g;
    for (const match of this.#text.slice(start, this.#end).matchAll(pattern)) {
      const places = runs.get(match[0].length) ?? [];
      places.push(start + match.index);
      runs.set(match[0].length, places);
    }
    for (const places of runs.values()) places.reverse();
    return runs;
  }

  /** What stands inside of it is no region of its own any more. */
  #keep(start: number, end: number): void {
    while ((this.regions.at(-1)?.start ?? -1) >= start) this.regions.pop();
    this.regions.push({ start, end, inside: [] });
  }
}
