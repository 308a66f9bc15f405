/**
 * What the store costs on this machine: opening it, making a change durable, a whole turn, and the reads that users wait
 * for. `node bench/store.ts [folder]`; the folder's disk is what is measured.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noMentions } from "../src/domain/message.ts";
import type { InboxEntry, Lease, Store } from "../src/store/port.ts";
import { Database } from "../src/store/sqlite/database.ts";
import { silentLog } from "../src/store/sqlite/fixtures/silent-log.ts";
import { openSqliteStore } from "../src/store/sqlite/open-store.ts";

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "bench-store-"));
const file = join(folder, "store.sqlite");
let count = 0;

try {
  report("fdatasync of 8 KiB", sync(1_000));
  await (await openSqliteStore({ file, log: silentLog })).close();
  report("open an existing store", await opening(15));
  let store = await openSqliteStore({ file, log: silentLog });
  for (const callers of [1, 16, 64]) {
    await load(`admit, ${callers} callers`, callers, callers === 1 ? 3_000 : 30_000, () => admitOnly(store));
  }
  for (const callers of [1, 16, 64]) {
    await load(`admit → finish, ${callers} callers`, callers, callers === 1 ? 1_500 : 12_000, () => wholeTurn(store));
  }
  await load("inbox.get on the main thread", 1, 10_000, async () => void (await store.inbox.byRunId("nobody")));
  await store.close();
  const sessions = 100_000;
  const calls = 1_000_000;
  fill(sessions, calls);
  store = await openSqliteStore({ file, log: silentLog });
  await load(
    `sessions.list, a page of 50 of ${sessions}`,
    1,
    500,
    async () => void (await store.sessions.list({ limit: 50 })),
  );
  await load(
    `sessions.list with search`,
    1,
    20,
    async () => void (await store.sessions.list({ limit: 50, search: "key-999" })),
  );
  const sinceMs = 1_790_000_123_456;
  for (const group of ["day", "model", "session", "user", "profile", "origin"] as const) {
    await load(
      `ledger.by ${group}, ${calls} calls`,
      1,
      20,
      async () => void (await store.ledger.by(group, { sinceMs })),
    );
  }
  await store.close();
} finally {
  rmSync(folder, { recursive: true });
}

function report(what: string, tookMs: number[], perSecond?: number): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3);
  const rate = perSecond === undefined ? "" : `${Math.round(perSecond)}/s`;
  console.log(`${what.padEnd(48)} ${rate.padStart(9)}   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`);
}

async function load(what: string, callers: number, total: number, once: () => Promise<void>): Promise<void> {
  const took: number[] = [];
  let left = total;
  const began = performance.now();
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await once();
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  report(what, took, (total / (performance.now() - began)) * 1_000);
}

function sync(rounds: number): number[] {
  const handle = openSync(join(folder, "sync"), "w");
  const block = Buffer.alloc(8_192);
  const took = Array.from({ length: rounds }, () => {
    writeSync(handle, block);
    const start = performance.now();
    fdatasyncSync(handle);
    return performance.now() - start;
  });
  closeSync(handle);
  return took;
}

async function opening(rounds: number): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const store = await openSqliteStore({ file, log: silentLog });
    took.push(performance.now() - start);
    await store.close();
  }
  return took;
}

function nextEntry(chatId: string): InboxEntry {
  count += 1;
  // Time-ordered, as the product's ids are: their order decides how many pages an index touches.
  const id = `${(1_790_000_000_000 + count).toString(16).padStart(12, "0")}-${randomUUID().slice(14)}`;
  return {
    message: {
      id,
      kind: "message",
      address: { channel: "irc", accountId: "default", chatId, chatKind: "dm" },
      sender: { id: "alice" },
      platformMessageId: String(count),
      content: [{ type: "text", text: "What is the weather like in Lisbon today, and should I take an umbrella?" }],
      mentions: noMentions,
      sentAtMs: count,
      receivedAtMs: count,
      raw: null,
    },
    dedupeKey: `irc|default|${chatId}|${count}`,
    sessionKey: `agent:main:irc:dm:${chatId}`,
    agentId: "main",
    runId: `run-${id}`,
    priority: "normal",
    dueMs: 0,
    expiresMs: 1e13,
    options: {},
    ephemeral: false,
  };
}

async function admitOnly(store: Store): Promise<void> {
  await store.inbox.admit(nextEntry(`c${count % 500}`), { atMs: count });
}

async function wholeTurn(store: Store): Promise<void> {
  const entry = nextEntry(`turn-${count}`);
  const admitted = await store.inbox.admit(entry, {
    atMs: count,
    claimFor: { owner: "bench", leaseMs: 60_000 },
    openSession: { sessionId: randomUUID() },
  });
  if (admitted.outcome !== "accepted" || admitted.lease === null) throw new Error("no lease");
  await finish(store, admitted.lease, entry);
}

async function finish(store: Store, lease: Lease, entry: InboxEntry): Promise<void> {
  const usage = { input: 800, output: 40, cacheRead: 0, cacheWrite: 0 };
  const hex = (): string => randomBytes(4).toString("hex");
  const text = "Sunny, 21 degrees. Leave the umbrella at home.";
  const { id, address } = entry.message;
  const line = (role: string, said: string) => ({
    id: hex(),
    type: "message" as const,
    atMs: count,
    body: { message: { role, content: [{ type: "text", text: said }], timestamp: count } },
  });
  await store.turns.finish(lease, {
    state: "final",
    text,
    toolCalls: [],
    stopReason: "stop",
    model: "demo/one",
    usage,
    costMicros: 900,
    error: null,
    transcript: [line("user", "What is the weather like in Lisbon today?"), line("assistant", text)],
    outbox: [{ id, address, replyToId: null, reply: { markdown: text }, expiresMs: 1e13, state: "prepared" }],
    ledger: [
      {
        id,
        atMs: count,
        runId: entry.runId,
        sessionKey: entry.sessionKey,
        agentId: "main",
        channel: "irc",
        senderId: "alice",
        provider: "demo",
        model: "one",
        usage,
        costMicros: 900,
        estimated: false,
        latencyMs: 3,
        origin: "chat",
      },
    ],
    inbox: { state: "replied", reason: "answered" },
    atMs: count,
  });
}

/** Many sessions and calls, by SQL. */
function fill(sessions: number, calls: number): void {
  const db = new Database(file, { readOnly: false, cacheKiB: 65_536, busyTimeoutMs: 100 });
  db.exec(`PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;
    DELETE FROM ledger; DELETE FROM ledger_day; DELETE FROM ledger_session_day; DELETE FROM ledger_latency;
    INSERT INTO generation (id, session_id, session_key, created_ms)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${sessions})
      SELECT 1000000 + i, 'id-' || i, 'agent:main:irc:dm:key-' || i, i FROM n;
    INSERT INTO session (session_key, generation, agent_id, created_ms, updated_ms, label)
      SELECT session_key, id, 'main', created_ms, 1e9 + created_ms * 7919 % 100003, 'talk ' || id
      FROM generation WHERE id > 1000000;
    INSERT INTO ledger (seq, id, at_ms, run_id, session_key, agent_id, channel, sender_id, profile_id, model, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, estimated, latency_ms, origin)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${calls})
      SELECT i, i, 1790000000000 + i * 2592, '', 's-' || (i * 7919 % 1000), 'agent-' || (i * 7919 % 1000 % 3),
        iif(i * 7919 % 1000 < 900, 'irc', iif(i % 2, 'webchat', 'telegram')), 'u-' || (i * 7919 % 1000 % 50), 'p-' || (i / 1000 % 2), 'openai/m-' || (i % 5),
        i % 997, i % 101, 0, 1, iif(i % 50, i % 89, NULL), 0, i * 7919 % 60000, iif(i % 9 = 0, 'cron', 'chat') FROM n;
    COMMIT`);
  db.close();
}
