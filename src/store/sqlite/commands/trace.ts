/**
 * The trace of messages: appended in order, by the commands in their own commits and by whoever else saw something;
 * pruned by age and number. Holds facts and ids, never what was said.
 */
import type { Database } from "../database.ts";

export interface TraceArgs {
  readonly messageId: string | null;
  readonly runId: string | null;
  readonly type: string;
  readonly atMs: number;
  /** JSON. */
  readonly data: string;
}

export function addTrace(db: Database, args: { events: readonly TraceArgs[] }): null {
  for (const event of args.events) insertEvent(db, { ...nothing, ...event });
  return null;
}

/** What a command has done to a message or a part. */
export interface Change {
  readonly type: string;
  readonly atMs: number;
  /** JSON-safe and small: reason, attempt, epoch, ids of the platform … */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The first event of a message: from here on its run and its session lead to it. */
export function traceArrival(
  db: Database,
  message: { messageId: string; runId: string; sessionKey: string },
  change: Change,
): void {
  insertEvent(db, { ...nothing, ...message, ...change, data: JSON.stringify(change.data) });
}

export function traceMessage(db: Database, messageId: string, change: Change): void {
  insertEvent(db, { ...nothing, messageId, ...change, data: JSON.stringify(change.data) });
}

export interface TracedPart {
  readonly id: string;
  readonly message_id: string | null;
  readonly run_id: string | null;
  readonly session_key: string;
}

/** The first event of a part: from here on its id leads to the message it answers, where it answers one. */
export function traceNewPart(db: Database, part: TracedPart, change: Change): void {
  insertPartEvent(db, part, { ...change, partId: part.id, sessionKey: standsAlone(part) ? part.session_key : null });
}

export function tracePart(db: Database, part: TracedPart, change: Change): void {
  insertPartEvent(db, part, { ...change, partId: standsAlone(part) ? part.id : null, sessionKey: null });
}

/** It answers no message and no run: its own id and its session are all that leads to it. */
function standsAlone(part: TracedPart): boolean {
  return part.message_id === null && part.run_id === null;
}

function insertPartEvent(
  db: Database,
  part: TracedPart,
  event: Change & { readonly partId: string | null; readonly sessionKey: string | null },
): void {
  const { type, atMs, partId, sessionKey } = event;
  const runId = part.message_id === null ? part.run_id : null;
  const data = JSON.stringify({ partId: part.id, ...event.data });
  insertEvent(db, { messageId: part.message_id, runId, partId, sessionKey, type, atMs, data });
}

interface Row extends TraceArgs {
  readonly partId: string | null;
  readonly sessionKey: string | null;
}

const nothing = Object.freeze({ messageId: null, runId: null, partId: null, sessionKey: null });

function insertEvent(db: Database, row: Row): void {
  db.run(
    `INSERT INTO trace (message_id, run_id, part_id, session_key, type, at_ms, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    row.messageId,
    row.runId,
    row.partId,
    row.sessionKey,
    row.type,
    row.atMs,
    row.data,
  );
}

/** Everything told of a session's messages and parts, of the pruned ones too. Before their rows go. */
export function eraseTrace(db: Database, sessionKey: string): void {
  db.run(
    `DELETE FROM trace WHERE message_id IN (
         SELECT message_id FROM inbox WHERE session_key = ?1
         UNION SELECT message_id FROM trace WHERE session_key = ?1 AND message_id IS NOT NULL)
       OR run_id IN (
         SELECT run_id FROM inbox WHERE session_key = ?1
         UNION SELECT run_id FROM trace WHERE session_key = ?1 AND run_id IS NOT NULL)
       OR part_id IN (
         SELECT id FROM outbox WHERE session_key = ?1
         UNION SELECT part_id FROM trace WHERE session_key = ?1 AND part_id IS NOT NULL)`,
    sessionKey,
  );
}

/** Counted by the numbers that the events were given: to count millions of rows would hold up every other write. */
export function pruneTrace(db: Database, args: { beforeMs: number; keep: number }): number {
  const old = db.run(`DELETE FROM trace WHERE at_ms < ?`, args.beforeMs);
  const surplus = db.run(`DELETE FROM trace WHERE id <= (SELECT max(id) FROM trace) - ?`, args.keep);
  return old + surplus;
}
