/** Idempotency keys: who came first does the work, everybody else gets its result. */
import { limits } from "../../../domain/limits.ts";
import type { Database } from "../database.ts";

export interface KeyArgs {
  readonly principalId: string;
  readonly method: string;
  readonly key: string;
}

export interface BeginRecord {
  readonly outcome: "new" | "known" | "conflict";
  /** JSON, or null while under way. */
  readonly result: string | null;
}

export function beginKey(db: Database, args: KeyArgs & { contentHash: string; atMs: number }): BeginRecord {
  const changes = db.run(
    `INSERT INTO idempotency (principal_id, method, key, content_hash, result, at_ms) VALUES (?, ?, ?, ?, NULL, ?)
     ON CONFLICT DO UPDATE SET content_hash = excluded.content_hash, result = NULL, at_ms = excluded.at_ms
     WHERE at_ms < excluded.at_ms - ${limits.idempotencyTtlMs}`,
    args.principalId,
    args.method,
    args.key,
    args.contentHash,
    args.atMs,
  );
  if (changes === 1) return { outcome: "new", result: null };
  const row = db.get<{ content_hash: string; result: string | null }>(
    `SELECT content_hash, result FROM idempotency WHERE principal_id = ? AND method = ? AND key = ?`,
    args.principalId,
    args.method,
    args.key,
  );
  if (row?.content_hash !== args.contentHash) return { outcome: "conflict", result: null };
  return { outcome: "known", result: row.result };
}

export function completeKey(db: Database, args: KeyArgs & { result: string; atMs: number }): null {
  // A key that was pruned or given back meanwhile has nothing to complete.
  db.run(
    `UPDATE idempotency SET result = ? WHERE principal_id = ? AND method = ? AND key = ?`,
    args.result,
    args.principalId,
    args.method,
    args.key,
  );
  return null;
}

export function releaseKey(db: Database, args: KeyArgs): null {
  db.run(
    `DELETE FROM idempotency WHERE principal_id = ? AND method = ? AND key = ? AND result IS NULL`,
    args.principalId,
    args.method,
    args.key,
  );
  return null;
}

export function recoverKeys(db: Database): number {
  return db.run(`DELETE FROM idempotency WHERE result IS NULL`);
}

export function pruneKeys(db: Database, args: { beforeMs: number }): number {
  return db.run(`DELETE FROM idempotency WHERE at_ms < ?`, args.beforeMs);
}
