/**
 * Money is asked for before it is spent: the worst case of a call is set aside in every purse that pays for it, in one
 * transaction, and settled with what the call really cost in the commit that books it. Nothing calls a model without a
 * hold.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { BudgetHold } from "../domain/authority.ts";
import type { Address, Reply } from "../domain/message.ts";
import type { PricedModel } from "../domain/call-beside.ts";
import type { PurseState } from "../domain/purse.ts";
import type { ApprovalRow, LostHold, Pause } from "../store/budget-port.ts";
import type { CallOrigin } from "../store/ledger-port.ts";

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
  /** False: refused at once where only calls under way keep the money from it. Else it waits for them. */
  readonly waits?: boolean;
  /** What it is made for, where that is neither a chat nor a schedule. */
  readonly origin?: CallOrigin;
  readonly model: PricedModel;
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

/** A turn that ended because a budget or a pause stopped its next call. */
export interface RefusedTurn {
  readonly error: AppErrorJson;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly address: Address;
}

/** What becomes of its message: it waits for a person, on the list of dead letters. */
export interface KeptMessage {
  /** The reason that its row ends with; it goes on when what this names has come. */
  readonly reason: string;
  /** What the chat reads; null where it was told a while ago. */
  readonly reply: Reply | null;
  /** Owners who are asked elsewhere. The ids are the same however often it is asked. */
  readonly also: readonly { readonly id: string; readonly address: Address; readonly reply: Reply }[];
}

export type AllowOutcome =
  | { readonly outcome: "allowed"; readonly row: ApprovalRow; readonly micros: number; readonly replayed: number }
  | { readonly outcome: "denied"; readonly row: ApprovalRow }
  /** Somebody was quicker, or its time is over: `row.state` tells. */
  | { readonly outcome: "late"; readonly row: ApprovalRow }
  | { readonly outcome: "unknown" };

export interface BudgetOverview {
  readonly timeZone: string;
  readonly warnAt: number;
  readonly unpriced: "refuse" | "allow";
  readonly pauses: readonly Pause[];
  /** Every purse that has a limit and was named or used, by kind, name and period. */
  readonly purses: readonly PurseState[];
  readonly lost: readonly LostHold[];
  readonly approvals: readonly ApprovalRow[];
}

/**
 * What people decide about money. Whoever calls has made sure that `by` may: an owner in a chat, an administrator over the
 * wire. Every decision is durable when its promise resolves, and stands in the log with who made it.
 */
export interface BudgetDesk {
  overview(): Promise<BudgetOverview>;
  /** Null where the turn ended for another reason. Asks for consent where a purse was short. */
  refused(turn: RefusedTurn): Promise<KeptMessage | null>;
  /** Adds to the purse for its period and lets the waiting messages go on; without an amount, what was proposed. */
  allow(approvalId: string, decision: { readonly by: string; readonly micros?: number }): Promise<AllowOutcome>;
  deny(approvalId: string, by: string): Promise<AllowOutcome>;
  /** False where no such call is lost. */
  settle(callId: string, decision: { readonly by: string; readonly costMicros: number }): Promise<boolean>;
  /** From then on no model is called, and calls under way are broken off. Null: for all agents. */
  pause(pause: {
    readonly agentId: string | null;
    readonly reason: string | null;
    readonly by: string;
    /** The id of the message that asked for it: it is carried out once, however often that is handled. */
    readonly cause?: string;
  }): Promise<void>;
  /** Lifts the pause of one agent, or every pause (null); messages that waited go on. */
  resume(which: {
    readonly agentId: string | null;
    readonly by: string;
  }): Promise<{ readonly lifted: number; readonly replayed: number }>;
}
