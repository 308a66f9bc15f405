/** Transcripts as lines of JSON: the same bytes after a round trip, and a refusal that names the line. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import type { TranscriptDraft } from "./session-port.ts";
import { openSqliteStore } from "./sqlite/open-store.ts";
import { silentLog } from "./sqlite/fixtures/silent-log.ts";
import { exportTranscript, parseTranscript, type TranscriptHeader, type TranscriptLine } from "./transcript-jsonl.ts";

type Entry = TranscriptDraft & { readonly parentId: string | null };

const header: TranscriptHeader = { id: "0199-session", atMs: Date.UTC(2026, 1, 3, 4, 5, 6, 7), cwd: "/home/ann" };
const someEntry: Entry = {
  id: "0000000a",
  parentId: null,
  type: "message",
  atMs: header.atMs,
  body: { message: { role: "user" } },
};

const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
const types = ["message", "model_change", "custom", "compaction", "branch_summary", "label", "session_info"] as const;
const body = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 })
  .map((record) => JSON.parse(JSON.stringify(record)) as Record<string, unknown>)
  .filter((record) => !["type", "id", "parentId", "timestamp"].some((key) => Object.hasOwn(record, key)));
const entries: fc.Arbitrary<Entry[]> = fc
  .array(fc.record({ type: fc.constantFrom(...types), atMs: time, body, parent: fc.nat() }), { maxLength: 12 })
  .map((list) =>
    list.map(({ type, atMs, body: held, parent }, index) => ({
      type,
      atMs,
      body: held,
      id: idOf(index),
      // Mostly a chain, sometimes a branch, sometimes a new beginning.
      parentId: index === 0 || parent % 7 === 0 ? null : idOf(parent % 3 === 0 ? parent % index : index - 1),
    })),
  );

function idOf(index: number): string {
  return (0xabc0 + index).toString(16).padStart(8, "0");
}

async function readAll(chunks: Iterable<Uint8Array | string>): Promise<TranscriptLine[]> {
  const lines: TranscriptLine[] = [];
  for await (const line of parseTranscript(chunks)) lines.push(line);
  return lines;
}

function entriesOf(lines: readonly TranscriptLine[]): Entry[] {
  return lines.flatMap((line) => (line.kind === "entry" ? [line.entry] : []));
}

/** Pieces of any size, so that lines and characters are cut in the middle. */
function cut(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

describe("a transcript as lines", () => {
  it("looks as the format describes it", () => {
    const child: Entry = {
      id: "0000000b",
      parentId: "0000000a",
      type: "label",
      atMs: header.atMs + 1,
      body: { label: "ö" },
    };
    expect([...exportTranscript(header, [someEntry, child])]).toEqual([
      `{"type":"session","version":3,"id":"0199-session","timestamp":"2026-02-03T04:05:06.007Z","cwd":"/home/ann"}\n`,
      `{"type":"message","id":"0000000a","parentId":null,"timestamp":"2026-02-03T04:05:06.007Z","message":{"role":"user"}}\n`,
      `{"type":"label","id":"0000000b","parentId":"0000000a","timestamp":"2026-02-03T04:05:06.008Z","label":"ö"}\n`,
    ]);
  });

  it("keeps its envelope whatever the body holds", async () => {
    const sly: Entry = {
      ...someEntry,
      body: { id: "deadbeef", type: "session", parentId: "x", timestamp: 5, kept: true },
    };
    const lines = await readAll(exportTranscript(header, [sly]));
    expect(entriesOf(lines)).toEqual([{ ...someEntry, body: { kept: true } }]);
  });

  it("I3: export, import and export again give the same bytes, however the file arrives", async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 200 }), async (list, size) => {
        const text = [...exportTranscript(header, list)].join("");
        const lines = await readAll(cut(text, size));
        expect(lines[0]).toEqual({ kind: "session", header });
        expect(entriesOf(lines)).toEqual(list);
        expect([...exportTranscript(header, entriesOf(lines))].join("")).toBe(text);
      }),
    );
  });

  it("I3: the same holds through the store", async () => {
    const folder = await mkdtemp(join(tmpdir(), "store-jsonl-"));
    const store = await openSqliteStore({ file: join(folder, "store.sqlite"), log: silentLog });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        count += 1;
        const session = { ...header, id: `id-${count}` };
        const text = [...exportTranscript(session, list)].join("");
        const read = entriesOf(await readAll([text]));
        const row = { sessionKey: `key-${count}`, agentId: "main", sessionId: session.id, createdMs: session.atMs };
        await store.sessions.import(row, read);
        const stored = await store.sessions.transcript(row.sessionKey);
        expect([...exportTranscript(session, stored)].join("")).toBe(text);
      }),
      { numRuns: 60 },
    );
    await store.close();
    await rm(folder, { recursive: true });
  });

  it("takes a last line without its line feed, and line ends of another system", async () => {
    const text = [...exportTranscript(header, [someEntry])].join("");
    expect(entriesOf(await readAll([text.trimEnd()]))).toEqual([someEntry]);
    expect(entriesOf(await readAll([text.replaceAll("\n", "\r\n")]))).toEqual([someEntry]);
  });
});

