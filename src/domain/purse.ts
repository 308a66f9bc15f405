/**
 * Purses: who pays for a model call, in which time. Pure data, shared by the budget gate, the store that counts, and
 * everybody who shows what is left.
 */

export const purseKinds = ["global", "agent", "user", "chat", "job"] as const;
export type PurseKind = (typeof purseKinds)[number];

/**
 * `id` is empty for the global purse, the agent's id, `<channel>:<sender id>`, the session key (or
 * `<channel>:<account>:<chat>` where a limit names the chat so), or the job's id.
 */
export interface PurseKey {
  readonly kind: PurseKind;
  readonly id: string;
}

export const periods = ["day", "month"] as const;
export type Period = (typeof periods)[number];

/** One purse in one period of time. Milliseconds since the epoch; `untilMs` is the first that is not in it any more. */
export interface PurseSpan extends PurseKey {
  readonly period: Period;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface PurseLimit extends PurseSpan {
  /** Whole micro-dollars that may be spent in it. */
  readonly limitMicros: number;
}

/** What has become of a purse so far. Whole micro-dollars. */
export interface PurseBalance extends PurseSpan {
  readonly spentMicros: number;
  /** Set aside for calls under way, or lost in a crash and counted at their worst. */
  readonly heldMicros: number;
  /** Granted by a person on top of the limit, for this period alone. */
  readonly extraMicros: number;
}

export interface PurseState extends PurseBalance, PurseLimit {}

/** What may still be set aside; below zero where a call cost more than its worst case. */
export function leftMicros({ limitMicros, extraMicros, spentMicros, heldMicros }: PurseState): number {
  return limitMicros + extraMicros - spentMicros - heldMicros;
}
