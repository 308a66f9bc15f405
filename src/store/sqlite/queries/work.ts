/** Reads about messages, turns and parts under way: each by a key or a small index, fit for the main thread. */
import type { PartState } from "../../port.ts";
import type { Database } from "../database.ts";
import {
  selectInbox,
  selectOutbox,
  type InboxRecord,
  type OutboxRecord,
  type StepRecord,
  type TurnRecord,
} from "../records.ts";

export function messageById(db: Database, args: { messageId: string }): InboxRecord | null {
  return db.get<InboxRecord>(`${selectInbox} WHERE message_id = ?`, args.messageId) ?? null;
}

export function messageByRunId(db: Database, args: { runId: string }): InboxRecord | null {
  return db.get<InboxRecord>(`${selectInbox} WHERE run_id = ?`, args.runId) ?? null;
}

export function nextDueMs(db: Database, args: { atMs: number }): number | null {
  return (
    db.get<{ ms: number | null }>(`SELECT min(due_ms) AS ms FROM inbox WHERE scheduled = 1 AND due_ms > ?`, args.atMs)
      ?.ms ?? null
  );
}

export interface InboxCounts {
  queued: number;
  running: number;
  oldestQueuedMs: number | null;
}

/** Counts over partial indexes that hold the unfinished rows alone; these are bounded by `limits.inboxDepth`. */
export function inboxCounts(db: Database): InboxCounts {
  const row = db.get<InboxCounts>(
    `SELECT (SELECT count(*) FROM inbox WHERE state = 'queued') AS queued,
       (SELECT count(*) FROM inbox WHERE state = 'running') AS running,
       (SELECT min(admitted_ms) FROM inbox WHERE state = 'queued') AS oldestQueuedMs`,
  );
  return { queued: row?.queued ?? 0, running: row?.running ?? 0, oldestQueuedMs: row?.oldestQueuedMs ?? null };
}

export function turnByRunId(db: Database, args: { runId: string }): TurnRecord | null {
  return (
    db.get<TurnRecord>(
      `SELECT inbox.run_id, inbox.message_id, inbox.session_key, inbox.agent_id, inbox.started_ms, turn.state,
         turn.ended_ms, turn.text, turn.tool_calls, turn.stop_reason, turn.model, turn.input_tokens,
         turn.output_tokens, turn.cache_read_tokens, turn.cache_write_tokens, turn.cost_micros, turn.error
       FROM inbox LEFT JOIN turn USING (seq) WHERE inbox.run_id = ? AND inbox.started_ms IS NOT NULL`,
      args.runId,
    ) ?? null
  );
}

export function stepsOfRun(db: Database, args: { runId: string }): StepRecord[] {
  return db.all<StepRecord>(
    `SELECT idx, kind, record, at_ms FROM step WHERE seq = (SELECT seq FROM inbox WHERE run_id = ?) ORDER BY idx`,
    args.runId,
  );
}

export function readyParts(
  db: Database,
  args: { channels: readonly string[]; atMs: number; limit: number },
): OutboxRecord[] {
  return db.all<OutboxRecord>(
    `${selectOutbox} WHERE head = 1 AND next_attempt_ms <= ? AND channel IN (SELECT value FROM json_each(?))
     ORDER BY next_attempt_ms, seq LIMIT ?`,
    args.atMs,
    JSON.stringify(args.channels),
    args.limit,
  );
}

export function nextAttemptMs(db: Database, args: { atMs: number }): number | null {
  return (
    db.get<{ ms: number | null }>(
      `SELECT min(next_attempt_ms) AS ms FROM outbox WHERE head = 1 AND next_attempt_ms > ?`,
      args.atMs,
    )?.ms ?? null
  );
}

export function partById(db: Database, args: { id: string }): OutboxRecord | null {
  return db.get<OutboxRecord>(`${selectOutbox} WHERE id = ?`, args.id) ?? null;
}

export function partsOfRun(db: Database, args: { runId: string }): OutboxRecord[] {
  return db.all<OutboxRecord>(`${selectOutbox} WHERE run_id = ? ORDER BY seq`, args.runId);
}

export function partsInState(db: Database, args: { state: PartState; limit: number }): OutboxRecord[] {
  // Sent parts are not in the index of states: these are found from the newest part backwards.
  const order = args.state === "sent" ? "outbox.seq DESC" : "updated_ms DESC, outbox.seq DESC";
  const indexed = args.state === "sent" ? "" : "AND state <> 'sent'";
  return db.all<OutboxRecord>(
    `${selectOutbox} WHERE state = ? ${indexed} ORDER BY ${order} LIMIT ?`,
    args.state,
    args.limit,
  );
}

export function partCounts(db: Database): { state: PartState; n: number }[] {
  return db.all<{ state: PartState; n: number }>(
    `SELECT state, count(*) AS n FROM outbox WHERE state <> 'sent' GROUP BY state
     UNION ALL SELECT 'sent', n FROM counter WHERE name = 'outbox.sent'`,
  );
}
