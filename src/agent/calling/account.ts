/** Books what a model call used and cost: a ledger row, which settles the hold of the same id, and the turn's own sums. */
import type { ModelInfo } from "../../domain/conversation.ts";
import { failureReasonOf, type FailureReason } from "../../domain/failure-reason.ts";
import { addUsage, costMicros, splitCost, type TokenUsage } from "../../domain/money.ts";
import type { Candidate } from "../../models/contract.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import type { ModelAnswer } from "./model-call.ts";

/**
 * Whether the provider may have charged for it. A refusal is billed by nobody we know; a call that was under way and came
 * to no word (stopped, silent, cut off) has been read at least, and is booked by estimate.
 */
export function isBilled({ error, content, wasAsked }: ModelAnswer): boolean {
  if (error === null || content.length > 0) return true;
  const status: unknown = error.details["status"];
  // A status of failure is an answer, whatever it says: nothing was made for it.
  if (!wasAsked || (typeof status === "number" && status >= 400)) return false;
  return error.code === "RUN_001" || readReasons.includes(failureReasonOf(error.details));
}

const readReasons: readonly FailureReason[] = ["timeout", "interrupted", "unreadable", "empty"];

/** What the provider says it charges, else by the table; null where neither is known. */
export function costOf(answer: ModelAnswer, model: ModelInfo): number | null {
  return answer.saidCostMicros ?? costMicros(answer.usage, model.price) ?? null;
}

/** The row is written with the step or the result, never by itself. */
export function account(turn: Turn, candidate: Candidate, answer: ModelAnswer, deps: Pick<AgentDeps, "clock">): void {
  const { model, profileId } = candidate;
  const cost = costOf(answer, model);
  addCost(turn, answer.usage, cost);
  const { row } = turn;
  turn.ledger.push({
    id: answer.callId,
    atMs: deps.clock.nowMs(),
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel: row.message.address.channel,
    senderId: row.message.sender.id,
    provider: model.provider,
    model: model.id,
    usage: answer.usage,
    costMicros: cost,
    costFrom: cost === null ? "unknown" : answer.saidCostMicros === null ? "price" : "provider",
    costs: splitCost(answer.usage, model.price, cost),
    estimated: answer.estimated,
    latencyMs: Math.round(answer.latencyMs),
    firstTokenMs: answer.firstTokenMs,
    origin: "chat",
    profileId,
  });
}

export function addCost(turn: Turn, usage: TokenUsage, cost: number | null): void {
  turn.usage = addUsage(turn.usage, usage);
  turn.costMicros = cost === null || turn.costMicros === null ? null : turn.costMicros + cost;
}
