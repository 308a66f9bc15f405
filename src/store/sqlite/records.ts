/** The rows as SQLite hands them out, and how they become the rows of the port. Pure; used on every thread. */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { StopReason } from "../../domain/events.ts";
import { priorities, type Address, type InboundMessage, type Reply } from "../../domain/message.ts";
import type {
  InboxRow,
  InboxState,
  LedgerTotals,
  OutboxRow,
  PartState,
  SessionRow,
  StepRow,
  TranscriptEntry,
  TurnRow,
  TurnState,
} from "../port.ts";

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

export function inboxRow(record: InboxRecord): InboxRow {
  return {
    message: JSON.parse(record.message) as InboundMessage,
    dedupeKey: record.dedupe_key,
    sessionKey: record.session_key,
    agentId: record.agent_id,
    runId: record.run_id,
    priority: priorities[record.priority] ?? "normal",
    dueMs: record.due_ms,
    expiresMs: record.expires_ms,
    options: JSON.parse(record.options) as Record<string, unknown>,
    ephemeral: record.ephemeral === 1,
    state: record.state,
    reason: record.reason,
    attempts: record.attempts,
    admittedMs: record.admitted_ms,
    leaseOwner: record.lease_owner,
    leaseEpoch: record.lease_epoch,
    leaseUntilMs: record.lease_until_ms,
    endedMs: record.ended_ms,
  };
}

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

export function turnRow(record: TurnRecord): TurnRow {
  return {
    runId: record.run_id,
    messageId: record.message_id,
    sessionKey: record.session_key,
    agentId: record.agent_id,
    state: record.state ?? "running",
    startedMs: record.started_ms,
    endedMs: record.ended_ms,
    text: record.text ?? "",
    toolCalls: record.tool_calls === null ? [] : (JSON.parse(record.tool_calls) as TurnRow["toolCalls"]),
    stopReason: record.stop_reason,
    model: record.model,
    usage: {
      input: record.input_tokens ?? 0,
      output: record.output_tokens ?? 0,
      cacheRead: record.cache_read_tokens ?? 0,
      cacheWrite: record.cache_write_tokens ?? 0,
    },
    costMicros: record.cost_micros,
    error: errorOf(record.error),
  };
}

export interface StepRecord {
  idx: number;
  kind: StepRow["kind"];
  record: string;
  at_ms: number;
}

export function stepRow(runId: string, record: StepRecord): StepRow {
  return { runId, index: record.idx, kind: record.kind, record: JSON.parse(record.record), atMs: record.at_ms };
}

export interface OutboxRecord {
  seq: number;
  id: string;
  message_id: string | null;
  run_id: string | null;
  session_key: string;
  address: string;
  reply_to_id: string | null;
  expires_ms: number;
  state: PartState;
  attempts: number;
  next_attempt_ms: number;
  platform_message_ids: string;
  chunks_sent: number;
  error: string | null;
  created_ms: number;
  updated_ms: number;
  reply: string;
}

/** Everything of a part, body included. */
export const selectOutbox = `SELECT outbox.*, outbox_body.reply FROM outbox JOIN outbox_body USING (seq)`;

export function outboxRow(record: OutboxRecord): OutboxRow {
  return {
    id: record.id,
    messageId: record.message_id,
    runId: record.run_id,
    sessionKey: record.session_key,
    address: JSON.parse(record.address) as Address,
    replyToId: record.reply_to_id,
    reply: JSON.parse(record.reply) as Reply,
    expiresMs: record.expires_ms,
    state: record.state,
    seq: record.seq,
    attempts: record.attempts,
    nextAttemptMs: record.next_attempt_ms,
    platformMessageIds: JSON.parse(record.platform_message_ids) as string[],
    chunksSent: record.chunks_sent,
    error: errorOf(record.error),
    createdMs: record.created_ms,
    updatedMs: record.updated_ms,
  };
}

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

export function sessionRow(record: SessionRecord): SessionRow {
  return {
    sessionKey: record.session_key,
    sessionId: record.session_id,
    agentId: record.agent_id,
    createdMs: record.created_ms,
    updatedMs: record.updated_ms,
    settings: JSON.parse(record.settings) as Record<string, unknown>,
    lastAddress: record.last_address === null ? null : (JSON.parse(record.last_address) as Address),
    usage: usageOf(record),
    costMicros: record.cost_micros,
    messageCount: record.message_count,
  };
}

export interface TranscriptRecord {
  seq: number;
  entry_id: string;
  parent_id: string | null;
  type: TranscriptEntry["type"];
  at_ms: number;
  body: string;
}

export function transcriptEntry(record: TranscriptRecord): TranscriptEntry {
  return {
    id: record.entry_id,
    seq: record.seq,
    parentId: record.parent_id,
    type: record.type,
    atMs: record.at_ms,
    body: JSON.parse(record.body) as Record<string, unknown>,
  };
}

export interface TotalsRecord extends UsageRecord {
  calls: number;
  cost_micros: number;
  unpriced: number;
}

export function ledgerTotals(record: TotalsRecord): LedgerTotals {
  return {
    calls: record.calls,
    usage: usageOf(record),
    costMicros: record.cost_micros,
    unpriced: record.unpriced,
  };
}

function usageOf(record: UsageRecord): { input: number; output: number; cacheRead: number; cacheWrite: number } {
  return {
    input: record.input_tokens,
    output: record.output_tokens,
    cacheRead: record.cache_read_tokens,
    cacheWrite: record.cache_write_tokens,
  };
}

function errorOf(json: string | null): AppErrorJson | null {
  return json === null ? null : (JSON.parse(json) as AppErrorJson);
}
