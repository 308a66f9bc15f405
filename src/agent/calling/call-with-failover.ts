/** One step's answer from the models of the turn's choice. */
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest } from "../../providers/contract.ts";
import type { Candidate, ModelChoice } from "../../models/contract.ts";
import { conversationChars, estimateTokens } from "../context.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";
import { account, isBilled } from "./account.ts";
import { callModel, type ModelAnswer } from "./model-call.ts";
import { failureReasonOf } from "../../domain/failure-reason.ts";

export interface StepAnswer {
  readonly answer: ModelAnswer;
  /** Who gave it. */
  readonly model: ModelInfo;
  readonly api: string;
}

/** `requestFor` is asked anew for each model. Throws where nothing could be asked at all. */
export async function callWithFailover(
  turn: Turn,
  choice: ModelChoice,
  requestFor: (model: ModelInfo) => ModelRequest,
  deps: AgentDeps,
): Promise<StepAnswer> {
  const [candidate] = choice.candidates;
  return callCandidate(turn, candidate, requestFor(candidate.model), deps);
}

async function callCandidate(
  turn: Turn,
  candidate: Candidate,
  request: ModelRequest,
  deps: AgentDeps,
): Promise<StepAnswer> {
  const { model } = candidate;
  const { budget, clock, desk } = deps;
  const held = await budget.hold(callToPay(turn, request, deps.ids.uuid()));
  if (!held.granted) throw AppError.fromJSON(held.error);
  const provider = await desk.open(candidate);
  turn.model = model;
  const before = turn.text;
  let joined = before;
  const answer = await callModel(
    request,
    {
      text: (text) => {
        // Text of two steps is two paragraphs, for those who read along and in the final text alike.
        const piece = joined === before && before !== "" ? `\n\n${text}` : text;
        joined += piece;
        emitOf(turn, deps, { type: "run.text", text: piece, soFar: joined });
        turn.stream?.update(joined);
      },
      thinking: (text) => emitOf(turn, deps, { type: "run.thinking", text }),
      quota: (windows) => desk.quota(candidate, windows, clock.nowMs()),
    },
    { hold: held.hold, provider, signal: turn.signal, clock },
  );
  turn.text = joined;
  const atMs = clock.nowMs();
  if (answer.error === null) desk.report(candidate, { ok: true, atMs });
  else if (answer.error.code !== "RUN_001") {
    const retryAfterMs = answer.error.retryAfterMs ?? null;
    desk.report(candidate, { ok: false, reason: failureReasonOf(answer.error.details), retryAfterMs, atMs });
  }
  if (isBilled(answer)) account(turn, model, answer, deps);
  else void budget.release(held.hold);
  return { answer, model, api: provider.endpoint.api };
}

function callToPay(turn: Turn, request: ModelRequest, callId: string) {
  const { row } = turn;
  const { model, system, messages, maxOutputTokens } = request;
  return {
    callId,
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel: row.message.address.channel,
    senderId: row.message.sender.id,
    jobId: null,
    model,
    inputTokens: estimateTokens(system.length + conversationChars(messages)),
    outputTokens: maxOutputTokens ?? model.maxTokens ?? 0,
  };
}
