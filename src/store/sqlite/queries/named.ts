/** Reads of devices, documents, the trace and the totals. */
import type { Database } from "../database.ts";

export function deviceById(db: Database, args: { deviceId: string }): string | null {
  return db.get<{ row: string }>(`SELECT row FROM device WHERE device_id = ?`, args.deviceId)?.row ?? null;
}

export function allDevices(db: Database): string[] {
  return db.all<{ row: string }>(`SELECT row FROM device ORDER BY device_id`).map((device) => device.row);
}

export interface DocumentRecord {
  key: string;
  value: string;
  at_ms: number;
}

export function documentOf(db: Database, args: { namespace: string; key: string }): string | null {
  const sql = `SELECT value FROM document WHERE namespace = ? AND key = ?`;
  return db.get<{ value: string }>(sql, args.namespace, args.key)?.value ?? null;
}

export function documentsOf(db: Database, args: { namespace: string }): DocumentRecord[] {
  return db.all<DocumentRecord>(
    `SELECT key, value, at_ms FROM document WHERE namespace = ? ORDER BY key`,
    args.namespace,
  );
}

export interface TraceRecord {
  type: string;
  at_ms: number;
  data: string;
}

/** By any of its ids: what was told of the message, of its run and of its parts is one trace. */
export function traceOf(db: Database, args: { id: string }): TraceRecord[] {
  const named = subjectOf(db, args.id);
  // A part leads to its message or its run, and these to each other.
  const { message_id: messageId, run_id: runId } = subjectOf(db, named.message_id ?? named.run_id ?? args.id);
  return db.all<TraceRecord>(
    // What is written in batches comes later than what it tells of: the time decides, and only then the writing.
    `SELECT type, at_ms, data FROM trace WHERE message_id = ?1 OR run_id = ?2 OR part_id = ?3 ORDER BY at_ms, id`,
    messageId,
    runId,
    args.id,
  );
}

interface Subject {
  message_id: string | null;
  run_id: string | null;
}

function subjectOf(db: Database, id: string): Subject {
  const row = db.get<Subject>(
    `SELECT max(message_id) AS message_id, max(run_id) AS run_id FROM trace
     WHERE message_id = ?1 OR run_id = ?1 OR part_id = ?1`,
    id,
  );
  return row ?? { message_id: null, run_id: null };
}

export function recentTrace(db: Database, args: { limit: number }): TraceRecord[] {
  return db.all<TraceRecord>(`SELECT type, at_ms, data FROM trace ORDER BY id DESC LIMIT ?`, args.limit).toReversed();
}

export function totals(db: Database): { name: string; n: number }[] {
  return db.all<{ name: string; n: number }>(
    `SELECT name, n FROM counter WHERE name IN ('duplicates', 'leases-lost', 'unknown-sends')`,
  );
}
