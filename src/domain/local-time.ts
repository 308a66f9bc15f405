/** Wall clocks of places: the pure arithmetic between an instant and what a clock shows there, summer time included. */

/** A day of the calendar in UTC; elsewhere one may be an hour shorter or longer. */
export const dayMs = 24 * 3_600_000;

export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** What a clock in that zone shows at that instant. Throws RangeError for a zone that nobody knows. */
export function localTimeOf(atMs: number, timeZone: string): LocalTime {
  return clockOf(timeZone)(atMs);
}

/**
 * The instant at which a clock in that zone shows this. An hour that summer time leaves out is the first moment behind it;
 * of one that comes twice, the first.
 */
export function instantOf(time: LocalTime, timeZone: string): number {
  return instantBy(clockOf(timeZone), time);
}

/** The latest instant, not after `nowMs`, at which the clock there showed that full hour. */
export function lastLocalHour(nowMs: number, hour: number, timeZone: string): number {
  const clock = clockOf(timeZone);
  const local = clock(nowMs);
  const today = instantBy(clock, { ...local, hour, minute: 0, second: 0 });
  if (today <= nowMs) return today;
  const before = new Date(Date.UTC(local.year, local.month - 1, local.day - 1));
  return instantBy(clock, {
    year: before.getUTCFullYear(),
    month: before.getUTCMonth() + 1,
    day: before.getUTCDate(),
    hour,
    minute: 0,
    second: 0,
  });
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    // A RangeError is how the runtime says that it knows no such zone.
    return false;
  }
}

type LocalClock = (atMs: number) => LocalTime;

/** To make one costs several times what reading it does: one is made for one question. */
function clockOf(timeZone: string): LocalClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (atMs) => {
    const parts = format.formatToParts(atMs);
    const read = (type: Intl.DateTimeFormatPartTypes): number =>
      Number(parts.find((part) => part.type === type)?.value ?? 0);
    return {
      year: read("year"),
      month: read("month"),
      day: read("day"),
      hour: read("hour"),
      minute: read("minute"),
      second: read("second"),
    };
  };
}

function instantBy(clock: LocalClock, { year, month, day, hour, minute, second }: LocalTime): number {
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  // An offset is at most a day; the clock's own word at both ends of that span holds the one that applies.
  const candidates = [shown - dayMs, shown + dayMs].map((near) => shown - offsetMs(clock, near));
  const fitting = candidates.filter((atMs) => atMs + offsetMs(clock, atMs) === shown);
  return fitting.length > 0 ? Math.min(...fitting) : Math.max(...candidates);
}

/** How far the clock there is ahead of UTC. */
function offsetMs(clock: LocalClock, atMs: number): number {
  const { year, month, day, hour, minute, second } = clock(atMs);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
}
