/** Small named JSON documents; the last write wins. */
import type { Database } from "../database.ts";

export function putDocument(db: Database, args: { namespace: string; key: string; value: string; atMs: number }): null {
  db.run(
    `INSERT INTO document (namespace, key, value, at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, at_ms = excluded.at_ms`,
    args.namespace,
    args.key,
    args.value,
    args.atMs,
  );
  return null;
}

export function deleteDocument(db: Database, args: { namespace: string; key: string }): null {
  db.run(`DELETE FROM document WHERE namespace = ? AND key = ?`, args.namespace, args.key);
  return null;
}
