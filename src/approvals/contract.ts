/**
 * Questions to people about one act, and their answers: a durable row each, first answer wins, no answer is no. Who may
 * answer is judged here; what is done with the answer is the asking turn's business.
 */
import type { Address } from "../domain/message.ts";
import type { Question } from "../policy/contract.ts";
import type { ApprovalRow } from "../store/budget-port.ts";

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
}

export type AnswerOutcome =
  | { readonly outcome: "decided"; readonly row: ApprovalRow }
  /** Somebody was first, or its time is over. */
  | { readonly outcome: "late"; readonly row: ApprovalRow }
  | { readonly outcome: "unknown" }
  | { readonly outcome: "not-yours" };

/** A surface that can show questions: a page, a terminal, a chat, a local program. */
export interface ApprovalListener {
  readonly id: string;
  /** False where nobody would see it there now. */
  reaches(question: ActQuestion): boolean;
  asked(row: ApprovalRow, question: ActQuestion): void;
  resolved(row: ApprovalRow): void;
}

export interface ApprovalDesk {
  /**
   * The answer to this very call, asking where nobody was asked yet. The same run and call with another binding is another
   * question. With nobody to reach it is denied at once (or allowed, where the question's fallback says so).
   */
  ask(question: ActQuestion): Promise<Asked>;
  answer(id: string, answer: Answer, by: Approver): Promise<AnswerOutcome>;
  /** Open ones, newest first. */
  pending(): Promise<readonly ApprovalRow[]>;
  /** Returns the way to take it off again. */
  listen(listener: ApprovalListener): () => void;
}
