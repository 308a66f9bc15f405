/**
 * One step's answer from the models of the turn's choice: the first that can be asked, and after a failure whatever the
 * table of recoveries says and is possible. Nothing between a failure and the next call waits for a disk. What was said
 * by an answer that broke is taken back when the next one speaks; calls of tools in it are never run.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { FailureReason } from "../../domain/failure-reason.ts";
import { limits } from "../../domain/limits.ts";
import { noUsage } from "../../domain/money.ts";
import type { Candidate, FailedAttempt, ModelChoice, Recovery } from "../../models/contract.ts";
import { mayFallBack, recoveriesFor } from "../../models/recovery.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";
import { askModel, type Attempt, type Question } from "./ask-model.ts";
import { CandidateWalk, type HeldBack, type WaitCause } from "./candidate-walk.ts";
import { failedError } from "./failed-error.ts";
import { noticeOfFailover } from "./failover-notice.ts";
import type { ModelAnswer } from "./model-call.ts";
import { patienceOf, waitUntil } from "./patience.ts";
import { SaidText } from "./said-text.ts";
import type { PreparedRequest, StepRequests } from "./step-requests.ts";

export interface StepAnswer {
  /** With `error` where none of the models could answer. */
  readonly answer: ModelAnswer;
  /** Who gave it, or was asked last. */
  readonly model: ModelInfo;
  readonly api: string;
}

/** Throws what the store throws; whatever a model does is an answer. */
export function callWithFailover(
  turn: Turn,
  choice: ModelChoice,
  requests: StepRequests,
  deps: AgentDeps,
): Promise<StepAnswer> {
  return new Failover(turn, choice, requests, deps).run();
}

type Failed = Extract<Attempt, { kind: "failed" }>;

/** Who is asked next, and what is waited for before. */
interface Plan {
  readonly recovery: Recovery;
  readonly next: Candidate | null;
  readonly wait: { readonly held: HeldBack; readonly cause: WaitCause } | null;
}

const giveUp: Plan = Object.freeze({ recovery: "give-up", next: null, wait: null });

class Failover {
  readonly #turn: Turn;
  readonly #choice: ModelChoice;
  readonly #requests: StepRequests;
  readonly #deps: AgentDeps;
  readonly #walk: CandidateWalk;
  readonly #said: SaidText;
  readonly #attempts: FailedAttempt[] = [];
  /** What came of the last one that was asked. */
  #last: { readonly answer: ModelAnswer; readonly model: ModelInfo; readonly api: string } | null = null;

  constructor(turn: Turn, choice: ModelChoice, requests: StepRequests, deps: AgentDeps) {
    this.#turn = turn;
    this.#choice = choice;
    this.#requests = requests;
    this.#deps = deps;
    this.#walk = new CandidateWalk(choice, deps);
    this.#said = new SaidText(turn, deps);
  }

