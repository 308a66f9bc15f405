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
  /** Resolves after the delay, or rejects with the signal's reason. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
