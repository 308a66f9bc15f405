/**
 * Money that is set aside before it is spent, and what a person is asked. Every amount is in micro-dollars.
 */
import type { Migration } from "../migrate.ts";

export const budgets: Migration = {
  version: 3,
  sql: `
-- ---------------------------------------------------------------- purses
-- A row is one purse in one period, made when a call first asks it for money, with what the ledger and the holds say of
-- the period so far. held_micros is the sum of all holds that are open or lost and count in it. The end of the period
-- stands before its begin in the key: whoever looks for the purse of a moment finds the periods that are not over.
CREATE TABLE budget_purse (
  kind TEXT NOT NULL,
  purse TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  period TEXT NOT NULL,
  spent_micros INTEGER NOT NULL,
  held_micros INTEGER NOT NULL,
  extra_micros INTEGER NOT NULL DEFAULT 0,
  warned_ms INTEGER,
  PRIMARY KEY (kind, purse, until_ms, since_ms, period)
) WITHOUT ROWID;
CREATE INDEX budget_purse_age ON budget_purse(until_ms);

-- ---------------------------------------------------------------- holds
-- state: open while its call is under way; lost when the turn is gone without a ledger row; booked when its session was
-- deleted, and what it held was counted as spent. A hold counts in the purses of its payer, at at_ms.
CREATE TABLE budget_hold (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  sender_id TEXT NOT NULL,
  job_id TEXT,
  chat TEXT,
  model TEXT NOT NULL,
  origin TEXT NOT NULL,
  reserved_micros INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open'
);
CREATE INDEX budget_hold_open ON budget_hold(run_id) WHERE state = 'open';
CREATE INDEX budget_hold_time ON budget_hold(at_ms);
CREATE INDEX budget_hold_session ON budget_hold(session_key);

-- Whatever takes a worker's right to a turn, and whatever ends the turn, loses the holds that no ledger row has settled:
-- their calls may have been billed. A row that comes in the same commit settles a lost hold as well as an open one.
CREATE TRIGGER hold_left AFTER UPDATE OF lease_owner, lease_epoch ON inbox
  WHEN old.lease_owner IS NOT NULL AND (new.lease_owner IS NULL OR new.lease_epoch <> old.lease_epoch) BEGIN
  UPDATE budget_hold SET state = 'lost' WHERE run_id = old.run_id AND state = 'open';
END;
CREATE TRIGGER hold_orphaned AFTER DELETE ON inbox WHEN old.lease_owner IS NOT NULL BEGIN
  UPDATE budget_hold SET state = 'lost' WHERE run_id = old.run_id AND state = 'open';
END;

-- ---------------------------------------------------------------- ledger
-- held_ms is when the money was set aside: it counts in the period of that moment. Null where nothing was.
ALTER TABLE ledger ADD COLUMN held_ms INTEGER;
CREATE INDEX ledger_sender ON ledger(channel, sender_id, at_ms);

-- ---------------------------------------------------------------- pauses
-- scope is an agent's id, or * for all.
CREATE TABLE budget_pause (
  scope TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  by TEXT NOT NULL,
  reason TEXT
) WITHOUT ROWID;

-- What a session was told, when last and in which turn; and which orders to pause were carried out, under an empty session.
CREATE TABLE budget_told (
  what TEXT NOT NULL,
  session_key TEXT NOT NULL,
  run_id TEXT NOT NULL DEFAULT '',
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (what, session_key)
) WITHOUT ROWID;

-- ---------------------------------------------------------------- approvals
CREATE TABLE approval (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  subject_key TEXT NOT NULL,
  run_id TEXT,
  session_key TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open',
  decided_ms INTEGER,
  decided_by TEXT,
  decision TEXT
);
CREATE UNIQUE INDEX approval_open ON approval(subject_key) WHERE state = 'open';
CREATE INDEX approval_session ON approval(session_key);
`,
};
