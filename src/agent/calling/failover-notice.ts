/** The word that another model answers than the one that was meant to: for those who read along, and where it is wished for the chat. */
import { reasonWords, type FailureReason } from "../../domain/failure-reason.ts";
import type { ModelApi, ModelRequest } from "../../providers/contract.ts";
import { thinkingOfRequest } from "../../providers/thinking.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";

export interface Switched {
  readonly failed: string;
  readonly reason: FailureReason;
  readonly next: string;
}

export function noticeOfFailover(turn: Turn, { failed, reason, next }: Switched, deps: NoticeDeps): void {
  noticeOf(turn, `${failed} could not answer (${reasonWords[reason]}); ${next} answers instead.`, deps);
}

export function noticeOf(turn: Turn, text: string, deps: NoticeDeps): void {
  tell(turn, "failover", { text, deps });
}

/** A model that cannot think as much, or as little, as was asked does what it can, and the person is told once. */
export function noticeOfThinking(turn: Turn, api: ModelApi, request: ModelRequest, deps: NoticeDeps): void {
  const plan = thinkingOfRequest(api, request);
  if (plan === undefined || !plan.clamped) return;
  const text = `${request.model.ref} cannot think at the level ${plan.asked}; it thinks at ${plan.effective}.`;
  if (!turn.notices.includes(text)) tell(turn, "thinking", { text, deps });
}

function tell(turn: Turn, kind: "failover" | "thinking", { text, deps }: { text: string; deps: NoticeDeps }): void {
  turn.notices.push(text);
  emitOf(turn, deps, { type: "run.notice", kind, text });
}

type NoticeDeps = Pick<AgentDeps, "bus" | "clock">;
