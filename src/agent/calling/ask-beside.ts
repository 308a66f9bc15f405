/**
 * A call beside the conversation: its answer is nobody's to read along. Budget, ledger and standing are the same as for
 * every call, and where one of the models cannot, the next one is asked.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { Candidate } from "../../models/contract.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { askModel, type Question } from "./ask-model.ts";
import type { PreparedRequest } from "./step-requests.ts";

export interface BesideQuestion {
  readonly candidates: readonly Candidate[];
  readonly prepare: (candidate: Candidate) => Promise<PreparedRequest>;
  readonly signal: AbortSignal;
}

export type BesideAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: AppErrorJson };

/** Never throws. */
export async function askBeside(asked: BesideQuestion, turn: Turn, deps: AgentDeps): Promise<BesideAnswer> {
  const { candidates, signal } = asked;
  let error: AppErrorJson = new AppError("MODEL_009", "No model of this turn can be asked now.").toJSON();
  for (const candidate of candidates) {
    if (signal.aborted) break;
    // Whom the step has entered already, to ask it next, would be refused to everybody else.
    const isEntered = candidate === turn.asking;
    if (!isEntered && !deps.desk.enter(candidate, deps.clock.nowMs()).usable) continue;
    try {
      const attempt = await askModel(candidate, questionOf(asked, candidate), turn, deps);
      if (attempt.kind === "answered") return { ok: true, text: attempt.answer.text };
      if (isEntered) turn.asking = null;
      error = attempt.kind === "aborted" ? aborted() : attempt.error;
      if (attempt.kind === "aborted") break;
    } catch (thrown) {
      error = AppError.from(thrown).toJSON();
    }
  }
  return { ok: false, error };
}

function aborted(): AppErrorJson {
  return new AppError("RUN_001", "The call was aborted.").toJSON();
}

function questionOf({ prepare, signal }: BesideQuestion, candidate: Candidate): Question {
  return {
    prepare: () => prepare(candidate),
    deltas: { text: () => undefined, thinking: () => undefined },
    faultOf: () => null,
    firstWordMs: null,
    signal,
  };
}
