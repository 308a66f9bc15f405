/** What changes the inbox: admission, claims under a lease, and every way in which a message ends. */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { InboxState, Lease } from "../../port.ts";
import type { Database } from "../database.ts";
import { selectInbox, type InboxRecord, type SessionRecord } from "../records.ts";
import { isBusy, passOn, promoteDue, reorder } from "./lane.ts";
import { openSession } from "./sessions.ts";

export interface AdmitArgs {
  readonly messageId: string;
  readonly runId: string;
  readonly dedupeKey: string;
  readonly sessionKey: string;
  readonly agentId: string;
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
  /** JSON, for the session. */
  readonly address: string;
}

export type AdmitRecord =
  | { readonly epoch: number; readonly session: { record: SessionRecord; created: boolean } | null }
  | { readonly existing: InboxRecord };

export function admit(db: Database, args: AdmitArgs): AdmitRecord {
  // A scheduled message whose time has come is older than this one.
  promoteDue(db, args.atMs);
  const claimed = insertMessage(db, args) ?? insertAgain(db, args);
  if (typeof claimed === "object") return { existing: claimed };
  const opens = args.sessionId !== null && !args.ephemeral && args.rejectReason === null;
  const session = opens
    ? openSession(db, {
        sessionKey: args.sessionKey,
        agentId: args.agentId,
        sessionId: args.sessionId ?? args.runId,
        atMs: args.atMs,
        address: args.address,
      })
    : null;
  return { epoch: claimed ? 1 : 0, session };
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
    `INSERT INTO inbox (message_id, run_id, dedupe_key, session_key, lane, agent_id, priority, due_ms, expires_ms,
       ephemeral, state, reason, attempts, admitted_ms, wait_since_ms, head, scheduled, lease_owner, lease_epoch,
       lease_until_ms, started_ms, ended_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    args.messageId,
    args.runId,
    args.dedupeKey,
    args.sessionKey,
    lane,
    args.agentId,
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

export interface ClaimArgs {
  readonly owner: string;
  readonly leaseMs: number;
  readonly atMs: number;
  readonly agingMs: number;
}

export function claim(db: Database, args: ClaimArgs): InboxRecord | null {
  promoteDue(db, args.atMs);
  const next = candidates(db, args.atMs).toSorted(inTurn(args))[0];
  if (next === undefined) return null;
  db.run(
    `UPDATE inbox SET state = 'running', head = 0, attempts = attempts + 1, lease_owner = ?,
       lease_epoch = lease_epoch + 1, lease_until_ms = ?, started_ms = coalesce(started_ms, ?) WHERE seq = ?`,
    args.owner,
    args.atMs + args.leaseMs,
    args.atMs,
    next.seq,
  );
  return db.get<InboxRecord>(`${selectInbox} WHERE seq = ?`, next.seq) ?? null;
}

interface Candidate {
  readonly seq: number;
  readonly priority: number;
  readonly wait_since_ms: number;
}

/** Aging lifts the longest waiting row of a class first, so the first of each class is all that must be compared. */
function candidates(db: Database, atMs: number): Candidate[] {
  const found = db.all<Candidate>(
    `SELECT seq, priority, wait_since_ms FROM inbox WHERE state = 'running' AND lease_until_ms < ?`,
    atMs,
  );
  for (let priority = 0; priority < 4; priority += 1) {
    const first = db.get<Candidate>(
      `SELECT seq, priority, wait_since_ms FROM inbox WHERE head = 1 AND priority = ?
       ORDER BY wait_since_ms, seq LIMIT 1`,
      priority,
    );
    if (first !== undefined) found.push(first);
  }
  return found;
}

function inTurn(args: ClaimArgs): (left: Candidate, right: Candidate) => number {
  const rank = (row: Candidate): number => {
    // A clock that went back makes nobody wait longer than their class.
    const waitedMs = Math.max(0, args.atMs - row.wait_since_ms);
    return args.agingMs > 0 ? Math.max(0, row.priority - Math.floor(waitedMs / args.agingMs)) : row.priority;
  };
  return (left, right) => rank(left) - rank(right) || left.wait_since_ms - right.wait_since_ms || left.seq - right.seq;
}

/** The row that the lease is good for. Throws STORE_003 where another worker has it, or it has ended. */
export function underLease(db: Database, lease: Lease): InboxRecord {
  const row = db.get<InboxRecord>(
    `SELECT * FROM inbox WHERE message_id = ? AND state = 'running' AND lease_owner = ? AND lease_epoch = ?`,
    lease.messageId,
    lease.owner,
    lease.epoch,
  );
  if (row === undefined) throw leaseLost(lease.messageId);
  return row;
}

function leaseLost(messageId: string): AppError {
  return new AppError("STORE_003", "The lease of this message was lost, or the message has ended.", {
    details: { messageId },
  });
}

export function renew(db: Database, args: { lease: Lease; untilMs: number }): null {
  const { seq } = underLease(db, args.lease);
  db.run(`UPDATE inbox SET lease_until_ms = ? WHERE seq = ?`, args.untilMs, seq);
  return null;
}

export function release(db: Database, args: { lease: Lease; atMs: number }): null {
  const { seq, lane } = underLease(db, args.lease);
  // A release in good order is no failed attempt: a gateway that is restarted often kills no message.
  db.run(
    `UPDATE inbox SET state = 'queued', lease_owner = NULL, lease_until_ms = 0, attempts = attempts - 1 WHERE seq = ?`,
    seq,
  );
  reorder(db, lane);
  return null;
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

/** Ends a row without a turn's result; a turn that was under way is recorded as aborted. */
function endUnanswered(db: Database, row: InboxRecord, args: Omit<EndArgs, "messageId">): void {
  db.run(
    `UPDATE inbox SET state = ?, reason = ?, ended_ms = ?, head = 0, scheduled = 0, lease_owner = NULL WHERE seq = ?`,
    args.state,
    args.reason,
    args.atMs,
    row.seq,
  );
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
export function endAnswered(
  db: Database,
  row: InboxRecord,
  ended: { state: string; reason: string; atMs: number },
): void {
  db.run(
    `UPDATE inbox SET state = ?, reason = ?, ended_ms = ?, lease_owner = NULL WHERE seq = ?`,
    ended.state,
    ended.reason,
    ended.atMs,
    row.seq,
  );
  if (row.ephemeral === 0) passOn(db, row.lane);
}

export function recover(db: Database, args: { owner: string; atMs: number }): { requeued: number; expired: number } {
  const abandoned = db.all<InboxRecord>(
    `SELECT * FROM inbox WHERE ephemeral = 1 AND (state = 'queued' OR (state = 'running' AND lease_owner <> ?))`,
    args.owner,
  );
  for (const row of abandoned) {
    endUnanswered(db, row, { state: "expired", reason: "nobody waits for the answer any more", atMs: args.atMs });
  }
  const orphans = db.all<InboxRecord>(`SELECT * FROM inbox WHERE state = 'running' AND lease_owner <> ?`, args.owner);
  for (const { seq, lane } of orphans) {
    db.run(
      `UPDATE inbox SET state = 'queued', lease_owner = NULL, lease_until_ms = 0, lease_epoch = lease_epoch + 1
       WHERE seq = ?`,
      seq,
    );
    reorder(db, lane);
  }
  return { requeued: orphans.length, expired: abandoned.length };
}

/** Oldest first; bodies, turns and steps go with their rows. */
export function prune(db: Database, args: { beforeMs: number; limit: number }): number {
  return db.run(
    `DELETE FROM inbox WHERE seq IN (
       SELECT seq FROM inbox WHERE ended_ms IS NOT NULL AND ended_ms < ? ORDER BY ended_ms LIMIT ?)`,
    args.beforeMs,
    args.limit,
  );
}
