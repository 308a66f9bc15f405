/** The search itself: a leak that is planted, in any form and any kind of file, is found. Otherwise a clean result says nothing. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { findIn, findInFolder, needlesOf } from "./find-canaries.ts";

const canary = 'sk-canary/"quoted"+ä-0123456789';
const needles = needlesOf({ planted: canary });

const leaks: readonly (readonly [string, string | Buffer])[] = [
  ["plain", `before ${canary} after`],
  ["json", JSON.stringify({ error: canary })],
  ["json in json", JSON.stringify(JSON.stringify({ error: canary }))],
  ["uri", `http://h/?key=${encodeURIComponent(canary)}`],
  ["hex", Buffer.from(canary).toString("hex")],
  ["HEX", Buffer.from(canary).toString("hex").toUpperCase()],
  ["utf-16", Buffer.from(canary, "utf16le")],
  ["base64", Buffer.from(canary).toString("base64")],
  ["base64 of user and password", Buffer.from(`user:${canary}`).toString("base64")],
  ["base64url of JSON", Buffer.from(`{"k":"${canary}"}`).toString("base64url")],
];

describe("the search for canaries", () => {
  it.each(leaks)("S8: finds a planted leak: %s", (_form, text) => {
    expect(findIn(text, "here", needles)).not.toEqual([]);
  });

  it("finds nothing where nothing is, and does not see through compression, which nothing here uses", () => {
    expect(findIn("an innocent text about sk-canary and keys", "here", needles)).toEqual([]);
    expect(findIn(gzipSync(canary), "here", needles)).toEqual([]);
  });

  it("R14: looks into every file of a folder, raw: a database, its log of writes, a file in a folder in a folder", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "openclaw-canary-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await mkdir(path.join(folder, "a", "b"), { recursive: true });
    await writeFile(
      path.join(folder, "a", "b", ".hidden"),
      Buffer.concat([Buffer.alloc(70_000, 1), Buffer.from(canary)]),
    );
    await writeFile(path.join(folder, "excused.json"), canary);
    const database = new DatabaseSync(path.join(folder, "store.sqlite"));
    onTestFinished(() => database.close());
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (text)");
    database.prepare("INSERT INTO t VALUES (?)").run(canary);
    const { findings } = await findInFolder(folder, needles, (file) => file === "excused.json");
    expect(findings.map(({ place }) => place).sort()).toEqual([path.join("a", "b", ".hidden"), "store.sqlite-wal"]);
  });
});
