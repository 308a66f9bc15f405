/** What is logged is whole, private, free of secrets and never in the way. */
import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { FakeClock } from "./fake-clock.ts";
import { AppError } from "../domain/app-error.ts";
import { createLogFile, type LogFileOptions } from "./log-file.ts";
import { createLog, type LogThreshold, type RootLog } from "./log.ts";
import { createRedactor } from "./redact.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "log-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Bench {
  readonly log: RootLog;
  readonly path: string;
  readonly console: string[];
  readonly redactor: ReturnType<typeof createRedactor>;
  readonly clock: FakeClock;
}

async function bench(
  settings: Partial<LogFileOptions> & { level?: LogThreshold; consoleLevel?: LogThreshold } = {},
): Promise<Bench> {
  const path = settings.path ?? join(await mkdtemp(join(root, "bench-")), "logs", "gateway.log");
  const clock = new FakeClock();
  const redactor = createRedactor();
  const console: string[] = [];
  const log = createLog({
    clock,
    redactor,
    file: createLogFile({ clock, ...settings, path }),
    level: settings.level ?? "info",
    consoleLevel: settings.consoleLevel ?? "info",
    writeConsole: (line) => void console.push(line),
  });
  return { log, path, console, redactor, clock };
}

const linesOf = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("log", () => {
  it("A17: writes one JSON object a line, under the scope of the part that logs", async () => {
    const { log, path, console } = await bench();
    log.child("channels").child("irc").warn("The line broke.", { attempt: 3 });
    log.info("Up.");
    await log.close();
    expect(await linesOf(path)).toEqual([
      {
        time: "2026-01-01T00:00:00.000Z",
        level: "warn",
        scope: "channels.irc",
        message: "The line broke.",
        attempt: 3,
      },
      { time: "2026-01-01T00:00:00.000Z", level: "info", scope: "", message: "Up." },
    ]);
    expect(console).toEqual(["00:00:00.000 WARN  channels.irc The line broke. attempt=3", "00:00:00.000 INFO  Up."]);
  });

  it("tells a person an expected failure in one sentence, and one that nobody foresaw with its stack", async () => {
    const { log, path, console } = await bench();
    const expected = new AppError("STORE_002", "The disk is full.", { details: { path: "/x" } });
    log.warn("It failed.", { error: expected, again: expected.toJSON() });
    log.warn("It failed.", { error: new AppError("SYS_001", "Undefined is no function.") });
    await log.close();
    expect(console[0]).toMatch(/error=The disk is full\. \(STORE_002\) again=The disk is full\. \(STORE_002\)$/);
    expect(console[1]).toContain("at ");
    expect((await linesOf(path))[0]).toMatchObject({ again: { code: "STORE_002", details: { path: "/x" } } });
  });

  it("A17: no secret reaches the file or the console, whichever way it is handed over", async () => {
    const canary = "canary-7f3a9c-value";
    const { log, path, console, redactor } = await bench();
    redactor.add(canary);
    log.info(`in the message ${canary}`);
    log
      .child("x")
      .error("in fields", { error: new Error(`in an error ${canary}`), nested: [{ deep: canary }], [canary]: 1 });
    log.warn("under a name", { apiKey: "plain-value-of-a-key" });
    await log.close();
    const written = (await readFile(path, "utf8")) + console.join("\n");
    expect(written).not.toContain(canary);
    expect(written).not.toContain("plain-value-of-a-key");
    expect(written).toContain("in the message [redacted]");
  });

  it("R102: what a stranger sent can neither forge a line nor command a terminal", async () => {
    const { log, path, console } = await bench();
    const hostile = 'x\r\n{"level":"info","message":"forged"}\u001b[2J\u009b31m\u202eevil\u2028\u0000';
    log.child(hostile).warn(hostile, { userAgent: hostile, [hostile]: hostile });
    await log.close();
    const text = await readFile(path, "utf8");
    expect(text.split("\n")).toHaveLength(2);
    // oxlint-disable-next-line eslint/no-control-regex -- what must not be there.
    for (const line of [text.trimEnd(), ...console])
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect((await linesOf(path))[0]?.["message"]).toBe(hostile);
  });

  it("keeps its own fields when a caller uses their names", async () => {
    const { log, path } = await bench();
    log.info("true message", { level: "fatal", scope: "forged", message: "forged", other: 1 });
    await log.close();
    expect((await linesOf(path))[0]).toMatchObject({
      level: "info",
      scope: "",
      message: "true message",
      message_: "forged",
      other: 1,
    });
  });

  it("shows what its level asks for, and follows a change of level", async () => {
    const { log, path, console } = await bench({ level: "debug", consoleLevel: "silent" });
    log.trace("no");
    log.debug("file only");
    log.setLevels({ file: "error", console: "fatal" });
    log.warn("no");
    log.error("file only");
    log.fatal("both");
    await log.close();
    expect((await linesOf(path)).map((line) => line["message"])).toEqual(["file only", "file only", "both"]);
    expect(console).toHaveLength(1);
  });

  it("survives fields that cannot be written, and lines without end", async () => {
    const { log, path } = await bench();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    log.info("odd", {
      circle,
      big: 1n,
      broken: {
        get x(): never {
          throw new Error("getter");
        },
      },
    });
    log.info("long", { items: Array.from({ length: 2_000 }, () => "x".repeat(1_000)) });
    await log.close();
    const lines = await linesOf(path);
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines[1]).length).toBeLessThan(70_000);
  });
});

