/** How long the event loop keeps others waiting, sampled by Node.js itself over the last windows. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "./clock.ts";

/** Milliseconds beyond the sampling period. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoopDelaySampler {
  /** Of the window that is under way, or of the last one while this one is young. */
  read(): LoopDelay;
  close(): void;
}

const resolutionMs = 10;
const windowMs = 10_000;
/** A window with fewer samples says less than the one before it. */
const enoughSamples = 50;

export function sampleLoopDelay(clock: Clock): LoopDelaySampler {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let last = reading(histogram);
  const timer = clock.every(windowMs, () => {
    last = reading(histogram);
    histogram.reset();
  });
  return {
    read: () => (histogram.count < enoughSamples ? last : reading(histogram)),
    close() {
      timer.cancel();
      histogram.disable();
    },
  };
}

/** The histogram counts the period itself: what lies above it is the delay. */
function reading(histogram: ReturnType<typeof monitorEventLoopDelay>): LoopDelay {
  const delay = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, Math.round((nanoseconds / 1e6 - resolutionMs) * 10) / 10) : 0;
  if (histogram.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
  return {
    p50Ms: delay(histogram.percentile(50)),
    p99Ms: delay(histogram.percentile(99)),
    maxMs: delay(histogram.max),
  };
}
