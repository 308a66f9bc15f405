/** Opening files of other versions, other programs and no sense at all; migrations that are killed half-way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addressOf, createNames, ledgerOf, messageOf } from "../conformance/samples.ts";
import { Database } from "./database.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { migrate, type Migration } from "./migrate.ts";
import { migrations } from "./migrations/list.ts";
import { openSqliteStore } from "./open-store.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-migrate-"));
});
afterAll(() => rm(folder, { recursive: true }));

const one: Migration = { version: 1, sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL)" };
const two: Migration = { version: 2, sql: "ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7" };
const broken: Migration = { version: 2, sql: "ALTER TABLE thing ADD COLUMN size INTEGER; CREATE TABLE thing (id)" };

function openFile(name: string): Database {
  return new Database(join(folder, name), { readOnly: false, cacheKiB: 1_024, busyTimeoutMs: 100 });
}

function storeAt(name: string) {
  return openSqliteStore({ file: join(folder, name), log: silentLog });
}

describe("migrations", () => {
  it("make a new file, then bring an old one up to date and keep a copy of it", async () => {
    const db = openFile("steps.sqlite");
    expect(migrate(db, [one])).toMatchObject({ from: 0, to: 1, backup: null });
    db.run("INSERT INTO thing (name) VALUES ('kept')");
    const outcome = migrate(db, [one, two]);
    expect(outcome).toMatchObject({ from: 1, to: 2, backup: `${db.file}.schema-1.backup` });
    expect(db.get("SELECT name, size FROM thing")).toEqual({ name: "kept", size: 7 });
    expect(migrate(db, [one, two])).toMatchObject({ from: 2, to: 2, backup: null });
    db.close();
    const copy = new DatabaseSync(outcome.backup ?? "", { readOnly: true });
    expect(copy.prepare("SELECT * FROM thing").all()).toEqual([{ id: 1, name: "kept" }]);
    copy.close();
    expect((await stat(outcome.backup ?? "")).mode & 0o777).toBe(0o600);
  });

  it("leave the old schema and its rows when a step fails", () => {
    const db = openFile("broken.sqlite");
    migrate(db, [one]);
    db.run("INSERT INTO thing (name) VALUES ('kept')");
    expect(() => migrate(db, [one, broken])).toThrow(/already exists/);
    expect(db.get("SELECT * FROM thing")).toEqual({ id: 1, name: "kept" });
    expect(db.get("PRAGMA user_version")).toEqual({ user_version: 1 });
    expect(migrate(db, [one, two])).toMatchObject({ from: 1, to: 2 });
    db.close();
  });

  it("are all there or not at all when the process is killed in the middle", async () => {
    const db = openFile("killed.sqlite");
    db.exec("PRAGMA journal_mode = WAL");
    migrate(db, [one]);
    db.exec(
      "INSERT INTO thing (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) SELECT 'row ' || i FROM n",
    );
    db.close();
    const script = new URL("./fixtures/migrating-child.ts", import.meta.url).pathname;
    const seen: { version: number; backup: boolean }[] = [];
    for (let round = 0; round < 10; round += 1) {
      const name = `killed-${round}.sqlite`;
      const file = join(folder, name);
      await copyFile(join(folder, "killed.sqlite"), file);
      const child = spawn(process.execPath, [script, file], { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      // The first round lets it end; each other one kills it when it has written a little more to the log.
      while (child.exitCode === null && (round === 0 || (await sizeOf(`${file}-wal`)) < round * 50_000)) {
        await Promise.race([exited, stat(folder)]);
      }
      child.kill("SIGKILL");
      await exited;
      const after = openFile(name);
      const version = after.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? -1;
      expect(after.all("PRAGMA table_info(thing)")).toHaveLength(version === 1 ? 2 : 3);
      expect(after.get("SELECT count(*) AS n, sum(name LIKE '%.') AS changed FROM thing")).toEqual({
        n: 20_000,
        changed: version === 1 ? 0 : 10_000,
      });
      expect(after.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
      after.close();
      seen.push({ version, backup: (await sizeOf(`${file}.schema-1.backup`)) > 0 });
    }
    expect(seen[0]).toEqual({ version: 2, backup: true });
    // The copy is there before the first change; so a kill within the change leaves both.
    expect(seen.filter((one) => one.version === 1 && one.backup).length).toBeGreaterThan(3);
  }, 30_000);
});

/** A store as the first schema left it: each row in a state of its own. */
function firstStore(name: string): void {
  const db = openFile(name);
  migrate(db, migrations.slice(0, 1));
  const message = (id: string, sender: string) =>
    JSON.stringify({
      ...messageOf(id, "chat"),
      sender: { id: sender },
      address: { ...addressOf("chat"), accountId: "a" },
    });
  const rows = [
    // id, sender, state, head, lease owner, ended, ephemeral
    ["waits-1", "ann", "queued", 1, null, null, 0],
    ["waits-2", "ann", "queued", 1, null, null, 0],
    ["waits-3", "bob", "queued", 1, null, null, 0],
    ["runs", "ann", "running", 0, "before", null, 0],
    ["dead", "ann", "dead", 0, null, 5, 0],
    ["expired", "ann", "expired", 0, null, 6, 0],
    ["left", "ann", "expired", 0, null, 7, 1],
    ["replied", "ann", "replied", 0, null, 8, 0],
  ] as const;
  for (const [index, [id, sender, state, head, owner, ended, ephemeral]] of rows.entries()) {
    db.run(
      `INSERT INTO inbox (seq, message_id, run_id, dedupe_key, session_key, lane, agent_id, priority, due_ms, expires_ms,
         ephemeral, state, reason, admitted_ms, wait_since_ms, head, lease_owner, lease_epoch, lease_until_ms, ended_ms)
       VALUES (?1, ?2, 'run-' || ?2, 'key-' || ?2, ?2, ?2, 'main', 2, 0, 9e12, ?3, ?4, 'why', ?1, ?1, ?5, ?6, 1, 0, ?7)`,
      index + 1,
      id,
      ephemeral,
      state,
      head,
      owner,
      ended,
    );
    db.run(`INSERT INTO inbox_body VALUES (?, ?, '{}')`, index + 1, message(id, sender));
  }
  const address = JSON.stringify({ ...addressOf("chat"), accountId: "a" });
  const parts = [
    ["first", "prepared", 1, "[]"],
    ["second", "prepared", 0, "[]"],
    ["failed", "failed", 0, '["8"]'],
    ["sent", "sent", 0, '["9","10"]'],
  ] as const;
  for (const [id, state, head, ids] of parts) {
    const chat = state === "prepared" ? "one" : id;
    db.run(
      `INSERT INTO outbox (id, session_key, channel, chat, address, expires_ms, state, head, platform_message_ids,
         created_ms, updated_ms) VALUES (?, 's', 'irc', ?, ?, 9e12, ?, ?, ?, 1, 2)`,
      id,
      chat,
      address,
      state,
      head,
      ids,
    );
    db.run(`INSERT INTO outbox_body VALUES (last_insert_rowid(), '{"markdown":"x"}')`);
  }
  db.run(
    `INSERT INTO trace (message_id, run_id, type, at_ms, data) VALUES ('waits-1', 'run-waits-1', 'run.started', 1, '{}')`,
  );
  db.close();
}

