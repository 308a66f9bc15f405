import { mkdtemp, rm, mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { getLoadablePath } from "sqlite-vec";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { audience } from "../notes/sections.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { AgentIndex } from "./agent-index.ts";
import { openIndex, type OpenedIndex } from "./open-index.ts";

let folder: string;
let workspace: string;
const opened: OpenedIndex[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-index-"));
  workspace = path.join(folder, "workspace");
  await mkdir(path.join(workspace, "memory"), { recursive: true });
});
afterEach(async () => {
  for (const { db } of opened.splice(0)) if (db.isOpen) db.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  extension = () => Promise.resolve(getLoadablePath()),
): Promise<{ index: AgentIndex } & OpenedIndex> {
  const file = path.join(folder, "main.sqlite");
  const made = await openIndex(file, { extension, onThrownAway: () => undefined });
  opened.push(made);
  const clock = new FakeClock(4_000_000_000_000);
  return { ...made, index: new AgentIndex({ agentId: "main", file, workspace }, made, clock) };
}

const question = { vector: null, audience: audience.direct, limit: 5 };
const look = { all: false, nowMs: 1 };

describe("an index", () => {
  it("T5: on a machine without the extension has its words, asks for no vectors, and says why", async () => {
    await writeFile(path.join(workspace, "MEMORY.md"), "Ada likes tea");
    const { index } = await open(() => Promise.reject(new Error("no such platform")));
    await index.look(look);
    const vector = new Float32Array([1, 0]);
    expect(index.search({ ...question, vector, query: "tea" }).map(({ score }) => score)).toEqual([1]);
    expect(index.pending({ provider: "p", model: "m", after: 0, limit: 9, maxBytes: 9_999 })).toMatchObject({
      texts: [],
    });
    expect(index.state().withoutVectors).toContain("no such platform");
  });

  it("T7: on a full disk stands still, answers from what it has, and goes on when there is room", async () => {
    await writeFile(path.join(workspace, "memory/a.md"), "the needle");
    const { index, db } = await open();
    await index.look(look);
    const pages = Number(db.prepare("PRAGMA page_count").get()?.["page_count"]);
    db.exec(`PRAGMA max_page_count = ${pages}`);
    const words = Array.from({ length: 9_000 }, (_, at) => `w${at.toString(36)}`).join("\n");
    await writeFile(path.join(workspace, "memory/b.md"), words);
    await expect(index.look(look)).rejects.toMatchObject({ code: "STORE_002" });
    expect(index.search({ ...question, query: "needle" })).toHaveLength(1);
    expect(index.search({ ...question, query: "w6xx" })).toEqual([]);
    db.exec("PRAGMA max_page_count = 1000000");
    await index.look(look);
    expect(index.search({ ...question, query: "w6xx" })).toHaveLength(1);
  });

  it("T7: has the extension closed behind itself: nothing can be loaded later", async () => {
    const { db } = await open();
    expect(() => db.loadExtension(getLoadablePath())).toThrow(/not allowed|disabled/);
    expect(() => db.prepare("SELECT load_extension(?)").get(getLoadablePath())).toThrow(
      /not authorized|not allowed|disabled|no such function/,
    );
  });

  it("T7: a word that stands everywhere is left out of a large memory's search, unless nothing else is asked", async () => {
    const notes = Array.from({ length: 6_000 }, (_, at) => `# n\nthe note ${at}`);
    await writeFile(path.join(workspace, "memory/a.md"), notes.join("\n"));
    const { index } = await open();
    await index.look(look);
    expect(index.search({ ...question, query: "the 4711" }).map(({ text }) => text)).toEqual(["# n\nthe note 4711"]);
    expect(index.search({ ...question, query: "the" })).toHaveLength(5);
    expect(index.search({ ...question, query: "the nowhere" })).toHaveLength(5);
  });
});