describe("log file", () => {
  it("R020: folder and files are the owner's alone, rotated ones too", async () => {
    const { log, path } = await bench({ maxBytes: 200, keep: 3 });
    for (let index = 0; index < 10; index += 1) log.info(`line ${index}`, { pad: "x".repeat(60) });
    await log.close();
    expect(((await stat(join(path, ".."))).mode & 0o777).toString(8)).toBe("700");
    for (const name of await readdir(join(path, ".."))) {
      expect(((await stat(join(path, "..", name))).mode & 0o777).toString(8)).toBe("600");
    }
  });

  it("rotates by size and keeps as many files as it was told, the newest", async () => {
    const { log, path } = await bench({ maxBytes: 1_000, keep: 3 });
    for (let index = 0; index < 200; index += 1) {
      log.info(`line ${index}`);
      // Every few lines the disk catches up, so that both single lines and batches meet a rotation.
      if (index % 7 === 0) await log.flush();
    }
    await log.close();
    const names = (await readdir(join(path, ".."))).sort();
    expect(names).toEqual(["gateway.log", "gateway.log.1", "gateway.log.2", "gateway.log.3"]);
    const messages: unknown[] = [];
    for (const name of names.toReversed()) {
      expect((await stat(join(path, "..", name))).size).toBeLessThanOrEqual(1_000);
      messages.push(...(await linesOf(join(path, "..", name))).map((line) => line["message"]));
    }
    const first = Number(String(messages[0]).slice(5));
    expect(messages).toEqual(Array.from({ length: 200 - first }, (_, index) => `line ${first + index}`));
    expect(messages.length).toBeGreaterThan(30);
  });

  it("a full disk stops neither the process nor the lines that fit in memory", async () => {
    const directory = await mkdtemp(join(root, "full-"));
    const path = join(directory, "gateway.log");
    // /dev/full answers every write as a full disk does.
    await symlink("/dev/full", path);
    const { log, clock } = await bench({ path, maxQueuedBytes: 2_000, retryMs: 50 });
    for (let index = 0; index < 100; index += 1) log.info(`line ${index}`);
    await log.flush();
    expect(log.status().failures).toBeGreaterThan(0);
    expect(log.status().lastFailure).toContain("ENOSPC");
    expect(log.status().dropped).toBeGreaterThan(0);
    await rm(path);
    log.info("after");
    await clock.advance(2_000);
    await log.close();
    const lines = await linesOf(path);
    expect(lines[0]?.["message"]).toBe("line 0");
    expect(lines.some((line) => line["scope"] === "log" && Number(line["count"]) > 0)).toBe(true);
  });

  it("ends the half line that a killed process left, and appends behind it", async () => {
    const path = join(await mkdtemp(join(root, "torn-")), "gateway.log");
    await writeFile(path, '{"time":"half a li');
    const { log } = await bench({ path });
    log.info("next");
    await log.close();
    const lines = (await readFile(path, "utf8")).split("\n");
    expect(lines[0]).toBe('{"time":"half a li');
    expect(JSON.parse(lines[1]!)).toMatchObject({ message: "next" });
  });

  it("goes on in a new file when somebody moved the old one away", async () => {
    const { log, path, clock } = await bench();
    log.info("before");
    await log.flush();
    await rename(path, `${path}.moved`);
    await clock.advance(2_000);
    log.info("after");
    await log.close();
    expect((await linesOf(path)).map((line) => line["message"])).toEqual(["after"]);
  });

  it("drops lines after it was closed, and may be closed twice", async () => {
    const { log, path } = await bench();
    log.info("kept");
    await log.close();
    log.info("lost");
    await log.close();
    expect(await linesOf(path)).toHaveLength(1);
    expect(log.status().dropped).toBe(1);
  });

  it("takes a line in microseconds and never waits for the disk", async () => {
    const path = join(await mkdtemp(join(root, "fast-")), "gateway.log");
    const clock = systemClock();
    const log = createLog({
      clock,
      redactor: createRedactor(),
      file: createLogFile({ path, clock }),
      level: "info",
      consoleLevel: "silent",
    });
    const started = performance.now();
    for (let index = 0; index < 5_000; index += 1) log.info("The turn has ended.", { runId: "0190aa", ms: index });
    expect(performance.now() - started).toBeLessThan(1_000);
    await log.close();
    expect((await readFile(path, "utf8")).split("\n")).toHaveLength(5_001);
  });
});

it("leaves nothing behind on standard error when it is closed", async () => {
  const before = process.stderr.listenerCount("error");
  const options = {
    clock: new FakeClock(),
    redactor: createRedactor(),
    file: null,
    level: "silent",
    consoleLevel: "silent",
  } as const;
  const logs = Array.from({ length: 12 }, () => createLog(options));
  expect(process.stderr.listenerCount("error")).toBe(before + 12);
  await Promise.all(logs.map((log) => log.close()));
  expect(process.stderr.listenerCount("error")).toBe(before);
});
