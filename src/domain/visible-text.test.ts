import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasHidden, visibleText } from "./visible-text.ts";

describe("text that a person decides by", () => {
  it("R114: leaves what people write as it is", () => {
    for (const text of ["git status\n\tls -la", "grüße 🙂 日本 שלום", "a\u0301 é", "~!@#$%^&*()`'\"\\"]) {
      expect(visibleText(text)).toBe(text);
      expect(hasHidden(text)).toBe(false);
    }
  });

  it.each([
    ["\u202Ehs.x", "\\u{202e}hs.x"],
    ["rm\u200B -rf", "rm\\u{200b} -rf"],
    ["ls\r\u001B[2K", "ls\\u{d}\\u{1b}[2K"],
    ["a\u00A0b\u3000c\u2028d", "a\\u{a0}b\\u{3000}c\\u{2028}d"],
    ["\u3164\u2800\u115F", "\\u{3164}\\u{2800}\\u{115f}"],
    ["\u{E0041}\u{FE0F}", "\\u{e0041}\\u{fe0f}"],
    ["\uFEFFx\u00ADy\0", "\\u{feff}x\\u{ad}y\\u{0}"],
  ])("R114: writes %j as %j", (text, seen) => {
    expect(visibleText(text)).toBe(seen);
    expect(hasHidden(text)).toBe(true);
  });

  it("R114: holds nothing hidden any more, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const seen = visibleText(text);
        expect(seen).toBe(visibleText(seen));
        expect(seen).not.toMatch(/[\p{Cc}\p{Cf}](?<![\n\t])/u);
      }),
    );
  });
});
