/** What changes a turn: its steps while it runs, and the one commit in which it ends or is given back. */
import { limits } from "../../../domain/limits.ts";
import type { Lease, StepRow } from "../../port.ts";
import type { Database } from "../database.ts";
import type { InboxRecord } from "../records.ts";
import { stillWaits } from "./money/approvals.ts";
import { replayMessage } from "./dead-letters.ts";
import { endAnswered, endMerged } from "./inbox.ts";
import { parkBehind, release, underLease, type ParkArgs } from "./lease.ts";
import { record, type LedgerArgs } from "./ledger.ts";
import { addPart, type PartArgs } from "./outbox.ts";
import { ensureSession, grow, type EntryArgs } from "./sessions.ts";

export interface StepArgs {
  readonly lease: Lease;
  readonly index: number;
  readonly kind: StepRow["kind"];
  /** JSON. */
  readonly record: string;
  readonly atMs: number;
  readonly ledger: readonly LedgerArgs[];
  readonly transcript: readonly EntryArgs[];
}

export function appendStep(db: Database, args: StepArgs): null {
  const row = underLease(db, args.lease);
  db.run(
    `INSERT INTO step (seq, idx, kind, record, at_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (seq, idx) DO UPDATE SET kind = excluded.kind, record = excluded.record, at_ms = excluded.at_ms`,
    row.seq,
    args.index,
    args.kind,
    args.record,
    args.atMs,
  );
  addToSession(db, row, args);
  return null;
}

export interface GiveBackArgs {
  readonly lease: Lease;
  readonly atMs: number;
  readonly ledger: readonly LedgerArgs[];
}

/** Booked first: a hold whose message nobody works on is lost. */
export function giveBack(db: Database, args: GiveBackArgs): null {
  addToSession(db, underLease(db, args.lease), { ...args, transcript: [] });
  return release(db, args);
}

/** Booked first here too: what was spent before the question is spent. */
export function park(db: Database, args: ParkArgs & Pick<GiveBackArgs, "ledger">): null {
  addToSession(db, underLease(db, args.lease), { ...args, transcript: [] });
  return parkBehind(db, args);
}

export interface MergeArgs {
  readonly lease: Lease;
  readonly messageIds: readonly string[];
  readonly reason: string;
  readonly step: Pick<StepArgs, "index" | "kind" | "record">;
  readonly atMs: number;
}

/** The step is written only where there is something to tell. */
export function mergeInto(db: Database, args: MergeArgs): string[] {
  const { lane } = underLease(db, args.lease);
  const { lease, reason, step, atMs } = args;
  const taken = args.messageIds.filter((messageId) => endMerged(db, { messageId, lane, reason, atMs }));
  if (taken.length > 0) appendStep(db, { ...step, lease, atMs, ledger: [], transcript: [] });
  return taken;
}

function addToSession(
  db: Database,
  row: InboxRecord,
  { ledger, transcript, atMs }: Pick<StepArgs, "ledger" | "transcript" | "atMs">,
): void {
  const spent = ledger.filter((entry) => record(db, entry));
  if (row.ephemeral === 1 || (transcript.length === 0 && spent.length === 0)) return;
  ensureSession(db, row, atMs);
  grow(db, { sessionKey: row.session_key, entries: transcript, spent, atMs });
}

export interface FinishArgs {
  readonly lease: Lease;
  readonly state: string;
  readonly text: string;
  /** JSON. */
  readonly toolCalls: string;
  readonly stopReason: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costMicros: number | null;
  /** JSON or null. */
  readonly error: string | null;
  readonly transcript: readonly EntryArgs[];
  readonly outbox: readonly PartArgs[];
  readonly ledger: readonly LedgerArgs[];
  readonly inboxState: "replied" | "dead";
  readonly resumable: boolean;
  readonly reason: string;
  readonly atMs: number;
}

export function finish(db: Database, args: FinishArgs): null {
  const row = underLease(db, args.lease);
  endAnswered(db, row, { state: args.inboxState, reason: args.reason, atMs: args.atMs });
  db.run(
    `INSERT INTO turn (seq, state, ended_ms, text, tool_calls, stop_reason, model, input_tokens, output_tokens,
       cache_read_tokens, cache_write_tokens, cost_micros, error)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.seq,
    args.state,
    args.atMs,
    args.text,
    args.toolCalls,
    args.stopReason,
    args.model,
    args.input,
    args.output,
    args.cacheRead,
    args.cacheWrite,
    args.costMicros,
    args.error,
  );
  if (!args.resumable) db.run(`DELETE FROM step WHERE seq = ?`, row.seq);
  const spent = args.ledger.filter((entry) => record(db, entry));
  for (const part of args.outbox) {
    addPart(db, part, { messageId: row.message_id, runId: row.run_id, sessionKey: row.session_key, atMs: args.atMs });
  }
  if (row.ephemeral === 0) {
    ensureSession(db, row, args.atMs);
    grow(db, { sessionKey: row.session_key, entries: args.transcript, spent, atMs: args.atMs });
  }
  // What it was to wait for may have come between the refusal and this commit.
  if (args.resumable && !stillWaits(db, args.reason)) {
    replayMessage(db, row, { atMs: args.atMs, expiresMs: args.atMs + limits.inboundTtlMs });
  }
  return null;
}
