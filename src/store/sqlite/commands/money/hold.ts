/** Holds: money that is set aside for one call, until the ledger settles it, it is given back, or its turn is gone. */
import type { Database } from "../../database.ts";
import { move, type PayerFacts } from "./purse.ts";

export interface HoldRecord extends PayerFacts {
  readonly id: string;
  readonly at_ms: number;
  readonly run_id: string;
  /** `<provider>/<model>`. */
  readonly model: string;
  readonly origin: string;
  readonly reserved_micros: number;
  readonly output_tokens: number;
  readonly state: "open" | "lost" | "booked";
}

export function releaseHold(db: Database, { id }: { id: string }): boolean {
  return takeHold(db, id) !== null;
}

/** Removes the hold and takes what it held out of its purses. Null where there is none. */
export function takeHold(db: Database, id: string): HoldRecord | null {
  const row = db.get<HoldRecord>(`SELECT * FROM budget_hold WHERE id = ?`, id);
  if (row === undefined) return null;
  db.run(`DELETE FROM budget_hold WHERE id = ?`, id);
  if (row.state !== "booked") move(db, row, { atMs: row.at_ms, spent: 0, held: -row.reserved_micros });
  return row;
}

/** Of a session that is deleted: what is held counts as spent, and who held it is forgotten. */
export function forgetPayer(db: Database, { sessionKey, as }: { sessionKey: string; as: string }): void {
  const held = db.all<HoldRecord>(
    `SELECT * FROM budget_hold WHERE session_key = ? AND state IN ('open', 'lost')`,
    sessionKey,
  );
  for (const row of held) move(db, row, { atMs: row.at_ms, spent: row.reserved_micros, held: -row.reserved_micros });
  db.run(
    `UPDATE budget_hold SET state = 'booked', session_key = ?, sender_id = '', run_id = '', chat = NULL
     WHERE session_key = ?`,
    as,
    sessionKey,
  );
  db.run(`DELETE FROM budget_purse WHERE kind = 'chat' AND purse = ?`, sessionKey);
  db.run(`DELETE FROM budget_told WHERE session_key = ?`, sessionKey);
  // A question about a purse that others pay from too: their messages wait for the answer.
  db.run(
    `UPDATE approval SET session_key = ?1, run_id = NULL WHERE session_key = ?2 AND state = 'open' AND EXISTS (
       SELECT 1 FROM inbox WHERE dead_letter = 1 AND reason = 'approval:' || approval.id AND inbox.session_key <> ?2)`,
    as,
    sessionKey,
  );
  db.run(`DELETE FROM approval WHERE session_key = ?`, sessionKey);
}
