/**
 * Holding on to a result while the medium refuses it: a full disk passes, and what was paid for or sent is known here
 * alone. What the store says about the row itself is final, and so is a value that it cannot hold.
 */
import { AppError } from "../domain/app-error.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";

export interface Patience {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the waiting: the write's own error is thrown then. */
  readonly signal: AbortSignal;
  /** No limit but the signal where absent. */
  readonly patienceMs?: number;
}

/** Repeats a write that failed with STORE_001 or STORE_002, after 0.25, 0.5, 1 … 4 s. It must be safe to repeat. */
export async function writeWithPatience(write: () => Promise<void>, patience: Patience): Promise<void> {
  const { clock, log, signal, patienceMs = Number.POSITIVE_INFINITY } = patience;
  const untilMs = clock.monotonicMs() + patienceMs;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 4_000)) {
    try {
      return await write();
    } catch (thrown) {
      const error = AppError.from(thrown);
      const passes = error.code === "STORE_001" || error.code === "STORE_002";
      if (!passes || clock.monotonicMs() + pauseMs > untilMs) throw error;
      log.warn("a result could not be written yet", { error: error.toJSON() });
      await clock.sleep(pauseMs, signal).catch(() => {
        throw error;
      });
    }
  }
}
