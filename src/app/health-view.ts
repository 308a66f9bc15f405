/** Whether the gateway can do its work now: the store takes writes, and it is not on its way out. */
import type { HealthView } from "../gateway/deps.ts";
import { AppError } from "../domain/app-error.ts";
import type { Clock } from "../platform/clock.ts";
import type { LoopDelay } from "../platform/loop-delay.ts";
import type { Store } from "../store/port.ts";

export interface HealthSources {
  readonly store: Store;
  readonly clock: Clock;
  readonly loopDelay: () => LoopDelay;
  readonly dispatchTrouble?: () => string | null;
}

export interface HealthState {
  /** What keeps it from being ready, by name; empty when it is. */
  readonly blockers: Set<string>;
  draining: boolean;
}

/** A write that hangs counts as a store that cannot be written. */
const probeTimeoutMs = 2_000;

export function createHealthView(
  { store, clock, loopDelay, dispatchTrouble }: HealthSources,
  state: HealthState,
): HealthView {
  const startedMs = clock.monotonicMs();
  return {
    async ready() {
      const failing = [...state.blockers];
      if (state.draining) failing.push("draining");
      const fault = await storeFault(store, clock);
      if (fault !== null) failing.push(fault);
      return { ready: failing.length === 0, failing };
    },
    uptimeMs: () => Math.round(clock.monotonicMs() - startedMs),
    draining: () => state.draining,
    loopDelay,
    dispatchTrouble: dispatchTrouble ?? (() => null),
  };
}

async function storeFault(store: Store, clock: Clock): Promise<string | null> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      store.probe().then(() => null),
      clock.sleep(probeTimeoutMs, timeout.signal).then(() => "store: no answer"),
    ]);
  } catch (thrown) {
    return `store: ${AppError.from(thrown).code}`;
  } finally {
    timeout.abort();
  }
}
