/**
 * How much one sender may say per minute, so that one cannot crowd out the others. Kept in memory: after a restart
 * everybody starts with a full allowance, which loses nothing. Bounded: the longest-silent sender is forgotten first.
 */
import type { Clock } from "../platform/clock.ts";

export interface SenderRateLimit {
  /** Takes one from the sender's allowance; false when there is none left. */
  take(senderKey: string): boolean;
  /** Returns one that was taken for nothing. */
  giveBack(senderKey: string): void;
}

interface Bucket {
  tokens: number;
  refilledMs: number;
}

const maxSenders = 10_000;

export function createSenderRateLimit(clock: Clock, perMinute: () => number): SenderRateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(senderKey) {
      const capacity = perMinute();
      const nowMs = clock.monotonicMs();
      const bucket = buckets.get(senderKey) ?? { tokens: capacity, refilledMs: nowMs };
      const refill = ((nowMs - bucket.refilledMs) / 60_000) * capacity;
      bucket.tokens = Math.min(capacity, bucket.tokens + refill);
      bucket.refilledMs = nowMs;
      // Re-inserting moves the sender to the end: the map's order is the order of last use.
      buckets.delete(senderKey);
      buckets.set(senderKey, bucket);
      forgetOldest(buckets);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    giveBack(senderKey) {
      const bucket = buckets.get(senderKey);
      if (bucket !== undefined) bucket.tokens = Math.min(perMinute(), bucket.tokens + 1);
    },
  };
}

function forgetOldest(buckets: Map<string, Bucket>): void {
  if (buckets.size <= maxSenders) return;
  const oldest = buckets.keys().next();
  if (oldest.done !== true) buckets.delete(oldest.value);
}
