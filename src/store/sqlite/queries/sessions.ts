/** Reads of sessions and transcripts. A page of the list costs its rows, however many sessions there are. */
import type { Database } from "../database.ts";
import { selectSession, type SessionRecord, type TranscriptRecord } from "../records.ts";

export function sessionByKey(db: Database, args: { sessionKey: string }): SessionRecord | null {
  return db.get<SessionRecord>(`${selectSession} WHERE session.session_key = ?`, args.sessionKey) ?? null;
}

export interface ListArgs {
  readonly limit: number;
  /** The last row of the page before. */
  readonly behind: { readonly updatedMs: number; readonly sessionKey: string } | null;
  readonly agentId: string | null;
  readonly activeSinceMs: number | null;
  readonly search: string | null;
}

export function sessionPage(db: Database, args: ListArgs): { records: SessionRecord[]; total: number } {
  const filter = filterOf(args);
  const page = { where: [...filter.where], values: [...filter.values] };
  if (args.behind !== null) {
    page.where.push("(session.updated_ms, session.session_key) < (?, ?)");
    page.values.push(args.behind.updatedMs, args.behind.sessionKey);
  }
  const records = db.all<SessionRecord>(
    `${selectSession} ${whereOf(page.where)} ORDER BY session.updated_ms DESC, session.session_key DESC LIMIT ?`,
    ...page.values,
    args.limit,
  );
  return { records, total: total(db, args, filter) };
}

interface Filter {
  where: string[];
  values: (string | number)[];
}

function filterOf(args: ListArgs): Filter {
  const filter: Filter = { where: [], values: [] };
  if (args.agentId !== null) {
    filter.where.push("session.agent_id = ?");
    filter.values.push(args.agentId);
  }
  if (args.activeSinceMs !== null) {
    filter.where.push("session.updated_ms >= ?");
    filter.values.push(args.activeSinceMs);
  }
  if (args.search !== null) {
    const pattern = `%${args.search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    filter.where.push(String.raw`(session.session_key LIKE ? ESCAPE '\' OR session.label LIKE ? ESCAPE '\')`);
    filter.values.push(pattern, pattern);
  }
  return filter;
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
}

function total(db: Database, args: ListArgs, filter: Filter): number {
  if (args.activeSinceMs === null && args.search === null) {
    const name = args.agentId === null ? "sessions" : `sessions.${args.agentId}`;
    return db.get<{ n: number }>(`SELECT n FROM counter WHERE name = ?`, name)?.n ?? 0;
  }
  return db.get<{ n: number }>(`SELECT count(*) AS n FROM session ${whereOf(filter.where)}`, ...filter.values)?.n ?? 0;
}

export interface TranscriptArgs {
  readonly sessionKey: string;
  /** Null: the current one. */
  readonly sessionId: string | null;
  readonly afterSeq: number;
  readonly beforeSeq: number;
  /** -1: no limit. */
  readonly limit: number;
}

export function transcriptOf(db: Database, args: TranscriptArgs): TranscriptRecord[] {
  const generation =
    args.sessionId === null
      ? db.get<{ id: number }>(`SELECT generation AS id FROM session WHERE session_key = ?`, args.sessionKey)
      : db.get<{ id: number }>(
          `SELECT id FROM generation WHERE session_id = ? AND session_key = ?`,
          args.sessionId,
          args.sessionKey,
        );
  if (generation === undefined) return [];
  return db
    .all<TranscriptRecord>(
      `SELECT seq, entry_id, parent_id, type, at_ms, body FROM transcript
       WHERE generation = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
      generation.id,
      args.afterSeq,
      args.beforeSeq,
      args.limit,
    )
    .toReversed();
}

export interface SearchArgs {
  readonly query: string;
  readonly sessionKey: string | null;
  /** Rows before this one; null: from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export type HitRecord = TranscriptRecord & {
  readonly id: number;
  readonly session_key: string;
  readonly session_id: string;
};

/** Looks at every line, newest first, until the page is full: for the reader thread. */
export function searchTranscripts(db: Database, args: SearchArgs): HitRecord[] {
  // As the words stand in the stored JSON. Whoever asks looks again: they may stand in a name and not in what was said.
  const words = JSON.stringify(args.query).slice(1, -1);
  const pattern = `%${words.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const session = args.sessionKey === null ? "" : "AND generation.session_key = ?";
  return db.all<HitRecord>(
    `SELECT transcript.id, seq, entry_id, parent_id, type, at_ms, body, session_key, session_id
     FROM transcript JOIN generation ON generation.id = transcript.generation
     WHERE type = 'message' AND transcript.id < ? AND body LIKE ? ESCAPE '\\' ${session}
     ORDER BY transcript.id DESC LIMIT ?`,
    args.before ?? Number.MAX_SAFE_INTEGER,
    pattern,
    ...(args.sessionKey === null ? [] : [args.sessionKey]),
    args.limit,
  );
}

export function historyOf(db: Database, args: { sessionKey: string }): { sessionId: string; createdMs: number }[] {
  return db.all<{ sessionId: string; createdMs: number }>(
    `SELECT session_id AS sessionId, created_ms AS createdMs FROM generation WHERE session_key = ? ORDER BY id DESC`,
    args.sessionKey,
  );
}
