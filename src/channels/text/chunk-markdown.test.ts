import fc from "fast-check";
import { Lexer, marked, type Token } from "marked";
import { describe, expect, it } from "vitest";
import type { ChunkMode, TextUnit } from "../contract.ts";
import { manifest as telegram } from "../telegram/manifest.ts";
import { chunkMarkdown, type Chunk } from "./chunk-markdown.ts";
import { anyText, characters, commonmark, naughty } from "./texts.fixture.ts";
import { platformLimit } from "./platform-limits.ts";
import { textSize } from "./text-pieces.ts";

interface Limit {
  readonly max: number;
  readonly unit: TextUnit;
}

const bytes350: Limit = { max: 350, unit: "byte" };
const large: readonly Limit[] = [
  { max: 2_000, unit: "utf16" },
  { max: 4_096, unit: "utf16" },
];
const modes: readonly ChunkMode[] = ["text", "markdown", "paragraph"];
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

function cut(text: string, { max, unit }: Limit, mode: ChunkMode): readonly Chunk[] {
  return chunkMarkdown(text, { max, mode, size: (chunk) => textSize(chunk, unit) });
}

function texts(markdown: string, max: number, mode: ChunkMode = "markdown"): readonly string[] {
  return chunkMarkdown(markdown, { max, mode }).map(({ text }) => text);
}

/** What holds for every text, limit and mode. Gathers what does not, as an assertion for each chunk takes longer. */
function holds(text: string, limit: Limit, mode: ChunkMode): void {
  const chunks = cut(text, limit, mode);
  expect(chunks.map(({ source }) => source).join("")).toBe(text);
  expect(chunks.flatMap((chunk) => faults(chunk, limit, mode))).toEqual([]);
  expect(splitCharacters(text, chunks)).toEqual([]);
}

