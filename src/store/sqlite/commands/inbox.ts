/** What changes the inbox: admission, what a crash leaves, and every way in which a message ends. */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { Address } from "../../../domain/message.ts";
import type { InboxState } from "../../port.ts";
import type { Database } from "../database.ts";
import { selectInbox, type InboxRecord } from "../records.ts";
import { count } from "./counter.ts";
import { isBusy, passOn, promoteDue, reorder } from "./lane.ts";
import { leaseLost, pause } from "./lease.ts";
import { openSession, type Opened } from "./sessions.ts";
import { traceArrival, traceMessage } from "./trace.ts";

export interface AdmitArgs {
  readonly messageId: string;
  readonly runId: string;
  readonly dedupeKey: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** Channel, account and sender in one: whose turn it is, where turns are shared out. */
  readonly sender: string;
  /** Index into `priorities`. */
  readonly priority: number;
  readonly dueMs: number;
  readonly expiresMs: number;
  readonly ephemeral: boolean;
  /** JSON. */
  readonly message: string;
  readonly options: string;
  readonly atMs: number;
  /** Set for a refusal: the row is written in its terminal state. */
  readonly rejectReason: string | null;
  readonly owner: string | null;
  readonly leaseMs: number;
  readonly sessionId: string | null;
  readonly staleBeforeMs: number | null;
  /** JSON, for the session. */
  readonly address: string;
  readonly keepAddress: boolean;
}

export type AdmitRecord =
  | { readonly epoch: number; readonly session: Opened | null }
  | { readonly existing: InboxRecord };

export function admit(db: Database, args: AdmitArgs): AdmitRecord {
  // A scheduled message whose time has come is older than this one.
  promoteDue(db, args.atMs);
  const claimed = insertMessage(db, args) ?? insertAgain(db, args);
  if (typeof claimed === "object") {
    count(db, "duplicates");
    return { existing: claimed };
  }
  tellArrival(db, args, claimed);
  const opens = args.sessionId !== null && !args.ephemeral && args.rejectReason === null;
  const session = opens
    ? openSession(db, {
        sessionKey: args.sessionKey,
        agentId: args.agentId,
        sessionId: args.sessionId ?? args.runId,
        atMs: args.atMs,
        address: args.keepAddress ? null : args.address,
        staleBeforeMs: args.staleBeforeMs,
      })
    : null;
  return { epoch: claimed ? 1 : 0, session };
}

function tellArrival(db: Database, args: AdmitArgs, claimed: boolean): void {
  const { atMs, rejectReason: reason } = args;
  const { channel, accountId } = JSON.parse(args.address) as Address;
  const verdict = reason !== null ? { reason } : args.dueMs > atMs ? { dueMs: args.dueMs } : {};
  const type = reason === null ? "inbox.queued" : "inbox.rejected";
  traceArrival(db, args, { type, atMs, data: { channel, accountId, ...verdict } });
  if (claimed) traceMessage(db, args.messageId, { type: "inbox.running", atMs, data: { attempt: 1, epoch: 1 } });
}

