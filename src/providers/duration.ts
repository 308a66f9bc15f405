/** How long providers say to wait, in any of their spellings, as milliseconds. Pure; junk is undefined, never an error. */

/** No wait longer than this is believed. */
export const longestWaitMs = 24 * 3_600_000;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `6m0s`, `1h2m3s`, `12ms`, `34.5s`: what OpenAI, Groq and Google write. A bare number is none of them. */
export function spelledDurationMs(text: string): number | undefined {
  const parts = text.trim().toLowerCase();
  if (parts.length > 40 || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(parts)) return undefined;
  const found = [...parts.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return Math.round(found.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ""] ?? 0), 0));
}

/** A date of HTTP or ISO, milliseconds since the epoch. Words that merely begin with a month are no date. */
export function spelledDateMs(text: string): number | undefined {
  if (!/^(\d{4}-\d{2}-\d{2}T|[A-Za-z]{3,9},? \d{1,2}[ -])/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isFinite(at) ? at : undefined;
}

/** A number that is a moment or a while, by its size: no wait is as long as the time since 1970. */
export function momentMs(count: number, nowMs: number): number {
  if (count >= 1e11) return count;
  return count >= 1e9 ? count * 1_000 : nowMs + count * 1_000;
}
