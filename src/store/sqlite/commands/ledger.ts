/** Spending: one row per model call. The sums beside it are kept by triggers, in the same commit. */
import type { Database } from "../database.ts";
import { forgetPayer, takeHold } from "./money/hold.ts";
import { elsewhere, move } from "./money/purse.ts";
import { dayMs } from "../../../domain/local-time.ts";

export interface LedgerArgs {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly channel: string;
  readonly senderId: string;
  readonly profileId: string | null;
  readonly jobId: string | null;
  /** `<provider>/<model>`. */
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costMicros: number | null;
  readonly costFrom: string;
  /** Of input, output, cache read and cache write, in this order; null where they are not known. */
  readonly costs: readonly [number, number, number, number] | null;
  readonly estimated: boolean;
  /** -1 where nobody measured it. */
  readonly latencyMs: number;
  readonly firstTokenMs: number | null;
  readonly origin: string;
}

/**
 * False where the id is known: a call that is told of twice was paid for once. What was set aside for it is free again,
 * and what it cost is spent, in the period in which it was set aside. What another installation spent no purse paid for.
 */
export function record(db: Database, entry: LedgerArgs): boolean {
  const [inputCost, outputCost, cacheReadCost, cacheWriteCost] = entry.costs ?? [null, null, null, null];
  const changes = db.run(
    `INSERT INTO ledger (id, at_ms, run_id, session_key, agent_id, channel, sender_id, profile_id, job_id, model,
       input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, cost_from, input_cost, output_cost,
       cache_read_cost, cache_write_cost, estimated, latency_ms, first_token_ms, origin, held_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT at_ms FROM budget_hold WHERE id = ?1))
     ON CONFLICT (id) DO NOTHING`,
    entry.id,
    entry.atMs,
    entry.runId,
    entry.sessionKey,
    entry.agentId,
    entry.channel,
    entry.senderId,
    entry.profileId,
    entry.jobId,
    entry.model,
    entry.input,
    entry.output,
    entry.cacheRead,
    entry.cacheWrite,
    entry.costMicros,
    entry.costFrom,
    inputCost,
    outputCost,
    cacheReadCost,
    cacheWriteCost,
    entry.estimated ? 1 : 0,
    entry.latencyMs,
    entry.firstTokenMs,
    entry.origin,
  );
  if (changes === 0) return false;
  if (entry.origin !== elsewhere) settle(db, entry);
  return true;
}

/** Calls that no turn made. Returns how many were new. */
export function book(db: Database, args: { entries: readonly LedgerArgs[] }): number {
  return args.entries.filter((entry) => record(db, entry)).length;
}

function settle(db: Database, entry: LedgerArgs): void {
  const hold = takeHold(db, entry.id);
  // What was booked when its session was deleted is spent already.
  if (hold?.state === "booked") return;
  const payer = hold ?? {
    session_key: entry.sessionKey,
    agent_id: entry.agentId,
    channel: entry.channel,
    sender_id: entry.senderId,
    job_id: entry.jobId,
    chat: null,
  };
  move(db, payer, { atMs: hold?.at_ms ?? entry.atMs, spent: entry.costMicros ?? 0, held: 0 });
}

/** The key under which the spending of deleted sessions is summed. */
export const deletedKey = "deleted";

const sums = `calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, input_cost,
  output_cost, cache_read_cost, cache_write_cost, unpriced, estimated, reported`;

/** The money stays in the sums; who and where does not. */
export function anonymise(db: Database, sessionKey: string): void {
  forgetPayer(db, { sessionKey, as: deletedKey });
  // The sums are ordered by day: each of the session's days is looked up, instead of looking through everybody's.
  const days = db.all<{ day: number }>(
    `SELECT DISTINCT at_ms / ${dayMs} AS day FROM ledger WHERE session_key = ?`,
    sessionKey,
  );
  for (const { day } of days) {
    db.run(
      `INSERT INTO ledger_session_day (day, session_key, user_key, agent_id, model, ${sums})
       SELECT day, ?1, ?1, agent_id, model, ${sums} FROM ledger_session_day
       WHERE day = ?2 AND session_key = ?3
       ON CONFLICT DO UPDATE SET ${sums
         .split(",")
         .map((name) => `${name.trim()} = ${name.trim()} + excluded.${name.trim()}`)
         .join(", ")}`,
      deletedKey,
      day,
      sessionKey,
    );
    db.run(`DELETE FROM ledger_session_day WHERE day = ? AND session_key = ?`, day, sessionKey);
  }
  db.run(
    `UPDATE ledger SET session_key = ?, sender_id = '', run_id = '', job_id = NULL WHERE session_key = ?`,
    deletedKey,
    sessionKey,
  );
}
