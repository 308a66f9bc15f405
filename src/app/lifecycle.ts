/**
 * Starting and stopping in order. Each part is started once, in the order it is given, and closed once, in reverse.
 * A part that may fail without taking the house down says so; what it failed with is kept for the health report.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";

export interface Part {
  readonly name: string;
  start?(): Promise<void> | void;
  /** Called once, also where `start` failed. */
  close?(): Promise<void> | void;
  /** The house is ready without it. */
  readonly optional?: boolean;
}

export interface Lifecycle {
  /** Starts a part now and remembers to close it. Throws what a needed part throws. */
  start(part: Part): Promise<void>;
  /** Names of optional parts that failed to start, with the reason. */
  degraded(): ReadonlyMap<string, AppError>;
  /** Names in the order in which they were started. */
  started(): readonly string[];
  /**
   * Closes everything in reverse. A part that fails to close is logged and does not keep the others open; one that
   * hangs is left behind, so that the whole ends within `limits.shutdownMs`.
   */
  close(): Promise<void>;
}

export function createLifecycle(clock: Clock, log: Log): Lifecycle {
  const open: Part[] = [];
  const names: string[] = [];
  const failed = new Map<string, AppError>();
  let closing: Promise<void> | undefined;

  return {
    async start(part) {
      const fromMs = clock.monotonicMs();
      names.push(part.name);
      open.push(part);
      try {
        await part.start?.();
      } catch (thrown) {
        const error = AppError.from(thrown);
        if (part.optional !== true) throw error;
        failed.set(part.name, error);
        log.error("a part did not start; the rest goes on without it", { part: part.name, error: error.toJSON() });
        return;
      }
      log.debug("started", { part: part.name, tookMs: Math.round((clock.monotonicMs() - fromMs) * 10) / 10 });
    },
    degraded: () => failed,
    started: () => names,
    close() {
      closing ??= closeAll(open, { clock, log });
      return closing;
    },
  };
}

/** Kept for each part that is still open, however long the ones before it took. */
const leastMs = 200;

async function closeAll(open: readonly Part[], { clock, log }: { clock: Clock; log: Log }): Promise<void> {
  const untilMs = clock.monotonicMs() + limits.shutdownMs;
  for (let index = open.length - 1; index >= 0; index -= 1) {
    const part = open[index] as Part;
    const patienceMs = Math.max(leastMs, untilMs - clock.monotonicMs() - index * leastMs);
    try {
      await within(patienceMs, () => part.close?.(), clock);
    } catch (thrown) {
      log.error("a part did not close cleanly", { part: part.name, error: AppError.from(thrown).toJSON() });
    }
  }
}

async function within(patienceMs: number, close: () => Promise<void> | void, clock: Clock): Promise<void> {
  const closed = new AbortController();
  const late = clock.sleep(patienceMs, closed.signal).then(() => {
    throw new AppError("SYS_001", `It did not end within ${Math.round(patienceMs)} ms and was left behind.`);
  });
  // The sleep that is cut short has nothing to say.
  late.catch(() => undefined);
  try {
    await Promise.race([close(), late]);
  } finally {
    closed.abort();
  }
}
