/** What sessions used, said and did: the reads behind their summaries, and a recount of every kept sum. */
import type { LedgerCheck, LedgerFilter } from "../../ledger-port.ts";
import type { Database } from "../database.ts";
import { bucketOf, counted } from "../migrations/004-ledger.ts";
import type { TotalsRecord, UsageRecord } from "../records.ts";
import type { BucketRecord } from "./latency.ts";
import { dateOf, summed, touchedDays } from "./ledger.ts";

export interface MessagesRecord {
  day: string;
  user: number;
  assistant: number;
  tool_calls: number;
  tool_results: number;
  errors: number;
}

export interface ToolRecord {
  day: string;
  tool: string;
  calls: number;
  errors: number;
}

const messageSums = `sum(user) AS user, sum(assistant) AS assistant, sum(tool_calls) AS tool_calls,
  sum(tool_results) AS tool_results, sum(errors) AS errors`;

export function dailyActivity(db: Database, filter: LedgerFilter): { messages: MessagesRecord[]; tools: ToolRecord[] } {
  const { from, before } = touchedDays(filter);
  const { sessionKey, agentId } = filter;
  const where = `day >= ? AND day < ? ${sessionKey === undefined ? "" : "AND session_key = ?"}
    ${agentId === undefined ? "" : "AND session_key IN (SELECT session_key FROM session WHERE agent_id = ?)"}`;
  const values = [from, before, ...[sessionKey, agentId].filter((value) => value !== undefined)];
  return {
    messages: db.all<MessagesRecord>(
      `SELECT ${dateOf} AS day, ${messageSums} FROM message_day WHERE ${where} GROUP BY 1 ORDER BY 1`,
      ...values,
    ),
    tools: db.all<ToolRecord>(
      `SELECT ${dateOf} AS day, tool, sum(calls) AS calls, sum(errors) AS errors FROM tool_day WHERE ${where}
       GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`,
      ...values,
    ),
  };
}

export interface SessionUsageArgs {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly sessionKey: string | null;
  readonly agentId: string | null;
  readonly limit: number;
}

export interface SessionUsageRecords {
  readonly matched: number;
  /** In the order in which they are told. */
  readonly sessions: readonly SessionFacts[];
  readonly calls: readonly (TotalsRecord & { session_key: string; day: string; model: string; channel: string })[];
  readonly messages: readonly (MessagesRecord & { session_key: string; first_ms: number; last_ms: number })[];
  readonly tools: readonly (ToolRecord & { session_key: string })[];
  readonly buckets: readonly (BucketRecord & { session_key: string; day: string })[];
  readonly spans: readonly { session_key: string; first_ms: number; last_ms: number }[];
}

export interface SessionFacts {
  session_key: string;
  session_id: string | null;
  label: string | null;
  agent_id: string;
  updated_ms: number | null;
}

