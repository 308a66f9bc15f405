/**
 * What the store keeps of money and of consent: purses with what was spent from them, holds for calls under way, pauses,
 * and what a person was asked. The rules of `port.ts` hold here too; amounts are whole micro-dollars.
 *
 * The ledger settles: the commit that records a ledger row releases the hold of the same id and adds what the call really
 * cost to every purse that the hold counted in, in the period in which it was made. A row without a hold counts as well;
 * what another installation spent (`import`) counts in none.
 */
import type { WorstCase } from "../domain/money.ts";
import type { PurseBalance, PurseLimit, PurseSpan, PurseState } from "../domain/purse.ts";
import type { LedgerEntry } from "./ledger-port.ts";

/** Who pays for a call: what its purses are found by. */
export interface Payer extends Pick<LedgerEntry, "runId" | "sessionKey" | "agentId" | "channel" | "senderId"> {
  readonly jobId: string | null;
  /** `<channel>:<account>:<chat>`; null where it was not asked in a chat. */
  readonly chat: string | null;
}

export interface HoldRequest {
  /** The ledger row's id to be. */
  readonly id: string;
  readonly payer: Payer;
  readonly provider: string;
  readonly model: string;
  readonly origin: LedgerEntry["origin"];
  readonly atMs: number;
  readonly worst: WorstCase;
  /** What the answer shall have; it gets fewer where a purse cannot pay for all of them, but not below the least. */
  readonly outputTokens: number;
  readonly leastOutputTokens: number;
  /** Share of limit and extras from which a purse is warned of. */
  readonly warnAt: number;
  /** Every purse that has to pay, in the period that `atMs` is in. */
  readonly purses: readonly PurseLimit[];
}

export type Reservation =
  | {
      readonly outcome: "held";
      readonly reservedMicros: number;
      readonly outputTokens: number;
      /** Purses that went over their warning share with it, for the first time in their period. */
      readonly warnings: readonly PurseState[];
    }
  | {
      readonly outcome: "short";
      /** The one with the least left. */
      readonly purse: PurseState;
      /** What the call may cost at most, with the shortest answer that is worth having. */
      readonly neededMicros: number;
      /** True where calls under way hold what is missing: once they are settled it may be there. */
      readonly passing: boolean;
    }
  | { readonly outcome: "paused"; readonly pause: Pause };

/** A call whose turn is gone without a ledger row: it may have been billed, so it counts at its worst case. */
export interface LostHold extends Payer {
  readonly id: string;
  readonly atMs: number;
  /** `<provider>/<model>`. */
  readonly model: string;
  readonly reservedMicros: number;
}

export interface Pause {
  /** Null: all agents. */
  readonly agentId: string | null;
  readonly atMs: number;
  readonly by: string;
  readonly reason: string | null;
}

export interface BudgetStore {
  /**
   * Looks at every purse and writes the hold, or says which purse is short, in one transaction. The same id again is the
   * same hold. Throws SYS_001 where that call is in the ledger already.
   */
  reserve(request: HoldRequest): Promise<Reservation>;
  /** Gives a hold back, open or lost. False where there is none (any more). */
  release(id: string): Promise<boolean>;
  /**
   * A hold becomes lost in the very commit in which its turn ends, is given back or is taken by another worker. This finds
   * those that no turn holds on to: made before that time, and no worker has a lease of their run. Returns how many.
   */
  loseOrphans(beforeMs: number): Promise<number>;
  /** The oldest first. */
  lost(limit: number): Promise<readonly LostHold[]>;
  /** What a lost call really cost: it goes into the ledger, marked as an estimate. False where it is not lost (any more). */
  settleLost(id: string, costMicros: number, atMs: number): Promise<boolean>;
  /** The purses that were used at that time, and those that are asked for besides, whether they were used or not. */
  balances(options: { atMs: number; asked: readonly PurseSpan[] }): Promise<readonly PurseBalance[]>;
  /** With a cause, once: false where what asked for it was carried out before, also where the pause is over by now. */
  pause(pause: Pause, cause?: string): Promise<boolean>;
  /**
   * Lifts one pause, or with `all` every one, and puts the messages back to work that waited for it and are not older than
   * `admittedAfterMs`. Returns which were lifted and how many messages go on.
   */
  resume(which: { agentId: string | null; all: boolean }, replay: ReplayRule): Promise<Resumed>;
  pauses(): Promise<readonly Pause[]>;
  /** Whether this run may tell it in its session: one in `everyMs` may, and that one also when it is run again. */
  mayTell(
    what: string,
    run: { sessionKey: string; runId: string },
    options: { atMs: number; everyMs: number },
  ): Promise<boolean>;
}

export interface ReplayRule {
  readonly atMs: number;
  readonly expiresMs: number;
  readonly admittedAfterMs: number;
}

export interface Resumed {
  readonly lifted: readonly Pause[];
  readonly replayed: number;
}

export const approvalStates = ["open", "allowed", "denied", "expired"] as const;
export type ApprovalState = (typeof approvalStates)[number];

/** A question to a person about exactly one thing. Whoever may answer is judged before the answer gets here. */
export interface ApprovalDraft {
  /** What people name it by: short, and unique for as long as it is kept. */
  readonly id: string;
  readonly kind: "budget" | "exec" | "tool" | "in-doubt";
  /** What consent is asked for: JSON-safe, and never changed. */
  readonly subject: unknown;
  /** Of two open ones with the same there is one. */
  readonly subjectKey: string;
  /** Of the turn that asked first. */
  readonly runId: string | null;
  readonly sessionKey: string;
  readonly createdMs: number;
  readonly expiresMs: number;
}

export interface ApprovalRow extends ApprovalDraft {
  readonly state: ApprovalState;
  readonly decidedMs: number | null;
  readonly decidedBy: string | null;
  /** What was decided in particular. JSON-safe; null while nothing was. */
  readonly decision: unknown;
}

export interface ApprovalDecision {
  readonly allow: boolean;
  readonly by: string;
  readonly decision: unknown;
  /** Granted with it, in the same commit. */
  readonly grant?: { readonly purse: PurseSpan; readonly micros: number };
  /** Messages that wait for it go on where it is allowed. */
  readonly replay: ReplayRule;
}

export type ApprovalOutcome =
  | { readonly outcome: "decided"; readonly row: ApprovalRow; readonly replayed: number }
  | { readonly outcome: "late"; readonly row: ApprovalRow }
  | { readonly outcome: "unknown" };

export interface ApprovalStore {
  /** Asks, or finds the open one with that subject key. */
  request(draft: ApprovalDraft): Promise<{ readonly row: ApprovalRow; readonly created: boolean }>;
  /**
   * The first answer counts; whoever comes later is told how it stands. After its time it is expired. What is parked behind
   * it is due in the same commit, whatever the answer.
   */
  decide(id: string, decision: ApprovalDecision): Promise<ApprovalOutcome>;
  get(id: string): Promise<ApprovalRow | null>;
  /** The newest about that very thing, in whatever state. */
  latest(subjectKey: string): Promise<ApprovalRow | null>;
  /** The newest first. One whose time is over by `atMs` counts as expired. */
  list(options: { state?: ApprovalState; limit: number; atMs: number }): Promise<readonly ApprovalRow[]>;
}

/**
 * The reason of a message that ended unanswered and waits for a person: it is on the list of dead letters, keeps its
 * finished steps, and goes on by itself when the answer is yes or the pause is over.
 */
export function waitingFor(what: { approval: string } | { pauseOf: string | null }): string {
  return "approval" in what ? `approval:${what.approval}` : `paused:${what.pauseOf ?? "*"}`;
}
