/**
 * Money is asked for before it is spent: the worst case of a call is set aside in every purse that pays for it, in one
 * transaction, and settled with what the call really cost in the commit that books it. Nothing calls a model without a
 * hold.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { BudgetHold } from "../domain/authority.ts";
import type { ModelInfo } from "../domain/conversation.ts";

export const purseKinds = ["global", "agent", "user", "chat", "job"] as const;
export type PurseKind = (typeof purseKinds)[number];

/** `id` is empty for the global purse, the agent's id, `<channel>:<sender id>`, the session key, or the job's id. */
export interface PurseKey {
  readonly kind: PurseKind;
  readonly id: string;
}

export type Period = "day" | "month";

/** One call that somebody has to pay for. */
export interface CallToPay {
  /** The ledger row's id to be: the hold has the same. */
  readonly callId: string;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly channel: string;
  readonly senderId: string;
  /** Of a schedule; null for what a person asked. */
  readonly jobId: string | null;
  readonly model: ModelInfo;
  /** The most it can read and write, tokens; the price is for the hold to know. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export type HoldResult =
  | {
      readonly granted: true;
      readonly hold: BudgetHold;
      /** Purses that went over their warning share with this hold, for the first time in their period. */
      readonly warnings: readonly PurseState[];
    }
  /** `BUDGET_001` a purse is empty, `BUDGET_002` no price is known, `BUDGET_003` spending is paused. */
  | { readonly granted: false; readonly error: AppErrorJson; readonly purse: PurseState | null };

export interface PurseState {
  readonly purse: PurseKey;
  readonly period: Period;
  /** Begin of the period, milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly limitMicros: number;
  /** Granted by a person on top of the limit, for this period alone. */
  readonly extraMicros: number;
  readonly spentMicros: number;
  /** Set aside for calls under way, or lost in a crash and counted at their worst. */
  readonly heldMicros: number;
}

export interface BudgetGate {
  /** Where no purse has a limit and nothing is paused, this costs no transaction. */
  hold(call: CallToPay): Promise<HoldResult>;
  /**
   * Gives back what was set aside for a call that provably never left, or that ended without being billed. What was
   * billed is settled by its ledger row, which carries `callId`.
   */
  release(hold: BudgetHold): Promise<void>;
}
