/**
 * What delivery without loss needs: accounts that starve nobody, senders that get their turn, dead letters, the way from
 * a platform's id back to our part, and a trace that is written with what it tells of.
 */
import type { Migration } from "../migrate.ts";

export const delivery: Migration = {
  version: 2,
  sql: `
-- ---------------------------------------------------------------- inbox
-- A running row without an owner is paused: it keeps its lane busy and is taken again at lease_until_ms; head = 1 once
-- that time has come. sender is channel, account and sender in one. front = 1 marks, of the heads that a sender has in
-- one class, the one that has waited longest. dead_letter: 1 on the list, 2 purged.
ALTER TABLE inbox ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN front INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN dead_letter INTEGER NOT NULL DEFAULT 0;

UPDATE inbox SET sender = coalesce((SELECT json_array(message ->> '$.address.channel', message ->> '$.address.accountId',
    message ->> '$.sender.id') FROM inbox_body WHERE inbox_body.seq = inbox.seq), '') WHERE ended_ms IS NULL;
UPDATE inbox SET dead_letter = 1 WHERE state IN ('dead', 'expired') AND ephemeral = 0;

DROP INDEX inbox_head;
DROP INDEX inbox_running;
DROP INDEX inbox_ended;
CREATE INDEX inbox_heads ON inbox(sender, priority, wait_since_ms, seq) WHERE head = 1;
CREATE INDEX inbox_front ON inbox(priority, wait_since_ms, seq) WHERE front = 1;
CREATE INDEX inbox_leased ON inbox(lease_until_ms) WHERE state = 'running' AND lease_owner IS NOT NULL;
CREATE INDEX inbox_served ON inbox(sender) WHERE state = 'running' AND lease_owner IS NOT NULL;
CREATE INDEX inbox_paused ON inbox(head, lease_until_ms, admitted_ms, lease_owner)
  WHERE state = 'running' AND lease_owner IS NULL;
CREATE INDEX inbox_ended ON inbox(ended_ms) WHERE ended_ms IS NOT NULL AND dead_letter <> 1;
CREATE INDEX inbox_dead_letter ON inbox(ended_ms) WHERE dead_letter = 1;
CREATE INDEX inbox_overheard ON inbox(session_key, seq) WHERE reason = 'not-mentioned';

UPDATE inbox SET front = 1 WHERE head = 1 AND seq = (
  SELECT seq FROM inbox AS other WHERE other.head = 1 AND other.sender = inbox.sender AND other.priority = inbox.priority
  ORDER BY wait_since_ms, seq LIMIT 1);

-- Whatever makes or takes a head, the front of its sender and class follows: two look-ups, however many heads there are.
CREATE TRIGGER head_stored AFTER INSERT ON inbox WHEN new.head = 1 BEGIN
  UPDATE inbox SET front = 0 WHERE front = 1 AND seq = (SELECT seq FROM inbox WHERE head = 1 AND sender = new.sender
    AND priority = new.priority ORDER BY wait_since_ms, seq LIMIT 1 OFFSET 1);
  UPDATE inbox SET front = 1 WHERE front = 0 AND seq = (SELECT seq FROM inbox WHERE head = 1 AND sender = new.sender
    AND priority = new.priority ORDER BY wait_since_ms, seq LIMIT 1);
END;
CREATE TRIGGER head_moved AFTER UPDATE OF head ON inbox WHEN new.head <> old.head BEGIN
  UPDATE inbox SET front = 0 WHERE seq = new.seq AND front = 1 AND new.head = 0;
  UPDATE inbox SET front = 0 WHERE front = 1 AND seq = (SELECT seq FROM inbox WHERE head = 1 AND sender = new.sender
    AND priority = new.priority ORDER BY wait_since_ms, seq LIMIT 1 OFFSET 1);
  UPDATE inbox SET front = 1 WHERE front = 0 AND seq = (SELECT seq FROM inbox WHERE head = 1 AND sender = new.sender
    AND priority = new.priority ORDER BY wait_since_ms, seq LIMIT 1);
END;
CREATE TRIGGER head_removed AFTER DELETE ON inbox WHEN old.head = 1 BEGIN
  UPDATE inbox SET front = 1 WHERE front = 0 AND seq = (SELECT seq FROM inbox WHERE head = 1 AND sender = old.sender
    AND priority = old.priority ORDER BY wait_since_ms, seq LIMIT 1);
END;

-- ---------------------------------------------------------------- outbox
-- action is JSON, null where the part is a message of its own.
ALTER TABLE outbox ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN action TEXT;
ALTER TABLE outbox ADD COLUMN approved_ms INTEGER;
ALTER TABLE outbox ADD COLUMN dead_letter INTEGER NOT NULL DEFAULT 0;

UPDATE outbox SET account = coalesce(address ->> '$.accountId', ''),
  dead_letter = iif(state IN ('failed', 'expired'), 1, 0);

DROP INDEX outbox_ready;
CREATE INDEX outbox_ready ON outbox(channel, account, next_attempt_ms, seq) WHERE head = 1;
CREATE INDEX outbox_sending ON outbox(chat) WHERE state = 'sending';
CREATE INDEX outbox_ended ON outbox(updated_ms) WHERE state IN ('sent', 'failed', 'expired') AND dead_letter <> 1;
CREATE INDEX outbox_dead_letter ON outbox(updated_ms) WHERE dead_letter = 1;

CREATE TABLE platform_message (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  platform_id TEXT NOT NULL,
  part INTEGER NOT NULL REFERENCES outbox(seq) ON DELETE CASCADE,
  PRIMARY KEY (channel, account, chat_id, platform_id)
) WITHOUT ROWID;
CREATE INDEX platform_message_part ON platform_message(part);

INSERT OR REPLACE INTO platform_message
  SELECT channel, account, coalesce(address ->> '$.chatId', ''), value, outbox.seq
  FROM outbox, json_each(platform_message_ids) ORDER BY outbox.seq;

-- ---------------------------------------------------------------- trace
-- The first event of a message names its run and its session, the first of a part the part: so every id finds the way of
-- the message, also when its rows are gone, and the others carry one id alone.
ALTER TABLE trace ADD COLUMN part_id TEXT;
ALTER TABLE trace ADD COLUMN session_key TEXT;
CREATE INDEX trace_part ON trace(part_id) WHERE part_id IS NOT NULL;
CREATE INDEX trace_session ON trace(session_key) WHERE session_key IS NOT NULL;
`,
};
