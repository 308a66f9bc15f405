/** The word that another model answers than the one that was meant to: for those who read along, and where it is wished for the chat. */
import type { FailureReason } from "../../domain/failure-reason.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";
import { reasonWords } from "./reason-words.ts";

export interface Switched {
  readonly failed: string;
  readonly reason: FailureReason;
  readonly next: string;
}

export function noticeOfFailover(turn: Turn, { failed, reason, next }: Switched, deps: NoticeDeps): void {
  noticeOf(turn, `${failed} could not answer (${reasonWords[reason]}); ${next} answers instead.`, deps);
}

export function noticeOf(turn: Turn, text: string, deps: NoticeDeps): void {
  turn.notices.push(text);
  emitOf(turn, deps, { type: "run.notice", kind: "failover", text });
}

type NoticeDeps = Pick<AgentDeps, "bus" | "clock">;
