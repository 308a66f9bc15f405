/** What changes the outbox. Parts of one chat leave in the order in which they were written. */
import { AppError, type AppErrorJson } from "../../../domain/app-error.ts";
import type { Lease, PartState } from "../../port.ts";
import type { Database } from "../database.ts";
import { selectOutbox, type OutboxRecord, type PartRecord } from "../records.ts";
import { count } from "./counter.ts";
import { underLease } from "./lease.ts";
import { rememberPlatformIds } from "./platform-ids.ts";
import { isBusy, moveUp } from "./queue-of-chat.ts";
import { grow, growWhereOpen, openSession, type EntryArgs } from "./sessions.ts";
import { traceNewPart, tracePart } from "./trace.ts";

export interface PartArgs {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  /** Channel, account, chat and thread in one: what keeps the order of parts. */
  readonly chat: string;
  /** JSON. */
  readonly address: string;
  /** JSON; null for a message of its own. */
  readonly action: string | null;
  readonly replyToId: string | null;
  /** JSON. */
  readonly reply: string;
  readonly expiresMs: number;
  readonly state: "prepared" | "sent" | "held";
  readonly notBeforeMs: number;
}

export interface PartContext {
  readonly messageId: string | null;
  readonly runId: string | null;
  readonly sessionKey: string;
  readonly atMs: number;
}

