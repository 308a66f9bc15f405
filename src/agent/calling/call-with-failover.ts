/** One step's answer from the models of the turn's choice. */
import type { CallToPay } from "../../budget/contract.ts";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest } from "../../providers/contract.ts";
import type { Candidate, ModelChoice } from "../../models/contract.ts";
import type { CallFacts, TurnContext } from "../context/contract.ts";
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

/** A request as its context has put it together, and what it may cost at most. */
export interface PreparedRequest {
  readonly request: ModelRequest;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What the request was made of, to make a smaller one of it. */
  readonly facts: CallFacts;
}

/** `requestFor` is asked anew for each model. Throws where nothing could be asked at all. */
export async function callWithFailover(
  turn: Turn,
  choice: ModelChoice,
  requestFor: (model: ModelInfo) => Promise<PreparedRequest>,
  deps: AgentDeps,
): Promise<StepAnswer> {
  const [candidate] = choice.candidates;
  const prepared = await requestFor(candidate.model);
  const step = await callCandidate(turn, candidate, prepared, deps);
  const context = turn.context;
  if (context === null) return step;
  const { error, usage, estimated } = step.answer;
  if (error === null) {
    await context.answered(step.model, usage, { estimated });
    return step;
  }
  if (!(await isMended(context, prepared, error))) return step;
  return callCandidate(turn, candidate, await requestFor(candidate.model), deps);
}

/** Whether the same model may be asked once more, with less: each of these happens once in a turn. */
async function isMended(context: TurnContext, { facts }: PreparedRequest, error: AppErrorJson): Promise<boolean> {
  switch (failureReasonOf(error.details)) {
    case "context_overflow":
      return (await context.compactNow("overflow", facts, { error })).compacted;
    case "bad_request":
      return context.refused(error);
    default:
      return false;
  }
}

async function callCandidate(
  turn: Turn,
  candidate: Candidate,
  prepared: PreparedRequest,
  deps: AgentDeps,
): Promise<StepAnswer> {
  const { model } = candidate;
  const { request } = prepared;
  const { budget, clock, desk } = deps;
  const held = await budget.hold(callToPay(turn, { model, ...prepared }, deps.ids.uuid()));
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

export function callToPay(
  { row }: Turn,
  { model, inputTokens, outputTokens }: { model: ModelInfo } & Pick<PreparedRequest, "inputTokens" | "outputTokens">,
  callId: string,
): CallToPay {
  return {
    callId,
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel: row.message.address.channel,
    senderId: row.message.sender.id,
    jobId: null,
    model,
    inputTokens,
    outputTokens,
  };
}
