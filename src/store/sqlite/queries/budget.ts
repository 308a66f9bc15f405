/** Reads of lost holds and of approvals. */
import type { ApprovalState } from "../../budget-port.ts";
import type { ApprovalRecord } from "../commands/money/approvals.ts";
import type { HoldRecord } from "../commands/money/hold.ts";
import type { Database } from "../database.ts";

export function lostHolds(db: Database, { limit }: { limit: number }): HoldRecord[] {
  return db.all<HoldRecord>(`SELECT * FROM budget_hold WHERE state <> 'open' ORDER BY at_ms, seq LIMIT ?`, limit);
}

export function approvalById(db: Database, { id }: { id: string }): ApprovalRecord | null {
  return db.get<ApprovalRecord>(`SELECT * FROM approval WHERE id = ?`, id) ?? null;
}

export function latestApproval(db: Database, { subjectKey }: { subjectKey: string }): ApprovalRecord | null {
  const sql = `SELECT * FROM approval WHERE subject_key = ? ORDER BY seq DESC LIMIT 1`;
  return db.get<ApprovalRecord>(sql, subjectKey) ?? null;
}

export interface ApprovalsArgs {
  readonly state: ApprovalState | null;
  readonly limit: number;
  readonly atMs: number;
}

/** Newest first. Whoever nobody asked for in time is expired, whether that was written down yet or not. */
export function approvalsIn(db: Database, { state, limit, atMs }: ApprovalsArgs): ApprovalRecord[] {
  const rows = db.all<ApprovalRecord>(
    `SELECT * FROM (
      SELECT id, kind, subject, subject_key, run_id, session_key, created_ms, expires_ms, decided_ms, decided_by, decision,
        iif(state = 'open' AND expires_ms <= ?1, 'expired', state) AS state, seq FROM approval)
    WHERE ?2 IS NULL OR state = ?2 ORDER BY seq DESC LIMIT ?3`,
    atMs,
    state,
    limit,
  );
  return rows;
}
