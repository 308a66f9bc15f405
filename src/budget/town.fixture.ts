/**
 * Many turns that spend at the same time, on three nodes over one store, among kills: for proofs. Whoever runs next is drawn
 * by lot, and nothing happens beside it, so that one seed tells one story. The bill is kept by the provider, who knows of
 * no budget.
 */
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { costMicros, type TokenUsage } from "../domain/money.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { createNames, entryOf, ledgerOf, resultOf } from "../store/conformance/samples.ts";
import type { InboxRow, Lease, Store } from "../store/port.ts";
import type { LedgerEntry } from "../store/ledger-port.ts";
import { Database } from "../store/sqlite/database.ts";
import { openInlineStore } from "../store/sqlite/open-inline-store.ts";
import { createBudgetGate, type OpenBudgetGate } from "./gate.ts";

export const model: ModelInfo = {
  ref: "mock/one",
  provider: "mock",
  id: "one",
  name: "one",
  contextWindow: 100_000,
  maxTokens: 1_500,
  reasoning: false,
  input: ["text"],
  price: { input: 1, output: 4.1, cacheRead: 0.1, cacheWrite: 1.25 },
};

export interface Bill {
  readonly callId: string;
  readonly micros: number;
}

interface Node {
  readonly store: Store;
  readonly gate: OpenBudgetGate;
  readonly owner: string;
  readonly death: AbortController;
}

interface Parked {
  readonly node: Node;
  readonly go: () => void;
}

export interface TownOptions {
  readonly seed: number;
  /** Of the day, for everybody together. */
  readonly limitMicros: number;
  /** How likely the next thing that happens is the end of a node. */
  readonly killShare: number;
}

const nodeCount = 3;
const leaseMs = 60_000;

export class Town {
  readonly clock = new FakeClock(Date.UTC(2026, 5, 1, 8));
  readonly database = new Database(":memory:", { readOnly: false, cacheKiB: 8_192, busyTimeoutMs: 0 });
  readonly bills: Bill[] = [];
  kills = 0;
  refusals = 0;
  retakes = 0;
  readonly #ids;
  readonly #names;
  readonly #config: Config;
  readonly #limitMicros: number;
  readonly #killShare: number;
  readonly #nodes: Node[];
  readonly #parked: Parked[] = [];
  readonly #live = new Set<Node>();
  #lives = 0;
  #begun = false;

  constructor({ seed, limitMicros, killShare }: TownOptions) {
    this.#killShare = killShare;
    this.#ids = seededIds(seed);
    this.#names = createNames(`town-${seed}`);
    this.#limitMicros = limitMicros;
    const config = defaultConfig();
    this.#config = { ...config, budgets: { ...config.budgets, global: { day: limitMicros / 1_000_000 } } };
    this.#nodes = Array.from({ length: nodeCount }, () => this.#open());
  }

