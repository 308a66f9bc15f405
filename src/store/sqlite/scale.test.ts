/** What reads answer when there is much to read; what they cost is measured by `bench/`. The rows are made by SQL, so that the making takes no longer than the test. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { LedgerFilter } from "../ledger-port.ts";
import { Database } from "./database.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { openSqliteStore } from "./open-store.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-scale-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function filled(name: string, sql: string): Promise<string> {
  const file = join(folder, name);
  await (await openSqliteStore({ file, log: silentLog })).close();
  const db = new Database(file, { readOnly: false, cacheKiB: 65_536, busyTimeoutMs: 100 });
  db.exec(`PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN; ${sql}; COMMIT`);
  db.close();
  return file;
}

it("C8: pages of a hundred thousand sessions are whole and in order, at either end of the list", async () => {
  const file = await filled(
    "sessions.sqlite",
    `INSERT INTO generation (id, session_id, session_key, created_ms)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      SELECT i, 'id-' || i, 'agent:main:irc:' || i, i FROM n;
    INSERT INTO session (session_key, generation, agent_id, created_ms, updated_ms, settings, label)
      SELECT session_key, id, 'agent-' || (id % 4), id, id * 7919 % 100003, '{"label":"talk ' || id || '"}', 'talk ' || id
      FROM generation`,
  );
  const store = await openSqliteStore({ file, log: silentLog });
  const first = await store.sessions.list({ limit: 50 });
  expect(first).toMatchObject({ total: 100_000, rows: { length: 50 } });
  let cursor = first.nextCursor ?? "";
  const seen = first.rows.map((row) => row.updatedMs);
  for (let page = 0; page < 20; page += 1) {
    const next = await store.sessions.list({ limit: 50, cursor });
    seen.push(...next.rows.map((row) => row.updatedMs));
    cursor = next.nextCursor ?? cursor;
  }
  expect(new Set(seen).size).toBe(21 * 50);
  expect(seen).toEqual(seen.toSorted((left, right) => right - left));
  const deep = Buffer.from(JSON.stringify([50, "agent:main:irc:1"])).toString("base64url");
  const last = await store.sessions.list({ limit: 50, cursor: deep, agentId: "agent-1" });
  expect(last.total).toBe(25_000);
  const found = await store.sessions.list({ limit: 10, search: "talk 99999" });
  expect(found.rows.map((row) => row.settings["label"])).toEqual(["talk 99999"]);
  await store.close();
}, 30_000);

// A quarter of the million that is asked for, so that the making takes two seconds; `bench/store.ts` asks the million.
it("C4: the sums of hundreds of thousands of calls are those of a full recount", async () => {
  const file = await filled(
    "ledger.sqlite",
    `INSERT INTO ledger (seq, id, at_ms, run_id, session_key, agent_id, channel, sender_id, profile_id, model, input_tokens,
         output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, cost_from, estimated, latency_ms, origin)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250000)
       SELECT i, i, 1790000000000 + i * 10368, '', 's-' || (i * 7919 % 1000), 'agent-' || (i * 7919 % 1000 % 3),
         iif(i * 7919 % 1000 % 2, 'irc', 'webchat'), 'u-' || (i * 7919 % 40), 'p-' || (i % 2), 'openai/m-' || (i % 5), i % 997,
         i % 101, 0, 1, iif(i % 50, i % 89, NULL), iif(i % 3, 'price', 'provider'), i % 7 = 0, i % 9000,
         iif(i % 4, 'chat', 'cron') FROM n`,
  );
  const store = await openSqliteStore({ file, log: silentLog });
  await store.ledger.by("session", { untilMs: 1 });
  const month: LedgerFilter = { sinceMs: 1_790_000_123_456, untilMs: 1_792_000_987_654 };
  const groups = ["day", "model", "agent", "channel", "session", "user", "profile", "origin", "provider"] as const;
  const asked = [{}, month, { sinceMs: 1_791_000_000_001 }, { ...month, sessionKey: "s-17" }] as const;
  const recounting = new Database(file, { readOnly: true, cacheKiB: 65_536, busyTimeoutMs: 100 });
  for (const filter of asked) {
    const counted = recount(recounting, filter);
    for (const group of groups) {
      const rows = await store.ledger.by(group, filter);
      const costs = rows.reduce((sum, row) => sum + row.costMicros, 0);
      expect({ calls: rows.reduce((sum, row) => sum + row.calls, 0), costs }).toEqual(counted);
    }
  }
  recounting.close();
  expect((await store.ledger.recount()).map(({ sum, differing }) => [sum, differing])).toEqual([
    ["days", 0],
    ["sessions", 0],
    ["latencies", 0],
    ["messages", 0],
    ["tools", 0],
  ]);
  await store.close();
}, 60_000);

function recount(db: Database, filter: LedgerFilter): { calls: number; costs: number } {
  const row = db.get<{ calls: number; costs: number }>(
    `SELECT count(*) AS calls, coalesce(sum(cost_micros), 0) AS costs FROM ledger
     WHERE at_ms >= ? AND at_ms < ? AND (?3 = '' OR session_key = ?3)`,
    filter.sinceMs ?? 0,
    filter.untilMs ?? Number.MAX_SAFE_INTEGER,
    filter.sessionKey ?? "",
  );
  return { calls: row?.calls ?? -1, costs: row?.costs ?? -1 };
}

it("M1: serves who waits behind ten thousand messages of another, and these in the order of their coming", async () => {
  const file = await filled(
    "heads.sqlite",
    `INSERT INTO inbox (seq, message_id, run_id, dedupe_key, session_key, lane, agent_id, sender, priority, due_ms,
         expires_ms, ephemeral, state, admitted_ms, wait_since_ms, head)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 10000)
       SELECT i, 'm-' || i, 'r-' || i, 'd-' || i, 's-' || i, 's-' || i, 'main', iif(i > 10000, 'bob', 'ann'), 2, 0, 9e12, 0,
         'queued', i, i, 1 FROM n;
     INSERT INTO inbox_body SELECT seq, '{"id":"m-' || seq || '"}', '{}' FROM inbox`,
  );
  const store = await openSqliteStore({ file, log: silentLog });
  const order: string[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const claimed = await store.inbox.claim({ owner: "w", leaseMs: 1_000, atMs: 20_000, agingMs: 0 });
    order.push(claimed?.row.message.id ?? "none");
  }
  expect(order).toEqual(["m-1", "m-10001", "m-2", "m-3", "m-4"]);
  await store.close();
}, 30_000);

it("keeps its log small however much is written, also after a read that held it back", async () => {
  const file = join(folder, "log.sqlite");
  const store = await openSqliteStore({ file, log: silentLog });
  const write = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const puts = Array.from({ length: 10 }, (_, index) =>
        store.documents.put("n", `k${index}`, String(round % 10).repeat(100_000), round),
      );
      await Promise.all(puts);
    }
  };
  const logBytes = async (): Promise<number> => (await stat(`${file}-wal`)).size;
  await write(30);
  expect(await logBytes()).toBeLessThan(16 * 1024 * 1024);
  const reading = new Database(file, { readOnly: true, cacheKiB: 64, busyTimeoutMs: 0 });
  reading.exec("BEGIN");
  reading.get("SELECT count(*) FROM document");
  await write(30);
  const held = await logBytes();
  expect(held).toBeGreaterThan(16 * 1024 * 1024);
  reading.close();
  await write(60);
  // Once everything is moved the log begins anew: it is written over from its start and does not grow.
  expect(await logBytes()).toBeLessThan(held + 16 * 1024 * 1024);
  await store.close();
});
