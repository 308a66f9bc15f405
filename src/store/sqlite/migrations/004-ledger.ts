/**
 * What was used and what it cost, from every side: a call names its login, its job and where its cost is from, and the
 * kept sums answer by day, model, agent, channel, user, login and origin. They are kept by triggers, in the commit of the
 * row that they count, so that no writer can forget one; `ledger.recount` compares them with the rows.
 */
import type { Migration } from "../migrate.ts";

/** A column of a kept sum, and what it holds of one row of the ledger. `of` is that row's name in a statement. */
type Column = readonly [name: string, expression: (of: string) => string];

const day: Column = ["day", (of) => `${of}.at_ms / 86400000`];
const profile: Column = ["profile_id", (of) => `coalesce(${of}.profile_id, '')`];

const dayKeys: readonly Column[] = [day, plain("model"), plain("agent_id"), plain("channel"), plain("origin"), profile];
const sessionDayKeys: readonly Column[] = [
  day,
  plain("session_key"),
  // Who wrote it; of a deleted session nobody.
  ["user_key", (of) => `iif(${of}.session_key = 'deleted', 'deleted', ${of}.channel || ':' || ${of}.sender_id)`],
  plain("agent_id"),
  plain("model"),
];

const addends: readonly Column[] = [
  ["calls", () => "1"],
  ...["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"].map(plain),
  ...["cost_micros", "input_cost", "output_cost", "cache_read_cost", "cache_write_cost"].map(orZero),
  ["unpriced", (of) => `${of}.cost_micros IS NULL`],
  plain("estimated"),
  ["reported", (of) => `${of}.cost_from = 'provider'`],
];

function plain(name: string): Column {
  return [name, (of) => `${of}.${name}`];
}

function orZero(name: string): Column {
  return [name, (of) => `coalesce(${of}.${name}, 0)`];
}

function names(columns: readonly Column[]): string {
  return columns.map(([name]) => name).join(", ");
}

function recounted(keys: readonly Column[]): string {
  const values = keys.map(([name, expression]) => `${expression("ledger")} AS ${name}`);
  const sums = addends.map(([name, expression]) => `sum(${expression("ledger")}) AS ${name}`);
  return `SELECT ${[...values, ...sums].join(", ")} FROM ledger GROUP BY ${keys.map((_, index) => index + 1).join(", ")}`;
}

function added(table: string, keys: readonly Column[]): string {
  const values = [...keys, ...addends].map(([, expression]) => expression("new")).join(", ");
  const addUp = addends.map(([name]) => `${name} = ${name} + excluded.${name}`).join(", ");
  return `INSERT INTO ${table} VALUES (${values}) ON CONFLICT DO UPDATE SET ${addUp};`;
}

const addendColumns = addends.map(([name]) => `${name} INTEGER NOT NULL`).join(", ");

/**
 * Latencies are counted in buckets that are an eighth of their octave wide: 0, 1 … 15, 16, 18 … 30, 32, 36 … ms. A bucket
 * is named by its lower end. What is above 2^22 ms (70 minutes) is in the last one.
 */
export function bucketOf(latency: string): string {
  const octaves = Array.from({ length: 18 }, (_, octave) => {
    const below = 2 ** (octave + 5);
    return `WHEN ${latency} < ${below} THEN ${latency} - ${latency} % ${2 ** (octave + 1)}`;
  });
  return `CASE WHEN ${latency} < 16 THEN ${latency} ${octaves.join(" ")} ELSE 4194304 END`;
}

/** The sums as a recount of the rows gives them, in the columns of the kept ones. */
export const counted = Object.freeze({
  ledger_day: recounted(dayKeys),
  ledger_session_day: recounted(sessionDayKeys),
  ledger_latency: `SELECT at_ms / 86400000, model, ${bucketOf("latency_ms")}, count(*), sum(latency_ms), min(latency_ms),
    max(latency_ms) FROM ledger WHERE latency_ms >= 0 GROUP BY 1, 2, 3`,
  message_day: `SELECT session_key, day, sum(role = 'user'), sum(role = 'assistant'), sum(tool_calls),
      sum(role = 'toolResult'), sum(failed), min(at_ms), max(at_ms)
    FROM (SELECT session_key, CAST(floor(at_ms / 86400000.0) AS INTEGER) AS day, at_ms, body ->> '$.message.role' AS role,
      CASE WHEN body ->> '$.message.role' = 'assistant' AND json_type(body, '$.message.content') = 'array' THEN
        (SELECT count(*) FROM json_each(body, '$.message.content') AS part WHERE ${isToolCall()}) ELSE 0 END AS tool_calls,
      CASE body ->> '$.message.role'
        WHEN 'assistant' THEN (body ->> '$.message.stopReason' IS 'error') OR (json_type(body, '$.message.errorMessage') IS 'text')
        WHEN 'toolResult' THEN json_type(body, '$.message.isError') IS 'true' ELSE 0 END AS failed
      FROM (SELECT generation.session_key, at_ms, iif(json_valid(body), body, '{}') AS body
        FROM transcript JOIN generation ON generation.id = generation WHERE type = 'message'))
    WHERE role IN ('user', 'assistant', 'toolResult') GROUP BY 1, 2`,
  tool_day: `SELECT session_key, day, ${toolName("name")} AS tool, sum(called), sum(failed)
    FROM (SELECT session_key, CAST(floor(at_ms / 86400000.0) AS INTEGER) AS day, part.value -> '$.name' AS name, 1 AS called, 0 AS failed
        FROM (SELECT generation.session_key, at_ms, iif(json_valid(body), body, '{}') AS body
          FROM transcript JOIN generation ON generation.id = generation WHERE type = 'message') AS said,
          json_each(said.body, '$.message.content') AS part
        WHERE said.body ->> '$.message.role' = 'assistant' AND json_type(said.body, '$.message.content') = 'array'
          AND ${isToolCall()}
      UNION ALL
      SELECT generation.session_key, CAST(floor(at_ms / 86400000.0) AS INTEGER), body -> '$.message.toolName', 0, 1
        FROM transcript JOIN generation ON generation.id = generation
        WHERE type = 'message' AND json_valid(body) AND body ->> '$.message.role' = 'toolResult'
          AND json_type(body, '$.message.isError') = 'true')
    GROUP BY 1, 2, 3`,
});

