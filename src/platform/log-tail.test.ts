/** Whoever pages the log gets every line once, whatever the log does meanwhile. */
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeClock } from "./fake-clock.ts";
import { createLogFile } from "./log-file.ts";
import { tailLog } from "./log-tail.ts";
import { createLog, type RootLog } from "./log.ts";
import { createRedactor } from "./redact.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tail-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function openLog(maxBytes = 4_000, keep = 60): Promise<{ log: RootLog; file: string; clock: FakeClock }> {
  const file = join(await mkdtemp(join(root, "log-")), "gateway.log");
  const clock = new FakeClock();
  const log = createLog({
    clock,
    redactor: createRedactor(),
    file: createLogFile({ path: file, clock, maxBytes, keep }),
    level: "trace",
    consoleLevel: "silent",
  });
  return { log, file, clock };
}

const messages = (lines: readonly string[]): string[] =>
  lines.map((line) => (JSON.parse(line) as { message: string }).message);
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

describe("log tail", () => {
  it("C3: cursor paging returns every line once while the log rotates", async () => {
    const { log, file, clock } = await openLog();
    const seen: string[] = [];
    let { cursor } = await tailLog({ file, limit: 10 });
    const total = 1_500;
    // One side writes and rotates some forty times, the other pages at its own pace, at the same time.
    const writing = (async () => {
      for (let index = 0; index < total; index += 1) {
        log.info(`line ${index}`);
        if (index % 11 === 0) await clock.advance(1);
        if (index % 5 === 0) await log.flush();
      }
      await log.close();
    })();
    let finished = false;
    void writing.then(() => (finished = true));
    for (;;) {
      const last = finished;
      const page = await tailLog({ file, cursor, limit: 37 });
      seen.push(...messages(page.lines));
      ({ cursor } = page);
      if (last && page.lines.length === 0) break;
    }
    expect(seen).toEqual(numbered(0, total));
  });

  it("C3: a cursor goes on behind a restart of the writer", async () => {
    const { log, file, clock } = await openLog();
    for (const message of numbered(0, 30)) log.info(message);
    await log.close();
    const first = await tailLog({ file, limit: 10 });
    expect(messages(first.lines)).toEqual(numbered(20, 30));
    const again = createLog({
      clock,
      redactor: createRedactor(),
      file: createLogFile({ path: file, clock, maxBytes: 4_000, keep: 60 }),
      level: "info",
      consoleLevel: "silent",
    });
    for (const message of numbered(30, 60)) again.info(message);
    await again.close();
    const rest = await tailLog({ file, cursor: first.cursor, limit: 1_000 });
    expect(messages(rest.lines)).toEqual(numbered(30, 60));
    expect((await tailLog({ file, cursor: rest.cursor, limit: 10 })).lines).toEqual([]);
  });

  it("without a cursor gives the newest lines, also from rotated files", async () => {
    const { log, file } = await openLog(2_000);
    for (const message of numbered(0, 300)) log.info(message);
    await log.close();
    expect(messages((await tailLog({ file, limit: 100 })).lines)).toEqual(numbered(200, 300));
    expect(messages((await tailLog({ file, limit: 100_000 })).lines)).toEqual(numbered(0, 300));
    expect(messages((await tailLog({ file, limit: 0 })).lines)).toEqual(numbered(299, 300));
  });

  it("A17: filtered by a scope returns that scope and those below it, and no other", async () => {
    const { log, file } = await openLog();
    for (let index = 0; index < 40; index += 1) {
      log.child("channels").child("irc").info(`irc ${index}`);
      log.child("channels.irc.main").info(`main ${index}`);
      log.child("channels.ircx").info("other", { note: "channels.irc" });
      log.child("gateway").info("other");
    }
    await log.close();
    const newest = await tailLog({ file, limit: 10, scope: "channels.irc" });
    expect(messages(newest.lines)).toEqual([35, 36, 37, 38, 39].flatMap((index) => [`irc ${index}`, `main ${index}`]));
    const seen: string[] = [];
    let cursor = Buffer.from("0..0").toString("base64url");
    for (let page = await tailLog({ file, cursor, limit: 7, scope: "channels.irc" }); page.lines.length > 0;) {
      seen.push(...messages(page.lines));
      ({ cursor } = page);
      page = await tailLog({ file, cursor, limit: 7, scope: "channels.irc" });
    }
    expect(seen).toHaveLength(80);
    expect(new Set(seen).size).toBe(80);
  });

  it("leaves a line that is still being written for the next call", async () => {
    const file = join(await mkdtemp(join(root, "half-")), "gateway.log");
    await writeFile(file, '{"time":"a","message":"whole"}\n{"time":"b","mess');
    const first = await tailLog({ file, limit: 10 });
    expect(messages(first.lines)).toEqual(["whole"]);
    await appendFile(file, 'age":"late"}\n');
    expect(messages((await tailLog({ file, cursor: first.cursor, limit: 10 })).lines)).toEqual(["late"]);
  });

  it("goes on with the oldest line there is when the file of the cursor was thrown away", async () => {
    const { log, file, clock } = await openLog(1_000, 2);
    log.info("line 0");
    await log.flush();
    const { cursor } = await tailLog({ file, limit: 1 });
    for (const message of numbered(1, 200)) {
      await clock.advance(1);
      log.info(message);
      await log.flush();
    }
    await log.close();
    const rest = messages((await tailLog({ file, cursor, limit: 1_000 })).lines);
    expect(rest.length).toBeGreaterThan(10);
    expect(rest).toEqual(numbered(200 - rest.length, 200));
  });

  it("is empty where there is no log, and picks up the first line from that cursor", async () => {
    const { log, file } = await openLog();
    const none = await tailLog({ file, limit: 5 });
    expect(none.lines).toEqual([]);
    log.info("line 0");
    await log.close();
    expect(messages((await tailLog({ file, cursor: none.cursor, limit: 5 })).lines)).toEqual(["line 0"]);
  });

  it.each(["", "x", "MTIz", "🙂", "a".repeat(1_000)])("refuses the cursor %j", async (cursor) => {
    await expect(tailLog({ file: join(root, "none"), cursor, limit: 5 })).rejects.toMatchObject({ code: "RPC_003" });
  });

  it("reads a line of any length and of any script", async () => {
    const { log, file } = await openLog(10_000_000);
    const long = "ä👩‍👩‍👧".repeat(2_000);
    for (let index = 0; index < 20; index += 1) log.info("line", { long });
    await log.close();
    const page = await tailLog({ file, limit: 3 });
    expect(page.lines).toHaveLength(3);
    for (const line of page.lines) expect(JSON.parse(line)).toMatchObject({ long });
    const all = await tailLog({ file, cursor: Buffer.from("0..0").toString("base64url"), limit: 100 });
    expect(all.lines).toHaveLength(20);
  });
});
