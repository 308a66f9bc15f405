import { describe, expect, it } from "vitest";
import { spanMs, timeMs, wholeNumber } from "./typed-value.ts";

const wrong = /takes .+/;

describe("what is typed", () => {
  it("as a count is a whole number within its bounds", () => {
    expect([wholeNumber("1", "-n"), wholeNumber("500", "-n")]).toEqual([1, 500]);
    for (const text of ["0", "501", "1.5", "-1", "many"]) expect(() => wholeNumber(text, "-n"), text).toThrow(wrong);
  });

  it("as a span has a unit", () => {
    const spans = ["90s", "30m", "12 h", "7d", " 2w "].map((text) => spanMs(text, "--older-than"));
    expect(spans).toEqual([90_000, 1_800_000, 43_200_000, 604_800_000, 1_209_600_000]);
    for (const text of ["7", "d", "-1d", "1.5h", "1y", "1d2h"])
      expect(() => spanMs(text, "--older-than"), text).toThrow(wrong);
  });

  it("as a time is one that the calendar has, or milliseconds", () => {
    expect(timeMs("2026-11-20T12:00:00Z", "--before")).toBe(Date.UTC(2026, 10, 20, 12));
    expect(timeMs("1795176000000", "--before")).toBe(1_795_176_000_000);
    for (const text of ["yesterday", "2026-13-01"]) expect(() => timeMs(text, "--before"), text).toThrow(wrong);
  });
});
