/** What changes sessions and their transcripts, deletion without a trace included. */
import { AppError } from "../../../domain/app-error.ts";
import type { TranscriptEntry } from "../../session-port.ts";
import type { Database } from "../database.ts";
import { selectSession, type InboxRecord, type SessionRecord, type TranscriptRecord } from "../records.ts";
import { countSaid, eraseSaid, type Said } from "./activity.ts";
import { erase } from "./erase.ts";
import { anonymise, deletedKey } from "./ledger.ts";
import { moveUp } from "./queue-of-chat.ts";
import { eraseTrace } from "./trace.ts";

export interface OpenArgs {
  readonly sessionKey: string;
  readonly agentId: string;
  readonly sessionId: string;
  readonly atMs: number;
  /** JSON; null leaves the one that is there. */
  readonly address: string | null;
  /** A session that was last used before this time is begun anew; null: none is. */
  readonly staleBeforeMs?: number | null;
}

export interface Opened {
  readonly record: SessionRecord;
  readonly created: boolean;
  /** Whether it was there and had gone stale. */
  readonly renewed: boolean;
}

export function openSession(db: Database, args: OpenArgs): Opened {
  const renewed = renewStale(db, args);
  const changes = db.run(
    `UPDATE session SET updated_ms = max(updated_ms, ?), last_address = coalesce(?, last_address) WHERE session_key = ?`,
    args.atMs,
    args.address,
    args.sessionKey,
  );
  if (changes === 0) insertSession(db, { ...args, createdMs: args.atMs });
  return { record: known(db, args.sessionKey), created: changes === 0, renewed };
}

