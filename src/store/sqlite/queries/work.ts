/** Reads about messages, turns and parts under way: each by a key or a small index, fit for the main thread. */
import type { PartState } from "../../port.ts";
import type { Database } from "../database.ts";
import {
  selectInbox,
  selectOutbox,
  type InboxRecord,
  type OutboxRecord,
  type StepRecord,
  type TurnRecord,
} from "../records.ts";

export function messageById(db: Database, args: { messageId: string }): InboxRecord | null {
  return db.get<InboxRecord>(`${selectInbox} WHERE message_id = ?`, args.messageId) ?? null;
}

export function messageByRunId(db: Database, args: { runId: string }): InboxRecord | null {
  return db.get<InboxRecord>(`${selectInbox} WHERE run_id = ?`, args.runId) ?? null;
}

export function messageByDedupeKey(db: Database, args: { dedupeKey: string }): InboxRecord | null {
  return db.get<InboxRecord>(`${selectInbox} WHERE dedupe_key = ? AND superseded = 0`, args.dedupeKey) ?? null;
}

export function parkedBehind(db: Database, args: { approvalId: string }): InboxRecord[] {
  return db.all<InboxRecord>(
    `${selectInbox} WHERE approval_id = ? AND state = 'running' AND lease_owner IS NULL ORDER BY seq`,
    args.approvalId,
  );
}

export interface WaitingArgs {
  readonly sessionKey: string;
  readonly afterMessageId: string;
  readonly atMs: number;
  readonly limit: number;
}

/** A lane is a session's key, where it is not a single stateless call. */
export function waitingBehind(db: Database, args: WaitingArgs): InboxRecord[] {
  return db.all<InboxRecord>(
    `${selectInbox} WHERE lane = ?1 AND ended_ms IS NULL AND scheduled = 0 AND state = 'queued' AND due_ms <= ?3
       AND seq > (SELECT seq FROM inbox WHERE message_id = ?2) ORDER BY seq LIMIT ?4`,
    args.sessionKey,
    args.afterMessageId,
    args.atMs,
    args.limit,
  );
}

/** How often the messages were taken that are under way for somebody else; each number once. */
export function attemptsUnderWay(db: Database, args: { owner: string }): number[] {
  const sql = `SELECT DISTINCT attempts FROM inbox WHERE state = 'running' AND lease_owner <> ?`;
  return db.all<{ attempts: number }>(sql, args.owner).map(({ attempts }) => attempts);
}

/** Of a scheduled message, or of one that waits for its next attempt. */
export function nextDueMs(db: Database, args: { atMs: number }): number | null {
  const row = db.get<{ ms: number | null }>(
    `SELECT min(ms) AS ms FROM (
       SELECT min(due_ms) AS ms FROM inbox WHERE scheduled = 1 AND due_ms > ?1
       UNION ALL SELECT min(lease_until_ms) FROM inbox
         WHERE state = 'running' AND lease_owner IS NULL AND head = 0 AND lease_until_ms > ?1)`,
    args.atMs,
  );
  return row?.ms ?? null;
}

export interface InboxCounts {
  queued: number;
  running: number;
  oldestQueuedMs: number | null;
}

/** Counts over partial indexes that hold the unfinished rows alone; these are bounded by `limits.inboxDepth`. */
export function inboxCounts(db: Database): InboxCounts {
  const row = db.get<{ queued: number; paused: number; running: number; oldestQueuedMs: number | null }>(
    `SELECT (SELECT count(*) FROM inbox WHERE state = 'queued') AS queued,
       (SELECT count(*) FROM inbox WHERE state = 'running' AND lease_owner IS NULL) AS paused,
       (SELECT count(*) FROM inbox WHERE state = 'running' AND lease_owner IS NOT NULL) AS running,
       (SELECT min(ms) FROM (
         SELECT min(admitted_ms) AS ms FROM inbox WHERE state = 'queued'
         UNION ALL SELECT min(admitted_ms) FROM inbox WHERE state = 'running' AND lease_owner IS NULL)
       ) AS oldestQueuedMs`,
  );
  if (row === undefined) return { queued: 0, running: 0, oldestQueuedMs: null };
  return { queued: row.queued + row.paused, running: row.running, oldestQueuedMs: row.oldestQueuedMs };
}

/**
 * The newest of what was not said to us, then how far back the last message that was: both look at `limit` rows and
 * what lies between them, however long the session is.
 */
export function overheard(
  db: Database,
  args: { sessionKey: string; beforeMessageId: string; limit: number },
): string[] {
  const before = db.get<{ seq: number }>(`SELECT seq FROM inbox WHERE message_id = ?`, args.beforeMessageId);
  if (before === undefined) return [];
  const said = db
    .all<{ seq: number; message: string }>(
      `SELECT seq, message FROM inbox JOIN inbox_body USING (seq)
       WHERE session_key = ? AND reason = 'not-mentioned' AND state = 'rejected' AND seq < ?
         AND json_array_length(message, '$.content') > 0
       ORDER BY seq DESC LIMIT ?`,
      args.sessionKey,
      before.seq,
      args.limit,
    )
    .toReversed();
  const last = db.get<{ seq: number }>(
    `SELECT seq FROM inbox WHERE session_key = ? AND seq < ? AND seq > ? AND state <> 'rejected' AND ephemeral = 0
     ORDER BY seq DESC LIMIT 1`,
    args.sessionKey,
    before.seq,
    said[0]?.seq ?? before.seq,
  );
  return said.filter(({ seq }) => last === undefined || seq > last.seq).map(({ message }) => message);
}

