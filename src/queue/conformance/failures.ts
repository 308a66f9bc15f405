/** A turn that throws: tried again after a pause that grows, while everybody else goes on. */
import { expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import type { Store } from "../../store/port.ts";
import { eventually, leaseMs, sweepMs, type Node, type World } from "./world.ts";

const broken = (): AppError => new AppError("STORE_001", "The store failed.");

export function failureRules(world: () => World): void {
  it("M9: tries a message again after 1, 2 and 4 s, and counts the attempts", async () => {
    const node = await world().node();
    await node.add("poison");
    for (const [index, pauseMs] of [1_000, 2_000, 4_000].entries()) {
      await eventually(() => node.begun).toHaveLength(index + 1);
      await failAndWait(world(), node, "poison");
      await world().clock.advance(pauseMs - 1);
      await marker(node, `early-${index}`);
      expect(node.begun).toHaveLength(index + 1);
      // Whoever else calls for it has a moment; within a second it is there.
      await world().clock.advance(1_001);
    }
    await eventually(() => node.begun).toHaveLength(4);
    expect(node.turn("poison").row).toMatchObject({ attempts: 4 });
    await node.end("poison");
    expect(await world().store().inbox.byRunId("poison")).toMatchObject({ state: "replied" });
  });

  it("M9: a poison message holds up its own session and nobody else", async () => {
    const node = await world().node({ capacity: 1 });
    await node.add("poison", { sessionKey: "s" });
    await eventually(() => node.begun).toEqual(["poison"]);
    await node.add("behind", { sessionKey: "s" });
    await failAndWait(world(), node, "poison");
    for (const neighbour of ["one", "two", "three"]) await marker(node, neighbour);
    expect(node.begun).toEqual(["poison"]);
    await world().clock.advance(2_000);
    await eventually(() => node.begun).toEqual(["poison", "poison"]);
    await node.end("poison");
    await eventually(() => node.begun).toEqual(["poison", "poison", "behind"]);
  });

  it("M9: leaves a message alone that is somebody else's by now", async () => {
    const store = world().store();
    const node = await world().node();
    await node.add("taken");
    await eventually(() => node.begun).toEqual(["taken"]);
    node.fail("taken", new AppError("STORE_003", "The lease was lost."));
    await marker(node, "after");
    await eventually(() => node.queue.load().running).toBe(0);
    expect(await store.inbox.byRunId("taken")).toMatchObject({ state: "running", attempts: 1 });
  });

  it("M6: finds a message whose attempt could not even be put back, when its lease has run out", async () => {
    const { clock } = world();
    const node = await world().node({ store: withoutRetry(world().store()) });
    await node.add("message");
    await eventually(() => node.begun).toEqual(["message"]);
    node.fail("message", broken());
    await eventually(() => node.queue.load().running).toBe(0);
    await clock.advance(leaseMs - sweepMs);
    await marker(node, "meanwhile");
    expect(node.begun).toEqual(["message"]);
    await clock.advance(2 * sweepMs);
    await eventually(() => node.begun).toEqual(["message", "message"]);
  });
}

/** Throws in the turn, and waits until the message is back in the store and the node knows when it is due. */
async function failAndWait({ store, clock }: World, node: Node, runId: string): Promise<void> {
  node.fail(runId, broken());
  await expect.poll(() => store().inbox.byRunId(runId)).toMatchObject({ state: "queued" });
  await eventually(() => clock.nextDueMs).toBeLessThan(20_000);
}

/** A message of another session that is answered at once; taken off the list again. */
async function marker(node: Node, runId: string): Promise<void> {
  await node.add(runId);
  await eventually(() => node.begun).toContain(runId);
  await node.end(runId);
  node.begun.splice(node.begun.indexOf(runId), 1);
}

function withoutRetry(store: Store): Store {
  return { ...store, inbox: { ...store.inbox, retry: () => Promise.reject(broken()) } };
}
