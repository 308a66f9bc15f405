/** Whether a fence was closed. The parser ends one at the end of the text, or of what it stands in, without a word. */
import type { Tokens } from "marked";
import { markdownBlocks } from "./markdown-tokens.ts";

/** The marker of a fence that is still open where the text ends; null where there is none. */
export function openFence(text: string): string | null {
  const last = markdownBlocks(text)?.findLast((token) => token.type !== "space");
  if (last?.type !== "code" || (last as Tokens.Code).codeBlockStyle === "indented") return null;
  const [, marker] = /^ {0,3}(`{3,}|~{3,})/.exec(last.raw) ?? [];
  return marker === undefined || isClosed(last.raw, marker) ? null : marker;
}

/** `raw` begins with the line of the marker. */
export function isClosed(raw: string, marker: string): boolean {
  const lines = raw.trimEnd().split("\n");
  const closing = lines.at(-1)?.trim() ?? "";
  return lines.length > 1 && /^(?:`+|~+)$/.test(closing) && closing.startsWith(marker);
}
