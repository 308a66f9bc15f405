/**
 * Sums of the ledger. Whole hours (over all sessions) or whole days (per session) come from the kept sums; only what
 * sticks out of them at either end is counted row by row. A million rows and ten thousand cost nearly the same.
 */
import type { LedgerFilter } from "../../port.ts";
import { dayMs } from "../commands/ledger.ts";
import { hourMs } from "../commands/money/ledger-hour.ts";
import type { Database } from "../database.ts";
import type { TotalsRecord } from "../records.ts";

export type LedgerGroup = "day" | "session" | "model" | "agent" | "channel";

export interface LedgerArgs {
  /** Null: everything in one row. */
  readonly group: LedgerGroup | null;
  readonly filter: LedgerFilter;
}

export type GroupRecord = TotalsRecord & { readonly key: string };

const sums = `coalesce(sum(calls), 0) AS calls, coalesce(sum(input_tokens), 0) AS input_tokens,
  coalesce(sum(output_tokens), 0) AS output_tokens, coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens, coalesce(sum(cost_micros), 0) AS cost_micros,
  coalesce(sum(unpriced), 0) AS unpriced`;
const columns = `agent_id, channel, model, calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  cost_micros, unpriced`;

export function ledgerSums(db: Database, { group, filter }: LedgerArgs): GroupRecord[] {
  const perSession = group === "session" || filter.sessionKey !== undefined;
  const unitMs = perSession ? dayMs : hourMs;
  const { whole, edges } = split(filter, unitMs);
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const session = filter.sessionKey === undefined ? "" : "AND session_key = ?";
  const add = (sql: string, from: number, before: number): void => {
    parts.push(sql);
    values.push(from, before, ...(filter.sessionKey === undefined ? [] : [filter.sessionKey]));
  };
  if (whole !== null) {
    const sql = perSession
      ? `SELECT session_key, day AS day, ${columns} FROM ledger_session_day WHERE day >= ? AND day < ? ${session}`
      : `SELECT '' AS session_key, hour / 24 AS day, ${columns} FROM ledger_hour WHERE hour >= ? AND hour < ?`;
    add(sql, whole.from, whole.before);
  }
  for (const edge of edges) {
    add(
      `SELECT session_key, at_ms / ${dayMs} AS day, agent_id, channel, model, 1 AS calls, input_tokens, output_tokens,
         cache_read_tokens, cache_write_tokens, coalesce(cost_micros, 0) AS cost_micros,
         cost_micros IS NULL AS unpriced
       FROM ledger WHERE at_ms >= ? AND at_ms < ? ${session}`,
      edge.from,
      edge.before,
    );
  }
  if (parts.length === 0) return group === null ? [{ ...nothing, key: "" }] : [];
  return db.all<GroupRecord>(`${headOf(group)} FROM (${parts.join(" UNION ALL ")}) ${tailOf(group)}`, ...values);
}

/** Whether the sums alone can answer, so that the main thread may ask. */
export function isCheap({ group, filter }: LedgerArgs): boolean {
  if (group === "session" || filter.sessionKey !== undefined) return false;
  return split(filter, hourMs).edges.length === 0;
}

const nothing: TotalsRecord = Object.freeze({
  calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_micros: 0,
  unpriced: 0,
});

const keys: Readonly<Record<LedgerGroup, string>> = Object.freeze({
  day: "date(day * 86400, 'unixepoch')",
  session: "session_key",
  model: "model",
  agent: "agent_id",
  channel: "channel",
});

function headOf(group: LedgerGroup | null): string {
  return `SELECT ${group === null ? "''" : keys[group]} AS key, ${sums}`;
}

function tailOf(group: LedgerGroup | null): string {
  if (group === null) return "";
  return `GROUP BY 1 ORDER BY ${group === "day" ? "1" : "cost_micros DESC, calls DESC, 1"}`;
}

interface Range {
  readonly from: number;
  readonly before: number;
}

const forever = Number.MAX_SAFE_INTEGER;

/** The whole units within a span of time (as unit numbers), and the milliseconds beside them. */
function split(filter: LedgerFilter, unitMs: number): { whole: Range | null; edges: Range[] } {
  const sinceMs = Math.max(0, Math.ceil(filter.sinceMs ?? 0));
  const untilMs = Math.ceil(filter.untilMs ?? forever);
  if (sinceMs >= untilMs) return { whole: null, edges: [] };
  const from = Math.ceil(sinceMs / unitMs);
  const before = filter.untilMs === undefined ? forever : Math.floor(untilMs / unitMs);
  if (from >= before) return { whole: null, edges: [{ from: sinceMs, before: untilMs }] };
  const edges = [
    { from: sinceMs, before: from * unitMs },
    { from: before === forever ? forever : before * unitMs, before: untilMs },
  ].filter((edge) => edge.from < edge.before);
  return { whole: { from, before }, edges };
}
