/** Who works on a message: claims in a fair order, leases and how they are given back, and the check before every write. */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { Lease } from "../../port.ts";
import type { Database } from "../database.ts";
import { selectInbox, type InboxRecord } from "../records.ts";
import { count } from "./counter.ts";
import { promoteDue, reorder } from "./lane.ts";
import { traceMessage } from "./trace.ts";

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
       lease_epoch = lease_epoch + 1, lease_until_ms = ?, started_ms = coalesce(started_ms, ?), approval_id = NULL
     WHERE seq = ?`,
    args.owner,
    args.atMs + args.leaseMs,
    args.atMs,
    next.seq,
  );
  const row = db.get<InboxRecord>(`${selectInbox} WHERE seq = ?`, next.seq);
  if (row === undefined) throw new AppError("SYS_001", "A message that waits has no content.");
  traceMessage(db, row.message_id, {
    type: "inbox.running",
    atMs: args.atMs,
    data: { attempt: row.attempts, epoch: row.lease_epoch },
  });
  return row;
}

interface Candidate {
  readonly seq: number;
  readonly priority: number;
  readonly wait_since_ms: number;
  /** 1 where another turn of the same sender runs. */
  readonly served: number;
}

const served = `EXISTS (SELECT 1 FROM inbox AS turn
  WHERE turn.sender = inbox.sender AND turn.state = 'running' AND turn.lease_owner IS NOT NULL)`;
const firstOfClass = `FROM inbox WHERE front = 1 AND priority = ?`;
const longestWaiting = `ORDER BY wait_since_ms, seq LIMIT 1`;

/**
 * Aging lifts the longest waiting row of a class first, so all that must be compared is the first of each class, and
 * the first of a sender who has no turn, where that is another. Only the front of each sender is looked at, and only
 * senders with a turn are passed over: with 10,000 heads a claim reads four index entries as a rule and at most
 * `limits.turnsInFlight` more in each class, about 0.3 ms, whether the heads are one sender's or ten thousand's.
 */
function candidates(db: Database, atMs: number): Candidate[] {
  const found = db.all<Candidate>(
    `SELECT seq, priority, wait_since_ms, 0 AS served FROM inbox
     WHERE state = 'running' AND lease_owner IS NOT NULL AND lease_until_ms < ?`,
    atMs,
  );
  for (let priority = 0; priority < 4; priority += 1) {
    const first = db.get<Candidate>(
      `SELECT seq, priority, wait_since_ms, ${served} AS served ${firstOfClass} ${longestWaiting}`,
      priority,
    );
    if (first === undefined) continue;
    found.push(first);
    if (first.served === 0) continue;
    const waiting = db.get<Candidate>(
      `SELECT seq, priority, wait_since_ms, 0 AS served ${firstOfClass} AND NOT ${served} ${longestWaiting}`,
      priority,
    );
    if (waiting !== undefined) found.push(waiting);
  }
  return found;
}

/** By class with aging, then who has no turn yet, then who waits longest. */
function inTurn(args: ClaimArgs): (left: Candidate, right: Candidate) => number {
  const rank = (row: Candidate): number => {
    // A clock that went back makes nobody wait longer than their class.
    const waitedMs = Math.max(0, args.atMs - row.wait_since_ms);
    return args.agingMs > 0 ? Math.max(0, row.priority - Math.floor(waitedMs / args.agingMs)) : row.priority;
  };
  return (left, right) =>
    rank(left) - rank(right) ||
    left.served - right.served ||
    left.wait_since_ms - right.wait_since_ms ||
    left.seq - right.seq;
}

/** The row that the lease is good for. Throws STORE_003 where another worker has it, or it has ended. */
export function underLease(db: Database, lease: Lease): InboxRecord {
  const row = db.get<InboxRecord>(
    `SELECT * FROM inbox WHERE message_id = ? AND state = 'running' AND lease_owner = ? AND lease_epoch = ?`,
    lease.messageId,
    lease.owner,
    lease.epoch,
  );
  if (row !== undefined) return row;
  db.afterRollback(() => count(db, "leases-lost"));
  throw leaseLost(lease.messageId);
}

export function leaseLost(messageId: string): AppError {
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
  const row = underLease(db, args.lease);
  // A release in good order is no failed attempt: a gateway that is restarted often kills no message.
  db.run(
    `UPDATE inbox SET state = 'queued', lease_owner = NULL, lease_until_ms = 0, attempts = attempts - 1 WHERE seq = ?`,
    row.seq,
  );
  reorder(db, row.lane);
  const data = { attempt: row.attempts, epoch: row.lease_epoch };
  traceMessage(db, row.message_id, { type: "inbox.released", atMs: args.atMs, data });
  return null;
}

export interface RetryArgs {
  readonly lease: Lease;
  readonly atMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

export function retry(db: Database, args: RetryArgs): null {
  const row = underLease(db, args.lease);
  pause(db, row.seq, args.untilMs);
  traceMessage(db, row.message_id, {
    type: "inbox.retry",
    atMs: args.atMs,
    data: { reason: args.reason, attempt: row.attempts, epoch: row.lease_epoch, untilMs: args.untilMs },
  });
  return null;
}

export interface ParkArgs {
  readonly lease: Lease;
  readonly approvalId: string;
  readonly atMs: number;
  readonly untilMs: number;
}

/** Waits for a person: that is no attempt. Somebody may have answered before this commit. */
export function parkBehind(db: Database, { lease, approvalId, atMs, untilMs }: ParkArgs): null {
  const row = underLease(db, lease);
  const isOpen = db.get(`SELECT 1 FROM approval WHERE id = ? AND state = 'open' AND expires_ms > ?`, approvalId, atMs);
  const dueMs = isOpen === undefined ? atMs : untilMs;
  // Its time to be answered counts anew from there: what has begun and was allowed does not end for want of it.
  db.run(
    `UPDATE inbox SET approval_id = ?, attempts = attempts - 1, expires_ms = max(expires_ms, ?) WHERE seq = ?`,
    approvalId,
    untilMs + limits.inboundTtlMs,
    row.seq,
  );
  pause(db, row.seq, dueMs);
  const data = { approvalId, epoch: row.lease_epoch, untilMs: dueMs };
  traceMessage(db, row.message_id, { type: "inbox.parked", atMs, data });
  return null;
}

/** Whatever is parked behind it may go on now. Returns how many that are. */
export function unpark(db: Database, approvalId: string, atMs: number): number {
  return db.run(
    `UPDATE inbox SET lease_until_ms = ? WHERE approval_id = ? AND state = 'running' AND lease_owner IS NULL`,
    atMs,
    approvalId,
  );
}

/** Takes the owner away and leaves the row running: its lane stays busy, and nobody takes it before its time. */
export function pause(db: Database, seq: number, untilMs: number): void {
  db.run(`UPDATE inbox SET lease_owner = NULL, lease_until_ms = ? WHERE seq = ?`, untilMs, seq);
}
