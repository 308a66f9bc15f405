/** Markdown → what Telegram shows. A plain stand-in: the text as it was written, cut to size. */
import type { Rendered, RenderOptions } from "../contract.ts";
import { textPieces } from "../text/text-pieces.ts";

export function renderTelegram(markdown: string, { max }: RenderOptions): readonly Rendered[] {
  return textPieces(markdown.toWellFormed(), max, "utf16")
    .filter((text) => text.trim() !== "")
    .map((text) => ({ text }));
}
