/**
 * Money is asked for before it is spent: the worst case of a call is set aside in every purse that pays for it, in one
 * transaction, and settled with what the call really cost in the commit that books it. Nothing calls a model without a
 * hold.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { BudgetHold } from "../domain/authority.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { PurseState } from "../domain/purse.ts";

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
  /** `<channel>:<account>:<chat>` of where it was asked; limits of single chats may be given by it. */
  readonly chat?: string;
  /** The most it can read, tokens, estimated high; the price is for the hold to know. */
  readonly inputTokens: number;
  /** The most it can write; null: whatever the model may, or `limits.budgetOutputTokens` where that is not known. */
  readonly outputTokens: number | null;
}

export type HoldResult =
  | {
      readonly granted: true;
      readonly hold: BudgetHold;
      /**
       * The most that the request may ask the model to write: where a purse pays for it the hold covers no more, and less
       * than was asked for where the purse cannot afford all of it. Null where no purse has a limit.
       */
      readonly maxOutputTokens: number | null;
      /** Purses that went over their warning share with this hold, for the first time in their period. */
      readonly warnings: readonly PurseState[];
    }
  /** `BUDGET_001` a purse is empty, `BUDGET_002` no price is known, `BUDGET_003` spending is paused. */
  | { readonly granted: false; readonly error: AppErrorJson; readonly purse: PurseState | null };

export interface BudgetGate {
  /**
   * Where no purse has a limit and nothing is paused, this costs no transaction. Where a purse would pay but for the calls
   * that are under way, it waits for these, at most `limits.budgetWaitMs` or until the signal aborts.
   */
  hold(call: CallToPay, signal?: AbortSignal): Promise<HoldResult>;
  /**
   * Gives back what was set aside for a call that provably never left, or that ended without being billed. What was
   * billed is settled by its ledger row, which carries `callId`.
   */
  release(hold: BudgetHold): Promise<void>;
}
