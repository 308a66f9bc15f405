/**
 * Order within a session. Each lane has at most one running row and, while none runs, one head: its oldest queued row
 * that is due. A running row may be paused: it has no owner, keeps the lane busy, and becomes a head itself when its
 * time has come. Whoever changes the state of a row calls one of these in the same transaction.
 */
import type { Database } from "../database.ts";

/** After the lane's running row has ended: the next one may go. */
export function passOn(db: Database, lane: string): void {
  db.run(
    `UPDATE inbox SET head = 1 WHERE seq = (
       SELECT seq FROM inbox WHERE lane = ? AND ended_ms IS NULL AND scheduled = 0 ORDER BY seq LIMIT 1)`,
    lane,
  );
}

/** After anything else: whoever was head no longer is, and the oldest is, unless one runs. */
export function reorder(db: Database, lane: string): void {
  db.run(`UPDATE inbox SET head = 0 WHERE lane = ? AND ended_ms IS NULL AND scheduled = 0 AND head = 1`, lane);
  if (!isRunning(db, lane)) passOn(db, lane);
}

/** Whether an older message of the lane waits or runs. Scheduled ones do not count before they are due. */
export function isBusy(db: Database, lane: string): boolean {
  return (
    db.get(`SELECT 1 FROM inbox WHERE lane = ? AND ended_ms IS NULL AND scheduled = 0 LIMIT 1`, lane) !== undefined
  );
}

/** Scheduled messages whose time has come join their lanes, at the place of their arrival; paused ones go on. */
export function promoteDue(db: Database, atMs: number): void {
  const due = db.all<{ seq: number; lane: string }>(
    `SELECT seq, lane FROM inbox WHERE scheduled = 1 AND due_ms <= ?`,
    atMs,
  );
  for (const { seq, lane } of due) {
    db.run(`UPDATE inbox SET scheduled = 0, wait_since_ms = due_ms WHERE seq = ?`, seq);
    reorder(db, lane);
  }
  db.run(
    `UPDATE inbox SET head = 1
     WHERE state = 'running' AND lease_owner IS NULL AND head = 0 AND lease_until_ms <= ?`,
    atMs,
  );
}

function isRunning(db: Database, lane: string): boolean {
  return (
    db.get(
      `SELECT 1 FROM inbox WHERE lane = ? AND ended_ms IS NULL AND scheduled = 0 AND state = 'running' LIMIT 1`,
      lane,
    ) !== undefined
  );
}
