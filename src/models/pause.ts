/** How long something that failed is left alone: by reason, by what the provider said, and by how often it happened. Pure. */
import { reasonWords, type FailureReason } from "../domain/failure-reason.ts";
import { limits } from "../domain/limits.ts";
import type { Candidate, Outcome } from "./contract.ts";
import type { StandingRow } from "./standings.ts";

export interface PauseRules {
  /** Of a login that cannot pay. */
  readonly billingMs: number;
  /** How long a failure counts for the next one's length. */
  readonly failureWindowMs: number;
}

type Failure = Extract<Outcome, { ok: false }>;
type Pause = Omit<StandingRow, "key" | "provider" | "revision">;

/** Pauses in a row. A provider's own word on how long wins over them. */
export const rateLimitPausesMs = [60_000, 5 * 60_000, 25 * 60_000, 60 * 60_000] as const;
export const breakerPausesMs = [30_000, 2 * 60_000, 5 * 60_000, 10 * 60_000] as const;

/** Failures of the request alone: of what was asked they say nothing but that it lives. */
export function fineUnder(reason: FailureReason): boolean {
  return requestFaults.has(reason);
}

const requestFaults: ReadonlySet<FailureReason> = new Set([
  "bad_request",
  "content_filter",
  "context_overflow",
  "image_size",
  "image_dimension",
]);

export function pauseAfter(
  before: StandingRow | undefined,
  failure: Failure,
  { rules, candidate }: { readonly rules: PauseRules; readonly candidate: Candidate },
): Pause {
  const isOld = before !== undefined && failure.atMs - before.failedMs > rules.failureWindowMs;
  const earlier = isOld ? undefined : before;
  const { reason, atMs } = failure;
  const fixed = (untilMs: number | null): Pause => {
    const why = whyOf(reason, candidate, untilMs);
    return { reason, why, untilMs, failures: 1, sinceMs: atMs, level: 0, failedMs: atMs };
  };
  switch (reason) {
    case "auth":
      // Without a login there is none that could change: asked again now and then.
      return candidate.profileId === null ? escalated(earlier, failure, rateLimitPausesMs, candidate) : fixed(null);
    case "billing":
      return fixed(atMs + rules.billingMs);
    case "model_not_found":
      return fixed(atMs + limits.modelMissingMs);
    case "rate_limit":
      return escalated(earlier, failure, rateLimitPausesMs, candidate);
    default:
      return broken(earlier, failure, candidate);
  }
}

/** Each pause in a row is longer; of failures side by side the first alone counts. */
function escalated(
  earlier: StandingRow | undefined,
  { reason, retryAfterMs, startedMs, atMs }: Failure,
  pausesMs: readonly number[],
  candidate: Candidate,
): Pause {
  const paused = earlier !== undefined && earlier.untilMs !== null && earlier.untilMs > 0 ? earlier : undefined;
  const sideBySide = paused !== undefined && startedMs < (paused.untilMs ?? 0);
  const level = paused === undefined ? 0 : sideBySide ? paused.level : Math.min(paused.level + 1, pausesMs.length - 1);
  const pauseMs = retryAfterMs === null ? (pausesMs[level] ?? 0) : Math.max(limits.modelPauseFloorMs, retryAfterMs);
  const untilMs = sideBySide && retryAfterMs === null ? (paused.untilMs ?? atMs) : atMs + pauseMs;
  return { reason, why: whyOf(reason, candidate, untilMs), untilMs, failures: 0, sinceMs: atMs, level, failedMs: atMs };
}

/** A circuit breaker: opens after several failures close together, or at once where the one call that was let through failed. */
function broken(earlier: StandingRow | undefined, failure: Failure, candidate: Candidate): Pause {
  const { reason, retryAfterMs, atMs } = failure;
  const isOpen = earlier !== undefined && earlier.untilMs !== null && earlier.untilMs > 0;
  if (retryAfterMs !== null || isOpen) return escalated(earlier, failure, breakerPausesMs, candidate);
  const isCounted = earlier !== undefined && atMs - earlier.sinceMs <= limits.modelBreakerWindowMs;
  const failures = (isCounted ? earlier.failures : 0) + (reason === "timeout" ? 2 : 1);
  if (failures >= limits.modelBreakerFailures) return escalated(undefined, failure, breakerPausesMs, candidate);
  const sinceMs = isCounted ? earlier.sinceMs : atMs;
  const why = whyOf(reason, candidate, 0);
  return { reason, why, untilMs: 0, failures, sinceMs, level: 0, failedMs: atMs };
}

function whyOf(reason: FailureReason, { model, profileId }: Candidate, untilMs: number | null): string {
  const login = profileId ?? model.provider;
  switch (reason) {
    case "auth":
      return untilMs === null
        ? `${login} was refused; it is not asked again until it changes`
        : `${model.provider} asked for a login; left alone until ${timeOf(untilMs)}`;
    case "billing":
      return `${login} has no credit left; left alone until ${timeOf(untilMs)}`;
    case "model_not_found":
      return `${model.provider} said that it has no such model; left alone until ${timeOf(untilMs)}`;
    default: {
      const words = reasonWords[reason];
      return untilMs === 0 ? `failed lately: ${words}` : `${words}; left alone until ${timeOf(untilMs)}`;
    }
  }
}

/** `12:03:10 UTC` */
function timeOf(untilMs: number | null): string {
  return untilMs === null ? "it changes" : `${new Date(untilMs).toISOString().slice(11, 19)} UTC`;
}
