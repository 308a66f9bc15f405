/** How long the other side asks to be left alone, from wherever it says so. Pure. */
import { longestWaitMs, momentMs, spelledDateMs, spelledDurationMs } from "../duration.ts";
import { quotaWindows, replenishedMs } from "../quota.ts";
import type { ProviderFault } from "./fault.ts";

/** Milliseconds, at most a day; undefined where nobody says. Headers first: they are what proxies set too. */
export function retryAfterMs(fault: ProviderFault, nowMs: number): number | undefined {
  const { headers = {} } = fault;
  const wait = [
    exact(headers["retry-after-ms"] ?? headers["x-ms-retry-after-ms"]),
    header(headers["retry-after"], nowMs),
    fault.retryAfterMs,
    windows(headers, nowMs),
    words(fault.message),
  ].find((ms) => ms !== undefined && Number.isFinite(ms));
  return wait === undefined ? undefined : Math.min(Math.max(0, Math.round(wait)), longestWaitMs);
}

function exact(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}(\.\d{1,9})?$/.test(value.trim()) ? Number(value) : undefined;
}

/** Seconds, a date, or a spelled duration: all three are in the field. */
function header(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const amount = exact(value);
  if (amount !== undefined) return momentMs(amount, nowMs) - nowMs;
  const at = spelledDateMs(value.trim());
  return spelledDurationMs(value) ?? (at === undefined ? undefined : at - nowMs);
}

function windows(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const at = replenishedMs(quotaWindows(Object.entries(headers), nowMs));
  return at === undefined ? undefined : at - nowMs;
}

/** OpenAI, Groq and Gemini spell it in the sentence, Azure in seconds; a proxy may have dropped the headers. */
function words(message: string): number | undefined {
  const [, told = "", seconds] =
    /(?:try again|retry) (?:in|after) ((\d+(?:\.\d+)?) seconds?|[\dhms.]+)/i.exec(message.slice(0, 4_000)) ?? [];
  return seconds === undefined ? spelledDurationMs(told.replace(/\.$/, "")) : Number(seconds) * 1_000;
}
