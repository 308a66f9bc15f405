/** What a person is asked: one question at a time about one thing, and one answer, in one commit with what follows. */
import type { PurseSpan } from "../../../../domain/purse.ts";
import { waitingFor, type ApprovalRow, type ApprovalState, type ReplayRule } from "../../../budget-port.ts";
import type { Database } from "../../database.ts";
import { replayWaiting } from "../dead-letters.ts";
import { unpark } from "../lease.ts";
import { grant } from "./purse.ts";

export interface ApprovalRecord {
  readonly id: string;
  readonly kind: ApprovalRow["kind"];
  /** JSON. */
  readonly subject: string;
  readonly subject_key: string;
  readonly run_id: string | null;
  readonly session_key: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly state: ApprovalState;
  readonly decided_ms: number | null;
  readonly decided_by: string | null;
  /** JSON or null. */
  readonly decision: string | null;
}

export type AskArgs = Pick<
  ApprovalRecord,
  "id" | "kind" | "subject" | "subject_key" | "run_id" | "session_key" | "created_ms" | "expires_ms"
>;

export function askApproval(db: Database, args: AskArgs): { record: ApprovalRecord; created: boolean } {
  expire(db, args.created_ms);
  const open = db.get<ApprovalRecord>(
    `SELECT * FROM approval WHERE subject_key = ? AND state = 'open'`,
    args.subject_key,
  );
  if (open !== undefined) return { record: open, created: false };
  db.run(
    `INSERT INTO approval (id, kind, subject, subject_key, run_id, session_key, created_ms, expires_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    args.id,
    args.kind,
    args.subject,
    args.subject_key,
    args.run_id,
    args.session_key,
    args.created_ms,
    args.expires_ms,
  );
  const record: ApprovalRecord = { ...args, state: "open", decided_ms: null, decided_by: null, decision: null };
  return { record, created: true };
}

export interface DecideArgs {
  readonly id: string;
  readonly allow: boolean;
  readonly by: string;
  /** JSON. */
  readonly decision: string;
  readonly grant: { readonly purse: PurseSpan; readonly micros: number } | null;
  readonly replay: ReplayRule;
}

export type DecideRecord =
  | { readonly outcome: "decided"; readonly record: ApprovalRecord; readonly replayed: number }
  | { readonly outcome: "late"; readonly record: ApprovalRecord }
  | { readonly outcome: "unknown" };

export function decideApproval(db: Database, args: DecideArgs): DecideRecord {
  const { id, allow, by, decision, replay } = args;
  expire(db, replay.atMs);
  const state = allow ? "allowed" : "denied";
  const changes = db.run(
    `UPDATE approval SET state = ?, decided_ms = ?, decided_by = ?, decision = ? WHERE id = ? AND state = 'open'`,
    state,
    replay.atMs,
    by,
    decision,
    id,
  );
  const record = db.get<ApprovalRecord>(`SELECT * FROM approval WHERE id = ?`, id);
  if (record === undefined) return { outcome: "unknown" };
  if (changes === 0) return { outcome: "late", record };
  const reason = waitingFor({ approval: id });
  db.run(`DELETE FROM budget_told WHERE what = ?`, reason);
  const unparked = unpark(db, id, replay.atMs);
  if (!allow) return { outcome: "decided", record, replayed: unparked };
  if (args.grant !== null) grant(db, args.grant.purse, args.grant.micros);
  return { outcome: "decided", record, replayed: unparked + replayWaiting(db, reason, replay) };
}

/** Nobody answered in time: the next one who needs it asks anew. */
function expire(db: Database, atMs: number): void {
  db.run(`UPDATE approval SET state = 'expired' WHERE state = 'open' AND expires_ms <= ?`, atMs);
}

/** Whether a message that ends with this reason has anything left to wait for. */
export function stillWaits(db: Database, reason: string): boolean {
  const [what, name = ""] = splitOnce(reason);
  if (what === "paused") return db.get(`SELECT 1 FROM budget_pause WHERE scope = ?`, name) !== undefined;
  const row = db.get<{ state: ApprovalState }>(`SELECT state FROM approval WHERE id = ?`, name);
  return row?.state !== "allowed";
}

function splitOnce(text: string): [string, string?] {
  const colon = text.indexOf(":");
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