/** A part of a list may be anything: only of an object is its type asked. */
function isToolCall(): string {
  return `CASE WHEN part.type = 'object' THEN part.value ->> '$.type' END = 'toolCall'`;
}

/** What a model calls a tool is the model's choice: no name that no tool can have makes a row of its own. */
function toolName(json: string): string {
  return `CASE WHEN length(${json}) BETWEEN 3 AND 130 AND ${json} NOT GLOB '"*[^A-Za-z0-9_.:/-]*"' AND ${json} GLOB '"*"'
    THEN trim(${json}, '"') ELSE '(other)' END`;
}

export const ledger: Migration = {
  version: 4,
  sql: `
-- ---------------------------------------------------------------- calls
-- cost_from: 'provider' (it said so itself), 'price' (computed), 'unknown' (cost_micros is null). The four costs add up to
-- cost_micros, or are all null where the kinds of token have no known price. latency_ms: -1 where nobody measured it.
ALTER TABLE ledger ADD COLUMN profile_id TEXT;
ALTER TABLE ledger ADD COLUMN cost_from TEXT NOT NULL DEFAULT 'price';
ALTER TABLE ledger ADD COLUMN job_id TEXT;
ALTER TABLE ledger ADD COLUMN first_token_ms INTEGER;
ALTER TABLE ledger ADD COLUMN input_cost INTEGER;
ALTER TABLE ledger ADD COLUMN output_cost INTEGER;
ALTER TABLE ledger ADD COLUMN cache_read_cost INTEGER;
ALTER TABLE ledger ADD COLUMN cache_write_cost INTEGER;
UPDATE ledger SET cost_from = 'unknown' WHERE cost_micros IS NULL;

-- ---------------------------------------------------------------- sums of calls
-- Whole days (UTC). The day comes first: what is written today lies together, and a span of days is read in one go.
-- profile_id is '' where a call had none. A session's logins and origins are asked of its rows.
DROP TABLE ledger_hour;
DROP TABLE ledger_session_day;

CREATE TABLE ledger_day (
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,
  profile_id TEXT NOT NULL,
  ${addendColumns},
  PRIMARY KEY (${names(dayKeys)})
) WITHOUT ROWID;

CREATE TABLE ledger_session_day (
  day INTEGER NOT NULL,
  session_key TEXT NOT NULL,
  user_key TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  model TEXT NOT NULL,
  ${addendColumns},
  PRIMARY KEY (${names(sessionDayKeys)})
) WITHOUT ROWID;

CREATE TABLE ledger_latency (
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,
  least_ms INTEGER NOT NULL,
  most_ms INTEGER NOT NULL,
  PRIMARY KEY (day, model, bucket)
) WITHOUT ROWID;

INSERT INTO ledger_day ${counted.ledger_day};
INSERT INTO ledger_session_day ${counted.ledger_session_day};
INSERT INTO ledger_latency ${counted.ledger_latency};

CREATE TRIGGER ledger_booked AFTER INSERT ON ledger BEGIN
  ${added("ledger_day", dayKeys)}
  ${added("ledger_session_day", sessionDayKeys)}
END;
CREATE TRIGGER ledger_measured AFTER INSERT ON ledger WHEN new.latency_ms >= 0 BEGIN
  INSERT INTO ledger_latency VALUES (new.at_ms / 86400000, new.model, ${bucketOf("new.latency_ms")}, 1, new.latency_ms,
      new.latency_ms, new.latency_ms)
    ON CONFLICT DO UPDATE SET calls = calls + 1, total_ms = total_ms + excluded.total_ms,
      least_ms = min(least_ms, excluded.least_ms), most_ms = max(most_ms, excluded.most_ms);
END;

-- ---------------------------------------------------------------- what was said and done
-- Counted from the transcript, in the commit that writes it; it goes when the session goes.
CREATE TABLE message_day (
  session_key TEXT NOT NULL,
  day INTEGER NOT NULL,
  user INTEGER NOT NULL,
  assistant INTEGER NOT NULL,
  tool_calls INTEGER NOT NULL,
  tool_results INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  PRIMARY KEY (session_key, day)
) WITHOUT ROWID;

CREATE TABLE tool_day (
  session_key TEXT NOT NULL,
  day INTEGER NOT NULL,
  tool TEXT NOT NULL,
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  PRIMARY KEY (session_key, day, tool)
) WITHOUT ROWID;

INSERT INTO message_day ${counted.message_day};
INSERT INTO tool_day ${counted.tool_day};
`,
};
