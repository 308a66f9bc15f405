/**
 * What is rendered of a slice of a Markdown text, so that it means by itself what it meant where it stood: a fence
 * that was cut is closed and opened again, lines of a list that begins elsewhere lose the indentation that would make
 * them code, and words that look like the beginning of a block, but stood inside a paragraph, are escaped.
 */
import type { ChunkMode } from "../contract.ts";
import type { Fence, MarkdownShape, Region } from "./markdown-shape.ts";
import { openFence } from "./open-fence.ts";
import { enclosing, lastUpTo } from "./places.ts";

export class ChunkText {
  readonly #source: string;
  readonly #shape: MarkdownShape;
  readonly #isMarkdown: boolean;
  readonly #fences: readonly Region[];

  constructor(source: string, shape: MarkdownShape, { max, mode }: { readonly max: number; readonly mode: ChunkMode }) {
    this.#source = source;
    this.#shape = shape;
    this.#isMarkdown = mode !== "text";
    // Where writing it again would take most of a chunk, it is left as it was cut.
    this.#fences = shape.whole.filter(({ fence }) => fence !== undefined && overheadChars(fence) <= max / 2);
  }

  of(start: number, end: number): string {
    const slice = this.#source.slice(start, end);
    if (!this.#isMarkdown) return bare(slice);
    const opening = enclosing(this.#fences, start)?.fence;
    const closing = enclosing(this.#fences, end);
    const list = this.#listAt(start, opening);
    const body = this.#outdented(slice, start, list);
    const text =
      opening === undefined
        ? this.#unambiguous(body.replace(emptyLines, ""), start)
        : reopened(opening, list.indent) + body;
    if (text === "") return "";
    const ended = closing?.fence === undefined ? text.trimEnd() : closed(text, closingLine(closing, list));
    // A fence that only a list or a quote ended is not ended by it any more.
    const beginsAsItWas = opening?.closed ?? this.#bordersBlock(start);
    const endsAsItWas = closing !== null || this.#bordersBlock(end);
    if (beginsAsItWas && endsAsItWas) return ended;
    return withoutOpenFence(ended, beginsAsItWas ? this.#lastBlock(ended, start, end) : ended);
  }

  /** Where a chunk begins as it was, so does each block in it, and only in the last one a fence can be open. */
  #lastBlock(text: string, start: number, end: number): string {
    const last = lastUpTo(this.#shape.blocks, end);
    return last !== null && last > start ? this.#source.slice(last, end) : text;
  }

  #bordersBlock(index: number): boolean {
    const { blocks, paragraphs } = this.#shape;
    return lastUpTo(blocks, index) === index || lastUpTo(paragraphs, index) === index;
  }

  /** The list that is cut at this place, and how far its lines are indented here. */
  #listAt(start: number, opening: Fence | undefined): CutList {
    const range = enclosing(this.#shape.lists, start);
    if (range === null) return noList;
    if (opening !== undefined) return { indent: opening.prefix.length, end: range.end };
    const line = this.#source.lastIndexOf("\n", start - 1) + 1;
    const shape = line === start ? /[ ]*/y : /[ ]*(?:[-*+]|\d{1,9}[.)])?[ ]*/y;
    shape.lastIndex = line;
    return { indent: shape.exec(this.#source)?.[0].length ?? 0, end: range.end };
  }

  #outdented(slice: string, start: number, { indent, end }: CutList): string {
    if (indent === 0) return slice;
    const pattern = new RegExp(`(?<=\\n)[ ]{1,${indent}}`, "g");
    const listed = slice.slice(0, end - start).replaceAll(pattern, "");
    const beginsLine = this.#source.charAt(start - 1) === "\n";
    return (beginsLine ? outdent(listed, indent) : listed) + slice.slice(end - start);
  }

  #unambiguous(text: string, start: number): string {
    const beginsLine = start === 0 || this.#source.charAt(start - 1) === "\n";
    if (beginsLine && enclosing(this.#shape.prose, start) === null) return text;
    const words = text.replace(/^[ \t]+/, "");
    return words.replace(blockMark, "$1\\$2");
  }
}

/** A list that begins before the chunk does. */
interface CutList {
  /** What its lines lose of their indentation. */
  readonly indent: number;
  /** Where it ends: lines behind it are indented for reasons of their own, and lose nothing. */
  readonly end: number;
}

const noList: CutList = Object.freeze({ indent: 0, end: 0 });

const emptyLines = /^(?:[ \t]*\r?\n)+/;

/** What would begin a heading, a list, a quote, a rule, a fence or a definition; the second group is made harmless. */
const blockMark =
  /^(\d{1,9})?((?<=\d)[.)](?=\s|$)|(?<!\d)(?:[-+*](?=\s|$)|#{1,6}(?=\s|$)|>|`{3,}(?=[^`\n]*(?:\n|$))|~{3}|([-*_])(?:[ \t]*\3)*[ \t]*(?=\n|$)|\[(?=[^\]\n]*\]:)))/;

function bare(text: string): string {
  return text.replace(emptyLines, "").trimEnd();
}

function outdent(line: string, indent: number): string {
  let at = 0;
  while (at < indent && line.charAt(at) === " ") at += 1;
  return line.slice(at);
}

function overheadChars({ prefix, marker, info }: Fence): number {
  return 2 * (prefix.length + marker.length + 1) + info.length;
}

/** Indented as far as the lines of the fence are in this chunk. */
function closingLine({ start, fence }: Region, list: CutList): string {
  const { prefix = "", marker = "" } = fence ?? {};
  return (start < list.end ? outdent(prefix, list.indent) : prefix) + marker;
}

function closed(text: string, closing: string): string {
  return `${text}${text.endsWith("\n") ? "" : "\n"}${closing}`;
}

/**
 * Where a block was cut, what was no fence can look like one: three backticks inside HTML are text, and begin a fence
 * where nothing of the HTML is left before them; so do those of a span of code whose end is in the next chunk. And a text
 * may never have closed its own last fence. `tail` is the part of the text that can have such a fence in it.
 */
function withoutOpenFence(text: string, tail: string): string {
  if (!/`{3}|~{3}/.test(tail)) return text;
  const open = openFence(tail);
  return open === null ? text : closed(text, open);
}

function reopened({ prefix, marker, info }: Fence, indent: number): string {
  return `${outdent(prefix, indent)}${marker}${info}\n`;
}