function faults({ source, text }: Chunk, { max, unit }: Limit, mode: ChunkMode): readonly string[] {
  const found: string[] = [];
  if (textSize(text, unit) > max) found.push(`too large: ${text}`);
  if (source === "") found.push("no source");
  if (!text.isWellFormed()) found.push(`half a character: ${text}`);
  // Without a mark of a fence there is none, and nothing to parse.
  if (mode !== "text" && /`{3}|~{3}/.test(text)) {
    found.push(...openFences(blocksOf(text), "outermost").map((fence) => `open: ${fence}`));
  }
  return found;
}

/** Places where a chunk ends inside of what a reader sees as one character. */
function splitCharacters(text: string, chunks: readonly Chunk[]): readonly number[] {
  const segments = segmenter.segment(text);
  let end = 0;
  return chunks
    .map(({ source }) => (end += source.length))
    .filter((at) => at < text.length && segments.containing(at)?.index !== at);
}

/** As the parser sees them, but without what is inside of paragraphs, where no fence can be. */
function blocksOf(text: string): Token[] {
  return new Lexer().blockTokens(text.replaceAll(/\r\n|\r/g, "\n"), []);
}

/**
 * Fences of a text that are not closed, as the parser sees them. Inside of quotes and lists they are looked for where
 * the text is well-formed: what was begun in one ends with it, and parsers differ about where that is.
 */
function openFences(tokens: readonly Token[], inside: "outermost" | "all"): readonly string[] {
  return tokens.flatMap((token) => {
    if (token.type === "code" && token["codeBlockStyle"] !== "indented") {
      const [marker = ""] = /`{3,}|~{3,}/.exec(token.raw) ?? [];
      const lines = token.raw.trimEnd().split("\n");
      const closing = lines.at(-1)?.trim() ?? "";
      return lines.length > 1 && /^(`+|~+)$/.test(closing) && closing.startsWith(marker) ? [] : [token.raw];
    }
    if (inside === "outermost") return [];
    const inner =
      token.type === "list"
        ? (token["items"] as Token[])
        : ["blockquote", "list_item"].includes(token.type)
          ? [token]
          : [];
    return inner.flatMap((container) => openFences((container as { tokens?: Token[] }).tokens ?? [], inside));
  });
}

describe("chunks of any text", () => {
  it("N4, N7: 10,000 random texts: within the limit, joined they are the text, no character split, no fence left open", () => {
    // Several chunks each; longer ones are cut below.
    fc.assert(
      fc.property(anyText(60), fc.constantFrom(...modes), (text, mode) => holds(text, bytes350, mode)),
      { numRuns: 10_000 },
    );
  }, 240_000);

  it("N4, N7: the same for the limits of the large platforms", () => {
    fc.assert(fc.property(anyText(900), fc.constantFrom(...large), fc.constantFrom(...modes), holds), { numRuns: 400 });
  }, 240_000);

  it("N4, N7: every document of the CommonMark suite and every naughty string, many times over", () => {
    for (const [index, text] of [...commonmark, ...naughty].entries()) {
      const long = `${text}\n\n`.repeat(Math.ceil(900 / (text.length + 2)));
      for (const mode of new Set<ChunkMode>(["markdown", modes[index % modes.length] as ChunkMode]))
        holds(long, bytes350, mode);
    }
  }, 240_000);

  it("N4: what a reader sees as one character is whole, wherever the limit falls", () => {
    for (const character of characters) {
      for (let shift = 0; shift < 40; shift += 1) {
        const text = `${"x".repeat(shift)}${character.repeat(40)}`;
        for (const mode of modes) holds(text, { max: 100, unit: "byte" }, mode);
      }
    }
  });
});

/** A document of blocks each of which can be found again by its number. */
type Block = (id: number) => string;

const word = fc.constantFrom("plain", "words", "größe", "жизнь", "漢字", "🙂", "and", "so on.", "**strong**", "_thin_");
const words = fc.array(word, { minLength: 1, maxLength: 30, size: "max" }).map((list) => list.join(" "));
const lines = fc.array(words, { minLength: 1, maxLength: 12, size: "max" });
const code = fc.array(fc.constantFrom("const a = 1;", "  return b; // 🙂", "", "    deep();", "x"), {
  minLength: 1,
  maxLength: 60,
  size: "max",
});

const link: Block = (id) => `[the page ${id}](https://example.org/${id}/${"p".repeat(id % 50)})`;
const span: Block = (id) => `\`span ${id}\``;
const paragraph = fc.tuple(words, words, words).map(
  ([a, b, c]): Block =>
    (id) =>
      `${a} ${link(id)} ${b} ${span(id)} ${c}\n\n`,
);
const fence = fc.tuple(fc.constantFrom("```", "~~~", "````"), fc.constantFrom("", "js", "c++ title"), code).map(
  ([marker, info, body]): Block =>
    (id) =>
      `${marker}${info}\nfence ${id}\n${body.join("\n")}\n${marker}\n\n`,
);
const table = fc.array(words, { minLength: 1, maxLength: 20, size: "max" }).map(
  (cells): Block =>
    (id) =>
      `| head ${id} | b |\n|---|---|\n${cells.map((cell, row) => `| row ${id}.${row} | ${cell} |\n`).join("")}\n`,
);
const list = lines.map(
  (items): Block =>
    (id) =>
      `${items.map((item, at) => `- item ${id}.${at} ${item}\n`).join("")}\n`,
);
const fenceInList = code.map(
  (body): Block =>
    (id) =>
      `1. item ${id}\n\n   \`\`\`js\n${["first", ...body].map((line) => `   ${line}`.trimEnd()).join("\n")}\n   \`\`\`\n\n   - deep\n\n`,
);
/** A fence whose lines begin with `rest`, inside of what `open` begins. */
const fenceIn = (open: string, rest: string, after: string): fc.Arbitrary<Block> =>
  code.map(
    (body): Block =>
      (id) =>
        `${open}item ${id}\n${["", "```js", "first", ...body, "```"].map((line) => `${rest}${line}`.trimEnd()).join("\n")}\n${after}\n`,
  );
const nestedFences = fc.oneof(
  fenceIn("- outer\n  - inner\n    1. ", "       ", "  - deep\n"),
  fenceIn("- a\n- > ", "  > ", ""),
  fenceIn("> - ", ">   ", ""),
  fenceIn("-\t", "\t", ""),
  fenceIn("- a\n\t- ", "\t\t", "- z\n"),
);
const fenceInQuote = code.map(
  (body): Block =>
    (id) =>
      `> quote ${id}\n>\n> ~~~\n${body.map((line) => `> ${line}`.trimEnd()).join("\n")}\n> ~~~\n\n`,
);
const document = fc
  .array(fc.oneof(paragraph, fence, table, list, fenceInList, fenceInQuote, nestedFences), {
    minLength: 1,
    maxLength: 12,
    size: "max",
  })
  .map((blocks) => blocks.map((block, id) => block(id)));

describe("chunks of a document", () => {
  const cutInTwo = (limit: Limit, chunks: readonly Chunk[], piece: string): boolean =>
    textSize(piece.trim(), limit.unit) <= limit.max && !chunks.some(({ source }) => source.includes(piece.trim()));

  it("N4, N7: no link, span of code or row of a table is cut, no fence that fits, and each fence is closed", () => {
    fc.assert(
      fc.property(document, fc.constantFrom(bytes350, ...large), (blocks, limit) => {
        const chunks = cut(blocks.join(""), limit, "markdown");
        expect(chunks.map(({ source }) => source).join("")).toBe(blocks.join(""));
        expect(Math.max(...chunks.map(({ text }) => textSize(text, limit.unit)))).toBeLessThanOrEqual(limit.max);
        expect(chunks.flatMap(({ text }) => openFences(blocksOf(text), "all"))).toEqual([]);
        const wholes = blocks.flatMap((block, id) => [
          ...(/^[`~]/.test(block) ? [block] : []),
          ...(block.match(/^\| row .*\n/gm) ?? []),
          ...[link(id), span(id)].filter((piece) => block.includes(piece)),
        ]);
        expect(wholes.filter((piece) => cutInTwo(limit, chunks, piece))).toEqual([]);
      }),
      { numRuns: 600 },
    );
  }, 240_000);

  it("N7: a fence that does not fit is cut between its lines and loses none, whatever it stands in", () => {
    const body = Array.from({ length: 100 }, (_none, index) => `${" ".repeat(index % 7)}line ${index}`);
    const inside: Readonly<Record<string, (line: string) => string>> = {
      nothing: (line) => line,
      "a list": (line) => `    ${line}`,
      "a quote": (line) => `> ${line}`,
    };
    for (const [name, wrap] of Object.entries(inside)) {
      const before = name === "a list" ? "10. item\n\n" : "";
      const source = `${before}${["````ts x=1", ...body, "````"].map(wrap).join("\n")}\n`;
      const shown = texts(source, 350).flatMap((text) => {
        const found: string[] = [];
        void marked.walkTokens(marked.lexer(text), (token) => {
          if (token.type !== "code") return;
          expect(token["lang"]).toBe("ts x=1");
          expect(token.raw.trimEnd().startsWith("````ts x=1\n")).toBe(true);
          expect(token.raw.trimEnd().endsWith("\n````")).toBe(true);
          found.push(...String(token["text"]).split("\n"));
        });
        return found;
      });
      expect(shown, name).toEqual(body);
    }
  });

  it("N7: a fence in a list is closed where that list has it, whatever list or quote the chunk begins in", () => {
    const item = `${"word ".repeat(60)}\n`;
    const body = Array.from({ length: 25 }, (_none, index) => `const a${index} = 1;`);
    const fenced = (wrap: string): string => ["```js", ...body, "```"].map((line) => `${wrap}${line}\n`).join("");
    const sources = {
      "another list": `- a\n- ${item}\n1. item\n\n${fenced("   ")}\n   - deep\n\n`,
      "a deeper list": `1. item\n\n      - deep ${item}\n\n> quote\n\n1. item\n\n${fenced("   ")}\n   - deep\n\n`,
      "a list before a quote": `1. a\n\n   ${item}\n> quote\n>\n${fenced("> ")}\n`,
      "a quote in the next list": `- a\n- ${item}\n1. > quote\n   >\n${fenced("   > ")}\n`,
    };
    for (const [name, source] of Object.entries(sources)) {
      for (let max = 120; max < 600; max += 7) {
        const shown: string[] = [];
        for (const text of texts(source, max)) {
          const tokens = blocksOf(text);
          expect(openFences(tokens, "all"), `${name}, ${max}`).toEqual([]);
          void marked.walkTokens(tokens, (token) => {
            if (token.type === "code") shown.push(...String(token["text"]).split("\n"));
          });
        }
        expect(shown, `${name}, ${max}`).toEqual(body);
      }
    }
  });

  it("N6: markdown: block, list item, line, sentence, word, in this order, if the chunk is at least half full", () => {
    expect(texts("aaaa bbbb\n\ncccc dddd eeee", 15)[0]).toBe("aaaa bbbb");
    expect(texts("aaaa bbbb\ncccc dddd eeee", 15)[0]).toBe("aaaa bbbb");
    expect(texts("Aaaa bbb. Cccc dddd eeee", 15)[0]).toBe("Aaaa bbb.");
    expect(texts("Aaaa bbb. Cccc dddd eeee", 15)[1]).toBe("Cccc dddd eeee");
    expect(texts("aaaa bbbb cccc dddd eeee", 12)[0]).toBe("aaaa bbbb");
    expect(texts("aa\n\nbbbbbbbbbbbbbbbbbbbbb", 12)[0]).toBe("aa\n\nbbbbbbbb");
    expect(texts("x\n\n- one one\n- two. two\n- three", 22)).toEqual(["x\n\n- one one", "- two. two\n- three"]);
    expect(texts("- one one\n- two\n\n  two\n- three\n\n  three three", 38)[0]).toBe("- one one\n- two\n\n  two");
    expect(texts("一二三四五。六七八九十一二", 10)[0]).toBe("一二三四五。");
  });

  it("N6: text: the same order, and markup means nothing", () => {
    expect(texts("aaaa bbbb\n\ncccc dddd eeee", 15, "text")[0]).toBe("aaaa bbbb");
    expect(texts("aaaa bbbb\ncccc dddd eeee", 15, "text")[0]).toBe("aaaa bbbb");
    expect(texts("Aaaa bbb. Cccc dddd eeee", 15, "text")[0]).toBe("Aaaa bbb.");
    expect(texts("aaaa bbbb cccc dddd eeee", 12, "text")[0]).toBe("aaaa bbbb");
    expect(texts("```\naaaa\nbbbb\n```", 12, "text")).toEqual(["```\naaaa", "bbbb\n```"]);
    expect(texts("[aabbccddee](https://x.org)", 12, "text")[0]).toBe("[aabbccddee]");
  });

  it("N4: paragraph: each paragraph is a chunk, none are glued together, a long one is cut", () => {
    expect(texts("# Title\n\none\n\n\ntwo\ntwo\n\n- a\n\n- b\n\n```\nx\n\ny\n```\n", 2_000, "paragraph")).toEqual([
      "# Title",
      "one",
      "two\ntwo",
      "- a\n\n- b",
      "```\nx\n\ny\n```",
    ]);
    expect(texts("one two three four\n\nfive", 10, "paragraph")).toEqual(["one two", "three four", "five"]);
  });

  it("N5, F12: each platform has its own limit, and no chunk passes it", () => {
    const wanted = { whatsapp: 4_096, telegram: 4_096, discord: 2_000, slack: 4_000, signal: 2_000, other: 2_000 };
    const text = "A sentence of words. ".repeat(1_000);
    for (const [channel, max] of Object.entries(wanted)) {
      expect(platformLimit(channel)).toBe(max);
      const longest = Math.max(...texts(text, platformLimit(channel)).map(({ length }) => length));
      expect(longest).toBeLessThanOrEqual(max);
      expect(longest).toBeGreaterThan(max - 50);
    }
    expect(telegram.text.max).toBe(platformLimit("telegram"));
    expect(platformLimit("constructor")).toBe(2_000);
    expect(Math.max(...texts(text, 500).map(({ length }) => length))).toBeLessThanOrEqual(500);
  });

  it("N5: what ends a chunk never makes it too long, and no indentation is eaten", () => {
    const indented = `${"x".repeat(2_000)}\n\n    indented code\n`;
    for (const mode of ["text", "markdown"] as const) {
      expect(texts(indented, 2_000, mode)).toEqual(["x".repeat(2_000), "    indented code"]);
      const emoji = texts(`${"x".repeat(1_999)}🙂${"y".repeat(50)}`, 2_000, mode);
      expect(emoji).toEqual(["x".repeat(1_999), `🙂${"y".repeat(50)}`]);
    }
    const lists = texts(`- a\n${"  - b is indented\n".repeat(300)}`, 2_000, "text");
    for (const line of lists.slice(1).flatMap((text) => text.split("\n"))) expect(line).toBe("  - b is indented");
  });

  it("what stood in a paragraph begins no block of its own in the next chunk", () => {
    for (const [mark, kept] of [
      ["- b", "\\- b"],
      ["> b", "\\> b"],
      ["# b", "\\# b"],
      ["12. b", "12\\. b"],
      ["* * *", "\\* * *"],
      ["[b]: https://x.org", "\\[b]: https://x.org"],
      ["**b** c", "**b** c"],
      ["#b", "#b"],
      ["1.5 b", "1.5 b"],
    ] as const) {
      expect(texts(`aaaa aaaa aaaa aaaaa ${mark}`, 21)[1]).toBe(kept);
    }
  });

  it("what is nested in a list does not become code where the list was cut", () => {
    const source = `1. ${"a".repeat(30)}\n\n    - ${"b".repeat(30)}\n\n    - ${"c".repeat(30)}\n`;
    expect(texts(source, 45)).toEqual([`1. ${"a".repeat(30)}`, `- ${"b".repeat(30)}`, `- ${"c".repeat(30)}`]);
  });

  it("a table is cut between its rows, and its head stays with the line under it", () => {
    const row = (index: number): string => `| row ${index} | ${"x".repeat(20)} |\n`;
    const source = `| head | b |\n|---|---|\n${Array.from({ length: 20 }, (_none, index) => row(index)).join("")}`;
    const found = texts(source, 100);
    expect(found[0]?.split("\n").slice(0, 2)).toEqual(["| head | b |", "|---|---|"]);
    expect(found.flatMap((text) => text.split("\n"))).toEqual(source.trimEnd().split("\n"));
  });

  it("what is larger than the limit by itself is cut hard, and the rest is not harmed", () => {
    const bomb = `👩${"\u200d👩".repeat(5_000)}`;
    for (const text of [
      `before [link](https://example.org/${"a".repeat(5_000)}) after`,
      `before ${bomb} after`,
      `before \`${"b".repeat(5_000)}\` after`,
      `| a | b |\n|---|---|\n| ${"c".repeat(5_000)} | d |\n`,
      `\`\`\`\n${"d".repeat(5_000)}\n\`\`\`\nafter`,
    ]) {
      const chunks = chunkMarkdown(text, { max: 2_000, mode: "markdown" });
      expect(chunks.map(({ source }) => source).join("")).toBe(text);
      expect(chunks.length).toBeLessThan(10);
      for (const chunk of chunks) {
        expect(chunk.text.length).toBeLessThanOrEqual(2_000);
        expect(chunk.text.isWellFormed()).toBe(true);
      }
    }
  });

  it("what is too large by itself is cut like any text, and what is inside of it and fits stays whole", () => {
    const span = texts(`before \`${"word ".repeat(1_000)}\``, 500)
      .join(" ")
      .split(/\s+/);
    expect(span.filter((found) => !["before", "`word", "word", "`"].includes(found))).toEqual([]);
    const row = `| ${"cell ".repeat(30)}${link(40)} ${"cell ".repeat(30)}| b |\n`;
    for (let max = 120; max < 200; max += 1) {
      expect(
        texts(`| a | b |\n|---|---|\n${row}`, max).some((text) => text.includes(link(40))),
        `${max}`,
      ).toBe(true);
    }
  });

  it("fits what the platform will count, where that is less or more than what was written", () => {
    const source = Array.from({ length: 200 }, (_none, id) => link(id)).join(" ");
    const shown = (text: string): number => text.replaceAll(/\]\([^)]*\)|\[/g, "").length;
    const fewer = chunkMarkdown(source, { max: 300, mode: "markdown", size: shown });
    expect(Math.max(...fewer.map(({ text }) => shown(text)))).toBeLessThanOrEqual(300);
    expect(Math.min(...fewer.slice(0, -1).map(({ text }) => text.length))).toBeGreaterThan(300);
    const more = chunkMarkdown(source, { max: 300, mode: "markdown", size: (text) => text.length * 3 });
    expect(Math.max(...more.map(({ text }) => text.length))).toBeLessThanOrEqual(100);
  });

  it("twice the text is twice the work", () => {
    const work = (text: string, mode: ChunkMode): number => {
      let measured = 0;
      chunkMarkdown(text, { max: 4_096, mode, size: (chunk) => ((measured += chunk.length), chunk.length) });
      return measured;
    };
    const pages = [
      "word ",
      "A sentence. ",
      "para\n\n",
      "- item\n",
      `${link(7)} `,
      "```\ncode\n```\n",
      "x",
      "🙂",
      "| a |\n",
    ];
    for (const page of pages) {
      for (const mode of modes) {
        const once = work(page.repeat(Math.ceil(100_000 / page.length)), mode);
        const twice = work(page.repeat(Math.ceil(200_000 / page.length)), mode);
        expect(twice / once, `${page} ${mode}`).toBeLessThan(2.4);
        expect(once).toBeLessThan(100_000 * 40);
      }
    }
  });
});
