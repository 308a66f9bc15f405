/**
 * Turns that wait for a person without holding their place, and what was decided about the calls of tools.
 */
import type { Migration } from "../migrate.ts";

export const acting: Migration = {
  version: 5,
  sql: `
-- The approval that a message is parked behind; answering it makes the message due.
ALTER TABLE inbox ADD COLUMN approval_id TEXT;
CREATE INDEX inbox_parked ON inbox(approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX approval_subject ON approval(subject_key, seq);

CREATE TABLE decision (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  tool TEXT NOT NULL,
  effect TEXT NOT NULL,
  rule TEXT NOT NULL,
  -- JSON.
  facts TEXT NOT NULL
);
CREATE INDEX decision_time ON decision(at_ms, seq);
CREATE INDEX decision_session ON decision(session_key);
`,
};
