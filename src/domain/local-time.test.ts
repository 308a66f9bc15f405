import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instantOf, isTimeZone, lastLocalHour, localTimeOf } from "./local-time.ts";

const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"];
const anyInstant = fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) });

describe("local time", () => {
  test("there and back is the same second, or its twin where an hour comes twice", () => {
    fc.assert(
      fc.property(anyInstant, fc.constantFrom(...zones), (atMs, zone) => {
        const local = localTimeOf(atMs, zone);
        const back = instantOf(local, zone);
        expect(localTimeOf(back, zone)).toEqual(local);
        expect(back).toBeLessThanOrEqual(atMs);
        expect(atMs - back).toBeLessThanOrEqual(3_600_000 + 999);
      }),
    );
  });

  test("the last time of an hour is past, within some 25 hours, and shows that hour or the one behind a gap", () => {
    fc.assert(
      fc.property(anyInstant, fc.integer({ min: 0, max: 23 }), fc.constantFrom(...zones), (nowMs, hour, zone) => {
        const lastMs = lastLocalHour(nowMs, hour, zone);
        expect(lastMs).toBeLessThanOrEqual(nowMs);
        expect(nowMs - lastMs).toBeLessThan(25 * 3_600_000);
      }),
    );
  });

  test("an hour that summer time leaves out is the first moment behind it", () => {
    const atMs = instantOf({ year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0 }, "Europe/Berlin");
    expect(new Date(atMs).toISOString()).toBe("2026-03-29T01:30:00.000Z");
    expect(localTimeOf(atMs, "Europe/Berlin")).toMatchObject({ hour: 3, minute: 30 });
  });

  test("a zone that nobody knows is told apart", () => {
    expect(isTimeZone("Europe/Berlin")).toBe(true);
    expect(isTimeZone("Europe/Atlantis")).toBe(false);
  });
});
