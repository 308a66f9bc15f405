import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { noMentions } from "../../domain/message.ts";
import { noUsage } from "../../domain/money.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import { openSqliteStore, type SqliteStore } from "../../store/sqlite/open-store.ts";
import type { InboxEntry, InboxRow, Lease, TurnResult } from "../../store/port.ts";
import type { DispatchQueue } from "../contract.ts";
import { createLocalQueue } from "./dispatch-queue.ts";

interface World {
  readonly store: SqliteStore;
  readonly clock: FakeClock;
  readonly queue: DispatchQueue;
  /** Run ids in the order in which their turns began. */
  readonly begun: string[];
  /** Ends the oldest turn that runs. */
  endOne(): Promise<void>;
  add(runId: string, part?: Partial<InboxEntry>): Promise<void>;
  lost: AbortSignal | undefined;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function open(capacity = 2): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-queue-"));
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log: silentLog() });
  const clock = new FakeClock();
  const queue = createLocalQueue({
    store,
    clock,
    log: silentLog(),
    owner: "me",
    capacity: () => capacity,
    agingMs: 30_000,
  });
  const running: { row: InboxRow; lease: Lease; resolve: () => void }[] = [];
  const world: World = {
    store,
    clock,
    queue,
    begun: [],
    lost: undefined,
    async endOne() {
      const turn = running.shift();
      if (turn === undefined) throw new Error("nothing runs");
      await store.turns.finish(turn.lease, result(clock.nowMs()));
      turn.resolve();
    },
    async add(runId, part = {}) {
      await store.inbox.admit(entry(runId, clock.nowMs(), part), { atMs: clock.nowMs() });
      queue.wake();
    },
  };
  queue.start((row, lease, lost) => {
    world.begun.push(row.runId);
    world.lost = lost;
    return new Promise((resolve) => running.push({ row, lease, resolve }));
  });
  closers.push(async () => {
    for (const turn of running.splice(0)) turn.resolve();
    await queue.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  return world;
}

function entry(runId: string, nowMs: number, part: Partial<InboxEntry>): InboxEntry {
  return {
    message: {
      id: `m-${runId}`,
      kind: "message",
      address: { channel: "webchat", accountId: "default", chatId: runId, chatKind: "dm" },
      sender: { id: "ada" },
      platformMessageId: runId,
      content: [{ type: "text", text: "x" }],
      mentions: noMentions,
      sentAtMs: nowMs,
      receivedAtMs: nowMs,
      raw: null,
    },
    dedupeKey: runId,
    sessionKey: `s-${runId}`,
    agentId: "main",
    runId,
    priority: "normal",
    dueMs: 0,
    expiresMs: nowMs + 86_400_000,
    options: {},
    ephemeral: false,
    ...part,
  };
}

function result(atMs: number): TurnResult {
  return {
    state: "final",
    text: "",
    toolCalls: [],
    stopReason: "stop",
    model: "m",
    usage: noUsage,
    costMicros: 0,
    error: null,
    transcript: [],
    outbox: [],
    ledger: [],
    inbox: { state: "replied", reason: "final" },
    atMs,
  };
}

describe("dispatch within one process", () => {
  it("gives back what comes in while it closes, and has ended when it says so", async () => {
    const world = await open();
    await world.add("before");
    await expect.poll(() => world.begun).toEqual(["before"]);
    const claimFor = world.queue.offer();
    if (claimFor === null) throw new Error("a worker is free");
    const admitted = world.store.inbox.admit(entry("late", world.clock.nowMs(), {}), {
      atMs: world.clock.nowMs(),
      claimFor,
    });
    let closed = false;
    const closing = world.queue.close().then(() => (closed = true));
    await world.endOne();
    await world.store.probe();
    expect(closed).toBe(false);
    const late = await admitted;
    if (late.outcome !== "accepted" || late.lease === null) throw new Error("it was claimed with its admission");
    world.queue.take(late.row, late.lease);
    await closing;
    expect(world.begun).toEqual(["before"]);
    expect(await world.store.inbox.byRunId("late")).toMatchObject({ state: "queued", attempts: 0 });
  });

  it("runs no more turns at once than it may, and the next one when one ends", async () => {
    const world = await open(2);
    for (const id of ["a", "b", "c"]) await world.add(id);
    await expect.poll(() => world.begun).toEqual(["a", "b"]);
    expect(world.queue.load()).toEqual({ running: 2, capacity: 2 });
    await world.endOne();
    await expect.poll(() => world.begun).toEqual(["a", "b", "c"]);
  });

  it("keeps messages of one session in order, and finds the next when the one before has ended", async () => {
    const world = await open(4);
    await world.add("a", { sessionKey: "s" });
    await world.add("b", { sessionKey: "s" });
    await world.add("c", { sessionKey: "s" });
    await expect.poll(() => world.begun).toEqual(["a"]);
    await world.endOne();
    await expect.poll(() => world.begun).toEqual(["a", "b"]);
    await world.endOne();
    await expect.poll(() => world.begun).toEqual(["a", "b", "c"]);
  });

  it("M1: takes the higher class first, and a low one that waited long enough before a new one", async () => {
    const world = await open(1);
    await world.add("running");
    await expect.poll(() => world.begun).toEqual(["running"]);
    await world.add("low", { priority: "low" });
    await world.add("critical", { priority: "critical" });
    await world.endOne();
    await expect.poll(() => world.begun.at(-1)).toBe("critical");
    // Three classes lie between low and critical: after as many spans of aging it has caught up, and is older.
    await world.clock.advance(3 * 30_000 + 1);
    await world.add("newer", { priority: "critical" });
    await world.endOne();
    await expect.poll(() => world.begun.at(-1)).toBe("low");
  });

  it("M2: starts a scheduled message when it is due, and not before", async () => {
    const world = await open();
    await world.add("later", { dueMs: world.clock.nowMs() + 5_000 });
    await expect.poll(() => world.clock.pendingTimers).toBeGreaterThan(1);
    await world.clock.advance(4_900);
    expect(world.begun).toEqual([]);
    await world.clock.advance(101);
    await expect.poll(() => world.begun).toEqual(["later"]);
  });

  it("M2: a scheduled message that is due goes behind whatever is of a higher class", async () => {
    const world = await open(1);
    await world.add("running");
    await expect.poll(() => world.begun).toEqual(["running"]);
    await world.add("scheduled", { priority: "low", dueMs: world.clock.nowMs() + 5_000 });
    await world.clock.advance(5_001);
    await world.add("critical", { priority: "critical" });
    await world.endOne();
    await expect.poll(() => world.begun.at(-1)).toBe("critical");
    await world.endOne();
    await expect.poll(() => world.begun.at(-1)).toBe("scheduled");
  });

  it("M6: a long turn keeps its lease, and is told when another worker has it", async () => {
    const world = await open();
    await world.add("long");
    await expect.poll(() => world.begun).toEqual(["long"]);
    await world.clock.advance(61_000);
    await expect
      .poll(async () => (await world.store.inbox.byRunId("long"))?.leaseUntilMs)
      .toBe(world.clock.nowMs() - 1_000 + 5 * 60_000);
    const first = world.lost;
    await world.store.inbox.recover("somebody else", world.clock.nowMs());
    await world.clock.advance(60_000);
    await expect.poll(() => first?.aborted).toBe(true);
  });

  it("promises no worker that it does not have", async () => {
    const world = await open(1);
    expect(world.queue.offer()).toEqual({ owner: "me", leaseMs: 300_000 });
    expect(world.queue.offer()).toBeNull();
    world.queue.decline();
    expect(world.queue.offer()).not.toBeNull();
    world.queue.decline();
  });
});
