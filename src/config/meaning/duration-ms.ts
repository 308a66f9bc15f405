/** What a duration of the configuration is in milliseconds. */
const unitsMs: Readonly<Record<string, number>> = Object.freeze({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
  w: 7 * 24 * 3_600_000,
});

/** The schema has let only `<number><unit>` through; anything else is 0. */
export function durationMs(text: string): number {
  const [, amount = "0", unit = "ms"] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(text) ?? [];
  return Math.round(Number(amount) * (unitsMs[unit] ?? 0));
}
