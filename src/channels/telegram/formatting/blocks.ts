/** The blocks of a Markdown text → text with marks, as Telegram can show them. */
import type { Token, Tokens } from "marked";
import { writeInlines } from "./inlines.ts";
import { MarkedText, withAddresses } from "./marked-text.ts";
import { alignedTable } from "./table.ts";

export function writeBlocks(out: MarkedText, tokens: readonly Token[]): void {
  /** The block before, and what stands behind it; null before the first. */
  let before: string | null = null;
  for (const token of tokens) {
    if (token.type === "checkbox") continue;
    if (token.type === "space" || token.type === "def") {
      if (before !== null) before += token.raw;
      continue;
    }
    // Blocks stand as far from each other as they were written.
    if (before !== null) out.break(/\n[ \t]*\n\s*$/.test(before) ? 2 : 1);
    writeBlock(out, token);
    before = token.raw;
  }
}

function writeBlock(out: MarkedText, token: Token): void {
  switch (token.type) {
    case "heading":
      return out.mark({ type: "bold" }, () => writeInlines(out, token.tokens ?? []));
    case "code":
      return out.preformatted((token as Tokens.Code).text, languageOf(token as Tokens.Code));
    case "blockquote":
      return quote(out, token as Tokens.Blockquote);
    case "list":
      return list(out, token as Tokens.List);
    case "table":
      return table(out, token as Tokens.Table);
    case "hr":
      return out.write("———");
    case "html":
      return out.write(token.raw.trim());
    default:
      return writeInlines(out, [token]);
  }
}

function languageOf({ lang }: Tokens.Code): string {
  return /^[\w+#.-]{1,32}/.exec(lang ?? "")?.[0] ?? "";
}

function quote(out: MarkedText, { tokens }: Tokens.Blockquote): void {
  const inside = out.isMarked("blockquote");
  if (!inside) {
    out.mark({ type: "blockquote" }, () => writeBlocks(out, tokens));
    return;
  }
  // Telegram knows no quote in a quote.
  out.write("> ");
  out.indented("> ", () => writeBlocks(out, tokens));
}

function list(out: MarkedText, { items, ordered, start, loose }: Tokens.List): void {
  for (const [index, item] of items.entries()) {
    if (index > 0) out.break(loose ? 2 : 1);
    const box = item.task ? (item.checked === true ? "☑ " : "☐ ") : "";
    out.write(ordered ? `${Number(start) + index}. ${box}` : box === "" ? "• " : box);
    out.indented("  ", () => writeBlocks(out, item.tokens));
  }
}

function table(out: MarkedText, { header, rows, align }: Tokens.Table): void {
  const cells = [header, ...rows].map((row) => row.map(({ tokens }) => plainCell(tokens)));
  out.preformatted(alignedTable(cells, align), "");
}

/** In a table nothing can be a link, so addresses are written out. */
function plainCell(tokens: readonly Token[]): string {
  const cell = new MarkedText();
  writeInlines(cell, tokens);
  return withAddresses(cell.finish()).replaceAll(/\s*\n\s*/g, " ");
}
