import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { getLoadablePath } from "sqlite-vec";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import { openIndex, type OpenedIndex } from "./open-index.ts";
import { SignCodes, signCode } from "./sign-codes.ts";
import { Vectors } from "./vectors.ts";

let folder: string;
let index: OpenedIndex;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-vectors-"));
  index = await openIndex(path.join(folder, "x.sqlite"), {
    extension: () => Promise.resolve(getLoadablePath()),
    onThrownAway: () => undefined,
  });
});
afterEach(async () => {
  index.db.close();
  await rm(folder, { recursive: true, force: true });
});

/** Points around a few hundred centres, as texts stand around their subjects. */
function points(count: number, dimensions: number, seed: number): Float32Array {
  const random = mulberry(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
  const centres = Array.from({ length: 300 }, () => Float32Array.from({ length: dimensions }, normal));
  const made = new Float32Array(count * dimensions);
  for (let one = 0; one < count; one += 1) {
    const centre = centres[Math.floor(random() * centres.length)] ?? new Float32Array(dimensions);
    let squares = 0;
    for (let at = 0; at < dimensions; at += 1) {
      const value = (centre[at] ?? 0) * 0.8 + normal() * 0.6;
      made[one * dimensions + at] = value;
      squares += value * value;
    }
    for (let at = 0; at < dimensions; at += 1)
      made[one * dimensions + at] = (made[one * dimensions + at] ?? 0) / Math.sqrt(squares);
  }
  return made;
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

function bruteForce(all: Float32Array, query: Float32Array, count: number, isSeen: (one: number) => boolean): number[] {
  const dimensions = query.length;
  const scores = Array.from({ length: all.length / dimensions }, (_, one) => {
    let sum = 0;
    for (let at = 0; at < dimensions; at += 1) sum += (all[one * dimensions + at] ?? 0) * (query[at] ?? 0);
    return { id: one + 1, score: sum };
  });
  return scores
    .filter(({ id }) => isSeen(id))
    .toSorted((left, right) => right.score - left.score)
    .slice(0, count)
    .map(({ id }) => id);
}

function fill(all: Float32Array, dimensions: number): Vectors {
  const { db } = index;
  const vectors = new Vectors(db);
  const chunk = db.prepare(
    "INSERT INTO chunks (id, path, start_line, end_line, audience, hash, text) VALUES (?, 'x', ?, ?, ?, ?, '')",
  );
  const hashes = Array.from({ length: all.length / dimensions }, (_, one) => `h${one + 1}`);
  db.exec("BEGIN");
  for (const [one, hash] of hashes.entries()) chunk.run(one + 1, one + 1, one + 1, one % 3, hash);
  vectors.keep({ provider: "p", model: "m", dimensions }, hashes, all);
  db.exec("COMMIT");
  return vectors;
}

function recall(vectors: Vectors, all: Float32Array, dimensions: number, audience: number): number {
  const queries = points(8, dimensions, 99);
  let found = 0;
  for (let one = 0; one < 8; one += 1) {
    const query = queries.subarray(one * dimensions, (one + 1) * dimensions);
    const exact = bruteForce(all, query, 10, (id) => (id - 1) % 3 <= audience);
    const got = new Set(
      vectors
        .search(query, audience, 40)
        .slice(0, 10)
        .map(({ id }) => id),
    );
    found += exact.filter((id) => got.has(id)).length;
  }
  return found / 80;
}

describe("vectors", () => {
  it("T2: of 10,000, the ten nearest are the ten nearest, for every audience", () => {
    const dimensions = 32;
    const all = points(10_000, dimensions, 1);
    const vectors = fill(all, dimensions);
    expect(recall(vectors, all, dimensions, 2)).toBe(1);
    expect(recall(vectors, all, dimensions, 0)).toBe(1);
  });

  it("T2: beyond the number that is compared whole, the rough look loses fewer than one in twenty", () => {
    const dimensions = 128;
    const all = points(limits.memoryExactVectors + 3_000, dimensions, 2);
    const vectors = fill(all, dimensions);
    expect(recall(vectors, all, dimensions, 2)).toBeGreaterThanOrEqual(0.95);
    expect(recall(vectors, all, dimensions, 0)).toBeGreaterThanOrEqual(0.95);
  });

  it("T2: another length than the space's finds nothing, and fails nothing", () => {
    const vectors = fill(points(10, 16, 3), 16);
    expect(vectors.search(new Float32Array(8), 2, 5)).toEqual([]);
    expect(vectors.search(new Float32Array(0), 2, 5)).toEqual([]);
  });

  it("T2: the rough picture follows what comes, goes and changes its audience", () => {
    const dimensions = 64;
    const all = points(3_000, dimensions, 4);
    const codes = new SignCodes(dimensions);
    const of = (one: number): Float32Array => all.subarray(one * dimensions, (one + 1) * dimensions);
    const kept = new Map<number, number>();
    const ids = seededIds(5);
    for (let step = 0; step < 6_000; step += 1) {
      const one = Math.floor(ids.random() * 3_000);
      if (ids.random() < 0.3) {
        codes.delete(one);
        kept.delete(one);
      } else {
        const audience = Math.floor(ids.random() * 3);
        codes.set({ id: one, audience, ...signCode(of(one)) });
        kept.set(one, audience);
      }
    }
    expect(codes.size).toBe(kept.size);
    const seen = codes.nearest(of(7), 1, 10_000);
    expect(new Set(seen)).toEqual(new Set([...kept].flatMap(([id, audience]) => (audience <= 1 ? [id] : []))));
    expect(seen).toHaveLength(new Set(seen).size);
    for (const [one, audience] of [...kept].slice(0, 50)) expect(codes.nearest(of(one), audience, 5)).toContain(one);
  });
});
