/**
 * One attempt at an answer: money is set aside, the provider is opened and asked, and everybody is told how it went: the
 * desk, the ledger, the budget. The one way to a model, for a step of a turn and for what is asked beside it.
 */
import type { CallToPay } from "../../budget/contract.ts";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { BudgetHold } from "../../domain/authority.ts";
import { failureReasonOf, type FailureReason } from "../../domain/failure-reason.ts";
import type { Candidate, Outcome } from "../../models/contract.ts";
import type { ModelProvider } from "../../providers/contract.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { account, isBilled } from "./account.ts";
import { noticeOfThinking } from "./failover-notice.ts";
import { callModel, type Deltas, type ModelAnswer } from "./model-call.ts";
import type { PreparedRequest } from "./step-requests.ts";

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

export interface Question {
  /** Throws MODEL_007 where it cannot be made to fit. */
  readonly prepare: () => Promise<PreparedRequest>;
  readonly deltas: Pick<Deltas, "text" | "thinking">;
  /** What an answer in good order lacks all the same; null: nothing. */
  readonly faultOf: (answer: ModelAnswer) => AppErrorJson | null;
  readonly signal: AbortSignal;
}

/** `candidate` was entered at the desk right before; here it is reported or forgone. Throws what the store throws. */
export async function askModel(
  candidate: Candidate,
  question: Question,
  turn: Turn,
  deps: AgentDeps,
): Promise<Attempt> {
  let isReported = false;
  try {
    const prepared = await question.prepare();
    const held = await deps.budget.hold(callToPay(turn, prepared, deps.ids.uuid()), turn.signal);
    if (!held.granted) return { kind: "unpaid", error: held.error };
    const opened = await open(candidate, held.hold, deps);
    if ("error" in opened) return notAsked(opened.error, failureReasonOf(opened.error.details));
    const paid = withinMeans(prepared, held.maxOutputTokens);
    noticeOfThinking(turn, opened.provider.endpoint.api, paid.request, deps);
    const asking = { candidate, prepared: paid, hold: held.hold, provider: opened.provider };
    const result = await ask(asking, question, turn, deps);
    isReported = result.kind !== "aborted";
    return result;
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "MODEL_007") throw thrown;
    return notAsked(error.toJSON(), "context_overflow");
  } finally {
    if (!isReported) deps.desk.forgo(candidate);
  }
}

/** Where a budget pays for less than the model could write, the model is told so. */
function withinMeans(prepared: PreparedRequest, maxOutputTokens: number | null): PreparedRequest {
  if (maxOutputTokens === null) return prepared;
  return { ...prepared, request: { ...prepared.request, maxOutputTokens } };
}

function notAsked(error: AppErrorJson, reason: FailureReason): Attempt {
  return { kind: "failed", reason, error, answer: null, api: "none" };
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
  readonly candidate: Candidate;
  readonly prepared: PreparedRequest;
  readonly hold: BudgetHold;
  readonly provider: ModelProvider;
}

async function ask(
  { candidate, prepared, hold, provider }: Asking,
  { deltas, faultOf, signal }: Question,
  turn: Turn,
  deps: AgentDeps,
): Promise<Attempt> {
  const { clock, desk } = deps;
  const { api } = provider.endpoint;
  const startedMs = clock.nowMs();
  const answer = await callModel(
    prepared.request,
    { ...deltas, quota: (windows) => desk.quota(candidate, windows, clock.nowMs()) },
    { hold, provider, signal, clock },
  );
  if (isBilled(answer)) account(turn, candidate, answer, deps);
  else release(hold, deps);
  // Also where a provider calls it otherwise: what it was in the middle of was stopped by us.
  if (answer.error !== null && (signal.aborted || answer.error.code === "RUN_001")) {
    return { kind: "aborted", answer, api };
  }
  const error = answer.error ?? faultOf(answer);
  if (error === null) {
    desk.report(candidate, { ok: true, startedMs, atMs: clock.nowMs() });
    return { kind: "answered", answer, api };
  }
  desk.report(candidate, failureOf(error, startedMs, clock.nowMs()));
  return { kind: "failed", reason: failureReasonOf(error.details), error, answer, api };
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

/** Beside the turn: what is not given back now is given back by the budget itself, and nobody waits for a disk here. */
function release(hold: BudgetHold, { budget, log }: AgentDeps): void {
  budget.release(hold).catch((thrown: unknown) => {
    log.warn("money that was set aside could not be given back", { error: AppError.from(thrown).toJSON() });
  });
}

function callToPay({ row }: Turn, { request, inputTokens, outputTokens }: PreparedRequest, callId: string): CallToPay {
  const { channel, accountId, chatId } = row.message.address;
  return {
    callId,
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel,
    senderId: row.message.sender.id,
    chat: `${channel}:${accountId}:${chatId}`,
    jobId: null,
    model: request.model,
    inputTokens,
    outputTokens,
  };
}
