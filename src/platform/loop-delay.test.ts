/** A blocked event loop shows, and a quiet one reads near zero. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "./fake-clock.ts";
import { sampleLoopDelay } from "./loop-delay.ts";

function block(durationMs: number): void {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs);
}

describe("loop delay", () => {
  it("F15: shows how long the loop was blocked, and forgets it with the window", async () => {
    const clock = new FakeClock();
    const sampler = sampleLoopDelay(clock);
    expect(sampler.read()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
    await expect
      .poll(
        () => {
          block(80);
          return clock.advance(10_000).then(() => sampler.read().maxMs);
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(50);
    // Two windows without any sample of their own.
    await clock.advance(20_000);
    const quiet = sampler.read();
    expect(quiet.p50Ms).toBeLessThanOrEqual(quiet.p99Ms);
    expect(quiet.maxMs).toBeLessThan(50);
    sampler.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
