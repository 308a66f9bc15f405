import fc from "fast-check";
import { marked, type Token } from "marked";
import { describe, expect, it } from "vitest";
import { settleText } from "../../drill/telegram-emulator/text/formatted.ts";
import { settleEntities } from "../../drill/telegram-emulator/text/settle-entities.ts";
import type { ChunkMode } from "../contract.ts";
import { decodeEntities } from "../text/html-entities.ts";
import { anyText, characters, commonmark, naughty } from "../text/texts.fixture.ts";
import { plainOf, renderTelegram, type TelegramPiece } from "./format.ts";

const max = 4_096;

function render(markdown: string, limit: number = max, mode: ChunkMode = "markdown"): readonly TelegramPiece[] {
  return renderTelegram(markdown, { max: limit, mode });
}

/** The text of the one piece, with each mark as `type(what it marks)`. */
function shown(markdown: string): readonly [text: string, ...marks: string[]] {
  const pieces = render(markdown);
  expect(pieces.length).toBeLessThanOrEqual(1);
  const [{ text, format } = { text: "" }] = pieces;
  return [text, ...(format?.entities ?? []).map((entity) => described(text, entity))];
}

function described(text: string, entity: NonNullable<TelegramPiece["format"]>["entities"][number]): string {
  const what = text.slice(entity.offset, entity.offset + entity.length);
  const more = entity.url ?? entity.language ?? entity.user?.id;
  return `${entity.type}(${what})${more === undefined ? "" : ` ${more}`}`;
}

/** What Telegram makes of a piece: the same text, and every mark where we put it. */
function asTelegramHasIt({ text, format }: TelegramPiece): void {
  const entities = format?.entities ?? [];
  expect(entities.length).toBeLessThanOrEqual(100);
  // Characters that Telegram takes out of every text would move the marks behind them.
  if (/[\r\u0000-\u0009\u000b-\u001f\u2028-\u202e]|\u0333|\u033f|\u030a/.test(text)) return;
  expect(settleText({ text, entities }, max, "too long")).toMatchObject({ text });
  const settled = settleEntities({ text, entities });
  expect(settled).toMatchObject({ text });
  const kept = new Set("entities" in settled ? settled.entities.map(asKey) : []);
  expect(entities.filter((entity) => !kept.has(asKey(entity)))).toEqual([]);
}

