/**
 * Markdown → what IRC can show: plain lines, each short enough for one message. Pure, and never throws. Marks are kept
 * as the plain characters people on IRC write themselves; control codes are not used, since rooms that forbid them
 * refuse the whole message.
 */
import type { Token, Tokens } from "marked";
import type { Attachment } from "../../domain/message.ts";
import type { RenderOptions } from "../contract.ts";
import { chunkMarkdown } from "../text/chunk-markdown.ts";
import { isEmphasisInWord } from "../text/emphasis.ts";
import { decodeEntities } from "../text/html-entities.ts";
import { markdownTokens } from "../text/markdown-tokens.ts";
import { textPieces, textSize } from "../text/text-pieces.ts";

/** Beyond this a text is taken as it is: reading structure into it would cost more than it shows. */
const maxMarkdownChars = 100_000;

/** Lines to send, none empty, none longer than `max` bytes as UTF-8. */
export function renderLines(markdown: string, { max, mode }: RenderOptions): readonly string[] {
  if (mode === "text" || markdown.length > maxMarkdownChars) return fitLines(markdown, max);
  // A line is a message here, so a chunk may have any number of lines; only where one is too long the source is cut.
  const size = (text: string): number =>
    Math.max(0, ...linesOf(markdownToText(text)).map((line) => textSize(line, "byte")));
  return chunkMarkdown(markdown, { max, mode, size }).flatMap(({ text }) => fitLines(markdownToText(text), max));
}

/** Any text as lines that can be sent: without control characters, within the limit, none empty. */
export function fitLines(text: string, maxBytes: number): readonly string[] {
  return linesOf(text)
    .flatMap((line) => textPieces(line, maxBytes, "byte"))
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

function linesOf(text: string): readonly string[] {
  return text
    .toWellFormed()
    .split(/\r\n|[\r\n\v\f\u0085\u2028\u2029]/)
    .map(withoutControls);
}

/** What IRC shows of a file. */
export function attachmentLine(attachment: Attachment): string {
  const name = attachment.fileName ?? attachment.mimeType ?? "";
  const address = attachment.url ?? "(cannot be shown on IRC)";
  return [`[${attachment.type}]`, name, address].filter((part) => part !== "").join(" ");
}

/** What cannot be read is shown as it was written, which loses nothing. */
function markdownToText(markdown: string): string {
  const tokens = markdownTokens(markdown);
  return tokens === null ? markdown : blocks(tokens).join("\n");
}

function blocks(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap((token) => block(token).split("\n")).filter((line) => line.trim() !== "");
}

function block(token: Token): string {
  switch (token.type) {
    case "heading":
    case "paragraph":
    case "text":
      return inline(token);
    case "code":
      return (token as Tokens.Code).text;
    case "blockquote":
      return blocks((token as Tokens.Blockquote).tokens)
        .map((line) => `> ${line}`)
        .join("\n");
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "hr":
      return "---";
    case "space":
      return "";
    case "def":
      return definition(token as Tokens.Def);
    default:
      // HTML and whatever comes new: as it was written.
      return token.raw;
  }
}

function definition({ tag, href, title }: Tokens.Def): string {
  return `[${tag}]: ${href}${title === undefined ? "" : ` "${title}"`}`;
}

function list({ items, ordered, start }: Tokens.List): string {
  return items
    .map((item, index) => {
      const mark = ordered ? `${Number(start) + index}. ` : "- ";
      const box = item.task ? `[${item.checked === true ? "x" : " "}] ` : "";
      const [first = "", ...rest] = blocks(item.tokens.filter((token) => token.type !== "checkbox"));
      return [`${mark}${box}${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
    })
    .join("\n");
}

function table({ header, rows }: Tokens.Table): string {
  return [header, ...rows].map((row) => row.map((cell) => inlines(cell.tokens)).join(" | ")).join("\n");
}

function inlines(tokens: readonly Token[]): string {
  let shown = "";
  for (const [index, token] of tokens.entries()) {
    shown += isEmphasisInWord(shown, token, tokens[index + 1]) ? token.raw : inline(token);
  }
  return shown;
}

function inline(token: Token): string {
  switch (token.type) {
    case "strong":
      return `*${inlines(token.tokens ?? [])}*`;
    case "em":
      return `_${inlines(token.tokens ?? [])}_`;
    case "del":
      return `~${inlines(token.tokens ?? [])}~`;
    case "codespan":
      return `\`${(token as Tokens.Codespan).text}\``;
    case "br":
      return "\n";
    case "link":
      return link(inlines(token.tokens ?? []), token as Tokens.Link);
    case "image":
      return link(decodeEntities((token as Tokens.Image).text), token as Tokens.Image);
    case "escape":
      return (token as Tokens.Escape).text;
    case "html":
      return token.raw;
    default:
      if ("tokens" in token && Array.isArray(token.tokens)) return inlines(token.tokens as Token[]);
      return decodeEntities("text" in token && typeof token.text === "string" ? token.text : token.raw);
  }
}

function link(label: string, { href, title }: { readonly href: string; readonly title?: string | null }): string {
  const heading = title === undefined || title === null || title === "" ? "" : ` "${decodeEntities(title)}"`;
  if (heading === "" && (label === href || `mailto:${label}` === href)) return label;
  return label === "" ? `${href}${heading}` : `${label} (${href}${heading})`;
}

/** A tab is kept as space; every other control character could mean something to a client or a server. */
function withoutControls(line: string): string {
  return line.replaceAll("\t", "    ").replace(/[\x00-\x1f\x7f]/g, "");
}