describe("a transcript that is none", () => {
  const first = [...exportTranscript(header, [])].join("");
  const line = (changes: Record<string, unknown>): string =>
    `${JSON.stringify({ type: "message", id: "0000000a", parentId: null, timestamp: "2026-02-03T04:05:06.007Z", ...changes })}\n`;
  const deep = JSON.parse(`${"[".repeat(limits.jsonDepth)}${"]".repeat(limits.jsonDepth)}`) as unknown;
  const bad: readonly (readonly [string, string, number, string])[] = [
    ["nothing", "", 1, "RPC_003"],
    ["no session first", line({}), 1, "RPC_003"],
    ["another version", first.replace('"version":3', '"version":4'), 1, "RPC_003"],
    ["a header without a folder", first.replace('"cwd"', '"pwd"'), 1, "RPC_003"],
    ["a torn line", `${first}${line({})}{"type":"mess`, 3, "RPC_003"],
    ["an empty line", `${first}\n${line({})}`, 2, "RPC_003"],
    ["no object", `${first}[1]\n`, 2, "RPC_003"],
    ["a second session", `${first}${first}`, 2, "RPC_003"],
    ["an unknown type", `${first}${line({ type: "mystery" })}`, 2, "RPC_003"],
    ["an id in other digits", `${first}${line({ id: "XYZ" })}`, 2, "RPC_003"],
    ["an id twice", `${first}${line({})}${line({})}`, 3, "RPC_003"],
    ["an unknown parent", `${first}${line({ parentId: "ffffffff" })}`, 2, "RPC_003"],
    ["no parent at all", `${first}${line({ parentId: undefined })}`, 2, "RPC_003"],
    ["no time", `${first}${line({ timestamp: "soon" })}`, 2, "RPC_003"],
    ["too deep a value", `${first}${line({ deep })}`, 2, "MSG_003"],
  ];

  it.each(bad)("is refused with its line: %s", async (_, text, at, code) => {
    await expect(readAll([text])).rejects.toMatchObject({ code, details: { line: at } });
    await expect(readAll(cut(text, 7))).rejects.toMatchObject({ code, details: { line: at } });
  });

  it("is refused where it is not UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from(first), Buffer.from([0x7b, 0xff, 0xfe, 0x0a])]);
    await expect(readAll([bytes])).rejects.toMatchObject({ code: "RPC_003" });
    await expect(readAll([Buffer.from(first), Buffer.from([0xc3])])).rejects.toMatchObject({ code: "RPC_003" });
  });

  it("is refused one byte above the limit of a line, without waiting for the line's end, and taken at it", async () => {
    const empty = Buffer.byteLength(line({ text: "" })) - 1;
    const full = line({ text: "x".repeat(limits.transcriptLineBytes - empty) });
    expect(await readAll([first, full])).toHaveLength(2);
    const over = line({ text: "x".repeat(limits.transcriptLineBytes - empty + 1) });
    await expect(readAll([first, over])).rejects.toMatchObject({ code: "MSG_003", details: { line: 2 } });
    let handedOver = 0;
    const endless = function* (): Generator<string> {
      yield first;
      for (; handedOver < 100; handedOver += 1) yield "x".repeat(1024 * 1024);
    };
    await expect(readAll(endless())).rejects.toMatchObject({ code: "MSG_003" });
    expect(handedOver).toBeLessThan(20);
  });
});
