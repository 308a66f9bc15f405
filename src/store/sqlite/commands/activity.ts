/** Counts of what was said and done in a session, by day: kept in the commit that writes the transcript. */
import type { Database } from "../database.ts";
import { dayMs } from "../../../domain/local-time.ts";

/** What one entry of a transcript counts as. Made where the entry is an object still: no JSON is read here. */
export interface Said {
  readonly role: "user" | "assistant" | "toolResult";
  /** Names of the tools that it asks for, one for each call. */
  readonly calls: readonly string[];
  /** An answer that broke off, or a tool that failed. */
  readonly failed: boolean;
  /** Whose result it is; of a result alone. */
  readonly tool: string;
}

export interface Dated {
  readonly atMs: number;
  /** Null for what is no message. */
  readonly said: Said | null;
}

export function countSaid(db: Database, sessionKey: string, entries: readonly Dated[]): void {
  const days = Map.groupBy(entries.filter(isMessage), ({ atMs }) => Math.floor(atMs / dayMs));
  for (const [day, messages] of days) {
    countMessages(db, { sessionKey, day, messages });
    countTools(db, { sessionKey, day, messages });
  }
}

interface Message extends Dated {
  readonly said: Said;
}

interface Counted {
  readonly sessionKey: string;
  readonly day: number;
  readonly messages: readonly Message[];
}

function isMessage(entry: Dated): entry is Message {
  return entry.said !== null;
}

function countMessages(db: Database, { sessionKey, day, messages }: Counted): void {
  const count = (holds: (said: Said) => boolean): number => messages.filter(({ said }) => holds(said)).length;
  const times = messages.map(({ atMs }) => atMs);
  db.run(
    `INSERT INTO message_day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET user = user + excluded.user,
       assistant = assistant + excluded.assistant, tool_calls = tool_calls + excluded.tool_calls,
       tool_results = tool_results + excluded.tool_results, errors = errors + excluded.errors,
       first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)`,
    sessionKey,
    day,
    count(({ role }) => role === "user"),
    count(({ role }) => role === "assistant"),
    messages.reduce((sum, { said }) => sum + said.calls.length, 0),
    count(({ role }) => role === "toolResult"),
    count(({ failed }) => failed),
    times.reduce((least, atMs) => Math.min(least, atMs)),
    times.reduce((most, atMs) => Math.max(most, atMs)),
  );
}

function countTools(db: Database, { sessionKey, day, messages }: Counted): void {
  const tools = new Map<string, { calls: number; errors: number }>();
  const add = (name: string, calls: number, errors: number): void => {
    const known = tools.get(name) ?? { calls: 0, errors: 0 };
    tools.set(name, { calls: known.calls + calls, errors: known.errors + errors });
  };
  for (const { said } of messages) {
    for (const name of said.calls) add(name, 1, 0);
    if (said.role === "toolResult" && said.failed) add(said.tool, 0, 1);
  }
  for (const [name, { calls, errors }] of tools) {
    db.run(
      `INSERT INTO tool_day VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,
         errors = errors + excluded.errors`,
      sessionKey,
      day,
      name,
      calls,
      errors,
    );
  }
}

/** The counts go with what they count. */
export function eraseSaid(db: Database, sessionKey: string): void {
  db.run(`DELETE FROM message_day WHERE session_key = ?`, sessionKey);
  db.run(`DELETE FROM tool_day WHERE session_key = ?`, sessionKey);
}
