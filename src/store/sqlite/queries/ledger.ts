/**
 * Sums of the ledger. Whole days come from the kept sums; only what sticks out of them at either end is counted row by
 * row. A million rows and ten thousand cost nearly the same. Asked in the reader thread alone.
 */
import type { LedgerFilter, LedgerGroup } from "../../ledger-port.ts";
import { deletedKey } from "../commands/ledger.ts";
import { dayMs } from "../../../domain/local-time.ts";
import type { Database } from "../database.ts";
import { noTotals, type TotalsRecord } from "../records.ts";

export interface LedgerSumArgs {
  /** Null: everything in one row. */
  readonly group: LedgerGroup | null;
  readonly filter: LedgerFilter;
}

export type GroupRecord = TotalsRecord & { readonly key: string };

const addends = [
  "calls",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cost_micros",
  "input_cost",
  "output_cost",
  "cache_read_cost",
  "cache_write_cost",
  "unpriced",
  "estimated",
  "reported",
] as const;

/** Every addend as its sum, under its own name. */
export const summed = addends.map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ");

const columns = addends.join(", ");

const userKey = `iif(session_key = '${deletedKey}', '${deletedKey}', channel || ':' || sender_id)`;

/** Which kept sum can answer: the one of all sessions together, or the one of each. */
const ofSessions = `SELECT day, session_key, user_key, agent_id, '' AS channel, model, '' AS origin,
  '' AS profile_id, ${columns} FROM ledger_session_day`;
const ofAll = `SELECT day, '' AS session_key, '' AS user_key, agent_id, channel, model, origin, profile_id, ${columns}
  FROM ledger_day`;

/** Rows in the shape of the kept sums. */
const ofRows = `SELECT at_ms / ${dayMs} AS day, session_key, ${userKey} AS user_key, agent_id, channel, model, origin,
  coalesce(profile_id, '') AS profile_id, 1 AS calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  coalesce(cost_micros, 0) AS cost_micros, coalesce(input_cost, 0) AS input_cost, coalesce(output_cost, 0) AS output_cost,
  coalesce(cache_read_cost, 0) AS cache_read_cost, coalesce(cache_write_cost, 0) AS cache_write_cost,
  cost_micros IS NULL AS unpriced, estimated, cost_from = 'provider' AS reported FROM ledger`;

const ofEachSession: readonly (LedgerGroup | null)[] = [
  null,
  "day",
  "session",
  "user",
  "agent",
  "model",
  "provider",
  "model-day",
];

export function ledgerSums(db: Database, { group, filter }: LedgerSumArgs): GroupRecord[] {
  const pieces = piecesOf(db, { group, filter });
  if (pieces.length === 0) return group === null ? [{ ...noTotals, key: "" }] : [];
  return db.all<GroupRecord>(
    `SELECT ${group === null ? "''" : keys[group]} AS key, ${summed}
     FROM (${pieces.map(({ sql }) => sql).join(" UNION ALL ")}) ${tailOf(group)}`,
    ...pieces.flatMap(({ values }) => values),
  );
}

interface Piece {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

function piecesOf(db: Database, { group, filter }: LedgerSumArgs): Piece[] {
  const { sessionKey } = filter;
  const span = spanOf(filter);
  if (span.from >= span.before) return [];
  // A session's logins, origins and channels are kept nowhere: its own rows are few beside everybody's.
  if (sessionKey !== undefined && !ofEachSession.includes(group)) return [piece(ofRows, "at_ms", span, filter)];
  const { whole, edges } = split(span);
  const kept = group === "session" || group === "user" ? ofSessions : ofAll;
  const days =
    sessionKey === undefined ? piece(kept, "day", whole, filter) : daysOfSession(db, { ...filter, sessionKey }, whole);
  return [...(whole.from < whole.before ? [days] : []), ...edges.map((edge) => piece(ofRows, "at_ms", edge, filter))];
}

function piece(select: string, column: string, range: Range, { sessionKey, agentId }: LedgerFilter): Piece {
  const session = sessionKey === undefined ? "" : "AND session_key = ?";
  const agent = agentId === undefined ? "" : "AND agent_id = ?";
  return {
    sql: `${select} WHERE ${column} >= ? AND ${column} < ? ${session} ${agent}`,
    values: [range.from, range.before, ...[sessionKey, agentId].filter((value) => value !== undefined)],
  };
}

/** The sums are ordered by day: one look-up for each day on which the session can have spent anything. */
function daysOfSession(db: Database, filter: LedgerFilter & { sessionKey: string }, whole: Range): Piece {
  const { sessionKey } = filter;
  const used = db.get<{ first: number | null; last: number | null }>(
    `SELECT (SELECT min(at_ms) FROM ledger WHERE session_key = ?1) AS first,
       (SELECT max(at_ms) FROM ledger WHERE session_key = ?1) AS last`,
    sessionKey,
  );
  const from = Math.max(whole.from, Math.floor((used?.first ?? 0) / dayMs));
  const before = Math.min(whole.before, Math.floor((used?.last ?? -dayMs) / dayMs) + 1);
  const { sql, values } = piece(ofSessions, "day", { from, before }, filter);
  return {
    sql: `SELECT * FROM (WITH RECURSIVE asked(one) AS (SELECT ? WHERE ? < ? UNION ALL
        SELECT one + 1 FROM asked WHERE one + 1 < ?)
      ${sql.replace("FROM ledger_session_day WHERE", "FROM asked CROSS JOIN ledger_session_day WHERE day = one AND")})`,
    values: [from, from, before, before, ...values],
  };
}

/** A day's number as its date. */
export const dateOf = "date(day * 86400, 'unixepoch')";

const keys: Readonly<Record<LedgerGroup, string>> = Object.freeze({
  day: dateOf,
  session: "session_key",
  model: "model",
  provider: "substr(model, 1, instr(model || '/', '/') - 1)",
  agent: "agent_id",
  channel: "channel",
  user: "user_key",
  profile: "profile_id",
  origin: "origin",
  "model-day": `${dateOf} || ' ' || model`,
});

function tailOf(group: LedgerGroup | null): string {
  if (group === null) return "";
  return `GROUP BY 1 ORDER BY ${group === "day" || group === "model-day" ? "1" : "cost_micros DESC, calls DESC, 1"}`;
}

interface Range {
  readonly from: number;
  readonly before: number;
}

const forever = Number.MAX_SAFE_INTEGER;

function spanOf(filter: LedgerFilter): Range {
  return { from: Math.max(0, Math.ceil(filter.sinceMs ?? 0)), before: Math.ceil(filter.untilMs ?? forever) };
}

/** The whole days within a span of time (as day numbers), and the milliseconds beside them. */
function split(span: Range): { whole: Range; edges: Range[] } {
  const from = Math.ceil(span.from / dayMs);
  const before = Math.floor(span.before / dayMs);
  if (from >= before) return { whole: { from, before: from }, edges: [span] };
  const edges = [
    { from: span.from, before: from * dayMs },
    // Behind the last day that a time can be in there is nothing.
    ...(span.before === forever ? [] : [{ from: before * dayMs, before: span.before }]),
  ].filter((edge) => edge.from < edge.before);
  return { whole: { from, before }, edges };
}

/** Every day that a span of time touches. */
export function touchedDays({ sinceMs = 0, untilMs = forever }: Pick<LedgerFilter, "sinceMs" | "untilMs">): Range {
  return { from: Math.floor(Math.max(0, sinceMs) / dayMs), before: Math.ceil(untilMs / dayMs) };
}
