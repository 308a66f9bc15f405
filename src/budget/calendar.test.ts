/** Days and months begin where people say they do, and no moment is outside of all of them or in two. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { periods } from "../domain/purse.ts";
import { createCalendar } from "./calendar.ts";

// oxfmt-ignore
const zones = [
  "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Asia/Kolkata", "Asia/Kathmandu",
  "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
  "Pacific/Chatham", "Pacific/Pago_Pago", "America/Havana", "Asia/Gaza",
];
const zone = fc.constantFrom(...zones);
const moment = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2060, 0, 1) });
const hour = 3_600_000;

const dateIn = (timeZone: string, ms: number) => new Intl.DateTimeFormat("en-CA", { timeZone }).format(ms);

describe("a day and a month", () => {
  it("hold every moment, and the next one begins where they end", () => {
    fc.assert(
      fc.property(zone, fc.constantFrom(...periods), moment, (name, period, atMs) => {
        const { sinceMs, untilMs } = createCalendar(name).span(period, atMs);
        expect(sinceMs).toBeLessThanOrEqual(atMs);
        expect(untilMs).toBeGreaterThan(atMs);
        const same = { sinceMs, untilMs };
        expect(createCalendar(name).span(period, sinceMs)).toEqual(same);
        expect(createCalendar(name).span(period, untilMs - 1)).toEqual(same);
        expect(createCalendar(name).span(period, untilMs).sinceMs).toBe(untilMs);
        expect(createCalendar(name).span(period, sinceMs - 1).untilMs).toBe(sinceMs);
        const [least, most] = period === "day" ? [20 * hour, 28 * hour] : [27 * 24 * hour, 32 * 24 * hour];
        expect(untilMs - sinceMs).toBeGreaterThanOrEqual(least);
        expect(untilMs - sinceMs).toBeLessThanOrEqual(most);
      }),
      { numRuns: 1_500 },
    );
  });

  it("begin with their first date, and no moment before had it", () => {
    fc.assert(
      fc.property(zone, fc.constantFrom(...periods), moment, (name, period, atMs) => {
        const { sinceMs } = createCalendar(name).span(period, atMs);
        const begun = dateIn(name, sinceMs);
        expect(dateIn(name, sinceMs - 60_000) < begun).toBe(true);
        expect(dateIn(name, atMs) >= begun || sinceMs > atMs - hour).toBe(true);
        if (period === "month") expect(begun.endsWith("-01")).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });

  it("a month is made of whole days", () => {
    fc.assert(
      fc.property(zone, moment, (name, atMs) => {
        const calendar = createCalendar(name);
        const month = calendar.span("month", atMs);
        expect(calendar.span("day", month.sinceMs).sinceMs).toBe(month.sinceMs);
        expect(calendar.span("day", month.untilMs).sinceMs).toBe(month.untilMs);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    // Clocks go forward, back, forward at midnight itself, and a whole date is left out.
    ["Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    ["Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    ["America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    ["America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"],
    ["Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
    ["Asia/Kolkata", "2026-05-31T18:29:59Z", "2026-05-30T18:30:00Z", "2026-05-31T18:30:00Z"],
    ["UTC", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"],
  ])("in %s the day of %s is from %s to %s", (name, at, since, until) => {
    const { sinceMs, untilMs } = createCalendar(name).span("day", Date.parse(at));
    expect([new Date(sinceMs).toISOString(), new Date(untilMs).toISOString()]).toEqual(
      [since, until].map((text) => text.replace("Z", ".000Z")),
    );
  });

  it.each([
    ["Europe/Berlin", "2026-02-28T23:30:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"],
    ["UTC", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"],
    ["America/New_York", "2026-01-01T04:59:59Z", "2025-12-01T05:00:00Z", "2026-01-01T05:00:00Z"],
  ])("in %s the month of %s is from %s to %s", (name, at, since, until) => {
    const { sinceMs, untilMs } = createCalendar(name).span("month", Date.parse(at));
    expect([sinceMs, untilMs]).toEqual([Date.parse(since), Date.parse(until)]);
  });

  it("refuses a zone that nobody knows", () => {
    expect(() => createCalendar("Mars/Olympus")).toThrow(RangeError);
  });
});
