/** Reads of devices, documents and the trace. */
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

/** By either id: what was told of the message before it had a run, and of the run, is one trace. */
export function traceOf(db: Database, args: { id: string }): TraceRecord[] {
  const known = db.get<{ message_id: string; run_id: string }>(
    `SELECT message_id, run_id FROM inbox WHERE message_id = ?1 OR run_id = ?1 LIMIT 1`,
    args.id,
  );
  return db.all<TraceRecord>(
    `SELECT type, at_ms, data FROM trace WHERE message_id = ? OR run_id = ? ORDER BY id`,
    known?.message_id ?? args.id,
    known?.run_id ?? args.id,
  );
}

export function recentTrace(db: Database, args: { limit: number }): TraceRecord[] {
  return db.all<TraceRecord>(`SELECT type, at_ms, data FROM trace ORDER BY id DESC LIMIT ?`, args.limit).toReversed();
}