export function turnByRunId(db: Database, args: { runId: string }): TurnRecord | null {
  return (
    db.get<TurnRecord>(
      `SELECT inbox.run_id, inbox.message_id, inbox.session_key, inbox.agent_id, inbox.started_ms, turn.state,
         turn.ended_ms, turn.text, turn.tool_calls, turn.stop_reason, turn.model, turn.input_tokens,
         turn.output_tokens, turn.cache_read_tokens, turn.cache_write_tokens, turn.cost_micros, turn.error
       FROM inbox LEFT JOIN turn USING (seq) WHERE inbox.run_id = ? AND inbox.started_ms IS NOT NULL`,
      args.runId,
    ) ?? null
  );
}

export function stepsOfRun(db: Database, args: { runId: string }): StepRecord[] {
  return db.all<StepRecord>(
    `SELECT idx, kind, record, at_ms FROM step WHERE seq = (SELECT seq FROM inbox WHERE run_id = ?) ORDER BY idx`,
    args.runId,
  );
}

export interface Account {
  readonly channel: string;
  readonly accountId: string;
}

/** Of each account the first in time, account by account in turns: none pays for another's backlog. */
export function readyParts(
  db: Database,
  args: { accounts: readonly Account[]; atMs: number; limit: number },
): OutboxRecord[] {
  const queues = accountsWithWork(db, args).map(({ channel, accountId }) =>
    db.all<{ seq: number }>(
      `SELECT seq FROM outbox WHERE head = 1 AND channel = ? AND account = ? AND next_attempt_ms <= ?
       ORDER BY next_attempt_ms, seq LIMIT ?`,
      channel,
      accountId,
      args.atMs,
      args.limit,
    ),
  );
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  const chosen = Array.from({ length: longest }, (_, place) => queues.flatMap((queue) => queue[place] ?? []))
    .flat()
    .slice(0, args.limit);
  return chosen.flatMap(({ seq }) => db.get<OutboxRecord>(`${selectOutbox} WHERE seq = ?`, seq) ?? []);
}

/** Most looks find a few parts of one or two accounts: those of the others are not asked for one by one. */
function accountsWithWork(
  db: Database,
  { accounts, atMs, limit }: { accounts: readonly Account[]; atMs: number; limit: number },
): readonly Account[] {
  const due = db.all<{ channel: string; account: string }>(
    `SELECT channel, account FROM outbox WHERE head = 1 AND next_attempt_ms <= ? LIMIT ?`,
    atMs,
    limit + 1,
  );
  if (due.length > limit) return accounts;
  return accounts.filter(({ channel, accountId }) =>
    due.some((part) => part.channel === channel && part.account === accountId),
  );
}

export function nextAttemptMs(db: Database, args: { atMs: number }): number | null {
  return (
    db.get<{ ms: number | null }>(
      `SELECT min(next_attempt_ms) AS ms FROM outbox WHERE head = 1 AND next_attempt_ms > ?`,
      args.atMs,
    )?.ms ?? null
  );
}

export function partById(db: Database, args: { id: string }): OutboxRecord | null {
  return db.get<OutboxRecord>(`${selectOutbox} WHERE id = ?`, args.id) ?? null;
}

export function partByPlatformId(
  db: Database,
  args: Account & { chatId: string; platformMessageId: string },
): OutboxRecord | null {
  return (
    db.get<OutboxRecord>(
      `${selectOutbox} WHERE outbox.seq = (
         SELECT part FROM platform_message WHERE channel = ? AND account = ? AND chat_id = ? AND platform_id = ?)`,
      args.channel,
      args.accountId,
      args.chatId,
      args.platformMessageId,
    ) ?? null
  );
}

export function partsOfRun(db: Database, args: { runId: string }): OutboxRecord[] {
  return db.all<OutboxRecord>(`${selectOutbox} WHERE run_id = ? ORDER BY seq`, args.runId);
}

/** Found among what is unfinished, which is little, and not among all that the session has ever said: hence the plus. */
export function unsaidRuns(db: Database, args: { sessionKey: string }): { run_id: string }[] {
  return db.all<{ run_id: string }>(
    `SELECT DISTINCT run_id FROM outbox
     WHERE +session_key = ? AND run_id IS NOT NULL AND state <> 'sent'
       AND state IN ('held', 'prepared', 'sending', 'unknown')`,
    args.sessionKey,
  );
}

export function partsInState(db: Database, args: { state: PartState; limit: number }): OutboxRecord[] {
  // Sent parts are not in the index of states: these are found from the newest part backwards.
  const order = args.state === "sent" ? "outbox.seq DESC" : "updated_ms DESC, outbox.seq DESC";
  const indexed = args.state === "sent" ? "" : "AND state <> 'sent'";
  return db.all<OutboxRecord>(
    `${selectOutbox} WHERE state = ? ${indexed} ORDER BY ${order} LIMIT ?`,
    args.state,
    args.limit,
  );
}

export function partCounts(db: Database): { state: PartState; n: number }[] {
  return db.all<{ state: PartState; n: number }>(
    `SELECT state, count(*) AS n FROM outbox WHERE state <> 'sent' GROUP BY state
     UNION ALL SELECT 'sent', n FROM counter WHERE name = 'outbox.sent'`,
  );
}
