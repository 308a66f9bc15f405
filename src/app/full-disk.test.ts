/** An answer that is whole, and a disk that takes nothing for longer than a lease. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Store } from "../store/port.ts";
import type { Tool } from "../tools/contract.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay } from "./way.fixture.ts";

let house: TestWay | undefined;
afterEach(() => house?.close());

/** Every write of a turn and its queue fails while the disk is full. */
function onDisk(disk: { readonly isFull: boolean }): (store: Store) => Store {
  const guard =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      disk.isFull ? Promise.reject(new AppError("STORE_002", "The disk is full.")) : write(...args);
  return (store) => {
    const { admit, claim, renew, release, retry } = store.inbox;
    return {
      ...store,
      inbox: {
        ...store.inbox,
        admit: guard(admit),
        claim: guard(claim),
        renew: guard(renew),
        release: guard(release),
        retry: guard(retry),
      },
      turns: { ...store.turns, finish: guard(store.turns.finish), appendStep: guard(store.turns.appendStep) },
    };
  };
}

describe("a disk that is full when the answer is there", () => {
  it("M6: keeps the answer for ten minutes, then commits it once; the model was asked once", async () => {
    const clock = new FakeClock();
    const disk = { isFull: false };
    const answered = Promise.withResolvers<void>();
    const script: Script = async function* (request, call, signal) {
      await answered.promise;
      yield* says("the answer")(request, call, signal);
    };
    house = await openTestWay({ script, clock, medium: onDisk(disk) });
    await house.way.start();
    await house.way.admit(chatRequest("hello", { runId: "run-1" }));
    await expect.poll(() => house?.requests.length).toBe(1);
    disk.isFull = true;
    answered.resolve();
    // Longer than a lease, and until a second before a sweep: the next try of the commit comes after it.
    await clock.advance(2 * limits.leaseMs + limits.leaseSweepMs - 1_000);
    expect(house.events.filter((event) => event.type === "run.ended")).toEqual([]);
    disk.isFull = false;
    await clock.advance(limits.leaseSweepMs);
    expect(await house.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final", text: "the answer" });
    await clock.advance(limits.leaseMs);
    expect(house.requests).toHaveLength(1);
    expect(await house.store.inbox.byRunId("run-1")).toMatchObject({ state: "replied", attempts: 1 });
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 1 });
    expect(house.events.filter((event) => event.type === "run.ended")).toHaveLength(1);
  });

  it("M6: keeps a step that was paid for, too: no model is asked twice and no tool runs twice", async () => {
    const clock = new FakeClock();
    const disk = { isFull: false };
    let runs = 0;
    const tool: Tool = {
      name: "look",
      description: "Looks.",
      inputSchema: z.unknown(),
      effect: "unsafe",
      run: () => {
        runs += 1;
        disk.isFull = true;
        return Promise.resolve("seen");
      },
    };
    const script: Script = async function* (request, call, signal) {
      if (call > 0) return yield* says("the answer")(request, call, signal);
      disk.isFull = true;
      yield { type: "tool-call", callId: "c1", tool: "look", input: {} };
      yield { type: "end", reason: "tool-calls", usage: { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 } };
    };
    house = await openTestWay({ script, clock, medium: onDisk(disk), tools: [tool] });
    await house.way.start();
    await house.way.admit(chatRequest("hello", { runId: "run-1" }));
    for (const seen of [0, 1]) {
      await expect.poll(() => disk.isFull && runs === seen).toBe(true);
      await clock.advance(60_000);
      disk.isFull = false;
      await clock.advance(5_000);
    }
    await expect.poll(() => house?.events.some((event) => event.type === "run.ended")).toBe(true);
    expect(runs).toBe(1);
    expect(house.requests).toHaveLength(2);
    expect(await house.store.inbox.byRunId("run-1")).toMatchObject({ state: "replied", attempts: 1 });
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 2 });
  });

  it("M9: a turn that could not even begin is tried again when there is room", async () => {
    const clock = new FakeClock();
    const disk = { isFull: false };
    house = await openTestWay({
      script: says("the answer"),
      clock,
      medium: (store) => ({
        ...store,
        sessions: {
          ...store.sessions,
          get: (key) =>
            disk.isFull ? Promise.reject(new AppError("STORE_001", "unreadable")) : store.sessions.get(key),
        },
      }),
    });
    await house.way.start();
    disk.isFull = true;
    await house.way.admit(chatRequest("hello", { runId: "run-1" }));
    const { store } = house;
    await expect.poll(() => clock.nextDueMs).toBeLessThanOrEqual(1_000);
    disk.isFull = false;
    await clock.advance(1_000);
    expect(await house.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final" });
    await expect.poll(() => store.inbox.byRunId("run-1")).toMatchObject({ state: "replied", attempts: 2 });
  });
});
