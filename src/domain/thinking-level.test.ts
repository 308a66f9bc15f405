import { describe, expect, it } from "vitest";
import { AppError } from "./app-error.ts";
import { isThinkingLevel, thinkingLevelOf, thinkingLevels } from "./thinking-level.ts";

describe("a thinking level", () => {
  it("G13: is one of the words, however it is written", () => {
    for (const level of thinkingLevels) {
      expect(isThinkingLevel(level)).toBe(true);
      expect(thinkingLevelOf(` ${level.toUpperCase()} `, "thinking")).toBe(level);
    }
  });

  it("G13: any other word is refused, with the list of those there are", () => {
    for (const word of ["", "hard", "ultrathink", "off,on", "__proto__", "constructor", "\u0000", "9"]) {
      expect(isThinkingLevel(word)).toBe(false);
      let refusal: unknown;
      try {
        thinkingLevelOf(word, "thinkingLevel");
      } catch (thrown) {
        refusal = thrown;
      }
      expect(refusal).toBeInstanceOf(AppError);
      expect(refusal).toMatchObject({ code: "RPC_003", details: { param: "thinkingLevel", allowed: thinkingLevels } });
      for (const level of thinkingLevels) expect((refusal as AppError).message).toContain(level);
    }
    for (const none of [undefined, null, 3, {}, ["low"]]) expect(isThinkingLevel(none)).toBe(false);
  });
});
