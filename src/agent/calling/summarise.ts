/**
 * A call beside the conversation: its answer is nobody's to read along. Budget, ledger and standing are the same as for
 * every call, and where one of the turn's models cannot, the next one is asked.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import { failureReasonOf } from "../../domain/failure-reason.ts";
import type { Candidate } from "../../models/contract.ts";
import type { Summarise, SummaryRequest } from "../context/contract.ts";
import { conversationTokens, textTokens } from "../context/token-estimate.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { account, isBilled } from "./account.ts";
import { callToPay } from "./call-with-failover.ts";
import { callModel } from "./model-call.ts";

type SummaryAnswer = Awaited<ReturnType<Summarise>>;

export function createSummarise(turn: Turn, deps: AgentDeps): Summarise {
  return async (request, signal) => {
    let error: AppErrorJson = new AppError("MODEL_009", "No model of this turn can be asked now.").toJSON();
    for (const candidate of candidatesFor(turn, request)) {
      if (signal.aborted) break;
      if (!deps.desk.standing(candidate, deps.clock.nowMs()).usable) continue;
      const answer = await ask(turn, candidate, { request, signal, deps });
      if (answer.ok) return answer;
      ({ error } = answer);
    }
    return { ok: false, error };
  };
}

/** The one whose window the request was made for, first: by whichever login. */
function candidatesFor({ choice }: Turn, { model }: SummaryRequest): readonly Candidate[] {
  const all = choice?.candidates ?? [];
  const fits = (candidate: Candidate): boolean =>
    (candidate.model.contextWindow ?? Number.POSITIVE_INFINITY) >= (model.contextWindow ?? 0);
  return [
    ...all.filter((one) => one.model.ref === model.ref),
    ...all.filter((one) => one.model.ref !== model.ref && fits(one)),
  ];
}

async function ask(
  turn: Turn,
  candidate: Candidate,
  { request, signal, deps }: { request: SummaryRequest; signal: AbortSignal; deps: AgentDeps },
): Promise<SummaryAnswer> {
  const { model } = candidate;
  const { system, messages, maxOutputTokens } = request;
  const { budget, clock, desk } = deps;
  try {
    const cost = {
      model,
      inputTokens: textTokens(system) + conversationTokens(messages),
      outputTokens: maxOutputTokens,
    };
    const held = await budget.hold(callToPay(turn, cost, deps.ids.uuid()));
    if (!held.granted) return { ok: false, error: held.error };
    const provider = await desk.open(candidate);
    const nobody = { text: () => undefined, thinking: () => undefined };
    const answer = await callModel(
      { model, system, messages, tools: [], maxOutputTokens },
      { ...nobody, quota: (windows) => desk.quota(candidate, windows, clock.nowMs()) },
      { hold: held.hold, provider, signal, clock },
    );
    const atMs = clock.nowMs();
    if (isBilled(answer)) account(turn, model, answer, deps);
    else void budget.release(held.hold);
    const { error, text } = answer;
    if (error === null) {
      desk.report(candidate, { ok: true, atMs });
      return { ok: true, text };
    }
    if (error.code !== "RUN_001") {
      const retryAfterMs = error.retryAfterMs ?? null;
      desk.report(candidate, { ok: false, reason: failureReasonOf(error.details), retryAfterMs, atMs });
    }
    return { ok: false, error };
  } catch (thrown) {
    return { ok: false, error: AppError.from(thrown).toJSON() };
  }
}
