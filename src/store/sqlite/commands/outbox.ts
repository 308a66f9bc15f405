/** What changes the outbox. Parts of one chat leave in the order in which they were written. */
import { AppError } from "../../../domain/app-error.ts";
import type { PartState } from "../../port.ts";
import type { Database } from "../database.ts";
import { selectOutbox, type OutboxRecord } from "../records.ts";

export interface PartArgs {
  readonly id: string;
  readonly channel: string;
  /** Channel, account, chat and thread in one: what keeps the order of parts. */
  readonly chat: string;
  /** JSON. */
  readonly address: string;
  readonly replyToId: string | null;
  /** JSON. */
  readonly reply: string;
  readonly expiresMs: number;
  readonly state: "prepared" | "sent";
}

export interface PartContext {
  readonly messageId: string | null;
  readonly runId: string | null;
  readonly sessionKey: string;
  readonly atMs: number;
}

/** Writes nothing where the id is known. */
export function addPart(db: Database, part: PartArgs, context: PartContext): void {
  const first = part.state === "prepared" && !isBusy(db, part.chat);
  const changes = db.run(
    `INSERT INTO outbox (id, message_id, run_id, session_key, channel, chat, address, reply_to_id, expires_ms, state,
       head, created_ms, updated_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    part.id,
    context.messageId,
    context.runId,
    context.sessionKey,
    part.channel,
    part.chat,
    part.address,
    part.replyToId,
    part.expiresMs,
    part.state,
    first ? 1 : 0,
    context.atMs,
    context.atMs,
  );
  if (changes === 0) return;
  db.run(`INSERT INTO outbox_body (seq, reply) VALUES (last_insert_rowid(), ?)`, part.reply);
}

export function addNotice(db: Database, args: { part: PartArgs; context: PartContext }): OutboxRecord {
  addPart(db, args.part, args.context);
  const row = db.get<OutboxRecord>(`${selectOutbox} WHERE id = ?`, args.part.id);
  if (row === undefined) throw new AppError("SYS_001", "A part was neither new nor known.");
  return row;
}

export function startSending(db: Database, args: { id: string; atMs: number }): null {
  const changes = db.run(
    `UPDATE outbox SET state = 'sending', head = 0, attempts = attempts + 1, updated_ms = ?
     WHERE id = ? AND state = 'prepared'`,
    args.atMs,
    args.id,
  );
  if (changes === 0) throw elsewhere(db, args.id);
  return null;
}

export function recordProgress(
  db: Database,
  args: { id: string; chunksSent: number; platformMessageIds: string; atMs: number },
): null {
  const changes = db.run(
    `UPDATE outbox SET chunks_sent = ?, platform_message_ids = ?, updated_ms = ? WHERE id = ? AND state IN ('sending', 'unknown')`,
    args.chunksSent,
    args.platformMessageIds,
    args.atMs,
    args.id,
  );
  if (changes === 0) throw elsewhere(db, args.id);
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
  readonly atMs: number;
}

export function settle(db: Database, args: SettleArgs): null {
  const row = known(db, args.id);
  const givesUp = args.state === "failed" || args.state === "expired";
  const open = row.state === "sending" || row.state === "unknown" || (row.state === "prepared" && givesUp);
  if (!open) throw elsewhere(db, args.id);
  db.run(
    `UPDATE outbox SET state = ?, head = 0, platform_message_ids = coalesce(?, platform_message_ids),
       next_attempt_ms = ?, error = ?, updated_ms = ? WHERE seq = ?`,
    args.state,
    args.platformMessageIds,
    args.nextAttemptMs,
    args.error,
    args.atMs,
    row.seq,
  );
  moveUp(db, row.chat);
  return null;
}

export function resubmit(db: Database, args: { id: string; atMs: number; expiresMs: number }): boolean {
  const changes = db.run(
    `UPDATE outbox SET state = 'prepared', attempts = 0, next_attempt_ms = 0, expires_ms = ?, error = NULL, updated_ms = ?
     WHERE id = ? AND state IN ('failed', 'expired', 'unknown')`,
    args.expiresMs,
    args.atMs,
    args.id,
  );
  if (changes === 0) return false;
  moveUp(db, known(db, args.id).chat);
  return true;
}

export function recoverParts(db: Database, args: { atMs: number }): OutboxRecord[] {
  const rows = db.all<OutboxRecord & { chat: string }>(
    `${selectOutbox} WHERE state = 'sending' AND state <> 'sent' ORDER BY seq`,
  );
  for (const row of rows) {
    db.run(`UPDATE outbox SET state = 'unknown', updated_ms = ? WHERE seq = ?`, args.atMs, row.seq);
    moveUp(db, row.chat);
  }
  return rows.map((row) => ({ ...row, state: "unknown", updated_ms: args.atMs }));
}

/** In the order of their writing: where old parts are pruned, the oldest are the first of the table. */
export function pruneParts(db: Database, args: { beforeMs: number; limit: number }): number {
  return db.run(
    `DELETE FROM outbox WHERE seq IN (
       SELECT seq FROM outbox WHERE state IN ('sent', 'failed', 'expired') AND updated_ms < ? ORDER BY seq LIMIT ?)`,
    args.beforeMs,
    args.limit,
  );
}

/** Whether a part of the chat waits or is on its way. */
function isBusy(db: Database, chat: string): boolean {
  return db.get(`SELECT 1 FROM outbox WHERE chat = ? AND state IN ('prepared', 'sending') LIMIT 1`, chat) !== undefined;
}

/** After a change of this part's state: the head of its chat is the first unfinished part, unless that one is on its way. */
function moveUp(db: Database, chat: string): void {
  db.run(`UPDATE outbox SET head = 0 WHERE chat = ? AND state = 'prepared' AND head = 1`, chat);
  db.run(
    `UPDATE outbox SET head = 1 WHERE state = 'prepared' AND seq = (
       SELECT seq FROM outbox WHERE chat = ? AND state IN ('prepared', 'sending') ORDER BY seq LIMIT 1)`,
    chat,
  );
}

function known(db: Database, id: string): { seq: number; state: PartState; chat: string } {
  const row = db.get<{ seq: number; state: PartState; chat: string }>(
    `SELECT seq, state, chat FROM outbox WHERE id = ?`,
    id,
  );
  if (row === undefined) throw new AppError("RPC_007", "There is no such part.", { details: { partId: id } });
  return row;
}

function elsewhere(db: Database, id: string): AppError {
  const { state } = known(db, id);
  return new AppError("STORE_003", `The part is ${state} by now.`, { details: { partId: id, state } });
}