/** Null where one of the row's keys is taken, else whether the message was claimed at once. */
function insertMessage(db: Database, args: AdmitArgs): boolean | null {
  const lane = args.ephemeral ? args.messageId : args.sessionKey;
  const rejected = args.rejectReason !== null;
  const scheduled = !rejected && args.dueMs > args.atMs;
  const free = !rejected && !scheduled && (args.ephemeral || !isBusy(db, lane));
  const claimed = free && args.owner !== null;
  const state: InboxState = rejected ? "rejected" : claimed ? "running" : "queued";
  const changes = db.run(
    `INSERT INTO inbox (message_id, run_id, dedupe_key, session_key, lane, agent_id, sender, priority, due_ms, expires_ms,
       ephemeral, state, reason, attempts, admitted_ms, wait_since_ms, head, scheduled, lease_owner, lease_epoch,
       lease_until_ms, started_ms, ended_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    args.messageId,
    args.runId,
    args.dedupeKey,
    args.sessionKey,
    lane,
    args.agentId,
    args.sender,
    args.priority,
    args.dueMs,
    args.expiresMs,
    args.ephemeral ? 1 : 0,
    state,
    args.rejectReason,
    claimed ? 1 : 0,
    args.atMs,
    Math.max(args.atMs, args.dueMs),
    free && !claimed ? 1 : 0,
    scheduled ? 1 : 0,
    claimed ? args.owner : null,
    claimed ? 1 : 0,
    claimed ? args.atMs + args.leaseMs : 0,
    claimed ? args.atMs : null,
    rejected ? args.atMs : null,
  );
  if (changes === 0) return null;
  db.run(
    `INSERT INTO inbox_body (seq, message, options) VALUES (last_insert_rowid(), ?, ?)`,
    args.message,
    args.options,
  );
  return claimed;
}

/** The row that holds one of the keys; or, where it only held the dedupe key and its window is over, a second try. */
function insertAgain(db: Database, args: AdmitArgs): InboxRecord | boolean {
  const known =
    db.get<InboxRecord>(`${selectInbox} WHERE run_id = ?`, args.runId) ??
    db.get<InboxRecord>(`${selectInbox} WHERE message_id = ?`, args.messageId);
  if (known !== undefined) return known;
  const same = db.get<InboxRecord>(`${selectInbox} WHERE dedupe_key = ? AND superseded = 0`, args.dedupeKey);
  if (same === undefined) throw new AppError("SYS_001", "A message was neither new nor known.");
  const within = same.ended_ms === null || same.admitted_ms >= args.atMs - limits.idempotencyTtlMs;
  if (within) return same;
  db.run(`UPDATE inbox SET superseded = 1 WHERE seq = ?`, same.seq);
  const claimed = insertMessage(db, args);
  if (claimed === null) throw new AppError("SYS_001", "A message was neither new nor known.");
  return claimed;
}

export interface EndArgs {
  readonly messageId: string;
  readonly state: "merged" | "expired" | "dead";
  readonly reason: string;
  readonly atMs: number;
}

export function end(db: Database, args: EndArgs): null {
  const row = db.get<InboxRecord>(`SELECT * FROM inbox WHERE message_id = ?`, args.messageId);
  if (row === undefined) {
    throw new AppError("RPC_007", "There is no such message.", { details: { messageId: args.messageId } });
  }
  if (row.ended_ms !== null) throw leaseLost(args.messageId);
  endUnanswered(db, row, args);
  return null;
}

/** Takes a message that waits in this lane into another turn. False where it does not wait there (any more), or was begun. */
export function endMerged(
  db: Database,
  { messageId, lane, reason, atMs }: { messageId: string; lane: string; reason: string; atMs: number },
): boolean {
  const row = db.get<InboxRecord>(
    `SELECT * FROM inbox WHERE message_id = ? AND lane = ? AND state = 'queued' AND started_ms IS NULL`,
    messageId,
    lane,
  );
  if (row === undefined) return false;
  endUnanswered(db, row, { state: "merged", reason, atMs });
  return true;
}

/** Ends a row without a turn's result; a turn that was under way is recorded as aborted. */
function endUnanswered(db: Database, row: InboxRecord, args: Omit<EndArgs, "messageId">): void {
  markEnded(db, row, args);
  if (row.started_ms !== null) {
    db.run(
      `INSERT INTO turn (seq, state, ended_ms, text, tool_calls, stop_reason, input_tokens, output_tokens,
         cache_read_tokens, cache_write_tokens)
       VALUES (?, 'aborted', ?, '', '[]', 'aborted', 0, 0, 0, 0)`,
      row.seq,
      args.atMs,
    );
    db.run(`DELETE FROM step WHERE seq = ?`, row.seq);
  }
  reorder(db, row.lane);
}

/** The last state of a message whose turn has a result. */
export function endAnswered(db: Database, row: InboxRecord, ended: Ended): void {
  markEnded(db, row, ended);
  if (row.ephemeral === 0) passOn(db, row.lane);
}

interface Ended {
  readonly state: InboxState;
  readonly reason: string;
  readonly atMs: number;
}

function markEnded(db: Database, row: InboxRecord, { state, reason, atMs }: Ended): void {
  // Whoever made a stateless call was told on the open connection; everybody else's message is kept for a second try.
  const deadLetter = row.ephemeral === 0 && (state === "dead" || state === "expired");
  db.run(
    `UPDATE inbox SET state = ?, reason = ?, ended_ms = ?, head = 0, scheduled = 0, lease_owner = NULL, dead_letter = ?
     WHERE seq = ?`,
    state,
    reason,
    atMs,
    deadLetter ? 1 : 0,
    row.seq,
  );
  traceMessage(db, row.message_id, { type: `inbox.${state}`, atMs, data: { reason, attempt: row.attempts } });
}

export interface RecoverArgs {
  readonly owner: string;
  readonly atMs: number;
  /** How long a message waits that was under way in so many attempts; 0 where it is not named. */
  readonly pauses: readonly { readonly attempts: number; readonly pauseMs: number }[];
}

export function recover(db: Database, args: RecoverArgs): { requeued: number; expired: number } {
  const abandoned = db.all<InboxRecord>(
    `SELECT * FROM inbox WHERE ephemeral = 1 AND state = 'queued'
     UNION ALL SELECT * FROM inbox WHERE ephemeral = 1 AND state = 'running' AND lease_owner IS NULL
     UNION ALL SELECT * FROM inbox WHERE ephemeral = 1 AND state = 'running' AND lease_owner <> ?`,
    args.owner,
  );
  for (const row of abandoned) {
    endUnanswered(db, row, { state: "expired", reason: "nobody waits for the answer any more", atMs: args.atMs });
  }
  const orphans = db.all<InboxRecord>(`SELECT * FROM inbox WHERE state = 'running' AND lease_owner <> ?`, args.owner);
  const pauses = new Map(args.pauses.map(({ attempts, pauseMs }) => [attempts, pauseMs]));
  for (const row of orphans) requeue(db, row, { atMs: args.atMs, pauseMs: pauses.get(row.attempts) ?? 0 });
  return { requeued: orphans.length, expired: abandoned.length };
}

/** Nobody works on it any more: at once the next of its lane, or after a pause in which the lane waits. */
function requeue(db: Database, row: InboxRecord, { atMs, pauseMs }: { atMs: number; pauseMs: number }): void {
  db.run(`UPDATE inbox SET lease_epoch = lease_epoch + 1 WHERE seq = ?`, row.seq);
  const data = { attempt: row.attempts, epoch: row.lease_epoch + 1 };
  if (pauseMs > 0) {
    pause(db, row.seq, atMs + pauseMs);
    traceMessage(db, row.message_id, { type: "inbox.recovered", atMs, data: { ...data, untilMs: atMs + pauseMs } });
    return;
  }
  db.run(`UPDATE inbox SET state = 'queued', lease_owner = NULL, lease_until_ms = 0 WHERE seq = ?`, row.seq);
  reorder(db, row.lane);
  traceMessage(db, row.message_id, { type: "inbox.recovered", atMs, data });
}

/** Oldest first; bodies, turns and steps go with their rows. What is on the list of dead letters stays until it is off. */
export function prune(db: Database, args: { beforeMs: number; limit: number }): number {
  return db.run(
    `DELETE FROM inbox WHERE seq IN (
       SELECT seq FROM inbox WHERE ended_ms IS NOT NULL AND dead_letter <> 1 AND ended_ms < ? ORDER BY ended_ms LIMIT ?)`,
    args.beforeMs,
    args.limit,
  );
}
