/**
 * What a Markdown text is made of, as places in its own source: which regions a reader wants in one piece (a fence, a
 * table, a link, a span of code), and where its blocks and list items begin. Pure, never throws, and as fast as the
 * text is long: the blocks are the parser's, what stands inside a paragraph is found by one look at each character.
 */
import type { Token, Tokens } from "marked";
import { inlineRegions } from "./inline-regions.ts";
import { markdownBlocks, withUnixLines } from "./markdown-tokens.ts";
import { isClosed } from "./open-fence.ts";
import type { Range } from "./places.ts";

/** Kept in one piece where it fits. */
export interface Region {
  readonly start: number;
  readonly end: number;
  /** What it is cut into where it does not fit, in order and without gaps that matter; empty: at any character. */
  readonly inside: readonly Region[];
  readonly fence?: Fence;
}

/** How a fence has to be written again where it was cut. */
export interface Fence {
  /** What stands before it in its lines: indentation, and the marks of quotes around it. */
  readonly prefix: string;
  /** At least three backticks or tildes. */
  readonly marker: string;
  readonly info: string;
  /** False where the text ends before the fence does. */
  readonly closed: boolean;
}

/** All lists are in order and without overlaps. */
export interface MarkdownShape {
  readonly whole: readonly Region[];
  /** Where a block begins that does not belong to the heading before it. */
  readonly blocks: readonly number[];
  /** Where a block begins behind an empty line. */
  readonly paragraphs: readonly number[];
  readonly items: readonly number[];
  /** Outermost lists, whose lines are indented for a reason. */
  readonly lists: readonly Range[];
  /** Paragraphs outside of lists and quotes: what stands inside them begins no block, whatever it looks like. */
  readonly prose: readonly Range[];
}

export const noShape: MarkdownShape = Object.freeze({
  whole: [],
  blocks: [],
  paragraphs: [],
  items: [],
  lists: [],
  prose: [],
});

/** A marker longer than this is no fence that could be written again in each piece. */
const maxMarkerChars = 64;
/** What stands behind the marker is repeated with it up to this length. */
const maxInfoChars = 80;

export function markdownShape(source: string): MarkdownShape {
  const tokens = markdownBlocks(source);
  if (tokens === null) return noShape;
  const found = new Collector(withUnixLines(source));
  found.blocks(tokens);
  return found.shape;
}

class Collector {
  readonly shape = {
    whole: [] as Region[],
    blocks: [] as number[],
    paragraphs: [] as number[],
    items: [] as number[],
    lists: [] as Range[],
    prose: [] as Range[],
  };
  readonly #text: string;
  /** Where each line begins; one more for the end of the text. */
  readonly #lines: readonly number[];

  constructor(text: string) {
    this.#text = text;
    const lines = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.push(at + 1);
    lines.push(text.length);
    this.#lines = lines;
  }

  /** The outermost tokens. */
  blocks(tokens: readonly Token[]): void {
    let line = 0;
    let afterHeading = false;
    let afterEmptyLine = true;
    for (const token of tokens) {
      if (token.type !== "space") {
        const start = this.#lineStart(line);
        if (!afterHeading) this.shape.blocks.push(start);
        if (afterEmptyLine) this.shape.paragraphs.push(start);
        const range = this.#range(line, token.raw);
        if (token.type === "list") this.shape.lists.push(range);
        if (token.type === "paragraph") this.shape.prose.push(range);
        this.#visit(token, line);
        afterHeading = token.type === "heading";
      }
      afterEmptyLine = token.type === "space" || /\n[ \t]*\n$/.test(token.raw);
      line += newlines(token.raw);
    }
  }

  /** Tokens inside a list item or a quote: their raw text has lost what stood before each line, but no line. */
  #inner(tokens: readonly Token[], firstLine: number): void {
    let line = firstLine;
    for (const token of tokens) {
      this.#visit(token, line);
      line += newlines(token.raw);
    }
  }

  #visit(token: Token, line: number): void {
    switch (token.type) {
      case "code":
        if ((token as Tokens.Code).codeBlockStyle !== "indented") this.#fence(token.raw, line);
        return;
      case "table":
        this.#table(token.raw, line);
        return;
      case "list":
        this.#list(token as Tokens.List, line);
        return;
      case "blockquote":
        this.#inner((token as Tokens.Blockquote).tokens, line);
        return;
      case "paragraph":
      case "heading":
      case "text":
        for (const region of inlineRegions(this.#text, this.#range(line, token.raw))) this.#keep(region);
        return;
      default:
        return;
    }
  }

  #list({ items }: Tokens.List, firstLine: number): void {
    let line = firstLine;
    for (const item of items) {
      this.shape.items.push(this.#lineStart(line));
      this.#inner(item.tokens, line);
      line += newlines(item.raw);
    }
  }

  #fence(raw: string, line: number): void {
    const [, marker, info = ""] = /^ {0,3}(`{3,}|~{3,})([^\n]*)/.exec(raw) ?? [];
    if (marker === undefined || marker.length > maxMarkerChars) return;
    const last = line + newlines(raw.trimEnd());
    const opening = this.#text.slice(this.#lineStart(line), this.#lineStart(line + 1)).trimEnd();
    const at = opening.lastIndexOf((marker + info).trimEnd());
    // Where the lines were not what they seemed, nothing is known of them.
    if (at === -1) return;
    const closed = isClosed(raw, marker);
    const fence: Fence = {
      prefix: opening.slice(0, at).replaceAll(/[^\s>]/g, " "),
      marker,
      info: info.trim().length > maxInfoChars ? "" : info.trimEnd(),
      closed,
    };
    // Neither an opening line alone nor a closing one says anything: each stays with the line beside it.
    const inside = this.#lineRegions(line, last, { first: 2, last: closed ? 2 : 1 });
    // One that was never closed goes on to the end of what it stands in, empty lines and all.
    const end = this.#lineStart((closed ? last : line + newlines(raw.replace(/\n$/, ""))) + 1);
    this.#keep({ start: this.#lineStart(line), end, inside, fence });
  }

  #table(raw: string, line: number): void {
    const last = line + newlines(raw.trimEnd());
    // The head and the line under it make the table: one without the other is none.
    const rows = this.#lineRegions(line, last, { first: 2, last: 1 });
    const inside = rows.map((row) => ({ ...row, inside: inlineRegions(this.#text, row) }));
    this.#keep({ start: this.#lineStart(line), end: this.#lineStart(last + 1), inside });
  }

  /** One region for each line from `line` to `last`; so many of the first and of the last ones together. */
  #lineRegions(line: number, last: number, together: { first: number; last: number }): readonly Region[] {
    const starts = [line];
    for (let next = line + together.first; next <= last - together.last + 1; next += 1) starts.push(next);
    return starts.map((start, index) => ({
      start: this.#lineStart(start),
      end: this.#lineStart(starts[index + 1] ?? last + 1),
      inside: [],
    }));
  }

  #keep(region: Region): void {
    if (region.start >= (this.shape.whole.at(-1)?.end ?? 0) && region.end > region.start) this.shape.whole.push(region);
  }

  #range(line: number, raw: string): Range {
    return { start: this.#lineStart(line), end: this.#lineStart(line + newlines(raw.trimEnd()) + 1) };
  }

  #lineStart(line: number): number {
    return this.#lines[line] ?? this.#text.length;
  }
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
