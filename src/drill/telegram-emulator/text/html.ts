/**
 * `parse_mode` HTML as the platform's published parser reads it: a few tags, each to be closed in order, four named
 * entities, and an error with its place in bytes for everything else.
 */
import { badRequest, Refusal } from "../refusal.ts";
import type { Entity, FormattedText } from "./entity.ts";
import { checkedLink, isEmojiId, linkedUserId } from "./link.ts";
import { sortEntities } from "./settle-entities.ts";

export function parseHtml(source: string): FormattedText | Refusal {
  return new HtmlParser(source).parse();
}

interface OpenTag {
  readonly name: string;
  readonly attribute: string;
  readonly offset: number;
}

/** Tags that mark and need nothing else. */
const simpleTags: Readonly<Record<string, string>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  span: "spoiler",
};
const otherTags: ReadonlySet<string> = new Set(["a", "pre", "code", "blockquote", "tg-emoji"]);

const namedEntities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

class HtmlParser {
  readonly #source: string;
  readonly #open: OpenTag[] = [];
  /** In the order in which they end. */
  readonly #entities: Entity[] = [];
  /** What language the last of them names, where it is a `code` that no `pre` has taken yet. */
  #codeLanguage = "";
  #at = 0;
  #text = "";

  constructor(source: string) {
    this.#source = source;
  }

  parse(): FormattedText | Refusal {
    while (this.#at < this.#source.length) {
      const wrong = this.#step();
      if (wrong !== null) return wrong;
    }
    const open = this.#open.at(-1);
    if (open !== undefined) return wrongMarkup(`Can't find end tag corresponding to start tag "${open.name}"`);
    if (!this.#text.isWellFormed()) {
      return wrongMarkup(
        "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
      );
    }
    return { text: this.#text, entities: sortEntities(this.#entities) };
  }

  #step(): Refusal | null {
    const character = this.#source.charAt(this.#at);
    if (character === "&") {
      const decoded = decodeEntity(this.#source, this.#at);
      this.#text += decoded?.text ?? "&";
      this.#at = decoded?.end ?? this.#at + 1;
      return null;
    }
    if (character === "<") return this.#source.charAt(this.#at + 1) === "/" ? this.#endTag() : this.#startTag();
    this.#text += character;
    this.#at += 1;
    return null;
  }

  #startTag(): Refusal | null {
    const start = this.#at;
    const name = this.#until(/[\s>]/, start + 1).toLowerCase();
    if (this.#isOver) return this.#wrong("Unclosed start tag", start);
    if (simpleTags[name] === undefined && !otherTags.has(name)) {
      return this.#wrong(`Unsupported start tag "${name}"`, start);
    }
    const attribute = this.#attributes(name, start);
    if (attribute instanceof Refusal) return attribute;
    if (name === "span" && attribute !== "tg-spoiler") {
      return this.#wrong(`Tag "span" must have class "tg-spoiler"`, start);
    }
    this.#at += 1;
    this.#open.push({ name, attribute, offset: this.#text.length });
    return null;
  }

  /** Up to the closing bracket; the one value that this tag is interested in. */
  #attributes(tag: string, start: number): string | Refusal {
    let kept = "";
    for (;;) {
      this.#skipSpace();
      if (this.#character === ">") return kept;
      if (this.#isOver) return this.#wrong("Unclosed start tag", start);
      const name = this.#until(/[\s=>/"']/, this.#at);
      if (name === "") return this.#wrong(`Empty attribute name in the tag "${tag}"`, start);
      this.#skipSpace();
      let value = "";
      if (this.#character === "=") {
        const read = this.#attributeValue(tag, start);
        if (read instanceof Refusal) return read;
        value = read;
      }
      kept = keptAttribute(tag, name, value) ?? kept;
    }
  }

  #attributeValue(tag: string, start: number): string | Refusal {
    this.#at += 1;
    this.#skipSpace();
    if (this.#isOver) return this.#wrong(`Unclosed start tag "${tag}"`, start);
    const quote = this.#character;
    if (quote !== '"' && quote !== "'") {
      const begin = this.#at;
      const value = this.#until(/[^a-zA-Z0-9.-]/, begin).toLowerCase();
      return /[\s>]/.test(this.#character) ? value : this.#wrong("Unexpected end of name token", begin);
    }
    this.#at += 1;
    let value = "";
    while (!this.#isOver && this.#character !== quote) {
      const decoded = this.#character === "&" ? decodeEntity(this.#source, this.#at) : null;
      value += decoded?.text ?? this.#character;
      this.#at = decoded?.end ?? this.#at + 1;
    }
    this.#at += 1;
    return this.#isOver ? this.#wrong("Unclosed start tag", start) : value;
  }

  #endTag(): Refusal | null {
    const start = this.#at;
    const open = this.#open.at(-1);
    if (open === undefined) return this.#wrong("Unexpected end tag", start);
    const name = this.#until(/[\s>]/, start + 2).toLowerCase();
    this.#skipSpace();
    if (this.#character !== ">") return this.#wrong("Unclosed end tag", start);
    // `</>` closes whatever is open.
    if (name !== "" && name !== open.name) {
      return this.#wrong("Unmatched end tag", start, `, expected "</${open.name}>", found "</${name}>"`);
    }
    this.#at += 1;
    this.#open.pop();
    return this.#close(open);
  }

  /** A tag around nothing marks nothing. */
  #close({ name, attribute, offset }: OpenTag): Refusal | null {
    const length = this.#text.length - offset;
    if (length === 0) return null;
    const place = { offset, length };
    const simple = simpleTags[name];
    if (simple !== undefined) this.#entities.push({ type: simple, ...place });
    else if (name === "a") this.#link(attribute === "" ? this.#text.slice(offset) : attribute, place);
    else if (name === "pre" || name === "code") this.#code(name, attribute, place);
    else if (name === "blockquote") {
      this.#entities.push({ type: attribute === "" ? "blockquote" : "expandable_blockquote", ...place });
    } else if (isEmojiId(attribute)) {
      this.#entities.push({ type: "custom_emoji", ...place, custom_emoji_id: attribute });
    } else return wrongMarkup("Invalid custom emoji identifier specified");
    return null;
  }

  /** What is no link is plain text. */
  #link(url: string, place: { readonly offset: number; readonly length: number }): void {
    const userId = linkedUserId(url);
    const link = userId === null ? checkedLink(url) : null;
    if (userId !== null) this.#entities.push({ type: "text_mention", ...place, user: { id: userId } });
    else if (link !== null) this.#entities.push({ type: "text_link", ...place, url: link });
  }

  /** `pre` and `code` around exactly the same text are one block with a language, whichever is outside. */
  #code(name: "pre" | "code", attribute: string, place: { readonly offset: number; readonly length: number }): void {
    const inner = this.#entities.at(-1);
    const isAround = inner?.offset === place.offset && inner.length === place.length;
    const language = name === "pre" ? this.#codeLanguage : attribute;
    this.#codeLanguage = name === "code" ? attribute : "";
    if (isAround && inner.type === (name === "pre" ? "code" : "pre") && language !== "") {
      this.#entities.pop();
      this.#entities.push({ type: "pre", ...place, language });
    } else this.#entities.push({ type: name, ...place });
  }

