/**
 * `parse_mode` MarkdownV2 as the platform's published parser reads it: every reserved character is escaped or begins or
 * ends a mark, and a mark that is not closed is an error with its place in bytes.
 */
import { Refusal } from "../refusal.ts";
import type { Entity, FormattedText } from "./entity.ts";
import { wrongMarkup } from "./html.ts";
import { checkedLink, linkedEmojiId, linkedUserId } from "./link.ts";
import { sortEntities } from "./settle-entities.ts";

export function parseMarkdownV2(source: string): FormattedText | Refusal {
  return new MarkdownV2Parser(source).parse();
}

type Kind =
  | "Bold"
  | "Italic"
  | "Underline"
  | "Strikethrough"
  | "Spoiler"
  | "Code"
  | "Pre"
  | "PreCode"
  | "TextUrl"
  | "CustomEmoji"
  | "BlockQuote";

interface OpenMark {
  readonly kind: Kind;
  readonly language: string;
  /** Where its text begins. */
  readonly offset: number;
  /** Where it begins in the source. */
  readonly start: number;
}

/** What closes each; a quote ends with its last line. */
const closers: Readonly<Record<Exclude<Kind, "BlockQuote">, string>> = {
  Bold: "*",
  Italic: "_",
  Underline: "__",
  Strikethrough: "~",
  Spoiler: "||",
  Code: "`",
  Pre: "```",
  PreCode: "```",
  TextUrl: "]",
  CustomEmoji: "]",
};

const types: Partial<Readonly<Record<Kind, string>>> = {
  Bold: "bold",
  Italic: "italic",
  Underline: "underline",
  Strikethrough: "strikethrough",
  Spoiler: "spoiler",
  Code: "code",
  Pre: "pre",
  PreCode: "pre",
};

const reserved = "_*[]()~`>#+-=|{}.!\n";
const codeKinds: ReadonlySet<Kind> = new Set(["Code", "Pre", "PreCode"]);

class MarkdownV2Parser {
  readonly #source: string;
  readonly #open: OpenMark[] = [];
  readonly #entities: Entity[] = [];
  #at = 0;
  #text = "";
  #isInQuote = false;
  /** At the beginning of a line. */
  #mayQuote = true;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): FormattedText | Refusal {
    for (; this.#at < this.#source.length; this.#at += 1) {
      const wrong = this.#step();
      if (wrong !== null) return wrong;
    }
    if (this.#isInQuote) this.#closeLastQuote();
    const open = this.#open.at(-1);
    return open === undefined ? { text: this.#text, entities: sortEntities(this.#entities) } : this.#unclosed(open);
  }

  /** Leaves the place at the last character that it took. */
  #step(): Refusal | null {
    const character = this.#source.charAt(this.#at);
    const next = this.#source.charAt(this.#at + 1);
    if (character === "\\" && isEscapable(next)) {
      this.#at += 1;
      this.#write(next);
      return null;
    }
    const open = this.#open.at(-1);
    const isInCode = open !== undefined && codeKinds.has(open.kind);
    if (!(isInCode ? "`" : reserved).includes(character)) {
      this.#write(character);
      return null;
    }
    if (open === undefined) return this.#begin(character);
    if (this.#isInQuote && character === "\n" && next !== ">") return this.#endQuote(open);
    return this.#closes(open.kind) ? this.#end(open) : this.#begin(character);
  }

  #write(character: string): void {
    this.#text += character;
    if (character !== "\r") this.#mayQuote = character === "\n";
  }

  #closes(kind: Kind): boolean {
    if (kind === "BlockQuote" || !this.#source.startsWith(closers[kind], this.#at)) return false;
    // Two underscores are never two ends of italics.
    return kind !== "Italic" || this.#source.charAt(this.#at + 1) !== "_";
  }

  #begin(character: string): Refusal | null {
    if (character === "\n") {
      this.#write(character);
      return null;
    }
    if (character === ">" && this.#mayQuote) {
      if (!this.#isInQuote) this.#push("BlockQuote", this.#at);
      this.#isInQuote = true;
      return null;
    }
    const start = this.#at;
    const kind = this.#kindHere(character);
    if (kind === null) {
      return wrongMarkup(`Character '${character}' is reserved and must be escaped with the preceding '\\'`);
    }
    if (kind === "Pre") this.#beginPre(start);
    else {
      this.#at += kind === "Underline" || kind === "Spoiler" || kind === "CustomEmoji" ? 1 : 0;
      this.#push(kind, start);
    }
    return null;
  }

