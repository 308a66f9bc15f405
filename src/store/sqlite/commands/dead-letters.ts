/** What becomes of dead letters: back to work once, or off the list without their content. */
import type { ReplayRule } from "../../budget-port.ts";
import type { Database } from "../database.ts";
import { selectInbox, type InboxRecord, type PartRecord } from "../records.ts";
import { reorder } from "./lane.ts";
import { resubmit } from "./outbox.ts";
import { traceMessage, tracePart } from "./trace.ts";

export interface ReplayArgs {
  readonly id: string;
  readonly atMs: number;
  readonly expiresMs: number;
}

export function replay(db: Database, args: ReplayArgs): boolean {
  const message = db.get<InboxRecord>(`SELECT * FROM inbox WHERE message_id = ? AND dead_letter = 1`, args.id);
  if (message !== undefined) return replayMessage(db, message, args);
  const part = db.get(`SELECT 1 FROM outbox WHERE id = ? AND dead_letter = 1`, args.id);
  return part !== undefined && resubmit(db, args);
}

/** Puts back to work what ended for this reason, the oldest first; what came in before `admittedAfterMs` is left. */
export function replayWaiting(db: Database, reason: string, rule: ReplayRule): number {
  const rows = db.all<InboxRecord>(
    `SELECT * FROM inbox WHERE dead_letter = 1 AND reason = ? AND admitted_ms >= ? ORDER BY seq`,
    reason,
    rule.admittedAfterMs,
  );
  for (const row of rows) replayMessage(db, row, rule);
  return rows.length;
}

export function replayMessage(db: Database, row: InboxRecord, { atMs, expiresMs }: Omit<ReplayArgs, "id">): boolean {
  const scheduled = row.due_ms > atMs;
  // The epoch stays: a worker of the time before its death has a lease that fits no longer, and never will.
  db.run(
    `UPDATE inbox SET state = 'queued', reason = NULL, attempts = 0, expires_ms = ?, wait_since_ms = ?, scheduled = ?,
       lease_until_ms = 0, started_ms = NULL, ended_ms = NULL, dead_letter = 0 WHERE seq = ?`,
    expiresMs,
    Math.max(atMs, row.due_ms),
    scheduled ? 1 : 0,
    row.seq,
  );
  db.run(`DELETE FROM turn WHERE seq = ?`, row.seq);
  // Its finished steps are still there where it waited for a person, and go with its end everywhere else.
  reorder(db, row.lane);
  traceMessage(db, row.message_id, { type: "inbox.queued", atMs, data: { replayed: true } });
  return true;
}

export interface PurgeArgs {
  /** Null takes all that ended before `beforeMs`. */
  readonly ids: readonly string[] | null;
  readonly beforeMs: number;
  readonly atMs: number;
}

export function purge(db: Database, { ids, beforeMs, atMs }: PurgeArgs): number {
  const wanted = ids === null ? null : JSON.stringify(ids);
  const messages = db.all<InboxRecord>(
    `${selectInbox} WHERE dead_letter = 1 AND ${
      ids === null ? "ended_ms < ?" : "message_id IN (SELECT value FROM json_each(?))"
    }`,
    wanted ?? beforeMs,
  );
  for (const row of messages) purgeMessage(db, row, atMs);
  const parts = db.all<PartRecord>(
    `SELECT * FROM outbox WHERE dead_letter = 1 AND ${
      ids === null ? "updated_ms < ?" : "id IN (SELECT value FROM json_each(?))"
    }`,
    wanted ?? beforeMs,
  );
  for (const row of parts) purgePart(db, row, atMs);
  return messages.length + parts.length;
}

/** The row stays for its keys: an event that comes again is known. */
function purgeMessage(db: Database, row: InboxRecord, atMs: number): void {
  const message = { ...(JSON.parse(row.message) as object), content: [], raw: null };
  db.run(`UPDATE inbox SET dead_letter = 2 WHERE seq = ?`, row.seq);
  db.run(`UPDATE inbox_body SET message = ?, options = '{}' WHERE seq = ?`, JSON.stringify(message), row.seq);
  db.run(`UPDATE turn SET text = '', tool_calls = '[]' WHERE seq = ?`, row.seq);
  traceMessage(db, row.message_id, { type: "inbox.purged", atMs, data: {} });
}

function purgePart(db: Database, row: PartRecord, atMs: number): void {
  db.run(`UPDATE outbox SET dead_letter = 2 WHERE seq = ?`, row.seq);
  db.run(`UPDATE outbox_body SET reply = ? WHERE seq = ?`, JSON.stringify({ markdown: "" }), row.seq);
  tracePart(db, row, { type: "outbox.purged", atMs, data: {} });
}
