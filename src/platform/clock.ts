/** Time, as a value that tests can replace. Nothing else in the house reads the system clock or sets a timer. */

export interface Timer {
  /** Idempotent; after it the callback does not run. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction, for durations. Never jumps. */
  monotonicMs(): number;
  /** Runs once. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs every `periodMs`, never overlapping an asynchronous callback with itself. Does not keep the process alive. */
  every(periodMs: number, callback: () => void | Promise<void>): Timer;
  /**
   * Resolves after the delay, or rejects with the signal's reason. Keeps the process alive: somebody waits for it.
   * What should not outlive a shutdown passes a signal.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** What a callback of `every` threw. Without a taker it is thrown outside any promise, as an uncaught exception. */
export type TimerErrorHandler = (error: unknown) => void;

export function systemClock(onTimerError: TimerErrorHandler = throwUncaught): Clock {
  const after = (delayMs: number, callback: () => void): Timer => longTimer(delayMs, callback, false);
  const monotonicMs = (): number => performance.now();
  return {
    nowMs: () => Date.now(),
    monotonicMs,
    after,
    every: (periodMs, callback) => repeat({ after, monotonicMs, onTimerError }, periodMs, callback),
    sleep: (delayMs, signal) => sleepWith((callback) => longTimer(delayMs, callback, true), signal),
  };
}

/** The same clock with a wall that is wrong by so much: what a machine has whose time was never set. */
export function shiftedClock(clock: Clock, offsetMs: number): Clock {
  if (offsetMs === 0) return clock;
  return {
    nowMs: () => clock.nowMs() + offsetMs,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    every: (periodMs, callback) => clock.every(periodMs, callback),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  };
}

/** Node turns a longer delay into one millisecond. */
const longestDelayMs = 2 ** 31 - 1;

/** A timer without an upper bound: a delay of more than 24 days is waited for in several pieces. */
function longTimer(delayMs: number, callback: () => void, keepsAlive: boolean): Timer {
  let restMs = Math.max(0, delayMs);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const pieceMs = Math.min(restMs, longestDelayMs);
    restMs -= pieceMs;
    handle = setTimeout(() => (restMs > 0 ? arm() : callback()), pieceMs);
    if (!keepsAlive) handle.unref();
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}

/** What `repeat` needs of a clock; the fake clock repeats by the same rules. */
export interface RepeatBase {
  readonly after: Clock["after"];
  readonly monotonicMs: Clock["monotonicMs"];
  readonly onTimerError: TimerErrorHandler;
}

/**
 * The rule behind `every`: calls start on multiples of the period after the last start. A call that takes longer
 * skips the beats it missed instead of catching up, and a call that fails does not end the series.
 */
export function repeat(base: RepeatBase, periodMs: number, callback: () => void | Promise<void>): Timer {
  let cancelled = false;
  let timer = base.after(periodMs, beat);

  function beat(): void {
    const startedMs = base.monotonicMs();
    const next = (): void => {
      if (cancelled) return;
      const takenMs = base.monotonicMs() - startedMs;
      timer = base.after(periodMs - (takenMs % periodMs), beat);
    };
    try {
      const running = callback();
      if (running instanceof Promise) running.catch(base.onTimerError).finally(next);
      else next();
    } catch (error) {
      next();
      base.onTimerError(error);
    }
  }

  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}

/** The rule behind `sleep`, for any way to set a timer. */
export function sleepWith(arm: (callback: () => void) => Timer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = arm(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
