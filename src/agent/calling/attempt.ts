/** One attempt at an answer: money is set aside, the provider is opened and asked, and everybody is told how it went. */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { BudgetHold } from "../../domain/authority.ts";
import { failureReasonOf, type FailureReason } from "../../domain/failure-reason.ts";
import type { Candidate, Outcome } from "../../models/contract.ts";
import type { ModelProvider } from "../../providers/contract.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";
import { account, isBilled } from "./account.ts";
import { callModel, type ModelAnswer } from "./model-call.ts";
import type { SaidText } from "./said-text.ts";
import type { PreparedRequest, StepRequests } from "./step-requests.ts";

export type Attempt =
  | { readonly kind: "answered"; readonly answer: ModelAnswer; readonly api: string }
  /** `answer` is what came before it broke; null where nobody was asked. */
  | {
      readonly kind: "failed";
      readonly reason: FailureReason;
      readonly error: AppErrorJson;
      readonly answer: ModelAnswer | null;
      readonly api: string;
    }
  /** Somebody stopped the turn, or its time is up. */
  | { readonly kind: "aborted"; readonly answer: ModelAnswer | null; readonly api: string }
  /** Nobody pays for it. */
  | { readonly kind: "unpaid"; readonly error: AppErrorJson };

export interface AttemptScene {
  readonly turn: Turn;
  readonly requests: StepRequests;
  readonly said: SaidText;
  readonly deps: AgentDeps;
}

/** `candidate` was found usable by `desk.standing` right before. Throws what the store throws. */
export async function attempt(candidate: Candidate, scene: AttemptScene): Promise<Attempt> {
  const { deps, turn } = scene;
  let isReported = false;
  try {
    const prepared = await scene.requests.for(candidate.model);
    const held = await deps.budget.hold(callToPay(turn, prepared, deps.ids.uuid()));
    if (!held.granted) return { kind: "unpaid", error: held.error };
    const opened = await open(candidate, held.hold, deps);
    if ("error" in opened) return notAsked(opened.error);
    const result = await ask(candidate, { prepared, hold: held.hold, provider: opened.provider }, scene);
    isReported = result.kind !== "aborted";
    return result;
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "MODEL_007") throw thrown;
    return { ...notAsked(error.toJSON()), reason: "context_overflow" };
  } finally {
    if (!isReported) deps.desk.forgo(candidate);
  }
}

function notAsked(error: AppErrorJson): Extract<Attempt, { kind: "failed" }> {
  return { kind: "failed", reason: failureReasonOf(error.details), error, answer: null, api: "none" };
}

async function open(
  candidate: Candidate,
  hold: BudgetHold,
  deps: AgentDeps,
): Promise<{ readonly provider: ModelProvider } | { readonly error: AppErrorJson }> {
  try {
    return { provider: await deps.desk.open(candidate) };
  } catch (thrown) {
    release(hold, deps);
    return { error: AppError.from(thrown).toJSON() };
  }
}

interface Asking {
  readonly prepared: PreparedRequest;
  readonly hold: BudgetHold;
  readonly provider: ModelProvider;
}

async function ask(candidate: Candidate, asking: Asking, { turn, requests, said, deps }: AttemptScene) {
  const { prepared, hold, provider } = asking;
  const { clock, desk } = deps;
  const { api } = provider.endpoint;
  turn.model = candidate.model;
  const startedMs = clock.nowMs();
  said.begin();
  const answer = await callModel(
    prepared.request,
    {
      text: (text) => said.say(text),
      thinking: (text) => emitOf(turn, deps, { type: "run.thinking", text }),
      quota: (windows) => desk.quota(candidate, windows, clock.nowMs()),
    },
    { hold, provider, signal: turn.signal, clock },
  );
  if (isBilled(answer)) account(turn, candidate.model, answer, deps);
  else release(hold, deps);
  // Also where a provider calls it otherwise: what it was in the middle of was stopped by us.
  if (turn.signal.aborted && answer.error !== null) return { kind: "aborted", answer, api } as const;
  const error = answer.error ?? emptinessOf(turn, answer, said.before, candidate);
  if (error === null) {
    desk.report(candidate, { ok: true, startedMs, atMs: clock.nowMs() });
    requests.answered(candidate.model, answer);
    return { kind: "answered", answer, api } as const;
  }
  desk.report(candidate, failureOf(error, startedMs, clock.nowMs()));
  return { kind: "failed", reason: failureReasonOf(error.details), error, answer, api } as const;
}

function failureOf(error: AppErrorJson, startedMs: number, atMs: number): Outcome {
  const status: unknown = error.details["status"];
  return {
    ok: false,
    reason: failureReasonOf(error.details),
    ...(typeof status === "number" ? { status } : {}),
    retryAfterMs: error.retryAfterMs ?? null,
    startedMs,
    atMs,
  };
}

/**
 * A model that ends in good order without a word leaves a person waiting for nothing. One that was cut at a limit, or at
 * a word of the caller's choice, may well be empty, and one that has said something before its tools too.
 */
function emptinessOf(
  { options }: Turn,
  { text, calls, stopReason }: ModelAnswer,
  before: string,
  { model }: Candidate,
): AppErrorJson | null {
  const isEmpty = text.trim() === "" && before.trim() === "" && calls.length === 0;
  if (!isEmpty || stopReason !== "stop" || options.stop !== undefined) return null;
  return new AppError("MODEL_005", `The model ${model.id} answered with nothing.`, {
    details: { reason: "empty", provider: model.provider, model: model.id },
  }).toJSON();
}

/** Beside the turn: what is not given back now is given back by the budget itself, and nobody waits for a disk here. */
function release(hold: BudgetHold, { budget, log }: AgentDeps): void {
  budget.release(hold).catch((thrown: unknown) => {
    log.warn("money that was set aside could not be given back", { error: AppError.from(thrown).toJSON() });
  });
}

function callToPay(turn: Turn, { request, inputTokens, outputTokens }: PreparedRequest, callId: string) {
  const { row } = turn;
  return {
    callId,
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel: row.message.address.channel,
    senderId: row.message.sender.id,
    jobId: null,
    model: request.model,
    inputTokens,
    outputTokens,
  };
}