  #kindHere(character: string): Kind | null {
    const has = (text: string): boolean => this.#source.startsWith(text, this.#at);
    switch (character) {
      case "_":
        return has("__") ? "Underline" : "Italic";
      case "*":
        return "Bold";
      case "~":
        return "Strikethrough";
      case "|":
        return has("||") ? "Spoiler" : null;
      case "[":
        return "TextUrl";
      case "!":
        return has("![") ? "CustomEmoji" : null;
      case "`":
        return has("```") ? "Pre" : "Code";
      default:
        return null;
    }
  }

  /** The word behind the ticks is the language, unless a tick follows it; one line break behind it is skipped. */
  #beginPre(start: number): void {
    const rest = this.#source.slice(start + 3);
    const language = /^[^\s`]+(?=[^`])/.exec(rest)?.[0] ?? "";
    const isWhole = language !== "" && /^\s/.test(rest.slice(language.length));
    const taken = isWhole ? language.length : 0;
    const lineBreak = /^(?:\r\n|\n\r|\n|\r)/.exec(rest.slice(taken))?.[0] ?? "";
    this.#at = start + 3 + taken + lineBreak.length - 1;
    this.#push(isWhole ? "PreCode" : "Pre", start, isWhole ? language : "");
  }

  #push(kind: Kind, start: number, language = ""): void {
    this.#open.push({ kind, language, offset: this.#text.length, start });
  }

  #end(open: OpenMark): Refusal | null {
    this.#open.pop();
    const place = { offset: open.offset, length: this.#text.length - open.offset };
    if (open.kind === "TextUrl") return this.#endLink(place);
    if (open.kind === "CustomEmoji") return this.#endEmoji(place);
    if (open.kind === "BlockQuote") return null;
    this.#at += closers[open.kind].length - 1;
    const type = types[open.kind];
    if (place.length > 0 && type !== undefined) {
      this.#entities.push({ type, ...place, ...(open.language === "" ? {} : { language: open.language }) });
    }
    return null;
  }

  #endLink(place: { readonly offset: number; readonly length: number }): Refusal | null {
    const url = this.#source.charAt(this.#at + 1) === "(" ? this.#address("a URL") : this.#text.slice(place.offset);
    if (url instanceof Refusal) return url;
    const userId = linkedUserId(url);
    const link = userId === null ? checkedLink(url) : null;
    if (place.length === 0) return null;
    if (userId !== null) this.#entities.push({ type: "text_mention", ...place, user: { id: userId } });
    else if (link !== null) this.#entities.push({ type: "text_link", ...place, url: link });
    return null;
  }

  #endEmoji(place: { readonly offset: number; readonly length: number }): Refusal | null {
    if (this.#source.charAt(this.#at + 1) !== "(") {
      return wrongMarkup("Custom emoji entity must contain a tg://emoji URL");
    }
    const url = this.#address("a custom emoji URL");
    if (url instanceof Refusal) return url;
    const emoji = linkedEmojiId(url);
    if ("wrong" in emoji) return wrongMarkup(emoji.wrong);
    if (place.length > 0) this.#entities.push({ type: "custom_emoji", ...place, custom_emoji_id: emoji.id });
    return null;
  }

  /** What is between the round brackets. */
  #address(what: string): string | Refusal {
    this.#at += 2;
    const begin = this.#at;
    let address = "";
    for (; this.#at < this.#source.length; this.#at += 1) {
      const character = this.#source.charAt(this.#at);
      if (character === ")") return address;
      const next = this.#source.charAt(this.#at + 1);
      const isEscape = character === "\\" && isEscapable(next);
      address += isEscape ? next : character;
      this.#at += isEscape ? 1 : 0;
    }
    return wrongMarkup(`Can't find end of ${what} at byte offset ${this.#bytes(begin)}`);
  }

  /** The line break behind its last line is part of a quote; `||` right before it makes the quote one that folds. */
  #endQuote(innermost: OpenMark): Refusal | null {
    const isFolded = innermost.kind === "Spoiler" && this.#isRightBehind(innermost, this.#at);
    if (isFolded) this.#open.pop();
    const quote = this.#open.at(-1);
    if (quote === undefined || quote.kind !== "BlockQuote") return this.#unclosed(quote ?? innermost);
    this.#open.pop();
    this.#isInQuote = false;
    this.#write("\n");
    this.#entities.push(this.#quote(quote, isFolded));
    return null;
  }

  /** The text may end within a quote. */
  #closeLastQuote(): void {
    const innermost = this.#open.at(-1);
    const isFolded = innermost?.kind === "Spoiler" && innermost.start === this.#source.length - 2;
    if (isFolded) this.#open.pop();
    const quote = this.#open.at(-1);
    if (quote?.kind !== "BlockQuote") return;
    this.#open.pop();
    if (this.#text.length > quote.offset) this.#entities.push(this.#quote(quote, isFolded));
  }

  #quote({ offset }: OpenMark, isFolded: boolean): Entity {
    return { type: isFolded ? "expandable_blockquote" : "blockquote", offset, length: this.#text.length - offset };
  }

  #isRightBehind({ start }: OpenMark, at: number): boolean {
    return start === at - 2 || (start === at - 3 && this.#text.endsWith("\r"));
  }

  #unclosed({ kind, start }: OpenMark): Refusal {
    return wrongMarkup(`Can't find end of ${kind} entity at byte offset ${this.#bytes(start)}`);
  }

  #bytes(at: number): number {
    return Buffer.byteLength(this.#source.slice(0, at));
  }
}

/** Any character of ASCII but the last two may be escaped. */
function isEscapable(character: string): boolean {
  return character !== "" && character.charCodeAt(0) > 0 && character.charCodeAt(0) <= 126;
}