  async run(): Promise<StepAnswer> {
    let candidate = this.#walk.first() ?? (await this.#waitForAny());
    while (candidate !== null) {
      this.#walk.take(candidate);
      this.#turn.asking = candidate;
      const result = await askModel(candidate, this.#question(candidate), this.#turn, this.#deps);
      if (result.kind === "answered") return this.#answered(candidate, result);
      if (result.kind === "aborted") return this.#aborted(candidate, result);
      candidate =
        result.kind === "unpaid" ? this.#unpaid(candidate, result.error) : await this.#recover(candidate, result);
    }
    return this.#failed();
  }

  #question(candidate: Candidate): Question {
    const { model } = candidate;
    const turn = this.#turn;
    const deltas = {
      text: (text: string) => this.#said.say(text),
      thinking: (text: string) => emitOf(turn, this.#deps, { type: "run.thinking", text }),
    };
    const prepare = async (): Promise<PreparedRequest> => {
      const prepared = await this.#requests.for(model);
      turn.model = model;
      this.#said.begin();
      return prepared;
    };
    const faultOf = (answer: ModelAnswer): AppErrorJson | null => emptinessOf(turn, answer, this.#said.before, model);
    return { prepare, deltas, faultOf, signal: turn.signal, firstWordMs: this.#firstWordMs(candidate) };
  }

  /** Null: as long as the provider itself is given. A caller over HTTP would have gone before the next one is asked. */
  #firstWordMs(candidate: Candidate): number | null {
    const hasCaller = this.#turn.options.deliver === false && !candidate.model.reasoning;
    return hasCaller && this.#walk.hasOther(candidate) ? limits.modelFirstWordApiMs : null;
  }

  #answered(candidate: Candidate, { answer, api }: Extract<Attempt, { kind: "answered" }>): StepAnswer {
    this.#said.settle();
    this.#requests.answered(candidate.model, answer);
    if (!this.#turn.row.ephemeral) this.#deps.desk.pin(this.#turn.row.sessionKey, candidate);
    // The next step begins with the one that answered this one.
    const others = [...this.#choice.candidates, ...this.#choice.later].filter((other) => other !== candidate);
    this.#turn.choice = { ...this.#choice, candidates: [candidate, ...others], later: [] };
    return { answer, model: candidate.model, api };
  }

  #aborted(candidate: Candidate, { answer, api }: Extract<Attempt, { kind: "aborted" }>): StepAnswer {
    this.#said.keep();
    const error = answer?.error ?? new AppError("RUN_001", "The call was aborted.").toJSON();
    return { answer: { ...(answer ?? noAnswer), error, stopReason: "aborted" }, model: candidate.model, api };
  }

  #failed(): StepAnswer {
    this.#said.keep();
    if (this.#turn.signal.aborted) {
      const [{ model }] = this.#choice.candidates;
      return this.#aborted({ model, profileId: null }, { kind: "aborted", answer: null, api: "none" });
    }
    const error = failedError(this.#attempts, this.#walk.heldBack(), this.#deps.clock.nowMs());
    const { answer, model, api } = this.#last ?? {
      answer: noAnswer,
      model: this.#choice.candidates[0].model,
      api: "none",
    };
    return { answer: { ...answer, error, stopReason: "error" }, model, api };
  }

  /** Another model may be cheaper, or free. */
  #unpaid(candidate: Candidate, error: AppErrorJson): Candidate | null {
    const next = mayFallBack("billing", this.#choice.fallbackOn) ? this.#walk.nextModel(candidate, "billing") : null;
    this.#tell(candidate, { reason: "billing", error }, next === null ? "give-up" : "next-model");
    return next;
  }

  async #recover(candidate: Candidate, failed: Failed): Promise<Candidate | null> {
    if (failed.answer !== null) this.#last = { answer: failed.answer, model: candidate.model, api: failed.api };
    const { next, wait, recovery } = await this.#plan(candidate, failed);
    this.#tell(candidate, failed, recovery);
    const found = wait === null ? next : await this.#waitFor(wait.held, wait.cause);
    if (found !== null && found.model.ref !== candidate.model.ref) {
      const names = { failed: candidate.model.ref, next: found.model.ref };
      noticeOfFailover(this.#turn, { ...names, reason: failed.reason }, this.#deps);
    }
    return found;
  }

  async #plan(candidate: Candidate, failed: Failed): Promise<Plan> {
    if (this.#turn.signal.aborted) return giveUp;
    // The same refusal in the same words, from one model or two: a third would say it again.
    const isRepeated =
      failed.reason === "bad_request" && this.#attempts.some(({ error }) => isSame(error, failed.error));
    if (failed.reason === "bad_request" && (await this.#requests.refused(failed.error))) {
      const next = this.#walk.anew(candidate);
      if (next !== null) return { recovery: "compact", next, wait: null };
    }
    if (isRepeated || this.#isEmptyAgain(failed)) return giveUp;
    const recoveries = recoveriesFor(failed.reason, this.#choice.fallbackOn);
    for (const recovery of recoveries) {
      const next = await this.#nextBy(recovery, candidate, failed);
      if (next !== null) return { recovery, next, wait: null };
    }
    return this.#planToWait(candidate, failed, recoveries);
  }

  /** Who can be asked at once. */
  async #nextBy(recovery: Recovery, candidate: Candidate, { reason, error }: Failed): Promise<Candidate | null> {
    switch (recovery) {
      case "next-profile":
        return this.#walk.nextProfile(candidate);
      case "next-model":
        return this.#walk.nextModel(candidate, reason);
      case "compact":
        return (await this.#requests.compact(candidate.model, error)) ? this.#walk.anew(candidate) : null;
      case "shrink-images":
        return (await this.#requests.shrinkImages(candidate.model, reason)) ? this.#walk.anew(candidate) : null;
      case "same-again":
      case "give-up":
        return null;
    }
  }

  /** Nobody can be asked at once: whoever comes back first is waited for, where it is soon enough. */
  #planToWait(candidate: Candidate, { reason, error }: Failed, recoveries: readonly Recovery[]): Plan {
    const pauseMs = error.retryAfterMs ?? limits.modelAgainMs;
    const cause: WaitCause = { failed: candidate, reason, recoveries, pauseMs };
    const held = this.#walk.soonest(cause);
    if (held === null || held.untilMs - this.#deps.clock.nowMs() > patienceOf(this.#turn, this.#deps)) return giveUp;
    const isSame = held.candidate === candidate;
    const isSameModel = held.candidate.model.ref === candidate.model.ref;
    const recovery = isSame ? "same-again" : isSameModel ? "next-profile" : "next-model";
    return { recovery, next: null, wait: { held, cause: { ...cause, pauseMs: 0 } } };
  }

  /** One more try is fair, a third is not. */
  #isEmptyAgain({ reason }: Failed): boolean {
    return reason === "empty" && this.#attempts.some((earlier) => earlier.reason === "empty");
  }

  #waitForAny(): Promise<Candidate | null> {
    const cause: WaitCause = { failed: null, reason: "unknown", recoveries: [], pauseMs: 0 };
    const soonest = this.#walk.soonest(cause);
    return soonest === null ? Promise.resolve(null) : this.#waitFor(soonest, cause);
  }

  /** Until one of them can be asked: when the time comes, another turn may be trying it. */
  async #waitFor(soonest: HeldBack, cause: WaitCause): Promise<Candidate | null> {
    const { clock } = this.#deps;
    const endMs = clock.nowMs() + patienceOf(this.#turn, this.#deps);
    for (
      let held: HeldBack | null = soonest;
      held !== null && held.untilMs <= endMs;
      held = this.#walk.soonest(cause)
    ) {
      if (!(await waitUntil(held.untilMs, this.#turn, this.#deps))) return null;
      const next = this.#walk.anew(held.candidate);
      if (next !== null) return next;
    }
    return null;
  }

  #tell(candidate: Candidate, failure: { reason: FailureReason; error: AppErrorJson }, recovery: Recovery): void {
    const { profileId, model } = candidate;
    const { reason, error } = failure;
    this.#attempts.push({ model: model.ref, profileId, reason, error });
    const { runId } = this.#turn.row;
    this.#deps.log.warn("a model could not answer", { runId, model: model.ref, profileId, reason, recovery, error });
    emitOf(this.#turn, this.#deps, { type: "model.failed", model: model.ref, profileId, reason, error, recovery });
  }
}

/**
 * A model that ends in good order without a word leaves a person waiting for nothing. One that was cut at a limit, or at
 * a word of the caller's choice, may well be empty, and one that has said something before its tools too.
 */
function emptinessOf(
  { options }: Turn,
  { text, calls, stopReason }: ModelAnswer,
  before: string,
  model: ModelInfo,
): AppErrorJson | null {
  const isEmpty = text.trim() === "" && before.trim() === "" && calls.length === 0;
  if (!isEmpty || stopReason !== "stop" || options.stop !== undefined) return null;
  return new AppError("MODEL_005", `The model ${model.id} answered with nothing.`, {
    details: { reason: "empty", provider: model.provider, model: model.id },
  }).toJSON();
}

function isSame(left: AppErrorJson, right: AppErrorJson): boolean {
  const words = ({ message, details }: AppErrorJson): string =>
    message.replaceAll(String(details["provider"]), "").replaceAll(String(details["model"]), "");
  return left.code === right.code && words(left) === words(right);
}

/** Nobody was asked. */
const noAnswer: ModelAnswer = Object.freeze({
  callId: "",
  content: [],
  text: "",
  calls: [],
  stopReason: "error",
  usage: noUsage,
  estimated: false,
  saidCostMicros: null,
  firstTokenMs: null,
  latencyMs: 0,
  wasAsked: false,
  error: null,
});
