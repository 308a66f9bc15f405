/** Whose turn it is: leases that are kept, lost, and taken over. */
import { expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { Store } from "../../store/port.ts";
import { eventually, leaseMs, resultAt, sweepMs, type World } from "./world.ts";

export function leaseRules(world: () => World): void {
  it("M6: a long turn keeps its message, whoever else looks for work", async () => {
    const { clock } = world();
    const node = await world().node();
    const other = await world().node();
    await node.add("long");
    await eventually(() => node.begun).toEqual(["long"]);
    for (let passedMs = 0; passedMs < 4 * leaseMs; passedMs += sweepMs) {
      await clock.advance(sweepMs);
      await world().store().probe();
    }
    expect(node.turn("long").lost.aborted).toBe(false);
    await node.end("long");
    expect(await world().store().inbox.byRunId("long")).toMatchObject({ state: "replied", attempts: 1 });
    expect(other.begun).toEqual([]);
  });

  it("M6: a worker that stands still is replaced after its lease; it hears of it, and what it writes is refused", async () => {
    const { clock } = world();
    const store = world().store();
    const stopped = new FakeClock(clock.nowMs());
    const still = await world().node({ clock: stopped });
    const other = await world().node();
    await still.add("message");
    await eventually(() => still.begun).toEqual(["message"]);
    const late = still.turn("message");
    await clock.advance(leaseMs - sweepMs);
    await store.probe();
    expect(other.begun).toEqual([]);
    await clock.advance(2 * sweepMs);
    await eventually(() => other.begun).toEqual(["message"]);
    await stopped.advance(leaseMs + sweepMs);
    await eventually(() => late.lost.aborted).toBe(true);
    expect(late.lost.reason).toMatchObject({ code: "STORE_003" });
    await expect(store.turns.finish(late.lease, resultAt(clock.nowMs()))).rejects.toMatchObject({ code: "STORE_003" });
    await other.end("message");
    expect(await store.inbox.byRunId("message")).toMatchObject({ state: "replied", attempts: 2 });
  });

  it("M6: a node does not take from itself what it still answers, after the medium refused for longer than a lease", async () => {
    const { clock } = world();
    const medium = { isFull: false };
    const node = await world().node({ store: refusing(world().store(), medium) });
    await node.add("answered");
    await eventually(() => node.begun).toEqual(["answered"]);
    medium.isFull = true;
    await clock.advance(2 * leaseMs);
    medium.isFull = false;
    // A beat of the sweep comes before one of the renewal.
    await clock.advance(sweepMs);
    await node.add("next");
    await eventually(() => node.begun).toEqual(["answered", "next"]);
    expect(node.turn("answered").lost.aborted).toBe(false);
    await node.end("answered");
    expect(await world().store().inbox.byRunId("answered")).toMatchObject({ state: "replied", attempts: 1 });
  });

  it("M6: a clock that jumps a day ahead takes no message from the turn that answers it", async () => {
    const { clock } = world();
    const node = await world().node();
    await node.add("answered");
    await eventually(() => node.begun).toEqual(["answered"]);
    clock.setWall(clock.nowMs() + 86_400_000);
    await clock.advance(sweepMs);
    await node.add("next");
    await eventually(() => node.begun).toEqual(["answered", "next"]);
    await node.end("answered");
    expect(await world().store().inbox.byRunId("answered")).toMatchObject({ state: "replied", attempts: 1 });
  });
}

/** The store on a disk that can be full: what the queue writes fails then. */
function refusing(store: Store, medium: { readonly isFull: boolean }): Store {
  const guard =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      medium.isFull ? Promise.reject(new AppError("STORE_002", "The disk is full.")) : write(...args);
  const { claim, renew, release, retry } = store.inbox;
  return {
    ...store,
    inbox: {
      ...store.inbox,
      claim: guard(claim),
      renew: guard(renew),
      release: guard(release),
      retry: guard(retry),
    },
  };
}
