/**
 * The vectors' side of an index: spaces of models, the vectors of every text by its hash, and the search among them. Up to
 * some thousand every vector is compared; beyond, a rough picture in memory chooses those that are.
 */
import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Space } from "./calls.ts";
import type { Candidate } from "./merge.ts";
import { SignCodes, signCode } from "./sign-codes.ts";

interface SpaceRow extends Space {
  readonly id: number;
  readonly state: "active" | "building";
}

export interface PendingPage {
  /** 0 for the beginning. */
  readonly after: number;
  readonly limit: number;
  readonly maxBytes: number;
}

/** An audience that nobody belongs to: of vectors whose text is gone. */
const nobody = 200;

/** Of so many, how many a rough look chooses, so that the best ten are among them. */
export function roughCount(vectors: number): number {
  return Math.max(limits.memoryRoughVectors, Math.ceil(vectors / limits.memoryRoughShare));
}

export class Vectors {
  readonly #db: DatabaseSync;
  /** Of the active space, read when it is first needed. */
  #codes: { readonly space: number; readonly codes: SignCodes } | null = null;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  space(state: SpaceRow["state"]): SpaceRow | null {
    const row = this.#db.prepare("SELECT * FROM spaces WHERE state = ?").get(state);
    if (row === undefined) return null;
    const { id, provider, model, dimensions } = row;
    return {
      id: Number(id),
      provider: String(provider),
      model: String(model),
      dimensions: Number(dimensions),
      state,
    };
  }

  /** How many chunks have a vector of the active space. */
  embedded(): number {
    const active = this.space("active");
    if (active === null) return 0;
    const counted = this.#db.prepare(
      "SELECT count(*) AS n FROM chunks JOIN codes ON codes.space = ? AND codes.hash = chunks.hash",
    );
    return Number(counted.get(active.id)?.["n"] ?? 0);
  }

  /**
   * Texts without a vector of this model's space, each hash once, of chunks behind the id `after`; `last` is the id to go on
   * behind. Going on is what keeps a large memory from being read from its beginning for every batch.
   */
  pending(wanted: Pick<Space, "provider" | "model">, { after, limit, maxBytes }: PendingPage) {
    const space = this.#of(wanted);
    const rows = this.#db.prepare(
      `SELECT id, hash, text FROM chunks WHERE id > ?
       AND NOT EXISTS (SELECT 1 FROM codes WHERE codes.space = ? AND codes.hash = chunks.hash) ORDER BY id LIMIT ?`,
    );
    const texts = new Map<string, string>();
    let bytes = 0;
    let last = after;
    for (const row of rows.iterate(after, space?.id ?? -1, limit)) {
      const [hash, text] = [String(row["hash"]), String(row["text"])];
      if (!texts.has(hash)) bytes += Buffer.byteLength(text);
      if (texts.size > 0 && bytes > maxBytes) break;
      texts.set(hash, text);
      last = Number(row["id"]);
    }
    return {
      texts: [...texts].map(([hash, text]) => ({ hash, text })),
      last,
      dimensions: space?.dimensions ?? null,
    };
  }

  /**
   * Keeps vectors of length 1, one after the other in `values`, by the hashes of their texts; what is no longer in the
   * memory is left out. Call it within a transaction. `moved`: they are of another length than those before; a new space
   * begins, and every other text waits for a vector in it.
   */
  keep(space: Space, hashes: readonly string[], values: Float32Array): "kept" | "moved" {
    const known = this.#of(space);
    const isMoved = known !== null && known.dimensions !== space.dimensions;
    const id = known === null || isMoved ? this.#begin(space) : known.id;
    const audienceOf = this.#db.prepare("SELECT min(audience) AS audience FROM chunks WHERE hash = ?");
    const code = this.#db.prepare(
      "INSERT INTO codes (space, hash, audience, factor, code) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
    );
    const vector = this.#db.prepare("INSERT OR REPLACE INTO vectors (id, vector) VALUES (?, ?)");
    for (const [index, hash] of hashes.entries()) {
      const audience = audienceOf.get(hash)?.["audience"];
      if (audience === null || audience === undefined) continue;
      const one = values.subarray(index * space.dimensions, (index + 1) * space.dimensions);
      const signs = signCode(one);
      const made = code.get(id, hash, audience, signs.factor, signs.code);
      if (made === undefined) continue;
      vector.run(Number(made["id"]), bytesOf(one));
      this.#held(id)?.set({ id: Number(made["id"]), audience: Number(audience), ...signs });
    }
    return isMoved ? "moved" : "kept";
  }

  /** Somebody chose another model while this one's space was being made. Call it within a transaction. */
  abandonUnless({ provider, model }: Pick<Space, "provider" | "model">): void {
    const building = this.space("building");
    if (building !== null && (building.provider !== provider || building.model !== model)) this.#drop(building.id);
  }

  /** Nothing waits for the space that is being made: it takes the place of the old one. Call it within a transaction. */
  swap(): void {
    const building = this.space("building");
    if (building === null) return;
    const old = this.space("active");
    if (old !== null) this.#drop(old.id);
    this.#db.prepare("UPDATE spaces SET state = 'active' WHERE id = ?").run(building.id);
  }

  /** Best first; `score` is the cosine. Empty where there is no active space or the length is another one. */
  search(query: Float32Array, audience: number, count: number): readonly Candidate[] {
    const active = this.space("active");
    if (active === null || query.length !== active.dimensions) return [];
    const codes = this.#load(active);
    const rows =
      codes.size <= limits.memoryExactVectors
        ? this.#db
            .prepare(
              `SELECT codes.hash, vec_distance_l2(vectors.vector, ?) AS distance
               FROM codes CROSS JOIN vectors ON vectors.id = codes.id
               WHERE codes.space = ? AND codes.audience <= ? ORDER BY distance, codes.id LIMIT ?`,
            )
            .all(bytesOf(query), active.id, audience, count)
        : this.#db
            .prepare(
              `SELECT (SELECT hash FROM codes WHERE codes.id = best.id) AS hash, distance FROM (
                 SELECT vectors.id, vec_distance_l2(vectors.vector, ?) AS distance
                 FROM json_each(?) AS chosen CROSS JOIN vectors ON vectors.id = chosen.value
                 ORDER BY distance, vectors.id LIMIT ?
               ) AS best ORDER BY distance, best.id`,
            )
            .all(bytesOf(query), JSON.stringify(codes.nearest(query, audience, roughCount(codes.size))), count);
    return this.#chunksOf(rows, count);
  }

  /** Texts that came or went: their vectors are shown or hidden. Call it within the transaction that changes `chunks`. */
  follow(hashes: ReadonlySet<string>, nowMs: number): void {
    const rows = this.#db.prepare("SELECT id, space, factor, code FROM codes WHERE hash = ?");
    const audienceOf = this.#db.prepare("SELECT min(audience) AS audience FROM chunks WHERE hash = ?");
    const update = this.#db.prepare("UPDATE codes SET audience = ?, orphaned_ms = ? WHERE id = ?");
    for (const hash of hashes) {
      const found = audienceOf.get(hash)?.["audience"] ?? null;
      const audience = found === null ? nobody : Number(found);
      for (const row of rows.all(hash)) {
        update.run(audience, found === null ? nowMs : null, Number(row["id"]));
        this.#held(Number(row["space"]))?.set(codeRow(row, audience));
      }
    }
  }

  /** Removes vectors whose text went before `beforeMs`. Call it within a transaction. */
  purgeOrphans(beforeMs: number): void {
    const rows = this.#db.prepare("SELECT id, space FROM codes WHERE orphaned_ms <= ?").all(beforeMs);
    const [code, vector] = [
      this.#db.prepare("DELETE FROM codes WHERE id = ?"),
      this.#db.prepare("DELETE FROM vectors WHERE id = ?"),
    ];
    for (const row of rows) {
      const id = Number(row["id"]);
      code.run(id);
      vector.run(id);
      this.#held(Number(row["space"]))?.delete(id);
    }
  }

  /** What is in memory may be wrong after a transaction that failed. */
  rolledBack(): void {
    this.#codes = null;
  }

  #of({ provider, model }: Pick<Space, "provider" | "model">): SpaceRow | null {
    const isIt = (space: SpaceRow | null): boolean => space?.provider === provider && space.model === model;
    const [building, active] = [this.space("building"), this.space("active")];
    if (isIt(building)) return building;
    return isIt(active) ? active : null;
  }

  /** The very first space is used from its first vector on: there is nothing that it could be worse than. */
  #begin({ provider, model, dimensions }: Space): number {
    if (dimensions < 1 || dimensions > limits.embeddingDimensions) {
      throw new AppError("MODEL_005", `A vector of ${dimensions} numbers is none.`);
    }
    const unfinished = this.space("building");
    if (unfinished !== null) this.#drop(unfinished.id);
    const state = this.space("active") === null ? "active" : "building";
    const made = this.#db
      .prepare("INSERT INTO spaces (provider, model, dimensions, state) VALUES (?, ?, ?, ?) RETURNING id")
      .get(provider, model, dimensions, state);
    return Number(made?.["id"]);
  }

  #drop(id: number): void {
    this.#db.prepare("DELETE FROM vectors WHERE id IN (SELECT id FROM codes WHERE space = ?)").run(id);
    this.#db.prepare("DELETE FROM codes WHERE space = ?").run(id);
    this.#db.prepare("DELETE FROM spaces WHERE id = ?").run(id);
    if (this.#codes?.space === id) this.#codes = null;
  }

  #held(space: number): SignCodes | null {
    return this.#codes?.space === space ? this.#codes.codes : null;
  }

  #load(active: SpaceRow): SignCodes {
    const held = this.#held(active.id);
    if (held !== null) return held;
    const codes = new SignCodes(active.dimensions);
    const rows = this.#db.prepare("SELECT id, audience, factor, code FROM codes WHERE space = ?").iterate(active.id);
    for (const row of rows) codes.set(codeRow(row, Number(row["audience"])));
    this.#codes = { space: active.id, codes };
    return codes;
  }

  #chunksOf(rows: readonly Record<string, unknown>[], count: number): readonly Candidate[] {
    const chunks = this.#db.prepare("SELECT id FROM chunks WHERE hash = ? ORDER BY path, start_line, id");
    return rows
      .flatMap(({ hash, distance }) => {
        // Of two vectors of length 1, the cosine follows from the distance.
        const score = 1 - Number(distance) ** 2 / 2;
        return chunks.all(String(hash)).map(({ id }) => ({ id: Number(id), score }));
      })
      .slice(0, count);
  }
}

function codeRow(row: Record<string, unknown>, audience: number) {
  return { id: Number(row["id"]), audience, factor: Number(row["factor"]), code: row["code"] as Uint8Array };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
