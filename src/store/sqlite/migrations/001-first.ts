/**
 * The first schema. What is written often is kept apart from what is large: a state change of a message or a part
 * touches a row of numbers, never the text it carries. Partial indexes hold the unfinished rows alone, so that
 * finding work costs the same with ten messages behind us and with ten million.
 */
import type { Migration } from "../migrate.ts";

export const first: Migration = {
  version: 1,
  sql: `
-- ---------------------------------------------------------------- inbox
-- seq is arrival. lane is what keeps order: the session, or the message itself where it is ephemeral.
-- head = 1 marks the one queued row of a lane that may run next; scheduled = 1 a row whose time has not come.
CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY,
  message_id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL UNIQUE,
  dedupe_key TEXT NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0,
  session_key TEXT NOT NULL,
  lane TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  ephemeral INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  admitted_ms INTEGER NOT NULL,
  wait_since_ms INTEGER NOT NULL,
  head INTEGER NOT NULL DEFAULT 0,
  scheduled INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_epoch INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  started_ms INTEGER,
  ended_ms INTEGER
);
CREATE UNIQUE INDEX inbox_dedupe ON inbox(dedupe_key) WHERE superseded = 0;
CREATE INDEX inbox_session ON inbox(session_key);
CREATE INDEX inbox_lane ON inbox(lane, seq) WHERE ended_ms IS NULL AND scheduled = 0;
CREATE INDEX inbox_head ON inbox(priority, wait_since_ms, seq) WHERE head = 1;
CREATE INDEX inbox_scheduled ON inbox(due_ms) WHERE scheduled = 1;
CREATE INDEX inbox_running ON inbox(lease_until_ms) WHERE state = 'running';
CREATE INDEX inbox_queued ON inbox(admitted_ms) WHERE state = 'queued';
CREATE INDEX inbox_ended ON inbox(ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE inbox_body (
  seq INTEGER PRIMARY KEY REFERENCES inbox(seq) ON DELETE CASCADE,
  message TEXT NOT NULL,
  options TEXT NOT NULL
);

-- ---------------------------------------------------------------- turns
-- A running turn is the inbox row's started_ms; its row is written once, when it ends.
CREATE TABLE turn (
  seq INTEGER PRIMARY KEY REFERENCES inbox(seq) ON DELETE CASCADE,
  state TEXT NOT NULL,
  ended_ms INTEGER NOT NULL,
  text TEXT NOT NULL,
  tool_calls TEXT NOT NULL,
  stop_reason TEXT,
  model TEXT,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost_micros INTEGER,
  error TEXT
);

CREATE TABLE step (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES inbox(seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL,
  kind TEXT NOT NULL,
  record TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  UNIQUE (seq, idx)
);

-- ---------------------------------------------------------------- outbox
-- head = 1 marks the first unfinished part of a chat while it is prepared.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  message_id TEXT,
  run_id TEXT,
  session_key TEXT NOT NULL,
  channel TEXT NOT NULL,
  chat TEXT NOT NULL,
  address TEXT NOT NULL,
  reply_to_id TEXT,
  expires_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  head INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_ms INTEGER NOT NULL DEFAULT 0,
  platform_message_ids TEXT NOT NULL DEFAULT '[]',
  chunks_sent INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE INDEX outbox_chat ON outbox(chat, seq) WHERE state IN ('prepared', 'sending');
CREATE INDEX outbox_ready ON outbox(channel, next_attempt_ms, seq) WHERE head = 1;
CREATE INDEX outbox_run ON outbox(run_id) WHERE run_id IS NOT NULL;
CREATE INDEX outbox_session ON outbox(session_key);
CREATE INDEX outbox_state ON outbox(state, updated_ms) WHERE state <> 'sent';

CREATE TABLE outbox_body (
  seq INTEGER PRIMARY KEY REFERENCES outbox(seq) ON DELETE CASCADE,
  reply TEXT NOT NULL
);

-- ---------------------------------------------------------------- counters
-- Kept by triggers, so that no page of a list and no health check counts a table. Of the parts only the sent ones:
-- the others are few, and counted in their index.
CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;

CREATE TRIGGER sent_stored AFTER INSERT ON outbox WHEN new.state = 'sent' BEGIN
  INSERT INTO counter VALUES ('outbox.sent', 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER sent_settled AFTER UPDATE OF state ON outbox WHEN new.state = 'sent' AND old.state <> 'sent' BEGIN
  INSERT INTO counter VALUES ('outbox.sent', 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER sent_removed AFTER DELETE ON outbox WHEN old.state = 'sent' BEGIN
  UPDATE counter SET n = n - 1 WHERE name = 'outbox.sent';
END;

-- ---------------------------------------------------------------- sessions
-- generation is one session id of a session; a reset begins the next one.
CREATE TABLE session (
  session_key TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}',
  label TEXT,
  last_address TEXT,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cost_micros INTEGER NOT NULL DEFAULT 0,
  message_count INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  last_entry_id TEXT
);
CREATE INDEX session_recent ON session(updated_ms, session_key);
CREATE INDEX session_agent ON session(agent_id, updated_ms, session_key);

CREATE TABLE generation (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  session_key TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE INDEX generation_session ON generation(session_key, id);

CREATE TABLE transcript (
  id INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL REFERENCES generation(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  entry_id TEXT NOT NULL,
  parent_id TEXT,
  type TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (generation, seq),
  UNIQUE (generation, entry_id)
);

CREATE TRIGGER session_counted AFTER INSERT ON session BEGIN
  INSERT INTO counter VALUES ('sessions', 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
  INSERT INTO counter VALUES ('sessions.' || new.agent_id, 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER session_uncounted AFTER DELETE ON session BEGIN
  UPDATE counter SET n = n - 1 WHERE name IN ('sessions', 'sessions.' || old.agent_id);
END;

-- ---------------------------------------------------------------- ledger
-- The rows are the truth; the two sums below them are kept in the same commit and answer every question about
-- whole hours (over all sessions) and whole days (of a session).
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  sender_id TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost_micros INTEGER,
  estimated INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  origin TEXT NOT NULL
);
CREATE INDEX ledger_time ON ledger(at_ms);
CREATE INDEX ledger_session ON ledger(session_key, at_ms);

CREATE TABLE ledger_hour (
  hour INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  PRIMARY KEY (hour, agent_id, channel, model)
) WITHOUT ROWID;

CREATE TABLE ledger_session_day (
  session_key TEXT NOT NULL,
  day INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  PRIMARY KEY (session_key, day, agent_id, channel, model)
) WITHOUT ROWID;

-- ---------------------------------------------------------------- the rest
CREATE TABLE idempotency (
  principal_id TEXT NOT NULL,
  method TEXT NOT NULL,
  key TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  result TEXT,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (principal_id, method, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency(at_ms);

CREATE TABLE device (device_id TEXT PRIMARY KEY, row TEXT NOT NULL);

CREATE TABLE document (
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
);

CREATE TABLE trace (
  id INTEGER PRIMARY KEY,
  message_id TEXT,
  run_id TEXT,
  type TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX trace_message ON trace(message_id) WHERE message_id IS NOT NULL;
CREATE INDEX trace_run ON trace(run_id) WHERE run_id IS NOT NULL;
CREATE INDEX trace_age ON trace(at_ms);
`,
};