/** Never while a message of the session waits or runs: it belongs to the talk that it was said in. */
function renewStale(db: Database, { sessionKey, sessionId, atMs, staleBeforeMs }: OpenArgs): boolean {
  if (staleBeforeMs === undefined || staleBeforeMs === null) return false;
  const session = find(db, sessionKey);
  if (session === null || session.updated_ms >= staleBeforeMs) return false;
  const busy = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM (SELECT 1 FROM inbox WHERE lane = ? AND ended_ms IS NULL LIMIT 2)`,
    sessionKey,
  );
  // One is the very message that comes in.
  if ((busy?.n ?? 0) > 1) return false;
  resetSession(db, { sessionKey, newSessionId: sessionId, atMs });
  return true;
}

/** A turn whose session nobody opened: its run id names the session, so that nothing it says is lost. */
export function ensureSession(db: Database, row: InboxRecord, atMs: number): void {
  if (db.get(`SELECT 1 FROM session WHERE session_key = ?`, row.session_key) !== undefined) return;
  const { session_key: sessionKey, agent_id: agentId, run_id: sessionId } = row;
  insertSession(db, { sessionKey, agentId, sessionId, createdMs: atMs, address: null });
}

function insertSession(
  db: Database,
  args: { sessionKey: string; agentId: string; sessionId: string; createdMs: number; address: string | null },
): void {
  const generation = insertGeneration(db, args);
  db.run(
    `INSERT INTO session (session_key, generation, agent_id, created_ms, updated_ms, last_address)
     VALUES (?, ?, ?, ?, ?, ?)`,
    args.sessionKey,
    generation,
    args.agentId,
    args.createdMs,
    args.createdMs,
    args.address,
  );
}

function insertGeneration(db: Database, args: { sessionKey: string; sessionId: string; createdMs: number }): number {
  const taken = db.get(`SELECT 1 FROM generation WHERE session_id = ?`, args.sessionId) !== undefined;
  if (taken) throw new AppError("RPC_006", "The session id is taken.", { details: { sessionId: args.sessionId } });
  return db.insert(
    `INSERT INTO generation (session_id, session_key, created_ms) VALUES (?, ?, ?)`,
    args.sessionId,
    args.sessionKey,
    args.createdMs,
  );
}

function find(db: Database, sessionKey: string): SessionRecord | null {
  return db.get<SessionRecord>(`${selectSession} WHERE session.session_key = ?`, sessionKey) ?? null;
}

function known(db: Database, sessionKey: string): SessionRecord {
  const record = find(db, sessionKey);
  if (record === null) throw missing(sessionKey);
  return record;
}

function missing(sessionKey: string): AppError {
  return new AppError("RPC_007", "There is no such session.", { details: { sessionKey } });
}

export interface PatchArgs {
  readonly sessionKey: string;
  /** JSON object; null removes a key. */
  readonly settings: string;
  readonly atMs: number;
}

export function patchSession(db: Database, args: PatchArgs): SessionRecord | null {
  const record = find(db, args.sessionKey);
  if (record === null) return null;
  // Not SQLite's json_patch: that would merge nested objects, and a setting is replaced as a whole.
  const merged = { ...(JSON.parse(record.settings) as object), ...(JSON.parse(args.settings) as object) };
  const settings = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  db.run(
    `UPDATE session SET settings = ?, label = ?, updated_ms = max(updated_ms, ?) WHERE session_key = ?`,
    JSON.stringify(settings),
    typeof settings["label"] === "string" ? settings["label"] : null,
    args.atMs,
    args.sessionKey,
  );
  return known(db, args.sessionKey);
}

export function resetSession(
  db: Database,
  args: { sessionKey: string; newSessionId: string; atMs: number },
): SessionRecord | null {
  if (find(db, args.sessionKey) === null) return null;
  const generation = insertGeneration(db, {
    sessionKey: args.sessionKey,
    sessionId: args.newSessionId,
    createdMs: args.atMs,
  });
  db.run(
    `UPDATE session SET generation = ?, updated_ms = max(updated_ms, ?), input_tokens = 0, output_tokens = 0,
       cache_read_tokens = 0, cache_write_tokens = 0, cost_micros = 0, message_count = 0, last_seq = 0,
       last_entry_id = NULL WHERE session_key = ?`,
    generation,
    args.atMs,
    args.sessionKey,
  );
  return known(db, args.sessionKey);
}

export function deleteSession(db: Database, args: { sessionKey: string }): boolean {
  const { sessionKey } = args;
  eraseTrace(db, sessionKey);
  eraseSaid(db, sessionKey);
  let removed = db.run(`DELETE FROM inbox WHERE session_key = ?`, sessionKey);
  removed += eraseParts(db, sessionKey);
  removed += db.run(`DELETE FROM session WHERE session_key = ?`, sessionKey);
  db.run(`DELETE FROM decision WHERE session_key = ?`, sessionKey);
  removed += db.run(`DELETE FROM generation WHERE session_key = ?`, sessionKey);
  if (removed === 0) return false;
  if (sessionKey !== deletedKey) anonymise(db, sessionKey);
  db.afterCommit(() => erase(db));
  return true;
}

/** Other sessions may write to the same chats: the parts behind the removed ones move up. */
function eraseParts(db: Database, sessionKey: string): number {
  const chats = db.all<{ chat: string }>(`SELECT DISTINCT chat FROM outbox WHERE session_key = ?`, sessionKey);
  const removed = db.run(`DELETE FROM outbox WHERE session_key = ?`, sessionKey);
  for (const { chat } of chats) moveUp(db, chat);
  return removed;
}

export interface EntryArgs {
  readonly id: string;
  /** Undefined: the entry before it. */
  readonly parentId: string | null | undefined;
  readonly type: TranscriptEntry["type"];
  readonly atMs: number;
  /** JSON object. */
  readonly body: string;
  /** What it counts as; null where it is no message. */
  readonly said: Said | null;
}

export function appendToSession(
  db: Database,
  args: { sessionKey: string; entries: readonly EntryArgs[]; atMs: number },
): TranscriptRecord[] {
  return grow(db, { ...args, spent: [] });
}

/** What a session grows by in one commit: entries, and what they cost. */
export interface Growth {
  readonly sessionKey: string;
  readonly entries: readonly EntryArgs[];
  readonly spent: readonly Spent[];
  readonly atMs: number;
}

export interface Spent {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costMicros: number | null;
}

/** For what is worth a line in a transcript, but no session of its own. */
export function growWhereOpen(db: Database, growth: Growth): void {
  if (find(db, growth.sessionKey) !== null) grow(db, growth);
}

export function grow(db: Database, { sessionKey, entries, spent, atMs }: Growth): TranscriptRecord[] {
  const session = db.get<{ generation: number; last_seq: number; last_entry_id: string | null }>(
    `SELECT generation, last_seq, last_entry_id FROM session WHERE session_key = ?`,
    sessionKey,
  );
  if (session === undefined) throw missing(sessionKey);
  let seq = session.last_seq;
  let last = session.last_entry_id;
  const written = entries.map((entry) => {
    seq += 1;
    const row = insertEntry(db, session.generation, { ...entry, parentId: parentOf(entry, last) }, seq);
    last = row.entry_id;
    return row;
  });
  countSaid(db, sessionKey, entries);
  const messages = entries.filter((entry) => entry.type === "message").length;
  db.run(
    `UPDATE session SET last_seq = ?, last_entry_id = ?, message_count = message_count + ?,
       input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, cache_read_tokens = cache_read_tokens + ?,
       cache_write_tokens = cache_write_tokens + ?, cost_micros = cost_micros + ?, updated_ms = max(updated_ms, ?)
     WHERE session_key = ?`,
    seq,
    last,
    messages,
    sum(spent, (call) => call.input),
    sum(spent, (call) => call.output),
    sum(spent, (call) => call.cacheRead),
    sum(spent, (call) => call.cacheWrite),
    sum(spent, (call) => call.costMicros ?? 0),
    atMs,
    sessionKey,
  );
  return written;
}

function parentOf(entry: EntryArgs, last: string | null): string | null {
  return entry.parentId === undefined ? last : entry.parentId;
}

/** Inserts under the entry's id or, where that is taken, the next free one: a reply is not lost to eight unlucky digits. */
function insertEntry(
  db: Database,
  generation: number,
  entry: EntryArgs & { readonly parentId: string | null },
  seq: number,
): TranscriptRecord {
  for (let id = entry.id; ; id = following(id)) {
    const changes = db.run(
      `INSERT INTO transcript (generation, seq, entry_id, parent_id, type, at_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (generation, entry_id) DO NOTHING`,
      generation,
      seq,
      id,
      entry.parentId,
      entry.type,
      entry.atMs,
      entry.body,
    );
    if (changes === 1) {
      return { seq, entry_id: id, parent_id: entry.parentId, type: entry.type, at_ms: entry.atMs, body: entry.body };
    }
  }
}

function following(id: string): string {
  const number = Number.parseInt(id, 16);
  return (Number.isNaN(number) ? 0 : (number + 1) % 0x1_0000_0000).toString(16).padStart(8, "0");
}

function sum(calls: readonly Spent[], of: (call: Spent) => number): number {
  return calls.reduce((total, call) => total + of(call), 0);
}

export interface ImportArgs {
  readonly sessionKey: string;
  readonly agentId: string;
  readonly sessionId: string;
  readonly createdMs: number;
  readonly entries: readonly EntryArgs[];
}

export function importSession(db: Database, args: ImportArgs): null {
  const ids = new Set(args.entries.map((entry) => entry.id));
  if (ids.size !== args.entries.length) throw new AppError("RPC_003", "Two entries of the transcript share an id.");
  const { sessionKey } = args;
  const existing = find(db, sessionKey);
  if (existing !== null && existing.last_seq > 0) {
    throw new AppError("RPC_006", "The session already has entries.", { details: { sessionKey } });
  }
  const updatedMs = args.entries.at(-1)?.atMs ?? args.createdMs;
  if (existing === null) insertSession(db, { ...args, address: null });
  else resetSession(db, { sessionKey, newSessionId: args.sessionId, atMs: updatedMs });
  grow(db, { sessionKey, entries: args.entries, spent: [], atMs: updatedMs });
  return null;
}
