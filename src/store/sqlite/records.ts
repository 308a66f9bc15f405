/**
 * The rows as SQLite hands them out, and the SELECTs that fetch them whole. Loaded by every thread, so that nothing
 * heavier than types may be imported here: the threads' start is part of every start.
 */
import type { StopReason } from "../../domain/events.ts";
import type { InboxState, PartState, StepRow, TurnState } from "../port.ts";
import type { TranscriptEntry } from "../session-port.ts";

/** Token counts, as every table that has them names them. */
export interface UsageRecord {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
}

export interface InboxRecord {
  seq: number;
  message_id: string;
  run_id: string;
  dedupe_key: string;
  session_key: string;
  lane: string;
  agent_id: string;
  priority: number;
  due_ms: number;
  expires_ms: number;
  ephemeral: number;
  state: InboxState;
  reason: string | null;
  attempts: number;
  admitted_ms: number;
  wait_since_ms: number;
  lease_owner: string | null;
  lease_epoch: number;
  lease_until_ms: number;
  started_ms: number | null;
  ended_ms: number | null;
  message: string;
  options: string;
}

/** Everything of a message, body included. Ends in the join, so that a caller adds its WHERE. */
export const selectInbox = `SELECT inbox.*, inbox_body.message, inbox_body.options
  FROM inbox JOIN inbox_body USING (seq)`;

/** A message that was taken at least once; the columns behind `ended` are null while its turn runs. */
export interface TurnRecord {
  run_id: string;
  message_id: string;
  session_key: string;
  agent_id: string;
  started_ms: number;
  state: Exclude<TurnState, "running"> | null;
  ended_ms: number | null;
  text: string | null;
  tool_calls: string | null;
  stop_reason: StopReason | null;
  model: string | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  cost_micros: number | null;
  error: string | null;
}

export interface StepRecord {
  idx: number;
  kind: StepRow["kind"];
  record: string;
  at_ms: number;
}

export interface OutboxRecord {
  seq: number;
  id: string;
  message_id: string | null;
  run_id: string | null;
  session_key: string;
  chat: string;
  address: string;
  action: string | null;
  reply_to_id: string | null;
  expires_ms: number;
  state: PartState;
  attempts: number;
  next_attempt_ms: number;
  platform_message_ids: string;
  chunks_sent: number;
  error: string | null;
  approved_ms: number | null;
  created_ms: number;
  updated_ms: number;
  reply: string;
}

/** A part without its body: what a change of its state needs. */
export type PartRecord = Omit<OutboxRecord, "reply">;

/** Everything of a part, body included. */
export const selectOutbox = `SELECT outbox.*, outbox_body.reply FROM outbox JOIN outbox_body USING (seq)`;

export interface SessionRecord extends UsageRecord {
  session_key: string;
  session_id: string;
  generation: number;
  agent_id: string;
  created_ms: number;
  updated_ms: number;
  settings: string;
  last_address: string | null;
  cost_micros: number;
  message_count: number;
  last_seq: number;
  last_entry_id: string | null;
}

export const selectSession = `SELECT session.*, generation.session_id
  FROM session JOIN generation ON generation.id = session.generation`;

export interface TranscriptRecord {
  seq: number;
  entry_id: string;
  parent_id: string | null;
  type: TranscriptEntry["type"];
  at_ms: number;
  body: string;
}

export interface TotalsRecord extends UsageRecord {
  calls: number;
  cost_micros: number;
  input_cost: number;
  output_cost: number;
  cache_read_cost: number;
  cache_write_cost: number;
  unpriced: number;
  estimated: number;
  reported: number;
}

/** Of no calls at all. */
export const noTotals: TotalsRecord = Object.freeze({
  calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_micros: 0,
  input_cost: 0,
  output_cost: 0,
  cache_read_cost: 0,
  cache_write_cost: 0,
  unpriced: 0,
  estimated: 0,
  reported: 0,
});
