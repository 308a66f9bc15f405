/**
 * Questions to people about one act, and their answers: a durable row each, first answer wins, no answer is no. Who may
 * answer is judged here; what is done with the answer is the asking turn's business.
 */
import type { Address } from "../domain/message.ts";
import type { Taint } from "../domain/taint.ts";
import type { Question } from "../policy/contract.ts";
import type { ApprovalRow, ApprovalState } from "../store/budget-port.ts";

/** `in-doubt`: a call that may have run before a crash; allowing it runs it (again). */
export type AskKind = "exec" | "tool" | "in-doubt";

export interface ActQuestion extends Question {
  readonly kind: AskKind;
  readonly runId: string;
  readonly callId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** Where the turn answers: the chat that is asked in mode `session`. */
  readonly address: Address;
  /** Who wrote the message that the turn answers. */
  readonly senderId: string;
  /** When that message came, by the wall clock: a turn from before the last start waits a moment for its people. */
  readonly receivedAtMs: number;
}

export type Asked =
  /** The turn is parked until it is answered or `untilMs` is over. */
  | { readonly state: "open"; readonly id: string; readonly untilMs: number }
  /** `binding` is the one that was shown: the caller compares it with what would run now. */
  | { readonly state: "allowed"; readonly id: string; readonly by: string; readonly binding: string }
  | {
      readonly state: "denied";
      readonly id: string | null;
      readonly why: "denied" | "expired" | "nobody-to-ask";
      readonly by: string | null;
    };

export type Answer = "allow-once" | "allow-always" | "deny";

/** Who answers, as a guard has proven: a sender of a channel by id, a principal, or a local approver by its token. */
export interface Approver {
  /** `telegram:123`, `token:gateway`, `device:…`, `local`. */
  readonly id: string;
  /** A chat's sender may answer what is asked in chats only where it is an owner or a named approver. */
  readonly via: "chat" | "gateway" | "socket";
  /** Of a chat's sender: whether the channel's rules know it as an owner. Elsewhere the guard has spoken already. */
  readonly isOwner?: boolean;
}

export type AnswerOutcome =
  /** `always`: whether what was allowed for good is written down; `null` where nobody asked for that. */
  | { readonly outcome: "decided"; readonly row: ApprovalRow; readonly always: "written" | "failed" | null }
  /** Somebody was first, or its time is over. */
  | { readonly outcome: "late"; readonly row: ApprovalRow }
  | { readonly outcome: "unknown" }
  | { readonly outcome: "not-yours" }
  /**
   * It is open still. `only-once`: it cannot be allowed for good. `not-shown`: it is too long for a chat to show whole, so
   * that a chat can deny it, but not allow it.
   */
  | { readonly outcome: "refused"; readonly why: "only-once" | "not-shown"; readonly row: ApprovalRow };

/** A surface that can show questions: a page, a terminal, a chat, a local program. */
export interface ApprovalListener {
  readonly id: string;
  /** False where nobody would see it there now. */
  reaches(question: ActQuestion): boolean;
  asked(row: ApprovalRow, question: ActQuestion): void;
  resolved(row: ApprovalRow): void;
}

/** A question as whoever may answer sees it: on the bus, on the wire, in a terminal. JSON-safe; nothing in it is cut. */
export interface ApprovalView {
  readonly id: string;
  readonly kind: AskKind;
  readonly tool: string;
  /** Whole and exact: this, and nothing else, is what is allowed. */
  readonly shown: string;
  /** Folder of a command; null for anything else. */
  readonly cwd: string | null;
  /** Programs that the command names, by real path. */
  readonly programs: readonly string[];
  readonly reasons: readonly string[];
  readonly taint: readonly Taint[];
  /** What "always" would allow from then on, for people; null where it can be allowed once only. */
  readonly always: string | null;
  readonly runId: string;
  readonly callId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly channel: string;
  readonly senderId: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly state: ApprovalState;
  readonly decidedMs: number | null;
  readonly decidedBy: string | null;
  readonly answer: Answer | null;
}

export interface ApprovalDesk {
  /**
   * The answer to this very call, asking where nobody was asked yet. The same run and call with another binding is another
   * question. With nobody to reach it is denied at once (or allowed, where the question's fallback says so); in a turn that
   * began before the gateway was started again, once those who were there have had the time to come back.
   */
  ask(question: ActQuestion): Promise<Asked>;
  answer(id: string, answer: Answer, by: Approver): Promise<AnswerOutcome>;
  /** Open ones, newest first. */
  pending(): Promise<readonly ApprovalRow[]>;
  /** One question about an act, in whatever state; null where there is none of that id. */
  find(id: string): Promise<ApprovalRow | null>;
  /** It is told of every question that is open at that time as well. Returns the way to take it off again. */
  listen(listener: ApprovalListener): () => void;
  /** Takes up what the last run left open, so that it ends in time. Before it the desk can be used already. */
  start(): Promise<void>;
  /** Tells nobody of anything any more; open questions stay as they are. */
  close(): void;
}
