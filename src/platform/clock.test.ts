/** Both clocks keep one contract; the fake one also lets a test move time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { FakeClock } from "./fake-clock.ts";

describe("system clock", () => {
  const clock = systemClock();

  it("tells wall time and a monotonic time that only grows", () => {
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(1_000);
    const first = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  it("runs a timer once, and not after it was cancelled", async () => {
    let runs = 0;
    const cancelled = clock.after(1, () => (runs += 100));
    cancelled.cancel();
    cancelled.cancel();
    await new Promise<void>((resolve) => clock.after(5, () => ((runs += 1), resolve())));
    expect(runs).toBe(1);
  });

  it("waits for a delay that is longer than the platform's timers can hold", async () => {
    let ran = false;
    const timer = clock.after(2 ** 40, () => (ran = true));
    await clock.sleep(5);
    timer.cancel();
    expect(ran).toBe(false);
  });

  it("ends a sleep with the reason of its signal", async () => {
    const controller = new AbortController();
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(new Error("closing"));
    await expect(sleeping).rejects.toThrow("closing");
    await expect(clock.sleep(60_000, controller.signal)).rejects.toThrow("closing");
  });

  it("lets the process end while timers wait", async () => {
    const source = `import { systemClock } from ${JSON.stringify(new URL("./clock.ts", import.meta.url).href)};
      const clock = systemClock(); clock.after(60_000, () => {}); clock.every(60_000, () => {});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: "ignore" });
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });

  it("hands what a repeated callback throws to its owner and goes on", async () => {
    const errors: unknown[] = [];
    const guarded = systemClock((error) => errors.push(error));
    let beats = 0;
    await new Promise<void>((resolve) => {
      const timer = guarded.every(1, () => {
        beats += 1;
        if (beats < 3) throw new Error(`beat ${beats}`);
        timer.cancel();
        resolve();
      });
    });
    expect(errors.map(String)).toEqual(["Error: beat 1", "Error: beat 2"]);
  });
});

describe("fake clock", () => {
  it("A12: each timer fires at its period, none overlaps itself, all stop when cancelled", async () => {
    const clock = new FakeClock();
    const fast: number[] = [];
    const slow: number[] = [];
    let running = 0;
    let overlaps = 0;
    const timers = [
      clock.every(100, () => void fast.push(clock.monotonicMs())),
      clock.every(50, async () => {
        slow.push(clock.monotonicMs());
        if (++running > 1) overlaps += 1;
        await clock.sleep(120);
        running -= 1;
      }),
    ];
    await clock.advance(500);
    expect(fast).toEqual([100, 200, 300, 400, 500]);
    // A run of 120 ms misses two beats of 50 ms; the series stays on the multiples of its start.
    expect(slow).toEqual([50, 200, 350, 500]);
    expect(overlaps).toBe(0);
    for (const timer of timers) timer.cancel();
    await clock.advance(1_000);
    expect(fast).toHaveLength(5);
    expect(slow).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
  });

  it("runs due timers in order, at their own moment, with promises settled in between", async () => {
    const clock = new FakeClock(1_000);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`late ${clock.nowMs()}`));
    const chain = (async () => {
      await clock.sleep(5);
      seen.push(`first ${clock.nowMs()}`);
      await clock.sleep(5);
      seen.push(`second ${clock.nowMs()}`);
    })();
    expect(clock.nextDueMs).toBe(5);
    await clock.advance(19);
    await chain;
    expect(seen).toEqual(["first 1005", "second 1010"]);
    await clock.advance(1);
    expect(seen.at(-1)).toBe("late 1020");
    expect(clock.nextDueMs).toBeNull();
  });

  it("keeps durations while the wall clock jumps", async () => {
    const clock = new FakeClock();
    await clock.advance(10);
    clock.setWall(0);
    expect(clock.nowMs()).toBe(0);
    expect(clock.monotonicMs()).toBe(10);
  });

  it("collects what repeated callbacks throw or reject with", async () => {
    const clock = new FakeClock();
    clock.every(10, () => {
      throw new Error("thrown");
    });
    clock.every(10, () => Promise.reject(new Error("rejected")));
    await clock.advance(20);
    expect(clock.timerErrors.map(String).sort()).toEqual([
      "Error: rejected",
      "Error: rejected",
      "Error: thrown",
      "Error: thrown",
    ]);
  });
});
