/** A table as lines of equal columns, for a font in which every character has the same width. */
import type { Tokens } from "marked";

/** Wider columns than this are not filled up: no screen of a telephone shows them in one line. */
const maxColumnWidth = 30;

/** `cells` has the head first. Rows may be shorter than it. */
export function alignedTable(cells: readonly (readonly string[])[], align: Tokens.Table["align"]): string {
  const count = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_none, column) =>
    Math.max(1, ...cells.map((row) => widthOf(row[column] ?? "")).filter((width) => width <= maxColumnWidth)),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => padded(row[column] ?? "", width, align[column] ?? null))
      .join(" | ")
      .trimEnd();
  const [head = [], ...rows] = cells;
  const rule = widths.map((width) => "-".repeat(width)).join("-|-");
  return [line(head), rule, ...rows.map(line)].join("\n");
}

function padded(text: string, width: number, align: Tokens.Table["align"][number]): string {
  const missing = Math.max(0, width - widthOf(text));
  const before = align === "right" ? missing : align === "center" ? Math.floor(missing / 2) : 0;
  return " ".repeat(before) + text + " ".repeat(missing - before);
}

/** Han, kana, Hangul, full-width forms and emoji take the room of two letters; marks over letters take none. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/[\p{M}\p{Cf}]/u.test(character)) continue;
    const wide =
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}
