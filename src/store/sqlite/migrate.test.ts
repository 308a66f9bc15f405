/** Opening files of other versions, other programs and no sense at all; migrations that are killed half-way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Database } from "./database.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { migrate, type Migration } from "./migrate.ts";
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
