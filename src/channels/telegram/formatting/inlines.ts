/** What stands inside a paragraph → text with marks. Markup that Telegram has no mark for is shown as it was written. */
import type { Token, Tokens } from "marked";
import { isEmphasisInWord } from "../../text/emphasis.ts";
import { decodeEntities } from "../../text/html-entities.ts";
import { linkMark } from "./links.ts";
import type { MarkedText } from "./marked-text.ts";

export function writeInlines(out: MarkedText, tokens: readonly Token[]): void {
  const parts = tokens.flatMap(withSpoilerBars);
  for (let index = 0; index < parts.length; index += 1) {
    const token = parts[index] as Token;
    const pair = pairFrom(parts, index);
    if (pair !== null) {
      out.mark({ type: pair.type }, () => writeInlines(out, parts.slice(index + 1, pair.end)));
      index = pair.end;
    } else if (isEmphasisInWord(out.before, token, parts[index + 1])) out.write(token.raw);
    else writeInline(out, token);
  }
}

function writeInline(out: MarkedText, token: Token): void {
  switch (token.type) {
    case "strong":
      return out.mark({ type: "bold" }, () => writeInlines(out, token.tokens ?? []));
    case "em":
      return out.mark({ type: "italic" }, () => writeInlines(out, token.tokens ?? []));
    case "del":
      return out.mark({ type: "strikethrough" }, () => writeInlines(out, token.tokens ?? []));
    case "codespan":
      return out.mark({ type: "code" }, () => out.write((token as Tokens.Codespan).text));
    case "br":
      return out.write("\n");
    case "link":
      return writeLink(out, (token as Tokens.Link).href, () => writeInlines(out, token.tokens ?? []));
    case "image": {
      const { href, text } = token as Tokens.Image;
      return writeLink(out, href, () => out.write(decodeEntities(text)));
    }
    case "escape":
      return out.write((token as Tokens.Escape).text);
    case "html":
      return out.write(/^<br\s*\/?>$/i.test(token.raw) ? "\n" : token.raw);
    case "checkbox":
      // The item that it belongs to shows it.
      return;
    default:
      if ("tokens" in token && Array.isArray(token.tokens)) return writeInlines(out, token.tokens as Token[]);
      return out.write(decodeEntities("text" in token && typeof token.text === "string" ? token.text : token.raw));
  }
}

/** An address that Telegram would not take is written behind the words, so that it is not lost. */
function writeLink(out: MarkedText, href: string, words: () => void): void {
  const before = out.text.length;
  const mark = linkMark(href);
  if (mark === null) words();
  else out.mark(mark, words);
  const shown = out.text.slice(before).trim();
  const address = decodeEntities(href);
  if (shown === "") {
    if (mark === null) out.write(address);
    else out.mark(mark, () => out.write(address));
  } else if (mark === null && address !== "" && address !== shown && address !== `mailto:${shown}`) {
    out.write(` (${address})`);
  }
}

interface Pair {
  readonly type: string;
  /** Where its end stands. */
  readonly end: number;
}

/** A tag or a spoiler that begins here and ends among its siblings. */
function pairFrom(tokens: readonly Token[], start: number): Pair | null {
  const token = tokens[start];
  if (token?.type === spoilerBar) {
    const end = tokens.findIndex((other, index) => index > start && other.type === spoilerBar && closes(tokens, index));
    return opens(tokens, start) && end > start + 1 ? { type: "spoiler", end } : null;
  }
  if (token?.type !== "html") return null;
  const [, name = ""] = /^<([a-z-]+)(?: class="tg-spoiler")?>$/i.exec(token.raw) ?? [];
  const type = Object.hasOwn(tags, name.toLowerCase()) ? tags[name.toLowerCase()] : undefined;
  if (type === undefined || (name.toLowerCase() === "span" && !token.raw.includes("tg-spoiler"))) return null;
  const closing = `</${name}>`.toLowerCase();
  const end = tokens.findIndex((other, index) => index > start && other.raw.toLowerCase() === closing);
  return end > start ? { type, end } : null;
}

const tags: Readonly<Record<string, string>> = {
  u: "underline",
  ins: "underline",
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  span: "spoiler",
};

const spoilerBar = "spoiler-bar";

/** A text with bars in it becomes what stands between them, and them. */
function withSpoilerBars(token: Token): readonly Token[] {
  if (token.type !== "text" || "tokens" in token || !token.raw.includes("||")) return [token];
  return token.raw
    .split(/(\|\|)/)
    .filter((raw) => raw !== "")
    .map((raw): Token => ({ type: raw === "||" ? spoilerBar : "text", raw, text: raw }));
}

/** As in Telegram's own apps, a bar opens before what is no space and closes behind it: a || b is no secret. */
function opens(tokens: readonly Token[], index: number): boolean {
  return /^\S/.test(tokens[index + 1]?.raw ?? "");
}

function closes(tokens: readonly Token[], index: number): boolean {
  return /\S$/.test(tokens[index - 1]?.raw ?? "");
}
