/**
 * A call beside the conversation: its answer is nobody's to read along. Budget, ledger and standing are the same as for
 * every call, and where one of the turn's models cannot, the next one is asked.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { Candidate } from "../../models/contract.ts";
import type { Summarise, SummaryRequest } from "../context/contract.ts";
import { conversationTokens, textTokens } from "../context/token-estimate.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { askModel, type Question } from "./ask-model.ts";
import type { PreparedRequest } from "./step-requests.ts";

export function createSummarise(turn: Turn, deps: AgentDeps): Summarise {
  return async (request, signal) => {
    let error: AppErrorJson = new AppError("MODEL_009", "No model of this turn can be asked now.").toJSON();
    for (const candidate of candidatesFor(turn, request)) {
      if (signal.aborted) break;
      // Whom the step has entered already, to ask it next, would be refused to everybody else.
      const isEntered = candidate === turn.asking;
      if (!isEntered && !deps.desk.enter(candidate, deps.clock.nowMs()).usable) continue;
      try {
        const attempt = await askModel(candidate, questionOf(request, candidate, signal), turn, deps);
        if (attempt.kind === "answered") return { ok: true, text: attempt.answer.text };
        if (isEntered) turn.asking = null;
        error = attempt.kind === "aborted" ? aborted() : attempt.error;
        if (attempt.kind === "aborted") break;
      } catch (thrown) {
        error = AppError.from(thrown).toJSON();
      }
    }
    return { ok: false, error };
  };
}

function aborted(): AppErrorJson {
  return new AppError("RUN_001", "The call was aborted.").toJSON();
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

function questionOf(summary: SummaryRequest, { model }: Candidate, signal: AbortSignal): Question {
  const { system, messages, maxOutputTokens } = summary;
  const prepared: PreparedRequest = {
    request: { model, system, messages, tools: [], maxOutputTokens },
    inputTokens: textTokens(system) + conversationTokens(messages),
    outputTokens: maxOutputTokens,
  };
  return {
    prepare: () => Promise.resolve(prepared),
    deltas: { text: () => undefined, thinking: () => undefined },
    faultOf: () => null,
    firstWordMs: null,
    signal,
  };
}
