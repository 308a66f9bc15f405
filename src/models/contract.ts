/**
 * Which model answers, by which login, now: the choice is made once per turn from configuration, session and the
 * state of every candidate, is deterministic, and says why it is as it is. Nothing here calls a model.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import type { QuotaWindow } from "../domain/quota.ts";
import type { Tier } from "../domain/tier.ts";
import type { ModelProvider } from "../providers/contract.ts";

/** A model by a login. `profileId` is null where the provider needs none. */
export interface Candidate {
  readonly model: ModelInfo;
  readonly profileId: string | null;
  /** A person set the session to this login: it may pay although another one of the provider cannot. */
  readonly isExplicit?: boolean;
}

/** What may lead from a model to the next one. */
export const fallbackTriggers = ["rate-limit", "on-error", "auth", "context-overflow", "always"] as const;
export type FallbackTrigger = (typeof fallbackTriggers)[number];

/** One line of the decision: a candidate, and what spoke for or against it. */
export interface Considered {
  readonly model: string;
  readonly profileId: string | null;
  /** `used` first, `next` in order behind it, `skipped` not at all. */
  readonly verdict: "used" | "next" | "skipped";
  /** Which of the six steps said so: lookup, window, profile, key, attempt, fallback. */
  readonly step: "lookup" | "window" | "profile" | "key" | "attempt" | "fallback";
  /** A sentence for people, e.g. `cooling down until 12:03:10 after rate_limit`. */
  readonly why: string;
}

export interface ModelChoice {
  /** At least one, best first. */
  readonly candidates: readonly [Candidate, ...Candidate[]];
  /** Those that are left alone at the moment and come back by themselves, in their order: when nobody else can, they are waited for. */
  readonly later: readonly Candidate[];
  readonly considered: readonly Considered[];
  /** Set where the router chose. */
  readonly tier: Tier | null;
  /** The router's score, 0 to 1; null where it did not look. */
  readonly score: number | null;
  /** Failures that may lead to another model; to another login of the same one every failure may. */
  readonly fallbackOn: readonly FallbackTrigger[];
}

export interface ChoiceRequest {
  readonly agentId: string;
  readonly sessionKey: string;
  /** What the caller of this turn wants, by reference, alias or bare id. */
  readonly requested?: string | undefined;
  /** What the session was set to. */
  readonly sessionModel?: string | undefined;
  /** `auto`, or one tier that the session insists on; absent: as configured. */
  readonly sessionRouting?: "auto" | "off" | Tier | undefined;
  /** A login the session was set to. */
  readonly sessionProfile?: string | undefined;
  /** What the person wrote, for the router. */
  readonly text: string;
  readonly needsVision: boolean;
  /** Tokens the request has at least, for the window. */
  readonly estimatedTokens: number;
}

/**
 * How a call to a candidate ended. `startedMs`: when it was made, so that an answer to an older call does not hide a newer
 * failure, and failures of calls that were made side by side count once.
 */
export type Outcome =
  | { readonly ok: true; readonly startedMs: number; readonly atMs: number }
  | {
      readonly ok: false;
      readonly reason: FailureReason;
      /** Of HTTP, where there was one: a 403 is of the model, a 401 of the login. */
      readonly status?: number;
      readonly retryAfterMs: number | null;
      readonly startedMs: number;
      readonly atMs: number;
    };

/** What is known of a candidate at this moment. */
export type Standing =
  | { readonly usable: true; readonly trial: boolean }
  /** `untilMs` null: until the login or the setting changes. `why` is a sentence for people. */
  | { readonly usable: false; readonly untilMs: number | null; readonly reason: FailureReason; readonly why: string };

export interface ModelDesk {
  /**
   * Throws MODEL_001 where the model is not known or not allowed, MODEL_009 where every candidate is skipped; the
   * error's details hold the lines.
   */
  choose(request: ChoiceRequest): Promise<ModelChoice>;
  /** The provider of a candidate, opened with its login. Throws as `AuthProfiles.credential` does. */
  open(candidate: Candidate): Promise<ModelProvider>;
  /** Changes nothing. Synchronous. */
  standing(candidate: Candidate, atMs: number): Standing;
  /**
   * The same, asked right before each call: a sibling turn may have found out meanwhile. Of a candidate that failed and
   * whose pause is over, one caller at a time is told `trial`: it makes the call and reports, or forgoes it.
   */
  enter(candidate: Candidate, atMs: number): Standing;
  /** The call was not made, or nobody waited for its end: a trial is free again. */
  forgo(candidate: Candidate): void;
  /** Every call is told. Durable in its own time, before the process stops and within a second. */
  report(candidate: Candidate, outcome: Outcome): void;
  /** The login that answered a session keeps it while it is healthy: its prompt cache is warm. */
  pin(sessionKey: string, candidate: Candidate): void;
  quota(candidate: Candidate, windows: readonly QuotaWindow[], atMs: number): void;
}

/** What is told to whoever asks why. */
export interface Explanation {
  readonly considered: readonly Considered[];
  /** The one that would be asked now; null where none can be. */
  readonly model: string | null;
  readonly profileId: string | null;
  readonly tier: Tier | null;
  readonly score: number | null;
  readonly fallbackOn: readonly FallbackTrigger[];
  /** Why there is none. */
  readonly error: AppErrorJson | null;
}

/** `missing`: a login is needed and there is none. `refused`: the provider does not take it. */
export const authStates = ["ok", "not-needed", "missing", "expired", "refused", "no-credit", "cooling-down"] as const;
export type AuthState = (typeof authStates)[number];

/** What people may ask of the desk. None of it changes what it asks about, but for `forget`. */
export interface ModelDeskView {
  explain(request: ChoiceRequest): Promise<Explanation>;
  authState(model: ModelInfo): AuthState;
  /** Null where a person may choose this model; MODEL_001 with the reason where not. */
  refusal(name: string): AppErrorJson | null;
  /** Whether there is a login of that id. */
  knowsLogin(profileId: string): boolean;
  /** Forgets what failed, of one provider or of all: it is asked again. Returns how much was forgotten. */
  forget(providerId: string | null): number;
}

/** What a failure asks of the turn, in the order of the table in `recovery.ts`. */
export type Recovery =
  | "next-profile"
  | "next-model"
  /** Wait no longer than the turn's deadline allows, then the same one again. */
  | "same-again"
  | "compact"
  | "shrink-images"
  | "give-up";

/** What a turn's error tells those who look deeper. */
export interface FailedAttempt {
  readonly model: string;
  readonly profileId: string | null;
  readonly reason: FailureReason;
  readonly error: AppErrorJson;
}
