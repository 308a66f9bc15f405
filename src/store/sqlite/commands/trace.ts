/** The trace of messages and runs: appended in order, pruned by age and number. */
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
  for (const event of args.events) {
    db.run(
      `INSERT INTO trace (message_id, run_id, type, at_ms, data) VALUES (?, ?, ?, ?, ?)`,
      event.messageId,
      event.runId,
      event.type,
      event.atMs,
      event.data,
    );
  }
  return null;
}

export function pruneTrace(db: Database, args: { beforeMs: number; keep: number }): number {
  const old = db.run(`DELETE FROM trace WHERE at_ms < ?`, args.beforeMs);
  const surplus = db.run(
    `DELETE FROM trace WHERE id <= (SELECT id FROM trace ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    args.keep,
  );
  return old + surplus;
}
