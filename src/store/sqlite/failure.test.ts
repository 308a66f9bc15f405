/** What the store does when the disk is full, the thread dies, or one of many calls is bad. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNames, entryOf, resultOf, startTurn, t0, transcriptDraft } from "../conformance/samples.ts";
import { Database } from "./database.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { commitGroup, type Call } from "./group-commit.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/list.ts";
import { openSqliteStore, type SqliteStore } from "./open-store.ts";

const names = createNames("failure");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-failure-"));
});
afterAll(() => rm(folder, { recursive: true }));

const put = (id: number, key: string, value: string): Call => ({
  id,
  name: "putDocument",
  args: { namespace: "n", key, value, atMs: t0 },
});

function openGroup(name: string): Database {
  const db = new Database(join(folder, name), { readOnly: false, cacheKiB: 1_024, busyTimeoutMs: 100 });
  db.exec("PRAGMA journal_mode = WAL");
  migrate(db, migrations);
  return db;
}

describe("a group of calls", () => {
  it("keeps the good ones when one of them fails", () => {
    const db = openGroup("group.sqlite");
    const bad: Call = { id: 2, name: "end", args: { messageId: "nobody", state: "dead", reason: "x", atMs: t0 } };
    const answers = commitGroup(db, [put(1, "a", "1"), bad, { id: 3, name: "toString", args: null }, put(4, "b", "2")]);
    expect(answers).toMatchObject([
      { id: 1, value: null },
      { error: { code: "RPC_007" } },
      { error: { code: "SYS_001" } },
      { id: 4 },
    ]);
    expect(db.all("SELECT key, value FROM document ORDER BY key")).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ]);
    db.close();
  });

  it("keeps the small ones when one of them is too large for what is left", () => {
    const db = openGroup("limit.sqlite");
    const pages = db.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
    db.exec(`PRAGMA max_page_count = ${pages + 4}`);
    const large = put(2, "large", "x".repeat(1_000_000));
    const answers = commitGroup(db, [put(1, "a", "1"), large, put(3, "b", "2")]);
    expect(answers).toMatchObject([
      { id: 1, value: null },
      { id: 2, error: { code: "STORE_002" } },
      { id: 3, value: null },
    ]);
    expect(db.all("SELECT key FROM document ORDER BY key")).toEqual([{ key: "a" }, { key: "b" }]);
    db.exec("PRAGMA max_page_count = 1000000");
    expect(commitGroup(db, [large])).toEqual([{ id: 2, value: null }]);
    db.close();
  });

  it("does not apply a call twice when what follows its commit fails", async () => {
    const db = openGroup("afterwards.sqlite");
    commitGroup(db, [
      { id: 1, name: "openSession", args: { sessionKey: "s", agentId: "a", sessionId: "i", atMs: t0, address: null } },
    ]);
    const reader = new Database(join(folder, "afterwards.sqlite"), { readOnly: true, cacheKiB: 64, busyTimeoutMs: 0 });
    // An open read keeps the log from being emptied.
    reader.exec("BEGIN");
    reader.get("SELECT count(*) FROM session");
    const answers = commitGroup(db, [{ id: 2, name: "deleteSession", args: { sessionKey: "s" } }, put(3, "a", "1")]);
    expect(answers).toMatchObject([
      { id: 2, error: { code: "STORE_001" } },
      { id: 3, value: null },
    ]);
    expect(db.get("SELECT count(*) AS n FROM session")).toEqual({ n: 0 });
    reader.close();
    db.close();
  });
});

describe("a full disk", () => {
  const mounted = join(tmpdir(), `store-full-${process.pid}`);
  const run = promisify(execFile);
  let ready = false;
  beforeAll(async () => {
    await run("mkdir", ["-p", mounted]);
    ready = await run("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", mounted]).then(
      () => true,
      () => false,
    );
  });
  afterAll(async () => {
    if (ready) await run("umount", [mounted]);
    await rm(mounted, { recursive: true, force: true });
  });

  it("answers STORE_002, keeps what was acknowledged, and goes on when there is space again", async (context) => {
    if (!ready) context.skip("mounting a small disk needs the right to mount");
    const filler = join(mounted, "filler");
    const store = await openSqliteStore({ file: join(mounted, "store.sqlite"), log: silentLog });
    await writeFile(filler, "x".repeat(1_000_000));
    const kept: string[] = [];
    let refused: unknown = null;
    for (let count = 0; refused === null && count < 5_000; count += 1) {
      const key = `k${count}`;
      refused = await store.documents.put("n", key, "y".repeat(8_000), t0).then(
        () => {
          kept.push(key);
          return null;
        },
        (thrown: unknown) => thrown,
      );
    }
    expect(refused).toMatchObject({
      code: "STORE_002",
      retry: "later",
      details: { path: join(mounted, "store.sqlite") },
    });
    expect(kept.length).toBeGreaterThan(10);
    await expect(store.documents.put("n", "more", "z".repeat(100_000), t0)).rejects.toMatchObject({
      code: "STORE_002",
    });
    expect(await store.documents.list("n")).toHaveLength(kept.length);
    await unlink(filler);
    await store.probe();
    await store.documents.put("n", "again", 1, t0);
    await store.close();
    const reopened = await openSqliteStore({ file: join(mounted, "store.sqlite"), log: silentLog });
    expect((await reopened.documents.list("n")).map((row) => row.key).toSorted()).toEqual(
      [...kept, "again"].toSorted(),
    );
    await reopened.close();
  }, 30_000);
});

describe("the writer's thread", () => {
  let store: SqliteStore;
  beforeAll(async () => {
    store = await openSqliteStore({ file: join(folder, "thread.sqlite"), log: silentLog });
  });
  afterAll(() => store.close());

  it("is replaced when it dies: what was under way fails, what was acknowledged stays, the next call works", async () => {
    const entry = entryOf(names, "s");
    const lease = await startTurn(store, entry);
    const pending = Array.from({ length: 50 }, (_, index) => store.documents.put("n", `k${index}`, index, t0));
    const crash = store.crashWriter();
    const settled = await Promise.allSettled(pending);
    await crash;
    const failed = settled.filter((put) => put.status === "rejected");
    for (const put of failed) expect(put.reason).toMatchObject({ code: "STORE_001" });
    await store.turns.finish(lease, resultOf({ transcript: [transcriptDraft(names, "x")] }));
    expect(await store.turns.get(entry.runId)).toMatchObject({ state: "final" });
    const there = new Set((await store.documents.list("n")).map((row) => row.key));
    const acknowledged = settled.flatMap((put, index) => (put.status === "fulfilled" ? [`k${index}`] : []));
    expect(acknowledged.filter((key) => !there.has(key))).toEqual([]);
  });

  it("fails what it has not answered when it dies", async () => {
    await store.probe();
    const crash = store.crashWriter();
    const late = store.documents.put("n", "late", 1, t0);
    await crash;
    // Sent to the dying thread, or kept for its heir: answered either way.
    await late.catch((thrown: unknown) => expect(thrown).toMatchObject({ code: "STORE_001" }));
    await store.probe();
  });
});