  get #character(): string {
    return this.#source.charAt(this.#at);
  }

  get #isOver(): boolean {
    return this.#at >= this.#source.length;
  }

  /** Moves to the first such character and returns what was before it. */
  #until(end: RegExp, from: number): string {
    this.#at = from;
    while (!this.#isOver && !end.test(this.#character)) this.#at += 1;
    return this.#source.slice(from, this.#at);
  }

  #skipSpace(): void {
    while (!this.#isOver && /\s/.test(this.#character)) this.#at += 1;
  }

  #wrong(why: string, at: number, more = ""): Refusal {
    return wrongMarkup(`${why} at byte offset ${Buffer.byteLength(this.#source.slice(0, at))}${more}`);
  }
}

export function wrongMarkup(why: string): Refusal {
  return badRequest(`can't parse entities: ${why}`);
}

function keptAttribute(tag: string, name: string, value: string): string | null {
  if (tag === "a" && name === "href") return value;
  if (tag === "code" && name === "class" && value.startsWith("language-")) return value.slice("language-".length);
  if (tag === "span" && name === "class" && value.startsWith("tg-")) return value;
  if (tag === "tg-emoji" && name === "emoji-id") return value;
  return tag === "blockquote" && name === "expandable" ? "1" : null;
}

/** `&lt;`, `&#60;`, `&#x3c;`, the semicolon as it likes. Null: no entity, an ampersand like any other. */
function decodeEntity(source: string, at: number): { readonly text: string; readonly end: number } | null {
  const window = source.slice(at, at + 12);
  const numeric = /^&#(?:x([0-9a-f]+)|(\d+))(;?)/i.exec(window);
  if (numeric !== null) {
    const code = numeric[1] === undefined ? Number(numeric[2]) : Number.parseInt(numeric[1], 16);
    const isGood = code > 0 && code < 0x10ffff && numeric[0].length - (numeric[3] ?? "").length < 10;
    return isGood ? { text: String.fromCodePoint(code), end: at + numeric[0].length } : null;
  }
  const named = /^&([a-z]+)(;?)/i.exec(window);
  const text = namedEntities[named?.[1] ?? ""];
  return named === null || text === undefined ? null : { text, end: at + named[0].length };
}