/** The same for marks that are the same. */
function asKey(entity: object): string {
  return JSON.stringify(Object.entries(entity).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What holds for every text. */
function holds(markdown: string, limit: number, mode: ChunkMode): void {
  const pieces = render(markdown, limit, mode);
  const faulty = pieces.filter(({ text }) => text.length > limit || text.trim() === "" || !text.isWellFormed());
  expect(faulty).toEqual([]);
  for (const piece of pieces) asTelegramHasIt(piece);
}

/** The letters that a reader of the whole document would see, as the parser has it. */
function letters(markdown: string): string {
  const words = (tokens: readonly Token[]): string =>
    tokens
      .map((token): string => {
        if (token.type === "def" || token.type === "checkbox") return "";
        if (token.type === "list") return words(token["items"] as Token[]);
        if (token.type === "table") {
          const rows = [token["header"], ...(token["rows"] as unknown[])] as { tokens: Token[] }[][];
          return rows
            .flat()
            .map((cell) => words(cell.tokens))
            .join("");
        }
        if (token.type === "code" || token.type === "codespan") return String(token["text"]);
        if (token.type === "image") return decodeEntities(String(token["text"]));
        if (token.type === "html") return /^<[^>]*>$/.test(token.raw) ? "" : token.raw;
        const { tokens: inner, text } = token as { tokens?: Token[]; text?: string };
        return inner === undefined ? decodeEntities(text ?? "") : words(inner);
      })
      .join("");
  return lettersOf(words(marked.lexer(markdown.replaceAll("\r\n", "\n"))));
}

function lettersOf(text: string): string {
  return text.replace(/[^\p{L}]/gu, "");
}

function isSubsequence(some: string, all: string): boolean {
  let at = 0;
  for (const character of all) if (some.startsWith(character, at)) at += character.length;
  return at === some.length;
}

describe("Markdown on Telegram", () => {
  it("J8: marks for what Telegram can mark", () => {
    expect(shown("**bold** *it* _it_ ~~gone~~ `code` <u>under</u> ||secret|| ***both***")).toEqual([
      "bold it it gone code under secret both",
      "bold(bold)",
      "italic(it)",
      "italic(it)",
      "strikethrough(gone)",
      "code(code)",
      "underline(under)",
      "spoiler(secret)",
      "bold(both)",
      "italic(both)",
    ]);
    expect(shown("# Title\n\npara one\npara two\n\n---\nend")).toEqual([
      "Title\n\npara one\npara two\n\n———\nend",
      "bold(Title)",
    ]);
    expect(shown("```js\nif (a) {\n    b();\n}\n```\nafter")).toEqual([
      "if (a) {\n    b();\n}\nafter",
      "pre(if (a) {\n    b();\n}) js",
    ]);
    expect(shown("> quoted **b**\n> > deeper\n\nafter")).toEqual([
      "quoted b\n> deeper\n\nafter",
      "blockquote(quoted b\n> deeper)",
      "bold(b)",
    ]);
  });

  it("J8: lists, tables, links, images and references lose nothing", () => {
    expect(shown("- a\n- b\n  - c\n\n3. x\n4. y\n\n- [x] done\n- [ ] open")[0]).toBe(
      "• a\n• b\n  • c\n\n3. x\n4. y\n\n☑ done\n☐ open",
    );
    expect(shown("| name | n |\n|:--|--:|\n| **a** | 1 |\n| 漢字漢字 | 20 |")).toEqual([
      "name     |  n\n---------|---\na        |  1\n漢字漢字 | 20",
      expect.stringMatching(/^pre\(name/),
    ]);
    expect(shown("[docs](https://x.org/a?b=c&amp;d) <https://y.org> ![logo](https://x.org/l.png)")).toEqual([
      "docs https://y.org logo",
      "text_link(docs) https://x.org/a?b=c&d",
      "text_link(https://y.org) https://y.org",
      "text_link(logo) https://x.org/l.png",
    ]);
    expect(shown("[a](/relative) [b](mailto:b@x.org) [c](http://localhost/c) <d@x.org>")).toEqual([
      "a (/relative) b (mailto:b@x.org) c (http://localhost/c) d@x.org",
    ]);
    expect(shown("a &lt; b &amp;&amp; c &#62; &copy; <i class='x'>d</i>")).toEqual([
      "a < b && c > &copy; <i class='x'>d</i>",
    ]);
    expect(shown("see [the page][p]\n\n[p]: https://x.org/p")).toEqual([
      "see the page",
      "text_link(the page) https://x.org/p",
    ]);
  });

  it("J5: a person is mentioned by number, a name stays a name", () => {
    expect(shown("ask [Ann](tg://user?id=42) or @bob")).toEqual(["ask Ann or @bob", "text_mention(Ann) 42"]);
    expect(shown("**[Ann](tg://user?id=42)**")).toEqual(["Ann", "text_mention(Ann) 42", "bold(Ann)"]);
    expect(shown("[Ann](tg://user?id=x)")).toEqual(["Ann", "text_link(Ann) tg://user?id=x"]);
    const [piece] = render("[Ann](tg://user?id=42)");
    expect(settleText({ text: "Ann", entities: piece?.format?.entities ?? [] }, max, "")).toEqual({
      text: "Ann",
      entities: [{ type: "text_mention", offset: 0, length: 3, user: { id: 42 } }],
    });
  });

  it("code holds no other mark, a link no link, and a mark ends where a link begins", () => {
    expect(shown("**a `c` b**")).toEqual(
      ["a c b", "bold(a )", "code(c)", "bold( b)"].map((mark) => mark.replace("( b)", "(b)")),
    );
    expect(shown("**a [l](https://x.org) b**")).toEqual([
      "a l b",
      "bold(a )",
      "text_link(l) https://x.org",
      "bold(l)",
      "bold(b)",
    ]);
    expect(shown("[![alt](https://x.org/i.png)](https://x.org)")).toEqual(["alt", "text_link(alt) https://x.org"]);
    expect(shown("# a **b** c")).toEqual(["a b c", "bold(a b c)"]);
  });

  it("what begins a line stands inside no word, whatever the line before ends with", () => {
    expect(shown("word\n\n**bold** *it*")).toEqual(["word\n\nbold it", "bold(bold)", "italic(it)"]);
    expect(shown("- a\n- **b**\n\n# c\n~~d~~")).toEqual(["• a\n• b\n\nc\nd", "bold(b)", "bold(c)", "strikethrough(d)"]);
  });

  it("what only looks like markup is no markup", () => {
    for (const text of [
      "5*3*2 = 30",
      "snake_case_name",
      "if a || b then c || d",
      "a~~b~~c",
      "<u>open",
      "||",
      "a < b",
    ]) {
      expect(shown(text)).toEqual([text]);
    }
  });

  it("text is not read as Markdown", () => {
    expect(render("**not bold** [a](https://x.org)", max, "text")).toEqual([
      { text: "**not bold** [a](https://x.org)" },
    ]);
  });

  it("N4: a link is as long as its words, and no more than 100 marks are in a piece", () => {
    const links = Array.from(
      { length: 250 },
      (_none, id) => `[w${id}](https://example.org/${"a".repeat(60)}/${id})`,
    ).join(" ");
    const pieces = render(links);
    const marks = pieces.map(({ format }) => format?.entities.length ?? 0);
    expect(marks).toHaveLength(3);
    expect(Math.max(...marks)).toBeLessThanOrEqual(100);
    expect(Math.min(...marks.slice(0, -1))).toBeGreaterThanOrEqual(98);
    expect(
      pieces
        .map(({ text }) => text)
        .join(" ")
        .split(" "),
    ).toEqual(Array.from({ length: 250 }, (_none, id) => `w${id}`));
  });

  it("a link finds its address in another piece", () => {
    const pieces = render(`[the page][p]\n\n${"word ".repeat(1_500)}\n\n[p]: https://x.org/p`);
    expect(pieces[0]?.format?.entities).toEqual([{ type: "text_link", offset: 0, length: 8, url: "https://x.org/p" }]);
  });

  it("N7: a fence that is cut is code in each piece, and a table that is cut loses no cell", () => {
    const lines = Array.from({ length: 300 }, (_none, index) => `line ${index}: ${"x".repeat(30)}`);
    const pieces = render(`\`\`\`ts\n${lines.join("\n")}\n\`\`\``);
    expect(pieces.length).toBeGreaterThan(2);
    for (const { text, format } of pieces)
      expect(format?.entities).toEqual([{ type: "pre", offset: 0, length: text.length, language: "ts" }]);
    expect(
      pieces
        .map(({ text }) => text)
        .join("\n")
        .split("\n"),
    ).toEqual(lines);
    const rows = Array.from({ length: 300 }, (_none, index) => `| row${index} | ${"y".repeat(20)} |`);
    const table = render(`| head | b |\n|---|---|\n${rows.join("\n")}`)
      .map(({ text }) => text)
      .join("\n");
    for (let index = 0; index < 300; index += 1) expect(table).toMatch(new RegExp(`\\brow${index}\\b`));
  });

  it("a cell that is wide does not make every other one wide", () => {
    const rows = Array.from({ length: 50 }, (_none, index) => `| ${"z".repeat(index === 7 ? 1_000 : 3)} | b |`).join(
      "\n",
    );
    const pieces = render(`| a | b |\n|---|---|\n${rows}`);
    expect(pieces).toHaveLength(1);
    expect(pieces[0]?.text.split("\n")).toContain("zzz | b");
  });

  it("without marks the addresses are in the text, where there is room", () => {
    const [piece = { text: "" }] = render(
      "**see** [the page](https://x.org/p), <https://y.org> and [Ann](tg://user?id=42)",
    );
    expect(plainOf(piece)).toBe("see the page (https://x.org/p), https://y.org and Ann");
    const [full = { text: "" }] = render(`[a](https://x.org/p)${"b".repeat(max - 1)}`);
    expect(full.text).toHaveLength(max);
    expect(plainOf(full)).toBe(full.text);
  });

  it("N4: 2,000 random texts: within the limit, nothing empty, every mark is one that Telegram keeps where it is", () => {
    const modes = fc.constantFrom<ChunkMode>("text", "markdown", "paragraph");
    fc.assert(fc.property(anyText(120), fc.constantFrom(200, 1_000, max), modes, holds), { numRuns: 2_000 });
  }, 240_000);

  it("N4, J8: every document of the CommonMark suite and every naughty string, and not a letter of them is lost", () => {
    for (const text of [...commonmark, ...naughty]) {
      holds(text, max, "markdown");
      holds(`${text}\n\n`.repeat(20), 300, "markdown");
      const said = render(text)
        .map((piece) => lettersOf(piece.text))
        .join("");
      expect(isSubsequence(letters(text), said), text).toBe(true);
    }
  }, 240_000);

  it("N4: what a reader sees as one character is whole, and marks lie between characters", () => {
    for (const character of characters) {
      for (let shift = 0; shift < 20; shift += 1) {
        holds(
          `${"x".repeat(shift)} **${character}** _${character}y_ [${character}](https://x.org) `.repeat(20),
          100,
          "markdown",
        );
      }
    }
  });

  it("text that would keep a parser busy for seconds does not", () => {
    for (const text of [
      "*a_".repeat(3_000),
      "[".repeat(9_000),
      ">".repeat(9_000),
      "<u>".repeat(3_000),
      "||a ".repeat(3_000),
    ]) {
      expect(render(text).length).toBeGreaterThan(0);
    }
  }, 30_000);
});
