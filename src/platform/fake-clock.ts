/**
 * A clock that stands still until a test moves it. It runs due timers in order and lets the promises that each of
 * them settles run before the next, so that a chain of sleeps behaves as it would in real time.
 */
import { repeat, sleepWith, type Clock, type Timer } from "./clock.ts";

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #timers = new Set<PendingTimer>();
  /** What callbacks of `every` threw, oldest first. */
  readonly timerErrors: unknown[] = [];

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  every(periodMs: number, callback: () => void | Promise<void>): Timer {
    const onTimerError = (error: unknown): void => void this.timerErrors.push(error);
    const after = (delayMs: number, beat: () => void): Timer => this.after(delayMs, beat);
    return repeat({ after, monotonicMs: () => this.#elapsedMs, onTimerError }, periodMs, callback);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepWith((callback) => this.after(delayMs, callback), signal);
  }

  /** How many timers wait. A part that was closed leaves none behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; null where none waits. */
  get nextDueMs(): number | null {
    const next = this.#next(Number.POSITIVE_INFINITY);
    return next === undefined ? null : next.dueMs - this.#elapsedMs;
  }

  /** Lets time pass: every timer due within it runs at its own moment, promises in between are waited for. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs;
    await settle();
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.callback();
      await settle();
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
    await settle();
  }

  /** Moves the wall clock alone, as an administrator or NTP does. Durations do not notice. */
  setWall(nowMs: number): void {
    this.#wallOffsetMs = nowMs - this.#elapsedMs;
  }

  #next(untilMs: number): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue;
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** One turn of the event loop runs every promise that is ready; the second lets what these started begin. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
