/**
 * The steps of a turn by name, with their times: `queue`, `register`, `validate`, `session`, `workspace`, `skills`,
 * `model`, `context`, `execute`, `result`, `commit`. Told once, when the turn ends or is parked.
 */
import { AppError } from "../domain/app-error.ts";
import type { PipelineStep } from "../domain/events.ts";
import type { Clock } from "../platform/clock.ts";

export const pipelineSteps = [
  "queue",
  "register",
  "validate",
  "session",
  "workspace",
  "skills",
  "model",
  "context",
  "execute",
  "result",
  "commit",
] as const;
export type PipelineStepName = (typeof pipelineSteps)[number];

export class Pipeline {
  readonly #clock: Clock;
  readonly #steps: PipelineStep[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get steps(): readonly PipelineStep[] {
    return [...this.#steps];
  }

  /** What took its time elsewhere. */
  note(step: PipelineStepName, tookMs: number, data?: unknown): void {
    this.#steps.push({ step, tookMs: rounded(tookMs), ...(data === undefined ? {} : { data }) });
  }

  /** Does the step and times it; what it throws is noted by its code and thrown on. */
  async run<T>(step: PipelineStepName, work: () => Promise<T> | T, data?: (done: T) => unknown): Promise<T> {
    const beganMs = this.#clock.monotonicMs();
    try {
      const done = await work();
      this.note(step, this.#clock.monotonicMs() - beganMs, data?.(done));
      return done;
    } catch (thrown) {
      const failed = thrown instanceof AppError ? thrown.code : thrown instanceof Error ? thrown.name : "SYS_001";
      this.#steps.push({ step, tookMs: rounded(this.#clock.monotonicMs() - beganMs), failed });
      throw thrown;
    }
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
