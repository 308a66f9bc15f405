/**
 * What the memory costs on this machine: searches over 100,000 pieces, and how many of the nearest the vectors' side finds at
 * 10,000 and 100,000, and with `--million` at 1,000,000. `node bench/memory.ts [--million]`; everything is seeded.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { getLoadablePath } from "sqlite-vec";
import { defaultConfig } from "../src/config/default-config.ts";
import type { Config } from "../src/config/schema/root.ts";
import { createMemory } from "../src/memory/create-memory.ts";
import { openIndex } from "../src/memory/index/open-index.ts";
import { SignCodes, signCode } from "../src/memory/index/sign-codes.ts";
import { roughCount, Vectors } from "../src/memory/index/vectors.ts";
import { systemClock } from "../src/platform/clock.ts";
import { silentLog } from "../src/platform/log.ts";
import { seededIds } from "../src/platform/seeded-ids.ts";

const dimensions = 768;
const folder = mkdtempSync(join(tmpdir(), "bench-memory-"));
try {
  await wholeSearch(100_000);
  await recallOf(10_000, dimensions);
  await recallOf(100_000, 384);
  if (process.argv.includes("--million")) {
    roughMillion(1_000_000, 256);
    roughMillion(1_000_000, 768);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Through the contract: worker thread, files, words, vectors. The embedding server answers at once. */
async function wholeSearch(pieces: number): Promise<void> {
  const random = mulberry(1);
  const vocabulary = Array.from({ length: 20_000 }, (_, index) => `word${index.toString(36)}`);
  // Few words are common and many are rare, as in a language.
  const word = (): string => vocabulary[Math.floor(vocabulary.length * random() ** 3)] ?? "word";
  const workspace = join(folder, "workspace");
  mkdirSync(join(workspace, "memory"), { recursive: true });
  const perFile = 500;
  for (let file = 0; file < pieces / perFile; file += 1) {
    const notes = Array.from(
      { length: perFile },
      () => `# note\n\nthe ${Array.from({ length: 40 }, word).join(" ")}\n`,
    );
    writeFileSync(join(workspace, "memory", `${file}.md`), notes.join("\n"));
  }
  const config = structuredClone(defaultConfig()) as Config;
  config.agents.defaults.workspace = workspace;
  const memory = createMemory({
    stateDir: folder,
    config: () => config,
    embeddings: {
      wanted: () => ({ provider: "bench", model: "words" }),
      open: (model) => ({
        ...model,
        api: "ollama",
        paid: (_call, ask) => ask(),
        url: "http://bench",
        headers: () => Promise.resolve({}),
        fetch: (_url, init) => {
          const { input } = JSON.parse(init?.body as string) as { input: string[] };
          return Promise.resolve(Response.json({ embeddings: input.map((text) => textVector(text)) }));
        },
      }),
    },
    clock: systemClock(),
    ids: seededIds(1),
    log: silentLog(),
  });
  const viewer = { agentId: "main", sessionKey: "agent:main:main", isGroup: false };
  let started = performance.now();
  await memory.search("first", viewer);
  console.log(`first look at ${pieces} pieces: ${seconds(started)}`);
  started = performance.now();
  const state = await memory.index("main");
  console.log(`vectors of ${state.embedded} of ${state.chunks} pieces (${dimensions} numbers): ${seconds(started)}`);
  for (const [name, isGroup, make] of [
    ["three rare words", false, () => `${word()} ${word()} ${word()}`],
    [
      "a sentence with common words",
      false,
      () => `the ${vocabulary[0]} ${vocabulary[1]} of ${word()} and note ${word()}`,
    ],
    ["only the most common word", false, () => "the"],
    ["in a group that may see nothing", true, () => `the ${word()} ${word()}`],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const query = make();
      const begun = performance.now();
      await memory.search(query, { ...viewer, isGroup });
      times.push(performance.now() - begun);
    }
    report(`search ${pieces} pieces, ${name}`, times.slice(5));
  }
  await memory.close();
}

