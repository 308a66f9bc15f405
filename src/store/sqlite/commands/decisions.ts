/** What was decided about the calls of tools: appended once each, pruned by age. */
import type { Database } from "../database.ts";

export interface DecisionArgs {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly callId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly tool: string;
  readonly effect: string;
  readonly rule: string;
  /** JSON. */
  readonly facts: string;
}

export function addDecisions(db: Database, args: { rows: readonly DecisionArgs[] }): null {
  for (const row of args.rows) {
    db.run(
      `INSERT INTO decision (id, at_ms, run_id, call_id, session_key, agent_id, tool, effect, rule, facts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      row.id,
      row.atMs,
      row.runId,
      row.callId,
      row.sessionKey,
      row.agentId,
      row.tool,
      row.effect,
      row.rule,
      row.facts,
    );
  }
  return null;
}

export function pruneDecisions(db: Database, args: { beforeMs: number; limit: number }): number {
  return db.run(
    `DELETE FROM decision WHERE seq IN (SELECT seq FROM decision WHERE at_ms < ? ORDER BY at_ms LIMIT ?)`,
    args.beforeMs,
    args.limit,
  );
}