describe("a store of the first schema", () => {
  it("M2, M8, M12, N13: goes on where it was: order, turns, dead letters, platform ids and trace", async () => {
    firstStore("first.sqlite");
    const store = await storeAt("first.sqlite");
    expect(await sizeOf(join(folder, "first.sqlite.schema-1.backup"))).toBeGreaterThan(0);
    expect(await store.inbox.counts()).toMatchObject({ queued: 3, running: 1 });
    const claim = async () =>
      (await store.inbox.claim({ owner: "now", leaseMs: 1_000, atMs: 0, agingMs: 0 }))?.row.message.id ?? null;
    // ann's turn runs: bob is served before her, and hers wait in their order.
    expect([await claim(), await claim(), await claim(), await claim()]).toEqual([
      "waits-3",
      "waits-1",
      "waits-2",
      null,
    ]);
    expect(await store.inbox.recover("now", 10)).toEqual({ requeued: 1, expired: 0 });
    expect(await claim()).toBe("runs");
    expect((await store.deadLetters.list({ limit: 10 })).map(({ id }) => id)).toEqual(["expired", "dead", "failed"]);
    const accounts = [{ channel: "irc", accountId: "a" }];
    expect((await store.outbox.ready({ accounts, atMs: 10, limit: 10 })).map((row) => row.id)).toEqual(["first"]);
    expect(await store.outbox.get("first")).toMatchObject({ action: { type: "send" }, state: "prepared" });
    const at = { channel: "irc", accountId: "a", chatId: "chat" };
    expect((await store.outbox.byPlatformId(at, "10"))?.id).toBe("sent");
    expect((await store.outbox.byPlatformId(at, "8"))?.id).toBe("failed");
    expect((await store.trace.of("run-waits-1")).map(({ type }) => type).toSorted()).toEqual([
      "inbox.running",
      "run.started",
    ]);
    expect(await store.totals()).toEqual({ duplicates: 0, leasesLost: 0, unknownSends: 0 });
    await store.close();
  });
});

