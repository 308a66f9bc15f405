/** The switch that stops all spending, and how often a chat is told of what it waits for. */
import { waitingFor, type Pause, type ReplayRule } from "../../../budget-port.ts";
import type { Database } from "../../database.ts";
import { replayWaiting } from "../dead-letters.ts";

interface PauseRecord {
  readonly scope: string;
  readonly at_ms: number;
  readonly by: string;
  readonly reason: string | null;
}

const allAgents = "*";

export interface PauseArgs extends Pause {
  /** What asked for it; null where nothing is to be remembered. */
  readonly cause: string | null;
}

export function pauseSpending(db: Database, { cause, ...pause }: PauseArgs): boolean {
  if (cause !== null && !isNewCause(db, cause, pause.atMs)) return false;
  db.run(
    `INSERT INTO budget_pause (scope, at_ms, by, reason) VALUES (?, ?, ?, ?)
     ON CONFLICT (scope) DO UPDATE SET at_ms = excluded.at_ms, by = excluded.by, reason = excluded.reason`,
    pause.agentId ?? allAgents,
    pause.atMs,
    pause.by,
    pause.reason,
  );
  return true;
}

function isNewCause(db: Database, cause: string, atMs: number): boolean {
  return (
    db.run(
      `INSERT INTO budget_told (what, session_key, at_ms) VALUES (?, '', ?) ON CONFLICT DO NOTHING`,
      `pause:${cause}`,
      atMs,
    ) === 1
  );
}

export interface ResumeArgs extends ReplayRule {
  readonly agentId: string | null;
  readonly all: boolean;
}

export function resumeSpending(db: Database, args: ResumeArgs): { lifted: Pause[]; replayed: number } {
  const lifted = pauses(db).filter((pause) => args.all || pause.agentId === args.agentId);
  let replayed = 0;
  for (const { agentId } of lifted) {
    const reason = waitingFor({ pauseOf: agentId });
    db.run(`DELETE FROM budget_pause WHERE scope = ?`, agentId ?? allAgents);
    db.run(`DELETE FROM budget_told WHERE what = ?`, reason);
    replayed += replayWaiting(db, reason, args);
  }
  return { lifted, replayed };
}

export function pauses(db: Database): Pause[] {
  return db.all<PauseRecord>(`SELECT * FROM budget_pause ORDER BY scope`).map(pauseOf);
}

/** The pause that keeps this agent from spending; null where none does. */
export function pauseFor(db: Database, agentId: string): Pause | null {
  const row = db.get<PauseRecord>(
    `SELECT * FROM budget_pause WHERE scope IN (?, ?) ORDER BY scope LIMIT 1`,
    allAgents,
    agentId,
  );
  return row === undefined ? null : pauseOf(row);
}

function pauseOf({ scope, at_ms: atMs, by, reason }: PauseRecord): Pause {
  return { agentId: scope === allAgents ? null : scope, atMs, by, reason };
}

export interface TellArgs {
  readonly what: string;
  readonly sessionKey: string;
  readonly runId: string;
  readonly atMs: number;
  readonly everyMs: number;
}

export function mayTell(db: Database, { what, sessionKey, runId, atMs, everyMs }: TellArgs): boolean {
  return (
    db.run(
      `INSERT INTO budget_told (what, session_key, run_id, at_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (what, session_key) DO UPDATE SET at_ms = excluded.at_ms, run_id = excluded.run_id
       WHERE at_ms <= excluded.at_ms - ? OR run_id = excluded.run_id`,
      what,
      sessionKey,
      runId,
      atMs,
      everyMs,
    ) === 1
  );
}
