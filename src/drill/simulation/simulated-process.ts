/**
 * A process that can die between two promises. Everything it does to the world passes `guard`, its clock or a failpoint:
 * once it is dead none of them comes back, so whatever it was about to do never happens, and nothing has to be undone.
 * Stopped, it stands still in the same places until it is continued.
 */
import type { FailpointName, Failpoints } from "../../platform/failpoints.ts";
import { repeat, sleepWith, type Clock, type Timer } from "../../platform/clock.ts";

/** What happens when a point is reached for the `count`th time in the life of one process. */
export interface SimulatedCut {
  readonly name: FailpointName;
  readonly count: number;
  readonly what: "kill" | "stop";
}

export interface ProcessOptions {
  /** The time of the world; goes on when this process does not. */
  readonly time: Clock;
  readonly cut: SimulatedCut | null;
  readonly onCut: (what: SimulatedCut["what"]) => void;
  /** What a callback of a timer threw: a real process would log it. */
  readonly onTimerError: (error: unknown) => void;
}

export class SimulatedProcess {
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  /** How often each point was reached. */
  readonly reached = new Map<FailpointName, number>();
  readonly #options: ProcessOptions;
  #state: "runs" | "stands" | "dead" = "runs";
  #superseded = false;
  /** Whoever waits for the process to be continued. */
  #continued: (() => void)[] = [];

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.clock = this.#makeClock(options.time);
    this.failpoints = { reach: (name) => this.#reach(name) };
  }

  get isAlive(): boolean {
    return this.#state !== "dead";
  }

  /** True for one that was continued after another had taken over. */
  get isSuperseded(): boolean {
    return this.#superseded;
  }

  /** Runs work on the world, if there is still somebody to do it, and tells its outcome, if there is still somebody to hear it. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      const value = await work();
      await this.#turn();
      return value;
    } catch (error) {
      await this.#turn();
      throw error;
    }
  }

  kill(): void {
    this.#state = "dead";
    // Dropped, not called: they wait for ever.
    this.#continued = [];
  }

  stop(): void {
    if (this.#state === "runs") this.#state = "stands";
  }

  continue(): void {
    if (this.#state !== "stands") return;
    this.#state = "runs";
    this.#superseded = true;
    for (const go of this.#continued.splice(0)) go();
  }

  /** Resolves when it is this process's turn to act; never, when it is dead. */
  #turn(): Promise<void> {
    if (this.#state === "runs") return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#state === "stands") this.#continued.push(resolve);
    return promise;
  }

  async #reach(name: FailpointName): Promise<void> {
    await this.#turn();
    const count = (this.reached.get(name) ?? 0) + 1;
    this.reached.set(name, count);
    const { cut, onCut } = this.#options;
    if (cut === null || cut.name !== name || cut.count !== count) return;
    if (cut.what === "kill") this.kill();
    else this.stop();
    onCut(cut.what);
    await this.#turn();
  }

  #makeClock(time: Clock): Clock {
    const after = (delayMs: number, callback: () => void): Timer => time.after(delayMs, () => this.#fire(callback));
    const monotonicMs = (): number => time.monotonicMs();
    return {
      nowMs: () => time.nowMs(),
      monotonicMs,
      after,
      every: (periodMs, callback) =>
        repeat({ after, monotonicMs, onTimerError: this.#options.onTimerError }, periodMs, callback),
      sleep: (delayMs, signal) => sleepWith((callback) => after(delayMs, callback), signal),
    };
  }

  /** A timer that falls due while the process stands fires when it goes on. */
  #fire(callback: () => void): void {
    if (this.#state === "runs") callback();
    else if (this.#state === "stands") this.#continued.push(callback);
  }
}
