/** The machine's clock, running so many times as fast: a minute's pause is a moment, and everything is still real. */
import { systemClock, type Clock } from "../../src/platform/clock.ts";

export function fastClock(factor: number): Clock {
  const real = systemClock();
  const startMs = real.nowMs();
  const startMonotonicMs = real.monotonicMs();
  return {
    nowMs: () => Math.round(startMs + (real.nowMs() - startMs) * factor),
    monotonicMs: () => startMonotonicMs + (real.monotonicMs() - startMonotonicMs) * factor,
    after: (delayMs, callback) => real.after(delayMs / factor, callback),
    every: (periodMs, callback) => real.every(periodMs / factor, callback),
    sleep: (delayMs, signal) => real.sleep(delayMs / factor, signal),
  };
}
