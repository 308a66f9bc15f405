/** How long a token lives, whatever the clock on the wall does, and when it is to be refreshed. Pure. */
import { limits } from "../../domain/limits.ts";
import type { OAuthDocument } from "../profiles/profile-document.ts";

export type Dated = Pick<OAuthDocument, "expiresMs" | "changedMs" | "mark">;

/**
 * What is left of it. Infinite where nobody knows. A wall clock that was set back cannot make it live longer than it
 * was given, and where this process saw it come, the clock that never jumps has a word as well.
 */
export function leftMs({ expiresMs, changedMs }: Dated, nowMs: number, seenLeftMs: number | null): number {
  if (expiresMs === null) return Number.POSITIVE_INFINITY;
  return Math.min(expiresMs - nowMs, expiresMs - changedMs, seenLeftMs ?? Number.POSITIVE_INFINITY);
}

/** How much must be left of it; less is too little. Tokens that live for minutes are used for half of their life. */
export function aheadMs({ expiresMs, changedMs }: Dated): number {
  if (expiresMs === null) return 0;
  return Math.min(limits.oauthRefreshAheadMs, Math.max(0, (expiresMs - changedMs) / 2));
}

/** By how much earlier this one is refreshed: the same for every process that looks at it. */
export function jitterMs({ mark }: Dated): number {
  const value = Number.parseInt(mark.slice(0, 8), 16);
  return Number.isNaN(value) ? 0 : (value / 2 ** 32) * limits.oauthJitterMs;
}

/** The pause after so many failures in a row. */
export function retryPauseMs(attempts: number): number {
  return Math.min(limits.oauthRetryCapMs, limits.oauthRetryBaseMs * 2 ** Math.min(attempts - 1, 20));
}
