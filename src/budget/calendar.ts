/**
 * Days and months as people in a time zone count them. Every moment belongs to exactly one day and one month, whatever a
 * zone does to its clocks: a day begins at the first moment whose date has come, and lasts until the next one begins.
 */
import type { Period } from "../domain/purse.ts";

export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Calendar {
  span(period: Period, atMs: number): Span;
}

/** Throws RangeError for a zone that the system does not know; the configuration's loader lets none through. */
export function createCalendar(timeZone: string): Calendar {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    calendar: "gregory",
    numberingSystem: "latn",
  });
  const known = new Map<Period, Span>();
  return {
    span(period, atMs) {
      const last = known.get(period);
      if (last !== undefined && last.sinceMs <= atMs && atMs < last.untilMs) return last;
      const span = spanAt(period, atMs, (ms) => dateAt(format, ms));
      known.set(period, span);
      return span;
    },
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** No zone is further from UTC, and none has moved its clocks by more at once than a whole day. */
const mostOffsetMs = 15 * hourMs;

/** Days since the epoch of a calendar date, as if it were UTC. */
type DateAt = (ms: number) => number;

function dateAt(format: Intl.DateTimeFormat, ms: number): number {
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const year = Number(parts["year"]);
  const date = new Date(0);
  date.setUTCFullYear(parts["era"] === "BC" ? 1 - year : year, Number(parts["month"]) - 1, Number(parts["day"]));
  return date.getTime() / dayMs;
}

const dayMs = 24 * hourMs;

function spanAt(period: Period, atMs: number, date: DateAt): Span {
  let first = firstOf(period, date(atMs));
  let sinceMs = beginOf(first, date);
  // Clocks that are set back over midnight show the old date again: the new day has begun all the same.
  for (; sinceMs > atMs; sinceMs = beginOf(first, date)) first = firstOf(period, first - 1);
  for (;;) {
    const next = nextOf(period, first);
    const untilMs = beginOf(next, date);
    if (atMs < untilMs) return { sinceMs, untilMs };
    first = next;
    sinceMs = untilMs;
  }
}

function firstOf(period: Period, day: number): number {
  if (period === "day") return day;
  const date = new Date(day * dayMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / dayMs;
}

function nextOf(period: Period, first: number): number {
  if (period === "day") return first + 1;
  const date = new Date(first * dayMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / dayMs;
}

/** The first minute at which the date has come. */
function beginOf(day: number, date: DateAt): number {
  let early = day * dayMs - mostOffsetMs;
  let late = day * dayMs + mostOffsetMs;
  while (late - early > minuteMs) {
    const middle = early + Math.floor((late - early) / (2 * minuteMs)) * minuteMs;
    if (date(middle) >= day) late = middle;
    else early = middle;
  }
  return late;
}
