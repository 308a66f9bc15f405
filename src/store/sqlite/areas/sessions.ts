/** Sessions and transcripts of the port. Short reads happen here, long ones in the reader thread. */
import { AppError } from "../../../domain/app-error.ts";
import type {
  SessionListOptions,
  SessionRow,
  SessionStore,
  TranscriptDraft,
  TranscriptEntry,
  TranscriptHits,
} from "../../session-port.ts";
import type { Access } from "../access.ts";
import type { EntryArgs } from "../commands/sessions.ts";
import { historyOf, sessionByKey, sessionPage, transcriptOf, type ListArgs } from "../queries/sessions.ts";
import type { SessionRecord } from "../records.ts";
import { sessionRow, transcriptEntry } from "./rows.ts";
import { saidIn } from "./said.ts";

/** Up to so many rows a read is short enough for the main thread (about 0.5 ms). */
const nearRows = 100;

export function sessionStore(access: Access): SessionStore {
  return {
    async open(sessionKey, agentId, { sessionId, atMs, address }) {
      const opened = await access.write("openSession", {
        sessionKey,
        agentId,
        sessionId,
        atMs,
        address: address === undefined ? null : JSON.stringify(address),
      });
      return { row: sessionRow(opened.record), created: opened.created };
    },
    async get(sessionKey) {
      return rowOrNull(await access.near((db) => sessionByKey(db, { sessionKey })));
    },
    list: (options) => list(access, options),
    async patch(sessionKey, settings, atMs) {
      return rowOrNull(await access.write("patchSession", { sessionKey, settings: JSON.stringify(settings), atMs }));
    },
    async reset(sessionKey, newSessionId, atMs) {
      return rowOrNull(await access.write("resetSession", { sessionKey, newSessionId, atMs }));
    },
    delete: (sessionKey) => access.write("deleteSession", { sessionKey }),
    async append(sessionKey, entries, atMs) {
      const written = await access.write("appendToSession", { sessionKey, entries: entries.map(entryArgs), atMs });
      return written.map(transcriptEntry);
    },
    async transcript(
      sessionKey,
      { sessionId = null, afterSeq = 0, beforeSeq = Number.MAX_SAFE_INTEGER, limit = -1 } = {},
    ) {
      const args = { sessionKey, sessionId, afterSeq, beforeSeq, limit };
      const near = limit >= 0 && limit <= nearRows;
      const records = await (near ? access.near((db) => transcriptOf(db, args)) : access.far("transcriptOf", args));
      return records.map(transcriptEntry);
    },
    search: (query, options) => search(access, query, options),
    history: (sessionKey) => access.near((db) => historyOf(db, { sessionKey })),
    async import(row, entries) {
      await access.write("importSession", { ...row, entries: entries.map(entryArgs) });
    },
  };
}

async function search(
  access: Access,
  query: string,
  { limit, sessionKey, cursor }: Parameters<SessionStore["search"]>[1],
): Promise<TranscriptHits> {
  const before = cursor === undefined ? null : Number(cursor);
  if (before !== null && !Number.isSafeInteger(before)) throw foreignCursor();
  const records = await access.far("searchTranscripts", { query, sessionKey: sessionKey ?? null, before, limit });
  const last = records.at(-1);
  const wanted = query.toLowerCase();
  return {
    hits: records
      .map((record) => ({
        sessionKey: record.session_key,
        sessionId: record.session_id,
        entry: transcriptEntry(record),
      }))
      .filter(({ entry }) => wordsOf(entry).toLowerCase().includes(wanted)),
    nextCursor: records.length < limit || last === undefined ? null : String(last.id),
  };
}

/** The words of a transcript line, without names, ids and numbers. */
function wordsOf({ body }: TranscriptEntry): string {
  const { content } = (body["message"] ?? {}) as { content?: unknown };
  if (!Array.isArray(content)) return "";
  const texts = content.map((part: { text?: unknown } | null) => part?.text);
  return texts.filter((text) => typeof text === "string").join("\n");
}

function foreignCursor(): AppError {
  return new AppError("RPC_003", "The cursor is not one that this list gave out.");
}

async function list(
  access: Access,
  options: SessionListOptions,
): Promise<{ rows: SessionRow[]; nextCursor: string | null; total: number }> {
  const limit = Math.max(1, Math.floor(options.limit));
  const args: ListArgs = {
    // One more than asked for tells whether there is a next page.
    limit: limit + 1,
    behind: options.cursor === undefined ? null : parseCursor(options.cursor),
    agentId: options.agentId ?? null,
    activeSinceMs: options.activeSinceMs ?? null,
    search: options.search ?? null,
  };
  const near = args.activeSinceMs === null && args.search === null && limit <= nearRows;
  const { records, total } = await (near
    ? access.near((db) => sessionPage(db, args))
    : access.far("sessionPage", args));
  const rows = records.slice(0, limit).map(sessionRow);
  const last = rows.at(-1);
  return { rows, nextCursor: records.length > limit && last !== undefined ? cursorBehind(last) : null, total };
}

function cursorBehind(row: SessionRow): string {
  return Buffer.from(JSON.stringify([row.updatedMs, row.sessionKey])).toString("base64url");
}

function parseCursor(cursor: string): { updatedMs: number; sessionKey: string } {
  const refused = foreignCursor();
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    throw refused;
  }
  if (!Array.isArray(parsed) || parsed.length !== 2) throw refused;
  const [updatedMs, sessionKey] = parsed as unknown[];
  if (typeof updatedMs !== "number" || typeof sessionKey !== "string") throw refused;
  return { updatedMs, sessionKey };
}

/** A transcript draft as the writer takes it. */
export function entryArgs(draft: TranscriptDraft): EntryArgs {
  const { id, parentId, type, atMs } = draft;
  return { id, parentId, type, atMs, body: JSON.stringify(draft.body), said: saidIn(draft) };
}

function rowOrNull(record: SessionRecord | null): SessionRow | null {
  return record === null ? null : sessionRow(record);
}
