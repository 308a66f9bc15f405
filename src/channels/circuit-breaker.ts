/**
 * Stops calling what keeps failing. Closed: calls pass. Open: none does. Half-open: exactly one does, and its
 * outcome decides. It counts; the cool-down is timed by its owner, who says when it is over.
 */
import { limits } from "../domain/limits.ts";

export type BreakerState = "closed" | "open" | "half-open";

export interface CircuitBreaker {
  state(): BreakerState;
  /** Whether a call may be made now. In half-open, true once. */
  allow(): boolean;
  /** Returns true when this failure opened it. */
  failed(): boolean;
  succeeded(): void;
  /** The cool-down is over: one call may be made to see. */
  cooledDown(): void;
  /** Forgets everything, because a person asked for a new start. */
  reset(): void;
}

export function createCircuitBreaker(threshold: number = limits.breakerFailures): CircuitBreaker {
  let state: BreakerState = "closed";
  let failures = 0;
  let probing = false;

  function to(next: BreakerState): void {
    state = next;
    probing = false;
  }

  return {
    state: () => state,
    allow() {
      if (state === "closed") return true;
      if (state === "open" || probing) return false;
      probing = true;
      return true;
    },
    failed() {
      failures += 1;
      if (state === "open") return false;
      if (state === "closed" && failures < threshold) return false;
      to("open");
      return true;
    },
    succeeded() {
      failures = 0;
      to("closed");
    },
    cooledDown() {
      if (state === "open") to("half-open");
    },
    reset() {
      failures = 0;
      to("closed");
    },
  };
}