/** Writes nothing where the id is known; tells whether it was new. */
export function addPart(db: Database, part: PartArgs, context: PartContext): boolean {
  const first = part.state === "prepared" && !isBusy(db, part.chat);
  const changes = db.run(
    `INSERT INTO outbox (id, message_id, run_id, session_key, channel, account, chat, address, action, reply_to_id,
       expires_ms, state, head, next_attempt_ms, created_ms, updated_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    part.id,
    context.messageId,
    context.runId,
    context.sessionKey,
    part.channel,
    part.account,
    part.chat,
    part.address,
    part.action,
    part.replyToId,
    part.expiresMs,
    part.state,
    first ? 1 : 0,
    part.notBeforeMs,
    context.atMs,
    context.atMs,
  );
  if (changes === 0) return false;
  db.run(`INSERT INTO outbox_body (seq, reply) VALUES (last_insert_rowid(), ?)`, part.reply);
  traceNewPart(
    db,
    { id: part.id, message_id: context.messageId, run_id: context.runId, session_key: context.sessionKey },
    {
      type: `outbox.${part.state}`,
      atMs: context.atMs,
      data: part.notBeforeMs > 0 ? { notBeforeMs: part.notBeforeMs } : {},
    },
  );
  return true;
}

export interface AddArgs {
  readonly part: PartArgs;
  readonly context: PartContext;
  /** Null where nobody's lease vouches for the part. */
  readonly lease: Lease | null;
  /** What the transcript of the session says of it; null where nothing, or somebody else says it. */
  readonly said: { readonly entry: EntryArgs; readonly agentId: string; readonly sessionId: string } | null;
}

export function addNotice(db: Database, { part, context, lease, said }: AddArgs): OutboxRecord {
  if (lease !== null) underLease(db, lease);
  const isNew = addPart(db, part, context);
  if (isNew && said !== null) {
    const { sessionKey, atMs } = context;
    const { agentId, sessionId } = said;
    openSession(db, { sessionKey, agentId, sessionId, atMs, address: null });
    grow(db, { sessionKey, entries: [said.entry], spent: [], atMs });
  }
  const row = db.get<OutboxRecord>(`${selectOutbox} WHERE id = ?`, part.id);
  if (row === undefined) throw new AppError("SYS_001", "A part was neither new nor known.");
  return row;
}

export function startSending(db: Database, args: { id: string; atMs: number }): null {
  const row = db.get<PartRecord>(
    `UPDATE outbox SET state = 'sending', head = 0, attempts = attempts + 1, updated_ms = ?
     WHERE id = ? AND state = 'prepared' RETURNING *`,
    args.atMs,
    args.id,
  );
  if (row === undefined) throw elsewhere(db, args.id);
  tracePart(db, row, { type: "outbox.sending", atMs: args.atMs, data: { attempt: row.attempts } });
  return null;
}

export interface ProgressArgs {
  readonly id: string;
  readonly chunksSent: number;
  /** JSON. */
  readonly platformMessageIds: string;
  readonly atMs: number;
}

export function recordProgress(db: Database, args: ProgressArgs): null {
  const { chunksSent, platformMessageIds: ids, atMs } = args;
  const row = db.get<PartRecord>(
    `UPDATE outbox SET chunks_sent = ?, platform_message_ids = ?, updated_ms = ?
     WHERE id = ? AND state IN ('sending', 'unknown') RETURNING *`,
    chunksSent,
    ids,
    atMs,
    args.id,
  );
  if (row === undefined) throw elsewhere(db, args.id);
  rememberPlatformIds(db, row, ids);
  const data = { chunksSent, platformMessageIds: JSON.parse(ids) as string[] };
  tracePart(db, row, { type: "outbox.progress", atMs, data });
  return null;
}

export interface SettleArgs {
  readonly id: string;
  readonly state: Exclude<PartState, "sending">;
  /** JSON; null keeps what is there. */
  readonly platformMessageIds: string | null;
  readonly nextAttemptMs: number;
  /** JSON. */
  readonly error: string | null;
  readonly notice: PartArgs | null;
  readonly transcript: EntryArgs | null;
  readonly atMs: number;
}

export function settle(db: Database, args: SettleArgs): null {
  const row = known(db, args.id);
  const givesUp = args.state === "failed" || args.state === "expired";
  const open =
    row.state === "sending" ||
    row.state === "unknown" ||
    (row.state === "prepared" && (givesUp || args.state === "held")) ||
    (row.state === "held" && args.state === "failed");
  if (!open) throw elsewhere(db, args.id);
  db.run(
    `UPDATE outbox SET state = ?, head = 0, platform_message_ids = coalesce(?, platform_message_ids),
       next_attempt_ms = ?, error = iif(?, error, ?), dead_letter = ?, updated_ms = ? WHERE seq = ?`,
    args.state,
    args.platformMessageIds,
    args.nextAttemptMs,
    // To be held is no end: what is known of earlier attempts stays.
    args.state === "held" ? 1 : 0,
    args.error,
    givesUp ? 1 : 0,
    args.atMs,
    row.seq,
  );
  if (args.platformMessageIds !== null) rememberPlatformIds(db, row, args.platformMessageIds);
  if (args.state === "unknown" && row.state !== "unknown") count(db, "unknown-sends");
  tracePart(db, row, { type: `outbox.${args.state}`, atMs: args.atMs, data: whatBecame(row, args) });
  moveUp(db, row.chat);
  tell(db, row, args);
  return null;
}

function whatBecame(row: PartRecord, args: SettleArgs): Record<string, unknown> {
  const { attempts: attempt, chunks_sent: chunksSent } = row;
  if (args.platformMessageIds !== null) {
    return { attempt, platformMessageIds: JSON.parse(args.platformMessageIds) as string[] };
  }
  const failed = { attempt, chunksSent, ...errorCode(args.error) };
  return args.state === "prepared" ? { ...failed, nextAttemptMs: args.nextAttemptMs } : failed;
}

function errorCode(json: string | null): { error?: string } {
  return json === null ? {} : { error: (JSON.parse(json) as AppErrorJson).code };
}

/** What the chat and the transcript hear of a part that will not arrive. */
function tell(db: Database, row: PartRecord, { notice, transcript, atMs }: SettleArgs): void {
  const { session_key: sessionKey } = row;
  if (notice !== null) addPart(db, notice, { messageId: row.message_id, runId: row.run_id, sessionKey, atMs });
  if (transcript !== null) growWhereOpen(db, { sessionKey, entries: [transcript], spent: [], atMs });
}

export interface DecideArgs {
  readonly id: string;
  /** Null where it was refused. */
  readonly expiresMs: number | null;
  /** JSON; null where it was allowed. */
  readonly error: string | null;
  readonly atMs: number;
}

export function decide(db: Database, { id, expiresMs, error, atMs }: DecideArgs): boolean {
  const state: PartState = error === null ? "prepared" : "failed";
  const row = db.get<PartRecord>(
    `UPDATE outbox SET state = ?, expires_ms = coalesce(?, expires_ms), approved_ms = ?, error = coalesce(?, error), dead_letter = ?,
       updated_ms = ?
     WHERE id = ? AND state = 'held' RETURNING *`,
    state,
    expiresMs,
    error === null ? atMs : null,
    error,
    error === null ? 0 : 1,
    atMs,
    id,
  );
  if (row === undefined) return false;
  moveUp(db, row.chat);
  tracePart(db, row, { type: `outbox.${state}`, atMs, data: { allowed: error === null, ...errorCode(error) } });
  return true;
}

export function postpone(db: Database, args: { id: string; untilMs: number }): null {
  const changes = db.run(
    `UPDATE outbox SET next_attempt_ms = max(next_attempt_ms, ?) WHERE id = ? AND state = 'prepared'`,
    args.untilMs,
    args.id,
  );
  if (changes === 0) waitAgain(db, args);
  return null;
}

/** Between two pieces: what began as an attempt was none. */
function waitAgain(db: Database, args: { id: string; untilMs: number }): void {
  const row = db.get<PartRecord>(
    `UPDATE outbox SET state = 'prepared', attempts = attempts - 1, next_attempt_ms = ?
     WHERE id = ? AND state = 'sending' RETURNING *`,
    args.untilMs,
    args.id,
  );
  if (row === undefined) throw elsewhere(db, args.id);
  moveUp(db, row.chat);
  // Its caller names no time: it stands behind the last thing that is known of the part.
  const data = { postponed: true, attempt: row.attempts, chunksSent: row.chunks_sent, nextAttemptMs: args.untilMs };
  tracePart(db, row, { type: "outbox.prepared", atMs: row.updated_ms, data });
}

/** What was purged has nothing left to say: it is not sent again. What is known of earlier attempts stays. */
export function resubmit(db: Database, args: { id: string; atMs: number; expiresMs: number }): boolean {
  const row = db.get<PartRecord>(
    `UPDATE outbox SET state = 'prepared', attempts = 0, next_attempt_ms = 0, expires_ms = ?, dead_letter = 0,
       updated_ms = ?
     WHERE id = ? AND state IN ('failed', 'expired', 'unknown') AND dead_letter <> 2 RETURNING *`,
    args.expiresMs,
    args.atMs,
    args.id,
  );
  if (row === undefined) return false;
  moveUp(db, row.chat);
  const data = { resubmitted: true, chunksSent: row.chunks_sent };
  tracePart(db, row, { type: "outbox.prepared", atMs: args.atMs, data });
  return true;
}

export function recoverParts(db: Database, args: { atMs: number }): OutboxRecord[] {
  const rows = db.all<OutboxRecord>(`${selectOutbox} WHERE state = 'sending' AND state <> 'sent' ORDER BY seq`);
  for (const row of rows) {
    db.run(`UPDATE outbox SET state = 'unknown', updated_ms = ? WHERE seq = ?`, args.atMs, row.seq);
    count(db, "unknown-sends");
    const data = { recovered: true, attempt: row.attempts, chunksSent: row.chunks_sent };
    tracePart(db, row, { type: "outbox.unknown", atMs: args.atMs, data });
    moveUp(db, row.chat);
  }
  return rows.map((row) => ({ ...row, state: "unknown", updated_ms: args.atMs }));
}

/** Oldest first, from an index that holds these alone. What is on the list of dead letters stays until it is off. */
export function pruneParts(db: Database, args: { beforeMs: number; limit: number }): number {
  return db.run(
    `DELETE FROM outbox WHERE seq IN (
       SELECT seq FROM outbox
       WHERE state IN ('sent', 'failed', 'expired') AND dead_letter <> 1 AND updated_ms < ? ORDER BY updated_ms LIMIT ?)`,
    args.beforeMs,
    args.limit,
  );
}

function known(db: Database, id: string): PartRecord {
  const row = db.get<PartRecord>(`SELECT * FROM outbox WHERE id = ?`, id);
  if (row === undefined) throw new AppError("RPC_007", "There is no such part.", { details: { partId: id } });
  return row;
}

function elsewhere(db: Database, id: string): AppError {
  const { state } = known(db, id);
  return new AppError("STORE_003", `The part is ${state} by now.`, { details: { partId: id, state } });
}
