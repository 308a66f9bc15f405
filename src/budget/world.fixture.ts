/** A gate and its store on a clock that stands still. For tests. */
import type { Config } from "../config/schema/root.ts";
import { defaultConfig } from "../config/default-config.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { PurseState } from "../domain/purse.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { createNames, entryOf, startTurn, t0 } from "../store/conformance/samples.ts";
import type { Lease, Store } from "../store/port.ts";
import { Database } from "../store/sqlite/database.ts";
import { openInlineStore } from "../store/sqlite/open-inline-store.ts";
import type { CallToPay } from "./contract.ts";
import { createBudgetGate, type OpenBudgetGate } from "./gate.ts";

export const model: ModelInfo = {
  ref: "mock/one",
  provider: "mock",
  id: "one",
  name: "one",
  contextWindow: 100_000,
  maxTokens: 10_000,
  reasoning: false,
  input: ["text"],
  price: { input: 1, output: 10, cacheRead: 0, cacheWrite: 2 },
};

export interface World {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly gate: OpenBudgetGate;
  /** Every write that the store was asked for. */
  readonly writes: string[];
  readonly warned: PurseState[];
  configure(budgets: Partial<Config["budgets"]>): void;
  config(): Config;
  /** A call of 100 tokens read and 1,000 written at most: 10,200 micro-dollars. */
  call(changes?: Partial<CallToPay>): CallToPay;
  turn(sessionKey: string): Promise<{ lease: Lease; runId: string; messageId: string }>;
}

export function openWorld(budgets: Partial<Config["budgets"]> = {}): World {
  const clock = new FakeClock(t0);
  const ids = seededIds(7);
  const names = createNames("world");
  const writes: string[] = [];
  const warned: PurseState[] = [];
  const store = openInlineStore({
    database: new Database(":memory:", { readOnly: false, cacheKiB: 2_048, busyTimeoutMs: 0 }),
    delay: () => Promise.resolve(),
    signal: new AbortController().signal,
    fault: (name) => {
      writes.push(name);
      return null;
    },
  });
  const base = defaultConfig();
  let config: Config = { ...base, budgets: { ...base.budgets, ...budgets } };
  const gate = createBudgetGate({
    store,
    clock,
    log: silentLog(),
    config: () => config,
    onWarning: (_call, states) => void warned.push(...states),
  });
  return {
    clock,
    store,
    gate,
    writes,
    warned,
    config: () => config,
    configure(next) {
      config = { ...base, budgets: { ...base.budgets, ...next } };
    },
    call: (changes = {}) => ({
      callId: ids.uuid(),
      runId: "run",
      sessionKey: "s",
      agentId: "main",
      channel: "telegram",
      senderId: "7",
      jobId: null,
      model,
      inputTokens: 100,
      outputTokens: 1_000,
      ...changes,
    }),
    async turn(sessionKey) {
      const entry = entryOf(names, sessionKey);
      const lease = await startTurn(store, entry);
      return { lease, runId: entry.runId, messageId: entry.message.id };
    },
  };
}
