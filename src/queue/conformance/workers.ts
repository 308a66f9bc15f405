/** How many turns run at once, what is promised to admissions, and how a node ends. */
import { expect, it } from "vitest";
import { entryOf, eventually, leaseMs, type Node, type World } from "./world.ts";

export function workerRules(world: () => World): void {
  it("runs no more turns at once than it may, and the next one when one ends", async () => {
    const node = await world().node({ capacity: 2 });
    for (const runId of ["a", "b", "c"]) await node.add(runId);
    await eventually(() => node.begun).toEqual(["a", "b"]);
    expect(node.queue.load()).toEqual({ running: 2, capacity: 2 });
    await node.end();
    await eventually(() => node.begun).toEqual(["a", "b", "c"]);
    expect(node.queue.load()).toEqual({ running: 2, capacity: 2 });
  });

  it("promises no worker that it does not have, and none before it runs", async () => {
    const node = await world().node({ capacity: 1 });
    await expectOffer(node);
    expect(node.queue.offer()).toBeNull();
    node.queue.decline();
    await expectOffer(node);
    node.queue.decline();
    const unstarted = await world().node({ capacity: 0 });
    expect(unstarted.queue.offer()).toBeNull();
  });

  it("runs what waits when a promised worker is not needed after all", async () => {
    const node = await world().node({ capacity: 1 });
    await expectOffer(node);
    await node.add("waits");
    expect(node.begun).toEqual([]);
    node.queue.decline();
    await eventually(() => node.begun).toEqual(["waits"]);
  });

  it("gives back what comes in while it closes, and has ended when it says so", async () => {
    const { clock } = world();
    const store = world().store();
    const node = await world().node();
    await node.add("before");
    await eventually(() => node.begun).toEqual(["before"]);
    const claimFor = await expectOffer(node);
    let isClosed = false;
    const closing = node.queue.close().then(() => (isClosed = true));
    expect(node.queue.offer()).toBeNull();
    await node.end();
    await store.probe();
    expect(isClosed).toBe(false);
    const late = await store.inbox.admit(entryOf("late", clock.nowMs()), { atMs: clock.nowMs(), claimFor });
    if (late.outcome !== "accepted" || late.lease === null) throw new Error("it was claimed with its admission");
    node.queue.take(late.row, late.lease);
    await closing;
    expect(node.begun).toEqual(["before"]);
    expect(await store.inbox.byRunId("late")).toMatchObject({ state: "queued", attempts: 0 });
  });

  it("leaves what waits to the next start", async () => {
    const first = await world().node({ capacity: 1 });
    await first.add("a");
    await first.add("b");
    await eventually(() => first.begun).toEqual(["a"]);
    await first.end();
    await eventually(() => first.begun).toEqual(["a", "b"]);
    await first.add("c");
    await first.end();
    await world().restart();
    const second = await world().node();
    await eventually(() => world().begun).toContain("c");
    expect([...first.begun, ...second.begun]).toEqual(["a", "b", "c"]);
  });
}

/** A look that is under way holds a worker for what it may find: in between, none is free to promise. */
async function expectOffer(node: Node): Promise<{ owner: string; leaseMs: number }> {
  let offer = node.queue.offer();
  await expect.poll(() => (offer ??= node.queue.offer())).toEqual({ owner: node.owner, leaseMs });
  if (offer === null) throw new Error("a worker is free");
  return offer;
}
