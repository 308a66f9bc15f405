/**
 * One attempt at an answer: money is set aside, the provider is opened and asked, and everybody is told how it went: the
 * desk, the ledger, the budget. The one way to a model, for a step of a turn and for what is asked beside it.
 */
import type { CallToPay } from "../../budget/contract.ts";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { BudgetHold } from "../../domain/authority.ts";
import { failureReasonOf, type FailureReason } from "../../domain/failure-reason.ts";
import { limits } from "../../domain/limits.ts";
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
  /** Longest silence before the first word; null: as the provider's own limit has it. */
  readonly firstWordMs: number | null;
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
  question: Question,
  turn: Turn,
  deps: AgentDeps,
): Promise<Attempt> {
  const { clock, desk } = deps;
  const { faultOf, signal } = question;
  const { api } = provider.endpoint;
  const startedMs = clock.nowMs();
  const patience = firstWordPatience(question, clock);
  const heard = await callModel(
    prepared.request,
    { ...patience.deltas, quota: (windows) => desk.quota(candidate, windows, clock.nowMs()) },
    { hold, provider, signal: patience.signal, clock },
  );
  patience.end();
  const answer = patience.isOver() ? { ...heard, error: silentFor(question, candidate).toJSON() } : heard;
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

interface Patience {
  readonly deltas: Question["deltas"];
  readonly signal: AbortSignal;
  /** Whether it ran out, and not the turn was stopped. */
  isOver(): boolean;
  end(): void;
}

/** Ends a call that has said nothing for too long, where another model could answer. */
function firstWordPatience({ deltas, signal, firstWordMs }: Question, clock: AgentDeps["clock"]): Patience {
  if (firstWordMs === null) return { deltas, signal, isOver: () => false, end: () => undefined };
  const late = new AbortController();
  const timer = clock.after(firstWordMs, () => late.abort());
  const listening = (tell: (text: string) => void) => (text: string) => {
    timer.cancel();
    tell(text);
  };
  return {
    deltas: { text: listening((text) => deltas.text(text)), thinking: listening((text) => deltas.thinking(text)) },
    signal: AbortSignal.any([signal, late.signal]),
    isOver: () => late.signal.aborted && !signal.aborted,
    end: () => timer.cancel(),
  };
}

function silentFor({ firstWordMs }: Question, { model }: Candidate): AppError {
  const seconds = Math.round((firstWordMs ?? 0) / 1_000);
  return new AppError("MODEL_006", `The model ${model.ref} said nothing for ${seconds} s, and another can answer.`, {
    details: { reason: "timeout", model: model.id, provider: model.provider },
  });
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
    // Where nobody bounds the answer, what some models may write at most would fill a purse with one call.
    outputTokens: request.maxOutputTokens ?? Math.min(outputTokens, limits.budgetOutputTokens),
  };
}
