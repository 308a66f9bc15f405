/**
 * How often somebody guessed wrong: one counter per address for every kind of credential, over frames and HTTP alike.
 * Refuses the right credential too while an address is locked out, or the lock would not stop a search.
 */
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { limiterKey } from "./client-address.ts";

export interface FailureLimiter {
  /** Milliseconds until this address may try again; 0 where it may now. */
  lockedForMs(address: string): number;
  failed(address: string): void;
  /** Addresses that are remembered. */
  size(): number;
}

interface Record {
  failures: number;
  windowEndsMs: number;
  lockedUntilMs: number;
}

/** More addresses than this at once are an attack on our memory: the oldest are forgotten. */
const maxAddresses = 10_000;

export function createFailureLimiter(clock: Clock): FailureLimiter {
  const records = new Map<string, Record>();

  function failed(address: string): void {
    const nowMs = clock.monotonicMs();
    const key = limiterKey(address);
    const known = records.get(key);
    const record =
      known !== undefined && nowMs < known.windowEndsMs
        ? known
        : { failures: 0, windowEndsMs: nowMs + limits.authFailureWindowMs, lockedUntilMs: 0 };
    record.failures += 1;
    if (record.failures >= limits.authFailures) {
      record.lockedUntilMs = nowMs + limits.authLockoutMs;
      record.windowEndsMs = Math.max(record.windowEndsMs, record.lockedUntilMs);
    }
    // Set anew, so that the order of the map is the order of the last failure.
    records.delete(key);
    records.set(key, record);
    if (records.size > maxAddresses) forgetOldest();
  }

  function forgetOldest(): void {
    for (const key of records.keys()) {
      records.delete(key);
      return;
    }
  }

  return {
    failed,
    lockedForMs(address) {
      const record = records.get(limiterKey(address));
      return record === undefined ? 0 : Math.max(0, Math.ceil(record.lockedUntilMs - clock.monotonicMs()));
    },
    size: () => records.size,
  };
}
