/** Work that is due now and then: old rows go, in small portions, so that nobody waits for it. */
import { limits } from "../domain/limits.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Store } from "../store/port.ts";

export interface Maintenance {
  close(): void;
}

const pruneMs = 10 * 60_000;
const portion = 500;
/** What happened to a message can be asked this long. */
const traceKeepMs = 30 * 24 * 3_600_000;
/** About a gigabyte, and 700,000 messages that were answered in one piece. */
const traceKeepRows = 5_000_000;
/** What nobody has replayed or purged by then goes, with its content. */
const deadLetterKeepMs = 30 * 24 * 3_600_000;

/** What was decided about calls of tools can be tried again this long. */
const decisionKeepMs = 35 * 24 * 3_600_000;

/** A timer's failure goes to the clock's error handler; the next beat tries again. */
export function startMaintenance({ store, clock }: { store: Store; clock: Clock }): Maintenance {
  const timers: Timer[] = [
    clock.every(pruneMs, async () => {
      const beforeMs = clock.nowMs() - limits.idempotencyTtlMs;
      await store.idempotency.prune(beforeMs);
      await store.deadLetters.purge({ beforeMs: clock.nowMs() - deadLetterKeepMs }, clock.nowMs());
      while ((await store.prune({ beforeMs, limit: portion })) >= portion);
    }),
    clock.every(pruneMs, async () => {
      await store.trace.prune(clock.nowMs() - traceKeepMs, traceKeepRows);
    }),
    clock.every(pruneMs, async () => {
      const beforeMs = clock.nowMs() - decisionKeepMs;
      while ((await store.decisions.prune({ beforeMs, limit: portion })) >= portion);
    }),
  ];
  return {
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}
