/** Who goes first: classes that age, order within a session, sessions side by side, and no sender before all others. */
import { expect, it } from "vitest";
import type { InboxEntry, InboxRow } from "../../store/port.ts";
import { agingMs, entryOf, admit, eventually, resultAt, type Node, type World } from "./world.ts";

export function orderRules(world: () => World): void {
  it("M1: takes the higher class first, whatever came first", async () => {
    const node = await world().node({ capacity: 1 });
    await node.add("running");
    for (const priority of ["low", "normal", "high", "critical"] as const) await node.add(priority, { priority });
    await finishOneByOne(node, 5);
    expect(node.begun).toEqual(["running", "critical", "high", "normal", "low"]);
  });

  it("M1: lets a low message wait three spans of aging at most, however many critical ones come", async () => {
    const { clock } = world();
    const node = await world().node({ capacity: 1 });
    const stepMs = agingMs / 3;
    await node.add("running");
    await eventually(() => node.begun).toEqual(["running"]);
    await node.add("low", { priority: "low" });
    const sinceMs = clock.nowMs();
    // The newer critical ones wait less than it has; every step brings one, and ends one.
    for (let step = 1; step <= 30 && !node.begun.includes("low"); step += 1) {
      await node.add(`critical-${step}`, { priority: "critical" });
      await clock.advance(stepMs);
      await node.end();
      await eventually(() => node.begun.length).toBe(step + 1);
    }
    expect(node.begun).toContain("low");
    const waitedMs = clock.nowMs() - sinceMs;
    expect(waitedMs).toBeGreaterThan(2 * agingMs);
    expect(waitedMs).toBeLessThanOrEqual(3 * agingMs + stepMs);
  });

  it("G3: keeps the order of a session, whatever the classes in it", async () => {
    const node = await world().node({ capacity: 4 });
    await node.add("a", { sessionKey: "s" });
    await node.add("b", { sessionKey: "s", priority: "low" });
    await node.add("c", { sessionKey: "s", priority: "critical" });
    for (const begun of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      await eventually(() => node.begun).toEqual(begun);
      await marker(node, begun.length);
      await node.end(begun.at(-1));
    }
  });

  it("G3: 1,000 messages of 50 sessions take as long as the longest session, each session in its order", async () => {
    const rounds = await sideBySide(world(), [50]);
    expect(rounds).toBe(20);
  }, 60_000);

  it("a sender who floods from many sessions delays nobody: every sender is served alike", async () => {
    const node = await world().node({ capacity: 4 });
    const senders = ["flood", "one", "two", "three", "four"];
    // Every message in a session of its own: no order of a session holds the flood back.
    for (let count = 0; count < 60; count += 1) await node.add(`flood-${count}`, sentBy("flood", count));
    for (let count = 0; count < 12; count += 1) {
      for (const sender of senders.slice(1)) await node.add(`${sender}-${count}`, sentBy(sender, count));
    }
    // The four workers that were free took the first of the flood.
    await finishOneByOne(node, 44);
    const begun = node.begun.slice(4, 44);
    const served = senders.map((sender) => begun.filter((runId) => runId.startsWith(`${sender}-`)).length);
    expect(fairness(served), JSON.stringify(served)).toBeGreaterThan(0.9);
  });
}

function sentBy(sender: string, count: number): Partial<InboxEntry> {
  const { message } = entryOf(`${sender}-${count}`, 0);
  return { message: { ...message, sender: { id: sender } } };
}

/** Jain's index: 1 where everybody got the same, 1/n where one got everything. */
function fairness(served: readonly number[]): number {
  const sum = served.reduce((left, right) => left + right, 0);
  const squares = served.reduce((left, right) => left + right * right, 0);
  return (sum * sum) / (served.length * squares);
}

/** Ends turn after turn until so many have begun and ended. */
async function finishOneByOne(node: Node, count: number): Promise<void> {
  for (let ended = 0; ended < count; ended += 1) {
    await eventually(() => node.begun.length).toBeGreaterThan(ended);
    await node.end(node.begun[ended]);
  }
}

/** Another session's message that begins although it came later: by then the node has looked at what waits. */
async function marker(node: Node, number: number): Promise<void> {
  const runId = `marker-${number}`;
  await node.add(runId);
  await eventually(() => node.begun).toContain(runId);
  await node.end(runId);
  node.begun.splice(node.begun.indexOf(runId), 1);
}

/**
 * Admits 20 messages for each of 50 sessions. A turn ends when as many run as there are workers (50): were the sessions
 * not served side by side, it would never come to that. Returns how many rounds of turns there were.
 */
export async function sideBySide(world: World, capacities: readonly number[]): Promise<number> {
  const { clock } = world;
  const store = world.store();
  const begunOf = new Map<string, string[]>();
  const active = new Set<string>();
  let rounds = 0;
  let gate = Promise.withResolvers<void>();
  const handler = async (row: InboxRow, lease: Parameters<typeof store.turns.finish>[0]): Promise<void> => {
    const { sessionKey, runId } = row;
    if (active.has(sessionKey)) throw new Error(`two turns of ${sessionKey} at once`);
    active.add(sessionKey);
    begunOf.set(sessionKey, [...(begunOf.get(sessionKey) ?? []), runId]);
    const { promise } = gate;
    if (active.size === 50) {
      rounds += 1;
      gate.resolve();
      gate = Promise.withResolvers();
    }
    await promise;
    active.delete(sessionKey);
    await store.turns.finish(lease, resultAt(clock.nowMs()));
  };
  const nodes = await Promise.all(capacities.map((capacity) => world.node({ capacity, handler })));
  const sessions = Array.from({ length: 50 }, (_, index) => `session-${index}`);
  const admissions: Promise<void>[] = [];
  for (let count = 0; count < 20; count += 1) {
    for (const [index, sessionKey] of sessions.entries()) {
      const node = nodes[(index + count) % nodes.length] as Node;
      const entry = entryOf(`${sessionKey}-${count}`, clock.nowMs(), { sessionKey });
      admissions.push(admit(entry, { queue: node.queue, store, atMs: clock.nowMs() }));
    }
  }
  await Promise.all(admissions);
  await expect
    .poll(() => store.inbox.counts(), { timeout: 50_000, interval: 20 })
    .toMatchObject({ queued: 0, running: 0 });
  for (const sessionKey of sessions) {
    expect(begunOf.get(sessionKey)).toEqual(Array.from({ length: 20 }, (_, count) => `${sessionKey}-${count}`));
  }
  return rounds;
}
