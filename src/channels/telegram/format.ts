/**
 * Markdown → what Telegram shows: a text, and marks over it that are sent beside it, so that nothing that anybody writes
 * can be taken for markup. Pure, and never throws.
 */
import type { Rendered, RenderOptions } from "../contract.ts";
import { chunkMarkdown } from "../text/chunk-markdown.ts";
import { markdownDefinitions, markdownTokens, type Definitions } from "../text/markdown-tokens.ts";
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
  const definitions = markdownDefinitions(source);
  const size = (text: string): number => sizeOf(text, definitions);
  return chunkMarkdown(source, { max, mode, size }).flatMap((chunk) => {
    const { text, entities } = formatted(chunk.text, definitions);
    if (text === "") return [];
    return [entities.length === 0 ? { text } : { text, format: { entities } }];
  });
}

/** What is sent where Telegram refuses the marks: the same words, and the addresses of links where there is room. */
export function plainOf({ text, format }: TelegramPiece): string {
  const plain = withAddresses({ text, entities: format?.entities ?? [] });
  return plain.length <= maxTextChars ? plain : text;
}

function formatted(markdown: string, definitions: Definitions): FormattedText {
  return written(markdown, definitions)?.finish() ?? asItIs(markdown);
}

/** Null for what cannot be read; it is shown as it was written, which loses nothing. */
function written(markdown: string, definitions: Definitions): MarkedText | null {
  const tokens = markdownTokens(markdown, definitions);
  if (tokens === null) return null;
  const out = new MarkedText();
  writeBlocks(out, tokens);
  return out;
}

function asItIs(markdown: string): FormattedText {
  return { text: markdown.trim(), entities: [] };
}

/** What Telegram would count; without end where it would not take all the marks. */
function sizeOf(markdown: string, definitions: Definitions): number {
  const out = written(markdown, definitions);
  // Marks that touch become one, but hardly half of them: to bring thousands into order takes long.
  if (out !== null && out.marks > 2 * maxEntities) return Infinity;
  const { text, entities } = out?.finish() ?? asItIs(markdown);
  return entities.length > maxEntities ? Infinity : text.length;
}