describe("a ledger of the second schema", () => {
  it("X2: keeps its rows and sums, and counts what was said before anybody counted", async () => {
    const db = openFile("second.sqlite");
    migrate(db, migrations.slice(0, 2));
    const at = Date.UTC(2026, 10, 20, 23, 59, 59, 999);
    const calls = [
      ["c1", at, "s1", "ann", "openai/x", 100, 250],
      ["c2", at + 1, "s1", "ann", "openai/x", 7, null],
      ["c3", at, "s2", "bob", "demo/y", 1, 0],
      ["c4", at, "deleted", "", "demo/y", 1, 40],
    ] as const;
    for (const [id, ms, session, sender, model, input, cost] of calls) {
      db.run(
        `INSERT INTO ledger (id, at_ms, run_id, session_key, agent_id, channel, sender_id, model, input_tokens,
           output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, estimated, latency_ms, origin)
         VALUES (?, ?, 'r', ?, 'main', 'irc', ?, ?, ?, 0, 0, 0, ?, 0, 1234, 'chat')`,
        id,
        ms,
        session,
        sender,
        model,
        input,
        cost,
      );
    }
    db.run(`INSERT INTO generation (id, session_id, session_key, created_ms) VALUES (1, 'g', 's1', 0)`);
    const bodies = [
      { message: { role: "user", content: [] } },
      { message: { role: "assistant", content: [{ type: "toolCall", id: "1", name: "read" }, "stray"] } },
      { message: { role: "toolResult", toolName: "read", isError: true } },
      { message: 7 },
    ];
    for (const [seq, body] of bodies.entries()) {
      db.run(
        `INSERT INTO transcript (generation, seq, entry_id, type, at_ms, body) VALUES (1, ?1, ?1, 'message', ?2, ?3)`,
        seq,
        at,
        JSON.stringify(body),
      );
    }
    db.close();
    const store = await storeAt("second.sqlite");
    const summary = (await store.ledger.by("user", {})).map(({ key, calls: n, costMicros }) => [key, n, costMicros]);
    expect(summary).toEqual([
      ["irc:ann", 2, 250],
      ["deleted", 1, 40],
      ["irc:bob", 1, 0],
    ]);
    expect((await store.ledger.by("day", {})).map(({ key, calls: n }) => [key, n])).toEqual([
      ["2026-11-20", 3],
      ["2026-11-21", 1],
    ]);
    expect(await store.ledger.totals({})).toMatchObject({ calls: 4, costMicros: 290, unpriced: 1, reported: 0 });
    expect(await store.ledger.latency("model", {})).toMatchObject([
      { key: "demo/y", count: 2, p50Ms: 1234 },
      { key: "openai/x", count: 2, p95Ms: 1234 },
    ]);
    expect(await store.ledger.activity({})).toEqual({
      messages: [{ day: "2026-11-20", user: 1, assistant: 1, toolCalls: 1, toolResults: 1, errors: 1 }],
      tools: [{ day: "2026-11-20", tool: "read", calls: 1, errors: 1 }],
    });
    expect((await store.ledger.recount()).every(({ differing }) => differing === 0)).toBe(true);
    // A limit that is set now knows of what was spent before there were any.
    const today = { period: "day", sinceMs: Date.UTC(2026, 10, 20), untilMs: Date.UTC(2026, 10, 21) } as const;
    const month = { period: "month", sinceMs: Date.UTC(2026, 10, 1), untilMs: Date.UTC(2026, 11, 1) } as const;
    const asked = [
      { kind: "global", id: "", ...today },
      { kind: "global", id: "", ...month },
      { kind: "user", id: "irc:ann", ...month },
      { kind: "chat", id: "s2", ...month },
    ] as const;
    const purses = await store.budgets.balances({ atMs: at, asked });
    expect(purses.map(({ spentMicros, heldMicros }) => [spentMicros, heldMicros])).toEqual([
      [290, 0],
      [290, 0],
      [250, 0],
      [0, 0],
    ]);
    // What comes now is added to what was there.
    expect(await store.ledger.book([ledgerOf(createNames("second"), "s1", { atMs: at, model: "x" })])).toBe(1);
    expect((await store.ledger.recount()).every(({ differing }) => differing === 0)).toBe(true);
    await store.close();
  });
});

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}

