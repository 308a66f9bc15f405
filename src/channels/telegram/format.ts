/**
 * Markdown → what Telegram shows: a text, and marks over it that are sent beside it, so that nothing that anybody writes
 * can be taken for markup. Pure, and never throws.
 */
import type { Rendered, RenderOptions } from "../contract.ts";
import { chunkMarkdown } from "../text/chunk-markdown.ts";
import { markdownDefinitions, MarkdownReader } from "../text/markdown-tokens.ts";
import { writeBlocks } from "./formatting/blocks.ts";
import { MarkedText, withAddresses, type FormattedText } from "./formatting/marked-text.ts";

/** More marks than this Telegram drops without a word. */
const maxEntities = 100;
/** What Telegram takes as one text, in UTF-16 units. */
const maxTextChars = 4_096;
/** Beyond this a text is taken as it is: reading structure into it would cost more than it shows. */
const maxMarkdownChars = 100_000;

export interface TelegramFormat {
  readonly entities: FormattedText["entities"];
}

export interface TelegramPiece extends Rendered {
  /** Absent where the text is all there is. */
  readonly format?: TelegramFormat;
}

/** Each piece is at most `max` UTF-16 units of text, none is empty. */
export function renderTelegram(markdown: string, { max, mode }: RenderOptions): readonly TelegramPiece[] {
  const source = markdown.toWellFormed();
  if (mode === "text" || source.length > maxMarkdownChars) {
    const texts = chunkMarkdown(source, { max, mode: "text" }).map(({ text }) => text.trim());
    return texts.filter((text) => text !== "").map((text) => ({ text }));
  }
  const format = new Formatter(source, max);
  return chunkMarkdown(source, { max, mode, size: (text) => format.sizeOf(text) }).flatMap((chunk) => {
    const { text, entities } = format.of(chunk.text);
    if (text === "") return [];
    return [entities.length === 0 ? { text } : { text, format: { entities } }];
  });
}

/** What is sent where Telegram refuses the marks: the same words, and the addresses of links where there is room. */
export function plainOf({ text, format }: TelegramPiece): string {
  const plain = withAddresses({ text, entities: format?.entities ?? [] });
  return plain.length <= maxTextChars ? plain : text;
}

/** Formats parts of one document, most of them again and again, each a little longer or shorter than before. */
class Formatter {
  readonly #reader: MarkdownReader;
  readonly #max: number;
  readonly #known = new Map<string, FormattedText>();

  constructor(source: string, max: number) {
    this.#reader = new MarkdownReader(markdownDefinitions(source));
    this.#max = max;
  }

  of(markdown: string): FormattedText {
    const known = this.#known.get(markdown);
    if (known !== undefined) return known;
    const found = this.#written(markdown)?.finish() ?? asItIs(markdown);
    this.#known.set(markdown, found);
    return found;
  }

  /** What Telegram would count: characters or, where a piece is nearer to being full of them, marks. */
  sizeOf(markdown: string): number {
    const written = this.#known.has(markdown) ? null : this.#written(markdown);
    // Marks that touch become one, but hardly half of them: to bring thousands into order takes long.
    if (written !== null && written.marks > 2 * maxEntities) return this.#sizeOfMarks(written.marks);
    const found = this.#known.get(markdown) ?? written?.finish() ?? asItIs(markdown);
    this.#known.set(markdown, found);
    return Math.max(found.text.length, this.#sizeOfMarks(found.entities.length));
  }

  /** As many marks as a piece may have make it exactly full. */
  #sizeOfMarks(count: number): number {
    return (this.#max * count) / maxEntities;
  }

  /** Null for what cannot be read; it is shown as it was written, which loses nothing. */
  #written(markdown: string): MarkedText | null {
    const tokens = this.#reader.tokens(markdown);
    if (tokens === null) return null;
    const out = new MarkedText();
    writeBlocks(out, tokens);
    return out;
  }
}

function asItIs(markdown: string): FormattedText {
  return { text: markdown.trim(), entities: [] };
}
