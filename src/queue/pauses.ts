/** How long a message waits before it is tried again. Pure; the queue owns retries, and nothing below it repeats a turn. */
import { limits } from "../domain/limits.ts";

/** The share of a pause that chance may take, so that messages which failed together do not come back together. */
const jitterShare = 0.2;

/** After an attempt that failed: 1, 2, 4 … 30 s by the attempts so far, less up to a fifth by `random` in [0, 1). */
export function retryPauseMs(attempts: number, random: () => number): number {
  return Math.round(doubled(attempts - 1, limits.turnRetryCapMs) * (1 - jitterShare * random()));
}

/**
 * After a crash that found the message under way for the `attempts`-th time: nothing after the first, then
 * 1, 2, 4 … 60 s. Almost every message that a crash interrupts is innocent and goes on at once. One that brings the
 * process down would do so again at each start, in a tight loop, and every message beside it would be in flight each
 * time: these would use up their attempts and be given up for what another did. With a pause that grows the house
 * stands longer after each start, and what is innocent ends in that time.
 */
export function crashPauseMs(attempts: number): number {
  return attempts <= 1 ? 0 : doubled(attempts - 2, limits.crashPauseCapMs);
}

function doubled(times: number, capMs: number): number {
  // 2 ** 16 s is above either cap: more doublings would only leave the range of exact numbers.
  return Math.min(capMs, 1_000 * 2 ** Math.min(Math.max(0, times), 16));
}
