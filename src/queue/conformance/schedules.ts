/** Messages that are not to be answered before a time. */
import { expect, it } from "vitest";
import { eventually, type Node, type World } from "./world.ts";

export function scheduleRules(world: () => World): void {
  it("M2: starts a message within a second of its time, and not before", async () => {
    const { clock } = world();
    const node = await world().node();
    await node.add("scheduled", { dueMs: clock.nowMs() + 5_000 });
    await expectPunctual(world(), node, 5_000);
  });

  it("M2: across a restart too", async () => {
    const { clock } = world();
    const before = await world().node();
    await before.add("scheduled", { dueMs: clock.nowMs() + 5_000 });
    await clock.advance(3_000);
    await world().restart();
    await expectPunctual(world(), await world().node(), 2_000);
  });

  it("M2: starts what became due while nobody ran as soon as somebody runs", async () => {
    const { clock } = world();
    const before = await world().node();
    await before.add("scheduled", { dueMs: clock.nowMs() + 5_000 });
    await world().restart();
    await clock.advance(60_000);
    const node = await world().node();
    await eventually(() => node.begun).toEqual(["scheduled"]);
  });

  it("M2: of two scheduled messages starts each at its own time", async () => {
    const { clock } = world();
    const node = await world().node();
    await node.add("second", { dueMs: clock.nowMs() + 9_000 });
    await node.add("first", { dueMs: clock.nowMs() + 4_000 });
    await clockIsArmed(world());
    await clock.advance(5_000);
    await eventually(() => node.begun).toEqual(["first"]);
    await node.end("first");
    await clockIsArmed(world());
    await clock.advance(5_000);
    await eventually(() => node.begun).toEqual(["first", "second"]);
  });

  it("M2: puts a low message that is due behind a critical one that came later", async () => {
    const { clock } = world();
    const node = await world().node({ capacity: 1 });
    await node.add("running");
    await eventually(() => node.begun).toEqual(["running"]);
    await node.add("scheduled", { priority: "low", dueMs: clock.nowMs() + 5_000 });
    await clock.advance(5_001);
    await node.add("critical", { priority: "critical" });
    await node.end();
    await eventually(() => node.begun).toEqual(["running", "critical"]);
    await node.end();
    await eventually(() => node.begun).toEqual(["running", "critical", "scheduled"]);
  });
}

async function expectPunctual(world: World, node: Node, inMs: number): Promise<void> {
  const { clock } = world;
  await clockIsArmed(world);
  await clock.advance(inMs - 1);
  // What is there to be answered now is, and the scheduled one is not among it.
  await node.add("at once");
  await eventually(() => node.begun).toEqual(["at once"]);
  await clock.advance(1_001);
  await eventually(() => node.begun).toEqual(["at once", "scheduled"]);
}

/** The node has heard of the time: beside its sweep, a timer waits for it. */
async function clockIsArmed({ clock }: World): Promise<void> {
  await expect.poll(() => clock.nextDueMs, { timeout: 10_000, interval: 2 }).toBeLessThan(30_000 - 1);
}
