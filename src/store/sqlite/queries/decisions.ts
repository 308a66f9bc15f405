/** Reads of what was decided about the calls of tools. */
import type { Database } from "../database.ts";

export interface DecisionRecord {
  readonly seq: number;
  readonly id: string;
  readonly at_ms: number;
  readonly run_id: string;
  readonly call_id: string;
  readonly session_key: string;
  readonly agent_id: string;
  readonly tool: string;
  readonly effect: "allow" | "ask" | "deny";
  readonly rule: string;
  /** JSON. */
  readonly facts: string;
}

/** Oldest first, by time and then as they came. */
export function decisionPage(
  db: Database,
  args: { sinceMs: number; afterSeq: number; limit: number },
): DecisionRecord[] {
  return db.all<DecisionRecord>(
    `SELECT * FROM decision WHERE (at_ms, seq) > (?, ?) ORDER BY at_ms, seq LIMIT ?`,
    args.sinceMs,
    args.afterSeq,
    args.limit,
  );
}
