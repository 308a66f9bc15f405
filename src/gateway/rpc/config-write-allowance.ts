/** How often one client may write the configuration: three times a minute, by device and address. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Caller } from "./handler.ts";

export interface ConfigWriteAllowance {
  /** Throws CONN_003 with the time to wait. */
  take(method: string, caller: Pick<Caller, "deviceId" | "address">): void;
}

const windowMs = 60_000;
/** More writers than this are forgotten, oldest first. */
const maxWriters = 1_000;

export function createConfigWriteAllowance(clock: Clock): ConfigWriteAllowance {
  const writes = new Map<string, readonly number[]>();
  return {
    take(method, caller) {
      const nowMs = clock.monotonicMs();
      const key = JSON.stringify([caller.deviceId, caller.address]);
      const recent = (writes.get(key) ?? []).filter((atMs) => atMs > nowMs - windowMs);
      const [oldest] = recent;
      if (oldest !== undefined && recent.length >= limits.configWritesPerMinute) {
        throw new AppError(
          "CONN_003",
          `rate limit: ${method} is limited to ${limits.configWritesPerMinute} per minute`,
          {
            retryAfterMs: Math.ceil(oldest + windowMs - nowMs),
            details: { method, limit: `${limits.configWritesPerMinute} per 60s` },
          },
        );
      }
      writes.delete(key);
      writes.set(key, [...recent, nowMs]);
      if (writes.size > maxWriters) {
        const eldest = writes.keys().next();
        if (eldest.done === false) writes.delete(eldest.value);
      }
    },
  };
}