async function recallOf(count: number, size: number): Promise<void> {
  const all = points(count, size, 2);
  const queries = points(40, size, 3);
  const { db } = await openIndex(join(folder, `recall-${count}.sqlite`), {
    extension: () => Promise.resolve(getLoadablePath()),
    onThrownAway: () => undefined,
  });
  const vectors = new Vectors(db);
  const hashes = Array.from({ length: count }, (_, one) => `h${one + 1}`);
  const insert = db.prepare(
    "INSERT INTO chunks (id, path, start_line, end_line, audience, hash, text) VALUES (?, 'x', ?, ?, 0, ?, '')",
  );
  db.exec("BEGIN");
  for (const [one, hash] of hashes.entries()) insert.run(one + 1, one, one, hash);
  vectors.keep({ provider: "p", model: "m", dimensions: size }, hashes, all);
  db.exec("COMMIT");
  const times: number[] = [];
  let found = 0;
  for (let one = 0; one < 40; one += 1) {
    const query = queries.subarray(one * size, (one + 1) * size);
    const exact = nearest(all, query, 10);
    const begun = performance.now();
    const got = new Set(
      vectors
        .search(query, 0, 40)
        .slice(0, 10)
        .map(({ id }) => id - 1),
    );
    times.push(performance.now() - begun);
    found += exact.filter((id) => got.has(id)).length;
  }
  db.close();
  report(`vectors alone, ${count} of ${size} numbers, recall@10 ${(found / 400).toFixed(3)}`, times.slice(3));
}

/** The rough look alone: the exact look at those that it chooses loses none of them. Whole vectors are not kept. */
function roughMillion(count: number, size: number): void {
  const codes = new SignCodes(size);
  const queries = points(20, size, 5);
  const best = Array.from({ length: 20 }, () => [] as { id: number; score: number }[]);
  const random = mulberry(4);
  const centres = centresOf(random, size);
  const one = new Float32Array(size);
  for (let id = 0; id < count; id += 1) {
    point(one, { random, centres });
    codes.set({ id, audience: 0, ...signCode(one) });
    for (const [index, list] of best.entries()) {
      let score = 0;
      const base = index * size;
      for (let at = 0; at < size; at += 1) score += (one[at] ?? 0) * (queries[base + at] ?? 0);
      if (list.length < 10 || score > (list[9]?.score ?? 0)) {
        list.push({ id, score });
        list.sort((left, right) => right.score - left.score);
        list.length = Math.min(list.length, 10);
      }
    }
  }
  const times: number[] = [];
  let found = 0;
  for (const [index, list] of best.entries()) {
    const begun = performance.now();
    const got = new Set(codes.nearest(queries.subarray(index * size, (index + 1) * size), 0, roughCount(count)));
    times.push(performance.now() - begun);
    found += list.filter(({ id }) => got.has(id)).length;
  }
  report(`the rough look, ${count} of ${size} numbers, recall@10 ${(found / 200).toFixed(3)}`, times);
}

function points(count: number, size: number, seed: number): Float32Array {
  const random = mulberry(seed);
  const centres = centresOf(mulberry(77), size);
  const made = new Float32Array(count * size);
  for (let one = 0; one < count; one += 1) point(made.subarray(one * size, (one + 1) * size), { random, centres });
  return made;
}

/** Texts stand around their subjects: a thousand of them. */
function centresOf(random: () => number, size: number): readonly Float32Array[] {
  return Array.from({ length: 1_000 }, () => Float32Array.from({ length: size }, () => normal(random)));
}

function point(into: Float32Array, from: { random: () => number; centres: readonly Float32Array[] }): void {
  const centre = from.centres[Math.floor(from.random() * from.centres.length)] ?? new Float32Array(0);
  let squares = 0;
  for (let at = 0; at < into.length; at += 1) {
    const value = (centre[at] ?? 0) * 0.8 + normal(from.random) * 0.6;
    into[at] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  for (let at = 0; at < into.length; at += 1) into[at] = (into[at] ?? 0) / length;
}

function nearest(all: Float32Array, query: Float32Array, count: number): number[] {
  const scores = new Float32Array(all.length / query.length);
  for (let one = 0, at = 0; one < scores.length; one += 1) {
    let sum = 0;
    for (let place = 0; place < query.length; place += 1, at += 1) sum += (all[at] ?? 0) * (query[place] ?? 0);
    scores[one] = sum;
  }
  return [...scores.keys()].sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0)).slice(0, count);
}

/** Each word has a direction; a text is their sum. */
function textVector(text: string): number[] {
  const sum = new Float32Array(dimensions);
  for (const word of text.split(" ").slice(0, 12)) {
    let seed = 7;
    for (const unit of word) seed = Math.imul(seed ^ unit.charCodeAt(0), 16_777_619);
    for (let at = 0; at < dimensions; at += 1) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      sum[at] = (sum[at] ?? 0) + seed / 2 ** 32;
    }
  }
  return Array.from(sum, (value) => Math.round(value * 100) / 100);
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

function report(name: string, times: readonly number[]): void {
  const sorted = [...times].sort((left, right) => left - right);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  console.log(`${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`);
}

function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
}
