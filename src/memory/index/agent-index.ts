/**
 * The index of one agent over its files: looks at them, keeps pieces, words and vectors in step, and answers. Whatever
 * changes a file's pieces is one transaction, so that a question meanwhile finds the old ones or the new.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { audienceOf, chunksOf, isOf, type Chunk } from "../notes/chunk.ts";
import { listMemoryFiles, readMemoryFile, textOf, type FoundFile } from "../notes/memory-files.ts";
import { sectionsOf } from "../notes/sections.ts";
import type { Calls, FoundChunk, IndexState, LookResult, Place } from "./calls.ts";
import { forgetLines, type Forgotten } from "./forget.ts";
import { byScore, mergeScores } from "./merge.ts";
import { isFull, type OpenedIndex } from "./open-index.ts";
import { Vectors } from "./vectors.ts";
import { searchWords, spacedText, termsOf } from "./words.ts";

type Args<Name extends keyof Calls> = Omit<Calls[Name]["args"], "place">;

export class AgentIndex {
  readonly place: Place;
  readonly #db: DatabaseSync;
  readonly #withoutVectors: string | null;
  readonly #vectors: Vectors;
  readonly #clock: Clock;
  #troubles: readonly string[] = [];
  /** Looks and removals, one after the other: a look must not bring back what is being removed. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(place: Place, { db, withoutVectors }: OpenedIndex, clock: Clock) {
    this.place = place;
    this.#db = db;
    this.#withoutVectors = withoutVectors;
    this.#vectors = new Vectors(db);
    this.#clock = clock;
  }

  /** Reads what changed since the last look; `all`: everything. Between two files others may ask. */
  look({ all, nowMs }: Args<"look">): Promise<LookResult> {
    return this.#inTurn(() => this.#look(all, nowMs));
  }

  search({ query, vector, audience, limit }: Args<"search">): readonly FoundChunk[] {
    const wanted = limit * limits.memoryCandidates;
    const words = searchWords(this.#db, termsOf(query), audience, wanted);
    const isComparable = vector !== null && this.#withoutVectors === null;
    const near = isComparable ? this.#vectors.search(vector, audience, wanted) : [];
    const scores = mergeScores(near.length > 0 ? near : null, words);
    const row = this.#db.prepare("SELECT * FROM chunks WHERE id = ?");
    return [...scores]
      .flatMap(([id, score]) => {
        const found = row.get(id);
        return found === undefined || score <= 0 ? [] : [{ id, score, ...foundChunk(found) }];
      })
      .toSorted(byScore)
      .slice(0, limit)
      .map(({ id: _id, ...chunk }) => chunk);
  }

  /** Null where no file of the memory has this name. */
  async read({ path, audience, from, count }: Args<"read">): Promise<Calls["read"]["result"]> {
    if (!this.#knows(path)) return null;
    const bytes = await readMemoryFile(this.place.workspace, path);
    if (bytes === null) return null;
    const foreign = new Set<string>();
    const shown: string[] = [];
    for (const section of sectionsOf(textOf(bytes))) {
      if (!isOf(section, this.place.agentId) || audienceOf(section, path) > audience) continue;
      for (const [index, line] of section.lines.entries()) {
        const number = section.startLine + index;
        if (number < from || number >= from + count) continue;
        shown.push(line);
        if (section.foreign !== null) foreign.add(section.foreign);
      }
    }
    return { text: shown.join("\n"), foreign: [...foreign] };
  }

  forget(args: Args<"forget">): Promise<Calls["forget"]["result"]> {
    return this.#inTurn(async () => {
      if (!this.#knows(args.path)) return { outcome: "unknown" };
      const forgotten: Forgotten = await forgetLines(this.place, args);
      if (forgotten.outcome !== "gone") return forgotten;
      const pieces = this.#transaction(() => {
        const gone = this.#replace(args.path, forgotten.text);
        // Also of what was there before: a vector tells much of its text.
        this.#vectors.purgeOrphans(Number.MAX_SAFE_INTEGER);
        this.#forgetStamp(args.path);
        return gone;
      });
      this.#db.exec("INSERT INTO words (words) VALUES ('optimize')");
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      return { outcome: "gone", pieces };
    });
  }

  state(): IndexState {
    const count = (table: "files" | "chunks"): number =>
      Number(this.#db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"] ?? 0);
    const indexed = this.#db.prepare("SELECT value FROM facts WHERE name = 'indexed'").get();
    return {
      files: count("files"),
      chunks: count("chunks"),
      embedded: this.#vectors.embedded(),
      ...this.spaces(),
      troubles: this.#troubles,
      lastIndexedMs: indexed === undefined ? null : Number(indexed["value"]),
    };
  }

  spaces(): Calls["spaces"]["result"] {
    return {
      active: this.#vectors.space("active"),
      building: this.#vectors.space("building"),
      withoutVectors: this.#withoutVectors,
    };
  }

  pending({ provider, model, limit, maxBytes }: Args<"pending">): Calls["pending"]["result"] {
    if (this.#withoutVectors !== null) return { texts: [], left: 0, dimensions: null };
    return this.#transaction(() => {
      this.#vectors.abandonUnless({ provider, model });
      this.#vectors.swapIfWhole();
      return this.#vectors.pending({ provider, model }, limit, maxBytes);
    });
  }

  keep({ space, hashes, vectors }: Args<"keep">): "kept" | "moved" {
    return this.#transaction(() => {
      const outcome = this.#vectors.keep(space, hashes, vectors);
      this.#vectors.swapIfWhole();
      return outcome;
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  async #look(all: boolean, nowMs: number): Promise<LookResult> {
    const { files, troubles } = await listMemoryFiles(this.place.workspace);
    const found = [...troubles];
    const seen = new Set<string>();
    let changed = 0;
    for (const file of files) {
      try {
        const outcome = await this.#lookAt(file, all);
        if (outcome !== "gone") seen.add(file.path);
        if (outcome === "changed") changed += 1;
      } catch (thrown) {
        if (isFull(thrown)) throw new AppError("STORE_002", "The disk is full: the index of the memory stands still.");
        if (!(thrown instanceof AppError)) throw thrown;
        found.push(thrown.message);
      }
    }
    const known = this.#db.prepare("SELECT path FROM files").all();
    const gone = known.map(({ path }) => String(path)).filter((path) => !seen.has(path));
    this.#transaction(() => {
      for (const path of gone) this.#remove(path, nowMs);
      this.#vectors.purgeOrphans(nowMs - limits.memoryOrphanMs);
      // Made from the pieces: what a failure may have left wrong in it is right again.
      if (all) this.#db.exec("INSERT INTO words (words) VALUES ('rebuild')");
      this.#db.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES ('indexed', ?)").run(String(nowMs));
    });
    this.#troubles = found;
    const { files: fileCount, chunks } = this.state();
    return { files: fileCount, chunks, changed: changed + gone.length, troubles: found };
  }

  async #lookAt({ path, mtimeMs, sizeBytes }: FoundFile, all: boolean): Promise<"same" | "changed" | "gone"> {
    const known = this.#db.prepare("SELECT mtime, size, hash FROM files WHERE path = ?").get(path);
    if (!all && known !== undefined && Number(known["mtime"]) === mtimeMs && Number(known["size"]) === sizeBytes) {
      return "same";
    }
    const bytes = await readMemoryFile(this.place.workspace, path);
    if (bytes === null) return "gone";
    // A file that changed a moment ago may change again without another time or size: it is read once more.
    const stamp = mtimeMs > this.#clock.nowMs() - settledMs ? 0 : mtimeMs;
    const text = textOf(bytes);
    const hash = digest(text);
    const isChanged = known === undefined || known["hash"] !== hash;
    this.#transaction(() => {
      if (isChanged || all) this.#replace(path, text);
      this.#db
        .prepare("INSERT OR REPLACE INTO files (path, mtime, size, hash) VALUES (?, ?, ?, ?)")
        .run(path, stamp, sizeBytes, hash);
    });
    return isChanged ? "changed" : "same";
  }

  /** What did not change keeps its row and its vector. Returns how many pieces went. */
  #replace(path: string, text: string): number {
    const made = chunksOf(path, text, this.place.agentId).map((chunk) => ({ chunk, hash: hashOf(chunk) }));
    const old = new Map<string, number[]>();
    for (const { id, hash } of this.#db.prepare("SELECT id, hash FROM chunks WHERE path = ? ORDER BY id").all(path)) {
      old.set(String(hash), [...(old.get(String(hash)) ?? []), Number(id)]);
    }
    const move = this.#db.prepare("UPDATE chunks SET start_line = ?, end_line = ? WHERE id = ?");
    const touched = new Set<string>();
    for (const { chunk, hash } of made) {
      const id = old.get(hash)?.shift();
      if (id !== undefined) move.run(chunk.startLine, chunk.endLine, id);
      else {
        this.#insert(path, chunk, hash);
        touched.add(hash);
      }
    }
    const gone = [...old.values()].flat();
    for (const id of gone) touched.add(this.#delete(id));
    this.#vectors.follow(touched, this.#clock.nowMs());
    return gone.length;
  }

  #insert(path: string, chunk: Chunk, hash: string): void {
    const spaced = spacedText(chunk.text);
    const { startLine, endLine, audience, foreign, text } = chunk;
    const { id } = this.#db
      .prepare(
        `INSERT INTO chunks (path, start_line, end_line, audience, hash, foreign_source, spaced, text)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      )
      .get(path, startLine, endLine, audience, hash, foreign, spaced, text) as { id: number };
    this.#db.prepare("INSERT INTO words (rowid, text) VALUES (?, ?)").run(id, spaced ?? text);
  }

  /** Returns its hash. */
  #delete(id: number): string {
    const row = this.#db.prepare("SELECT hash, coalesce(spaced, text) AS words FROM chunks WHERE id = ?").get(id);
    this.#db
      .prepare("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)")
      .run(id, String(row?.["words"] ?? ""));
    this.#db.prepare("DELETE FROM chunks WHERE id = ?").run(id);
    return String(row?.["hash"] ?? "");
  }

  #remove(path: string, nowMs: number): void {
    const ids = this.#db.prepare("SELECT id FROM chunks WHERE path = ?").all(path);
    const hashes = new Set(ids.map(({ id }) => this.#delete(Number(id))));
    this.#db.prepare("DELETE FROM files WHERE path = ?").run(path);
    this.#vectors.follow(hashes, nowMs);
  }

  #knows(path: string): boolean {
    return this.#db.prepare("SELECT 1 FROM files WHERE path = ?").get(path) !== undefined;
  }

  /** The next look reads it anew. */
  #forgetStamp(path: string): void {
    this.#db.prepare("UPDATE files SET mtime = 0, hash = '' WHERE path = ?").run(path);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => "whoever asked was told");
    return done;
  }

  #transaction<Result>(work: () => Result): Result {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (thrown) {
      // A full disk has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#vectors.rolledBack();
      throw thrown;
    }
  }
}

/** Clocks of file systems count in steps of up to two seconds. */
const settledMs = 2_000;

function hashOf({ audience, foreign, text }: Chunk): string {
  return digest(JSON.stringify([audience, foreign, text]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function foundChunk(row: Record<string, unknown>): Omit<FoundChunk, "score"> {
  const foreign = row["foreign_source"];
  return {
    path: String(row["path"]),
    startLine: Number(row["start_line"]),
    endLine: Number(row["end_line"]),
    text: String(row["text"]),
    foreign: typeof foreign === "string" ? foreign : null,
  };
}
