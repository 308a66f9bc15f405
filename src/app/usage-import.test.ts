/** Importing what another installation spent: whole folders, any size, once, and what cannot be read is told. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import type { ImportedCall } from "../protocol/methods/usage.ts";
import { importUsage, type ImportedFile } from "./usage-import.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "usage-import-"));
});
afterAll(() => rm(folder, { recursive: true }));

function answer(turn: number): string {
  return messageLine(turn, {
    role: "assistant",
    content: [{ type: "text", text: `Answer ${turn} `.repeat(40) }],
    provider: "anthropic",
    model: "claude",
    usage: { input: 100, output: 20, cacheRead: 0, cacheWrite: 0, cost: { total: 0.001 } },
  });
}

function messageLine(turn: number, message: unknown): string {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + turn * 1_000).toISOString();
  const id = turn.toString(16).padStart(8, "0");
  return `${JSON.stringify({ type: "message", id, parentId: null, timestamp, message })}\n`;
}

function header(id: string): string {
  return `${JSON.stringify({ type: "session", version: 3, id, timestamp: "2026-01-01T00:00:00.000Z", cwd: "/" })}\n`;
}

interface Imported {
  readonly files: readonly ImportedFile[];
  readonly calls: ReadonlyMap<string, ImportedCall>;
  readonly batches: readonly number[];
}

async function importAll(paths: readonly string[], onBatch: () => Promise<void> = async () => {}): Promise<Imported> {
  const calls = new Map<string, ImportedCall>();
  const batches: number[] = [];
  const book = async (batch: readonly ImportedCall[]) => {
    await onBatch();
    batches.push(batch.length);
    const fresh = batch.filter(({ id }) => !calls.has(id));
    for (const call of fresh) calls.set(call.id, call);
    return { booked: fresh.length, known: batch.length - fresh.length };
  };
  const files: ImportedFile[] = [];
  const signal = new AbortController().signal;
  for await (const file of importUsage({ paths, agentId: "main", book, signal })) files.push(file);
  return { files, calls, batches };
}

/** What conversations look like: short words, long results of tools, now and then a picture. */
function* talk(megabytes: number): Generator<string> {
  const result = "x".repeat(12_000);
  const picture = "A".repeat(3_000_000);
  let made = 0;
  for (let turn = 0; made < megabytes * 1024 * 1024; turn += 1) {
    const lines = [
      messageLine(turn, { role: "user", content: [{ type: "text", text: `Question ${turn}` }] }),
      messageLine(turn, { role: "toolResult", content: [{ type: "text", text: turn % 300 === 0 ? picture : result }] }),
      answer(turn),
    ].join("");
    made += lines.length;
    yield lines;
  }
}

describe("importing usage", () => {
  it("X3: two hundred megabytes of transcript take less than sixty-four of memory, the store's included", async () => {
    const script = new URL("./fixtures/importing-child.ts", import.meta.url).pathname;
    // What a process gets from another as its input is a socket, which cannot be opened as a file; behind `cat` it can.
    const child = spawn("sh", ["-c", 'cat | "$0" "$1"', process.execPath, script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const said = child.stdout.setEncoding("utf8").toArray();
    const ended = once(child, "exit");
    await pipeline(Readable.from(talk(200)), child.stdin);
    await ended;
    const told = JSON.parse((await said).join("")) as Record<string, number>;
    expect(told["grownBytes"]).toBeLessThan(64 * 1024 * 1024);
    expect(told["lines"]).toBeGreaterThan(20_000);
    expect(told).toMatchObject({ calls: told["booked"], known: 0, unreadable: null });
    expect(told["costMicros"]).toBe((told["booked"] ?? 0) * 1_000);
    expect(told["booked"]).toBe(Math.ceil((told["lines"] ?? 0) / 3));
  }, 120_000);

  it("X3: takes every transcript of a folder, each answer once, and follows no link", async () => {
    const root = path.join(folder, "state");
    const sessions = path.join(root, "agents", "work", "sessions");
    await mkdir(sessions, { recursive: true });
    await writeFile(path.join(sessions, "s1.jsonl"), header("s1") + answer(1) + answer(2));
    await writeFile(path.join(sessions, "s1.jsonl.reset.2026"), header("s1") + answer(1) + answer(3));
    await writeFile(path.join(sessions, "bare.jsonl"), answer(4));
    await writeFile(path.join(sessions, "sessions.json"), '{"role":"assistant","usage":{}}');
    await symlink(root, path.join(root, "round"));
    await symlink("/dev/zero", path.join(root, "endless.jsonl"));
    const { files, calls } = await importAll([root, path.join(sessions, "s1.jsonl")]);
    const sums = files.map((one) => [path.basename(one.file), one.booked, one.known, one.unreadable]);
    expect(sums).toEqual([
      ["bare.jsonl", 1, 0, null],
      ["s1.jsonl", 2, 0, null],
      ["s1.jsonl.reset.2026", 1, 1, null],
      ["s1.jsonl", 0, 2, null],
    ]);
    expect(new Set([...calls.values()].map(({ sessionKey }) => sessionKey))).toEqual(
      new Set(["agent:work:import-bare", "agent:work:import-s1"]),
    );
    expect([...calls.values()][0]).toMatchObject({ agentId: "work", channel: "import", costMicros: 1_000 });
    await expect(importAll([path.join(root, "nothing")])).rejects.toMatchObject({ code: "SYS_003" });
  });

  it("tells of a file that it cannot read, and reads the others", async () => {
    const bad = path.join(folder, "bad");
    await mkdir(bad);
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(answer(1), "utf16le")]);
    await writeFile(path.join(bad, "1.jsonl"), utf16);
    await writeFile(path.join(bad, "2.jsonl"), Buffer.from([0x1f, 0x8b, 8, 9, 9]));
    await writeFile(path.join(bad, "3.jsonl"), Buffer.alloc(100));
    await writeFile(path.join(bad, "4.jsonl"), "");
    await writeFile(path.join(bad, "5.jsonl"), `${answer(1)}rubbish\n${answer(2).slice(0, -20)}`);
    const { files } = await importAll([bad]);
    expect(files.map(({ unreadable, booked, tally }) => [unreadable, booked, tally.broken])).toEqual([
      ["it is UTF-16, and a transcript is UTF-8", 0, 0],
      ["it is packed (gzip)", 0, 0],
      ["it is no text", 0, 0],
      [null, 0, 0],
      [null, 1, 2],
    ]);
  });

  it("reads on only when what was read is booked, and stops where booking fails", async () => {
    const file = path.join(folder, "long.jsonl");
    const turns = limits.usageImportCalls * 3 + 1;
    await writeFile(file, Array.from({ length: turns }, (_, turn) => answer(turn)).join(""));
    let open = 0;
    const { files, batches } = await importAll([file], async () => {
      open += 1;
      await new Promise((resolve) => setImmediate(resolve));
      expect(open).toBe(1);
      open -= 1;
    });
    expect(batches).toEqual([limits.usageImportCalls, limits.usageImportCalls, limits.usageImportCalls, 1]);
    expect(files[0]).toMatchObject({ booked: turns, tally: { calls: turns } });
    const refused = importAll([file], () => Promise.reject(new Error("the gateway is gone")));
    await expect(refused).rejects.toThrow("the gateway is gone");
  });
});
