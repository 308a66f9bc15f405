/**
 * Which candidate is asked next in one step: each once, and once more only where the table of recoveries says so. Asks the
 * desk right before it names one, since a turn beside this one may have found out meanwhile; whoever is named is entered.
 */
import type { FailureReason } from "../../domain/failure-reason.ts";
import { limits } from "../../domain/limits.ts";
import type { Candidate, ModelChoice, ModelDesk, Recovery, Standing } from "../../models/contract.ts";
import type { Clock } from "../../platform/clock.ts";

export interface WalkDeps {
  readonly desk: Pick<ModelDesk, "standing" | "enter">;
  readonly clock: Pick<Clock, "nowMs">;
}

/** One that cannot be asked now and comes back by itself, wall clock. */
export interface HeldBack {
  readonly candidate: Candidate;
  readonly untilMs: number;
}

/** A candidate failed, or (null) none could be asked to begin with. */
export interface WaitCause {
  readonly failed: Candidate | null;
  readonly reason: FailureReason;
  /** What may be done about it: whom it makes sense to wait for. */
  readonly recoveries: readonly Recovery[];
  /** Before the failed one is asked again, where its standing does not say. */
  readonly pauseMs: number;
}

export class CandidateWalk {
  /** Those that were left alone when the choice was made come last: they may be well meanwhile. */
  readonly #candidates: readonly Candidate[];
  readonly #deps: WalkDeps;
  readonly #calls = new Map<Candidate, number>();
  #count = 0;

  constructor(choice: ModelChoice, deps: WalkDeps) {
    this.#candidates = [...choice.candidates, ...choice.later];
    this.#deps = deps;
  }

  /** The first of all that can be asked now, in their order. */
  first(): Candidate | null {
    return this.#firstUsable(() => true);
  }

  /** Another login of the same model. */
  nextProfile(failed: Candidate): Candidate | null {
    return this.#firstUsable(({ model }) => model.ref === failed.model.ref);
  }

  /** Another model; after an overflow one with a larger window alone. */
  nextModel(failed: Candidate, reason: FailureReason): Candidate | null {
    return this.#firstUsable((candidate) => isOtherModel(candidate, failed, reason));
  }

  /** Whether another model could be asked behind this one. */
  hasOther(candidate: Candidate): boolean {
    const nowMs = this.#deps.clock.nowMs();
    return this.#candidates.some(
      (other) =>
        other.model.ref !== candidate.model.ref &&
        this.#callsOf(other) === 0 &&
        this.#deps.desk.standing(other, nowMs).usable,
    );
  }

  /** The same one, of another request: what it was asked before does not count. */
  anew(candidate: Candidate): Candidate | null {
    if (this.#count >= limits.modelAttempts) return null;
    return this.#enter(candidate) ? candidate : null;
  }

  /** It is asked now. */
  take(candidate: Candidate): void {
    this.#count += 1;
    this.#calls.set(candidate, this.#callsOf(candidate) + 1);
  }

  /** The one that can be asked soonest: of those that were not asked yet, and the failed one where it was asked once. */
  soonest({ failed, reason, recoveries, pauseMs }: WaitCause): HeldBack | null {
    if (this.#count >= limits.modelAttempts) return null;
    const nowMs = this.#deps.clock.nowMs();
    const open = this.#candidates.filter((candidate) => {
      if (candidate === failed) return this.#callsOf(candidate) < 2 && recoveries.includes("same-again");
      if (this.#callsOf(candidate) > 0) return false;
      if (failed === null) return true;
      const isSameModel = candidate.model.ref === failed.model.ref;
      if (isSameModel) return recoveries.includes("next-profile");
      return recoveries.includes("next-model") && isOtherModel(candidate, failed, reason);
    });
    const held = open.flatMap((candidate): HeldBack[] => {
      const untilMs = againMs(this.#deps.desk.standing(candidate, nowMs), nowMs + pauseMs);
      return untilMs === null ? [] : [{ candidate, untilMs: Math.max(untilMs, nowMs) }];
    });
    return held.toSorted((left, right) => left.untilMs - right.untilMs)[0] ?? null;
  }

  /** Those that were not asked in this step, with what kept them away. */
  heldBack(): readonly { readonly candidate: Candidate; readonly standing: Standing }[] {
    const nowMs = this.#deps.clock.nowMs();
    return this.#candidates
      .filter((candidate) => this.#callsOf(candidate) === 0)
      .map((candidate) => ({ candidate, standing: this.#deps.desk.standing(candidate, nowMs) }));
  }

  #firstUsable(fits: (candidate: Candidate) => boolean): Candidate | null {
    if (this.#count >= limits.modelAttempts) return null;
    const found = this.#candidates.find(
      (candidate) => this.#callsOf(candidate) === 0 && fits(candidate) && this.#enter(candidate),
    );
    return found ?? null;
  }

  #enter(candidate: Candidate): boolean {
    return this.#deps.desk.enter(candidate, this.#deps.clock.nowMs()).usable;
  }

  #callsOf(candidate: Candidate): number {
    return this.#calls.get(candidate) ?? 0;
  }
}

/** After an overflow one with a larger window alone. */
function isOtherModel({ model }: Candidate, failed: Candidate, reason: FailureReason): boolean {
  if (model.ref === failed.model.ref) return false;
  const room = failed.model.contextWindow;
  return reason !== "context_overflow" || room === null || (model.contextWindow ?? Number.POSITIVE_INFINITY) > room;
}

function againMs(standing: Standing, pausedMs: number): number | null {
  return standing.usable ? pausedMs : standing.untilMs;
}
