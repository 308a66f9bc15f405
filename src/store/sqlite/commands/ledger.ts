/** Spending: one row per model call, and the two sums that are kept with it in the same commit. */
import type { Database } from "../database.ts";
import { forgetPayer, takeHold } from "./money/hold.ts";
import { hourMs } from "./money/ledger-hour.ts";
import { move } from "./money/purse.ts";

export interface LedgerArgs {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly channel: string;
  readonly senderId: string;
  /** `<provider>/<model>`. */
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costMicros: number | null;
  readonly estimated: boolean;
  readonly latencyMs: number;
  readonly origin: string;
}

export const dayMs = 24 * hourMs;

const sumColumns = `calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, unpriced`;
const addSums = `DO UPDATE SET calls = calls + excluded.calls,
  input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
  cost_micros = cost_micros + excluded.cost_micros, unpriced = unpriced + excluded.unpriced`;

/**
 * False where the id is known: a call that is told of twice was paid for once. What was set aside for it is free again,
 * and what it cost is spent, in the period in which it was set aside.
 */
export function record(db: Database, entry: LedgerArgs): boolean {
  const usage = [entry.input, entry.output, entry.cacheRead, entry.cacheWrite] as const;
  const changes = db.run(
    `INSERT INTO ledger (id, at_ms, run_id, session_key, agent_id, channel, sender_id, model, input_tokens,
       output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, estimated, latency_ms, origin, held_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT at_ms FROM budget_hold WHERE id = ?1)) ON CONFLICT (id) DO NOTHING`,
    entry.id,
    entry.atMs,
    entry.runId,
    entry.sessionKey,
    entry.agentId,
    entry.channel,
    entry.senderId,
    entry.model,
    ...usage,
    entry.costMicros,
    entry.estimated ? 1 : 0,
    entry.latencyMs,
    entry.origin,
  );
  if (changes === 0) return false;
  settle(db, entry);
  const sums = [...usage, entry.costMicros ?? 0, entry.costMicros === null ? 1 : 0] as const;
  db.run(
    `INSERT INTO ledger_hour (hour, agent_id, channel, model, ${sumColumns})
     VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT ${addSums}`,
    Math.floor(entry.atMs / hourMs),
    entry.agentId,
    entry.channel,
    entry.model,
    ...sums,
  );
  db.run(
    `INSERT INTO ledger_session_day (session_key, day, agent_id, channel, model, ${sumColumns})
     VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT ${addSums}`,
    entry.sessionKey,
    Math.floor(entry.atMs / dayMs),
    entry.agentId,
    entry.channel,
    entry.model,
    ...sums,
  );
  return true;
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
    job_id: null,
    chat: null,
  };
  move(db, payer, { atMs: hold?.at_ms ?? entry.atMs, spent: entry.costMicros ?? 0, held: 0 });
}

/** The key under which the spending of deleted sessions is summed. */
export const deletedKey = "deleted";

/** The money stays in the sums; who and where does not. */
export function anonymise(db: Database, sessionKey: string): void {
  forgetPayer(db, { sessionKey, as: deletedKey });
  db.run(
    `UPDATE ledger SET session_key = ?, sender_id = '', run_id = '' WHERE session_key = ?`,
    deletedKey,
    sessionKey,
  );
  db.run(
    `INSERT INTO ledger_session_day (session_key, day, agent_id, channel, model, ${sumColumns})
     SELECT ?, day, agent_id, channel, model, ${sumColumns} FROM ledger_session_day WHERE session_key = ?
     ON CONFLICT ${addSums}`,
    deletedKey,
    sessionKey,
  );
  db.run(`DELETE FROM ledger_session_day WHERE session_key = ?`, sessionKey);
}