export function sessionUsage(db: Database, args: SessionUsageArgs): SessionUsageRecords {
  const { matched, sessions } = activeSessions(db, args);
  const { from, before } = touchedDays(args);
  const listed = JSON.stringify(sessions.map((session) => session.session_key));
  const among = "session_key IN (SELECT value FROM json_each(?))";
  const ofDays = <Row>(select: string, tail: string): Row[] =>
    db.all<Row>(`${select} WHERE day >= ? AND day < ? AND ${among} ${tail}`, from, before, listed);
  return {
    matched,
    sessions,
    calls: ofDays(
      `SELECT session_key, ${dateOf} AS day, model, substr(user_key, 1, instr(user_key || ':', ':') - 1) AS channel, ${summed}
       FROM ledger_session_day`,
      "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    ),
    messages: ofDays(
      `SELECT session_key, ${dateOf} AS day, user, assistant, tool_calls, tool_results, errors, first_ms, last_ms
       FROM message_day`,
      "ORDER BY 1, 2",
    ),
    tools: ofDays(
      `SELECT session_key, ${dateOf} AS day, tool, calls, errors FROM tool_day`,
      "ORDER BY 1, 2, 4 DESC, 3",
    ),
    buckets: args.sessionKey === null ? [] : bucketsOf(db, args.sessionKey, { from, before }),
    spans: spansOf(db, listed, { from, before }),
  };
}

interface Days {
  readonly from: number;
  readonly before: number;
}

/** Latencies by bucket, from the rows: nothing of the kind is kept of a single session. */
function bucketsOf(
  db: Database,
  sessionKey: string,
  days: Days,
): (BucketRecord & { session_key: string; day: string })[] {
  return db.all(
    `SELECT session_key, date(at_ms / 1000, 'unixepoch') AS day, ${bucketOf("latency_ms")} AS bucket, count(*) AS calls,
       sum(latency_ms) AS total_ms, min(latency_ms) AS least_ms, max(latency_ms) AS most_ms
     FROM ledger WHERE session_key = ? AND at_ms >= ? AND at_ms < ? AND latency_ms >= 0 GROUP BY 2, 3 ORDER BY 2, 3`,
    sessionKey,
    ...bounds(days),
  );
}

/** The ends of each session's calls: two look-ups in the index each, however many calls there are. */
function spansOf(db: Database, listed: string, days: Days): SessionUsageRecords["spans"] {
  const end = (which: "min" | "max"): string =>
    `(SELECT ${which}(at_ms) FROM ledger WHERE session_key = listed.value AND at_ms >= ?2 AND at_ms < ?3)`;
  return db
    .all<{ session_key: string; first_ms: number | null; last_ms: number | null }>(
      `SELECT value AS session_key, ${end("min")} AS first_ms, ${end("max")} AS last_ms FROM json_each(?1) AS listed`,
      listed,
      ...bounds(days),
    )
    .flatMap(({ session_key: key, first_ms: first, last_ms: last }) =>
      first === null || last === null ? [] : [{ session_key: key, first_ms: first, last_ms: last }],
    );
}

function bounds({ from, before }: Days): [number, number] {
  return [from * 86_400_000, Math.min(before * 86_400_000, Number.MAX_SAFE_INTEGER)];
}

/** Those with a call or a message in the span, the last active first. */
function activeSessions(db: Database, args: SessionUsageArgs): { matched: number; sessions: SessionFacts[] } {
  const { from, before } = touchedDays(args);
  const own = args.sessionKey === null ? "" : "AND session_key = ?";
  const owner = args.agentId === null ? "" : "WHERE agent_id = ?";
  const days = [from, before, ...(args.sessionKey === null ? [] : [args.sessionKey])];
  const rows = db.all<SessionFacts & { matched: number }>(
    `SELECT session_key, session_id, label, agent_id, updated_ms, count(*) OVER () AS matched FROM (
       SELECT active.session_key, generation.session_id, session.label, session.updated_ms, last_day,
         coalesce(session.agent_id, active.agent_id) AS agent_id
       FROM (SELECT session_key, max(day) AS last_day, max(agent_id) AS agent_id FROM (
           SELECT session_key, day, agent_id FROM ledger_session_day WHERE day >= ? AND day < ? ${own}
           UNION ALL SELECT session_key, day, '' FROM message_day WHERE day >= ? AND day < ? ${own})
         GROUP BY session_key) AS active
       LEFT JOIN session ON session.session_key = active.session_key
       LEFT JOIN generation ON generation.id = session.generation)
     ${owner} ORDER BY last_day DESC, updated_ms DESC, session_key LIMIT ?`,
    ...days,
    ...days,
    ...(args.agentId === null ? [] : [args.agentId]),
    args.limit,
  );
  return { matched: rows[0]?.matched ?? 0, sessions: rows };
}

export interface CallRecord extends UsageRecord {
  id: string;
  at_ms: number;
  run_id: string;
  model: string;
  profile_id: string | null;
  job_id: string | null;
  origin: string;
  cost_micros: number | null;
  cost_from: string;
  input_cost: number | null;
  output_cost: number | null;
  cache_read_cost: number | null;
  cache_write_cost: number | null;
  estimated: number;
  latency_ms: number;
  first_token_ms: number | null;
}

export interface CallsArgs {
  readonly sessionKey: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly limit: number;
}

export function callsOfSession(db: Database, args: CallsArgs): CallRecord[] {
  return db
    .all<CallRecord>(
      `SELECT id, at_ms, run_id, model, profile_id, job_id, origin, input_tokens, output_tokens, cache_read_tokens,
         cache_write_tokens, cost_micros, cost_from, input_cost, output_cost, cache_read_cost, cache_write_cost, estimated,
         latency_ms, first_token_ms
       FROM ledger WHERE session_key = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC, seq DESC LIMIT ?`,
      args.sessionKey,
      args.sinceMs,
      args.untilMs,
      args.limit,
    )
    .toReversed();
}

const checks = [
  ["days", "ledger_day"],
  ["sessions", "ledger_session_day"],
  ["latencies", "ledger_latency"],
  ["messages", "message_day"],
  ["tools", "tool_day"],
] as const;

/** All in one look at the data, so that what is written meanwhile is no difference. */
export function recount(db: Database, _args: null): LedgerCheck[] {
  db.exec("BEGIN");
  try {
    return checks.map(([sum, table]) => {
      const found = db.get<{ rows: number; differing: number }>(
        `WITH kept AS MATERIALIZED (SELECT * FROM ${table}), anew AS MATERIALIZED (${counted[table]})
         SELECT (SELECT count(*) FROM kept) AS rows,
           (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM anew))
           + (SELECT count(*) FROM (SELECT * FROM anew EXCEPT SELECT * FROM kept)) AS differing`,
      );
      return { sum, rows: found?.rows ?? 0, differing: found?.differing ?? 0 };
    });
  } finally {
    db.exec("ROLLBACK");
  }
}
