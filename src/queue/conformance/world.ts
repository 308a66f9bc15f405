/**
 * What the dispatch rules run in: a real store in a folder of its own, a clock that a rule moves, and nodes whose turns
 * end when a rule says so.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import type { AppError } from "../../domain/app-error.ts";
import { noMentions } from "../../domain/message.ts";
import { noUsage } from "../../domain/money.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog, type Log } from "../../platform/log.ts";
import type { InboxEntry, InboxRow, Lease, Store, TurnResult } from "../../store/port.ts";
import { openSqliteStore, type SqliteStore } from "../../store/sqlite/open-store.ts";
import type { DispatchOptions, DispatchQueue, TurnHandler } from "../contract.ts";

/** A driver with whatever it dispatches through; its nodes find each other where it spans nodes. */
export interface DriverUnderTest {
  /** One node more. Where it spans nodes, it has trouble until it hears of others. */
  open(options: DispatchOptions): Promise<DispatchQueue>;
  /** After every node is closed: removes what the driver left outside the store. */
  close(): Promise<void>;
}

/** One class up per half minute of waiting. */
export const agingMs = 30_000;
export const leaseMs = 300_000;
export const sweepMs = 30_000;

interface RunningTurn {
  readonly row: InboxRow;
  readonly lease: Lease;
  readonly lost: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: AppError) => void;
}

export interface Node {
  readonly owner: string;
  readonly queue: DispatchQueue;
  /** Run ids in the order in which their turns began on this node. */
  readonly begun: string[];
  readonly turn: (runId: string) => RunningTurn;
  /** Admits as the door does: a free worker takes the message with its admission. */
  add(runId: string, part?: Partial<InboxEntry>): Promise<void>;
  /** Commits a result under the turn's lease and ends the turn; by default the one that runs longest. */
  end(runId?: string): Promise<void>;
  /** The turn throws. */
  fail(runId: string, error: AppError): void;
}

export interface NodeOptions {
  readonly owner?: string;
  readonly capacity?: number;
  readonly clock?: FakeClock;
  readonly store?: Store;
  readonly handler?: TurnHandler;
  readonly log?: Log;
  /** True where it will hear of nobody: then it is not waited for. */
  readonly isAlone?: boolean;
}

export interface World {
  readonly clock: FakeClock;
  store(): SqliteStore;
  node(options?: NodeOptions): Promise<Node>;
  /** Closes every node and the store, and opens the store again. */
  restart(): Promise<void>;
  /** Run ids in the order in which their turns began, over all nodes. */
  readonly begun: string[];
  close(): Promise<void>;
}

export async function openWorld(openDriver: () => Promise<DriverUnderTest>): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-dispatch-"));
  const file = path.join(folder, "store.sqlite");
  const driver = await openDriver();
  const clock = new FakeClock();
  const begun: string[] = [];
  let nodes: { queue: DispatchQueue; running: Map<string, RunningTurn> }[] = [];
  let store = await openSqliteStore({ file, log: silentLog() });

  async function closeNodes(): Promise<void> {
    for (const { queue, running } of nodes) {
      const closed = queue.close();
      for (const turn of running.values()) turn.resolve();
      await closed;
    }
    nodes = [];
  }

  return {
    clock,
    begun,
    store: () => store,
    async node(options = {}) {
      const running = new Map<string, RunningTurn>();
      const node = await openNode({ driver, clock, store, begun, running, number: nodes.length }, options);
      nodes.push({ queue: node.queue, running });
      return node;
    },
    async restart() {
      await closeNodes();
      await store.close();
      store = await openSqliteStore({ file, log: silentLog() });
    },
    async close() {
      await closeNodes();
      await store.close();
      await driver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface NodeGround {
  readonly driver: DriverUnderTest;
  readonly clock: FakeClock;
  readonly store: Store;
  readonly begun: string[];
  readonly running: Map<string, RunningTurn>;
  readonly number: number;
}

async function openNode(ground: NodeGround, options: NodeOptions): Promise<Node> {
  const { driver, begun, running } = ground;
  const { owner = `node-${ground.number}`, capacity = 2, clock = ground.clock, store = ground.store } = options;
  const queue = await driver.open({
    store,
    clock,
    log: options.log ?? silentLog(),
    owner,
    capacity: () => capacity,
    agingMs,
    random: () => 0,
    leaseMs,
    sweepMs,
  });
  const node: Node = {
    owner,
    queue,
    begun: [],
    turn(runId) {
      const turn = running.get(runId);
      if (turn === undefined) throw new Error(`${runId} does not run on ${owner}`);
      return turn;
    },
    add: (runId, part = {}) => admit(entryOf(runId, clock.nowMs(), part), { queue, store, atMs: clock.nowMs() }),
    async end(runId) {
      const turn = node.turn(runId ?? running.keys().next().value ?? "nothing");
      await store.turns.finish(turn.lease, resultAt(clock.nowMs()));
      turn.resolve();
    },
    fail: (runId, error) => node.turn(runId).reject(error),
  };
  queue.start((row, lease, lost) => {
    begun.push(row.runId);
    node.begun.push(row.runId);
    if (options.handler !== undefined) return options.handler(row, lease, lost);
    return new Promise<void>((resolve, reject) => {
      running.set(row.runId, { row, lease, lost, resolve, reject });
    }).finally(() => running.delete(row.runId));
  });
  if (options.isAlone !== true) await eventually(() => queue.trouble()).toBeNull();
  // The first looks are over: what a rule admits now finds the workers free that it counts on.
  await eventually(() => freeWorkers(queue) + queue.load().running).toBeGreaterThanOrEqual(capacity);
  return node;
}

/** As many as would be promised now; a look that is under way holds one for what it may find. */
function freeWorkers(queue: DispatchQueue): number {
  let count = 0;
  while (queue.offer() !== null) count += 1;
  for (let declined = 0; declined < count; declined += 1) queue.decline();
  return count;
}

export async function admit(
  entry: InboxEntry,
  { queue, store, atMs }: { queue: DispatchQueue; store: Store; atMs: number },
): Promise<void> {
  const claimFor = queue.offer();
  const admitted = await store.inbox.admit(entry, { atMs, ...(claimFor === null ? {} : { claimFor }) });
  if (admitted.outcome !== "accepted") throw new Error(`${entry.runId} was known already`);
  if (admitted.lease !== null) return queue.take(admitted.row, admitted.lease);
  if (claimFor !== null) queue.decline();
  queue.wake(admitted.row);
}

/** A message in a session of its own, unless said otherwise. */
export function entryOf(runId: string, nowMs: number, part: Partial<InboxEntry> = {}): InboxEntry {
  return {
    message: {
      id: `m-${runId}`,
      kind: "message",
      address: { channel: "webchat", accountId: "default", chatId: runId, chatKind: "dm" },
      sender: { id: "ann" },
      platformMessageId: runId,
      content: [{ type: "text", text: "nobody else's business" }],
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
    expiresMs: nowMs + 30 * 86_400_000,
    options: {},
    ephemeral: false,
    ...part,
  };
}

export function resultAt(atMs: number): TurnResult {
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

/** Turns begin in real threads and, for some drivers, over a network: a rule waits for what it expects. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 10_000, interval: 2 });
}
