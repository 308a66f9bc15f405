/** How long to wait before an attempt: doubling, capped, a little spread so that many clients do not come back at once. */
import { limits } from "../domain/limits.ts";

/** Which part of a pause is spread: a pause lies between 80 % and 100 % of its full length. */
export const backoffJitter = 0.2;

/**
 * Milliseconds before reconnect attempt `attempt` (1 = the first after a failure); null when it is one too many.
 * `random` is uniform in [0, 1).
 */
export function backoffMs(attempt: number, random: () => number): number | null {
  if (attempt > limits.reconnectAttempts) return null;
  // The exponent is bounded before the power is taken: 2 ** 2000 is Infinity, and Infinity times zero is not a time.
  const fullMs = Math.min(limits.reconnectBaseMs * 2 ** Math.min(attempt - 1, 30), limits.reconnectCapMs);
  return Math.round(fullMs * (1 - backoffJitter * random()));
}