  /** Runs until every message has ended, and every hold is settled, given back or lost. */
  async run(turns: number): Promise<void> {
    const [first] = this.#nodes as [Node];
    for (let turn = 0; turn < turns; turn += 1) {
      const sessionKey = `s-${turn}`;
      await first.store.inbox.admit(entryOf(this.#names, sessionKey), { atMs: this.clock.nowMs() });
    }
    for (let idle = 0; idle < 20;) {
      const moved = await this.#move();
      idle = moved || (await this.#unfinished()) > 0 ? 0 : idle + 1;
    }
    this.#begun = false;
    await (this.#nodes as [Node])[0].gate.start();
    for (const node of this.#nodes) {
      node.death.abort();
      node.gate.close();
    }
  }

  /** What the ledger says of each call, and which are lost at which price. */
  books(): { ledger: Map<string, number>; lost: Map<string, number>; open: number; spent: number; held: number } {
    const pairs = (sql: string) =>
      new Map(this.database.all<{ id: string; micros: number }>(sql).map(({ id, micros }) => [id, micros]));
    const purse = this.database.get<{ spent: number; held: number }>(
      `SELECT spent_micros AS spent, held_micros AS held FROM budget_purse WHERE kind = 'global'`,
    );
    return {
      ledger: pairs(`SELECT id, cost_micros AS micros FROM ledger`),
      lost: pairs(`SELECT id, reserved_micros AS micros FROM budget_hold WHERE state = 'lost'`),
      open: pairs(`SELECT id, reserved_micros AS micros FROM budget_hold WHERE state = 'open'`).size,
      spent: purse?.spent ?? 0,
      held: purse?.held ?? 0,
    };
  }

  billedMicros(): number {
    return this.bills.reduce((sum, { micros }) => sum + micros, 0);
  }

  #open(): Node {
    const death = new AbortController();
    this.#lives += 1;
    const delay = (): Promise<void> => (this.#begun && this.#happens(0.1) ? this.#pause(node) : Promise.resolve());
    const store = openInlineStore({ database: this.database, delay, signal: death.signal });
    const gate = createBudgetGate({
      store,
      clock: this.clock,
      log: silentLog(),
      config: () => this.#config,
      onWarning: () => undefined,
    });
    const node: Node = { store, gate, owner: `life-${this.#lives}`, death };
    this.#live.add(node);
    return node;
  }

  /** One thing happens. False where there was nothing to do. */
  async #move(): Promise<boolean> {
    const lot = this.#ids.random();
    if (lot < this.#killShare) return this.#kill();
    // Now and then a node stands still for longer than its leases.
    if (lot < this.#killShare + 0.003) return this.#wait(leaseMs + 1);
    if (lot < 0.3) return (await this.#claim()) || this.#wait(1_000);
    return this.#resume() ? this.#settle() : this.#wait(1_000);
  }

  async #settle(): Promise<true> {
    await turnOfLoop();
    return true;
  }

  async #wait(ms: number): Promise<boolean> {
    const before = this.clock.pendingTimers;
    await this.clock.advance(ms);
    return before > 0;
  }

  async #kill(): Promise<boolean> {
    const index = Math.floor(this.#ids.random() * nodeCount);
    const node = this.#nodes[index] as Node;
    node.death.abort();
    node.gate.close();
    this.#live.delete(node);
    this.#nodes[index] = this.#open();
    this.kills += 1;
    return this.#settle();
  }

  #resume(): boolean {
    const alive = this.#parked.filter(({ node }) => this.#live.has(node));
    const next = alive[Math.floor(this.#ids.random() * alive.length)];
    this.#parked.splice(0, Infinity, ...alive.filter((parked) => parked !== next));
    next?.go();
    return next !== undefined;
  }

  async #claim(): Promise<boolean> {
    const node = this.#nodes[Math.floor(this.#ids.random() * nodeCount)] as Node;
    const options = { owner: node.owner, leaseMs, atMs: this.clock.nowMs(), agingMs: 0 };
    let found = false;
    void node.store.inbox.claim(options).then((claimed) => {
      if (claimed === null) return;
      found = true;
      if (claimed.row.attempts > 1) this.retakes += 1;
      this.#turn(node, claimed.row, claimed.lease).catch((thrown: unknown) => {
        // Somebody else has the turn: what it did is not written, and what it held is lost.
        if (AppError.from(thrown).code !== "STORE_003") throw thrown;
      });
    });
    await turnOfLoop();
    return found;
  }

  async #unfinished(): Promise<number> {
    return this.database.get<{ n: number }>(`SELECT count(*) AS n FROM inbox WHERE ended_ms IS NULL`)?.n ?? 0;
  }

  async #turn(node: Node, row: InboxRow, lease: Lease): Promise<void> {
    const done = await node.store.turns.steps(row.runId);
    const steps = 1 + (row.message.id.length % 3);
    for (let index = done.length; ; index += 1) {
      const entry = await this.#call(node, row);
      const refused = entry === "refused";
      const ledger = entry === null || refused ? [] : [entry];
      await this.#pause(node);
      if (refused || index + 1 >= steps) {
        return node.store.turns.finish(lease, resultOf({ ledger, atMs: this.clock.nowMs() }));
      }
      const step = { runId: row.runId, index, kind: "model" as const, record: {}, atMs: this.clock.nowMs() };
      await node.store.turns.appendStep(lease, step, { ledger });
    }
  }

  /** A call as the run loop makes it; what it cost, or null where it failed unbilled. */
  async #call(node: Node, row: InboxRow): Promise<LedgerEntry | "refused" | null> {
    const { runId, sessionKey, agentId, message } = row;
    const call = {
      callId: this.#ids.uuid(),
      runId,
      sessionKey,
      agentId,
      channel: message.address.channel,
      senderId: message.sender.id,
      jobId: null,
      model,
      inputTokens: 100 + Math.floor(this.#ids.random() * 2_000),
      outputTokens: null,
    };
    const held = await node.gate.hold(call);
    if (!held.granted) {
      this.refusals += 1;
      return "refused";
    }
    await this.#pause(node);
    if (this.#happens(0.1)) {
      await node.gate.release(held.hold);
      return null;
    }
    const usage = this.#use(call.inputTokens, held.maxOutputTokens ?? 0);
    const micros = costMicros(usage, model.price) ?? 0;
    this.bills.push({ callId: call.callId, micros });
    if (this.billedMicros() > this.#limitMicros) throw new AppError("SYS_001", "More was billed than was allowed.");
    await this.#pause(node);
    return ledgerOf(this.#names, sessionKey, {
      id: call.callId,
      atMs: this.clock.nowMs(),
      runId,
      agentId,
      usage,
      costMicros: micros,
    });
  }

  /** All the room there is, now and then. */
  #use(inputTokens: number, outputTokens: number): TokenUsage {
    const part = (most: number): number => (this.#happens(0.2) ? most : Math.floor(most * this.#ids.random()));
    const cacheWrite = part(inputTokens);
    return { input: inputTokens - cacheWrite, output: part(outputTokens), cacheRead: 0, cacheWrite };
  }

  #pause(node: Node): Promise<void> {
    return new Promise((go) => void this.#parked.push({ node, go }));
  }

  #happens(share: number): boolean {
    return this.#ids.random() < share;
  }
}