describe("files that cannot be used", () => {
  it("refuses the file of a newer version and leaves it as it is", async () => {
    const store = await storeAt("newer.sqlite");
    await store.close();
    const raw = new DatabaseSync(join(folder, "newer.sqlite"));
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    const before = await readFile(join(folder, "newer.sqlite"));
    await expect(storeAt("newer.sqlite")).rejects.toMatchObject({ code: "STORE_004", details: { version: 99 } });
    expect(await readFile(join(folder, "newer.sqlite"))).toEqual(before);
  });

  it("refuses the database of another program", async () => {
    const raw = new DatabaseSync(join(folder, "foreign.sqlite"));
    raw.exec("CREATE TABLE theirs (x)");
    raw.close();
    await expect(storeAt("foreign.sqlite")).rejects.toMatchObject({ code: "STORE_001", retry: "never" });
  });

  it("refuses a file that is no database", async () => {
    await writeFile(join(folder, "rubbish.sqlite"), "not a database, but long enough to have a header".repeat(100));
    const refused = storeAt("rubbish.sqlite");
    await expect(refused).rejects.toMatchObject({ code: "STORE_001", details: { sqliteCode: 26 } });
  });

  it("refuses a file that is a folder, and a folder that is a file", async () => {
    await mkdir(join(folder, "folder.sqlite"));
    await expect(storeAt("folder.sqlite")).rejects.toMatchObject({ code: "STORE_001", details: { errno: "EISDIR" } });
    await expect(storeAt("steps.sqlite/below.sqlite")).rejects.toMatchObject({ code: "STORE_001" });
  });

  it("makes missing folders, and files that only their owner can read", async () => {
    const store = await storeAt("deep/er/store.sqlite");
    await store.probe();
    for (const name of ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"]) {
      expect((await stat(join(folder, "deep/er", name))).mode & 0o777).toBe(0o600);
    }
    await store.close();
    await expect(access(join(folder, "deep/er/store.sqlite-wal"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
