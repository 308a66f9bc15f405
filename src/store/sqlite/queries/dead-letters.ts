/** Reads of dead letters, over indexes that hold them alone. */
import type { Database } from "../database.ts";
import { selectInbox, selectOutbox, type InboxRecord, type OutboxRecord } from "../records.ts";

export interface DeadLetterRecords {
  readonly messages: InboxRecord[];
  readonly parts: OutboxRecord[];
}

/** The newest of each kind; together they hold the newest of both. */
export function deadLetters(db: Database, args: { limit: number; beforeMs: number }): DeadLetterRecords {
  return {
    messages: db.all<InboxRecord>(
      `${selectInbox} WHERE dead_letter = 1 AND ended_ms < ? ORDER BY ended_ms DESC, inbox.seq DESC LIMIT ?`,
      args.beforeMs,
      args.limit,
    ),
    parts: db.all<OutboxRecord>(
      `${selectOutbox} WHERE dead_letter = 1 AND updated_ms < ? ORDER BY updated_ms DESC, outbox.seq DESC LIMIT ?`,
      args.beforeMs,
      args.limit,
    ),
  };
}

export function deadLetterById(db: Database, args: { id: string }): DeadLetterRecords {
  return {
    messages: db.all<InboxRecord>(`${selectInbox} WHERE message_id = ? AND dead_letter = 1`, args.id),
    parts: db.all<OutboxRecord>(`${selectOutbox} WHERE id = ? AND dead_letter = 1`, args.id),
  };
}

export function deadLetterCount(db: Database): number {
  const row = db.get<{ n: number }>(
    `SELECT (SELECT count(*) FROM inbox WHERE dead_letter = 1)
       + (SELECT count(*) FROM outbox WHERE dead_letter = 1) AS n`,
  );
  return row?.n ?? 0;
}
