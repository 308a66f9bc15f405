/** The timers of the housekeeping: when they beat, that they do not pile up, and that they end. */
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Store } from "../store/port.ts";
import { startMaintenance } from "./maintenance.ts";

const minuteMs = 60_000;

/** A store that counts what it is asked to drop, and takes as long as it is told to. */
function countingStore(answers: { prune?: () => Promise<number>; decisions?: () => Promise<number> } = {}) {
  const calls = {
    keys: [] as number[],
    letters: [] as number[],
    rows: [] as number[],
    trace: [] as number[],
    decisions: [] as number[],
  };
  const store = {
    idempotency: { prune: (beforeMs: number) => Promise.resolve(calls.keys.push(beforeMs)) },
    deadLetters: { purge: ({ beforeMs }: { beforeMs: number }) => Promise.resolve(calls.letters.push(beforeMs)) },
    prune: ({ beforeMs }: { beforeMs: number }) => {
      calls.rows.push(beforeMs);
      return answers.prune?.() ?? Promise.resolve(0);
    },
    trace: { prune: (beforeMs: number) => Promise.resolve(calls.trace.push(beforeMs)) },
    decisions: {
      prune: ({ beforeMs }: { beforeMs: number }) => {
        calls.decisions.push(beforeMs);
        return answers.decisions?.() ?? Promise.resolve(0);
      },
    },
  } as unknown as Store;
  return { store, calls };
}

describe("housekeeping", () => {
  it("A12: each timer beats at its period, for what is older than its limit, and none beats after the end", async () => {
    const clock = new FakeClock(Date.UTC(2026, 6, 1));
    const { store, calls } = countingStore();
    const maintenance = startMaintenance({ store, clock });
    await clock.advance(10 * minuteMs - 1);
    expect(calls).toEqual({ keys: [], letters: [], rows: [], trace: [], decisions: [] });
    await clock.advance(1 + 50 * minuteMs);
    const beats = Array.from({ length: 6 }, (_, index) => Date.UTC(2026, 6, 1) + (index + 1) * 10 * minuteMs);
    expect(calls.keys).toEqual(beats.map((at) => at - limits.idempotencyTtlMs));
    expect(calls.rows).toEqual(calls.keys);
    expect(calls.letters).toEqual(beats.map((at) => at - 30 * 24 * 60 * minuteMs));
    expect(calls.trace).toEqual(beats.map((at) => at - 30 * 24 * 60 * minuteMs));
    expect(calls.decisions).toEqual(beats.map((at) => at - 35 * 24 * 60 * minuteMs));
    maintenance.close();
    await clock.advance(60 * minuteMs);
    expect([calls.rows.length, calls.trace.length, clock.pendingTimers]).toEqual([6, 6, 0]);
  });

  it("A12: one that takes longer than its period does not overlap itself, and a failure ends no timer", async () => {
    const clock = new FakeClock();
    let running = 0;
    let most = 0;
    const { store, calls } = countingStore({
      prune: async () => {
        running += 1;
        most = Math.max(most, running);
        await clock.sleep(25 * minuteMs);
        running -= 1;
        throw new Error("the disk is full");
      },
    });
    const maintenance = startMaintenance({ store, clock });
    await clock.advance(90 * minuteMs);
    expect(most).toBe(1);
    expect(calls.rows.length).toBeGreaterThan(1);
    expect(calls.trace).toHaveLength(9);
    maintenance.close();
  });

  it("what is old goes in portions until there is no more of it", async () => {
    const clock = new FakeClock();
    let left = 1_200;
    const { store, calls } = countingStore({
      prune: () => {
        const portion = Math.min(left, 500);
        left -= portion;
        return Promise.resolve(portion);
      },
    });
    const maintenance = startMaintenance({ store, clock });
    await clock.advance(10 * minuteMs);
    expect([calls.rows.length, left]).toEqual([3, 0]);
    maintenance.close();
  });

  it("decisions that are older than a policy is tried on go in portions, all of them", async () => {
    const clock = new FakeClock();
    let left = 1_200;
    const { store, calls } = countingStore({
      decisions: () => {
        const portion = Math.min(left, 500);
        left -= portion;
        return Promise.resolve(portion);
      },
    });
    const maintenance = startMaintenance({ store, clock });
    await clock.advance(10 * minuteMs);
    expect([calls.decisions.length, left]).toEqual([3, 0]);
    maintenance.close();
  });
});
