/** Records of SQLite as rows of the port. Pure; the main thread's part of every read. */
import type { AppErrorJson } from "../../../domain/app-error.ts";
import { priorities, type Address, type InboundMessage, type Reply } from "../../../domain/message.ts";
import type { InboxRow, OutboxRow, PartAction, StepRow, TurnRow } from "../../port.ts";
import type { SessionRow, TranscriptEntry } from "../../session-port.ts";
import type {
  InboxRecord,
  OutboxRecord,
  SessionRecord,
  StepRecord,
  TranscriptRecord,
  TurnRecord,
  UsageRecord,
} from "../records.ts";

/** A time of the far future ("never") as a number that SQLite gives back: above 2^53 it would be unreadable. */
export function storedMs(ms: number): number {
  return Math.min(ms, Number.MAX_SAFE_INTEGER);
}

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
    // A paused row keeps its lane as a running one does, but nobody works on it: it waits to be taken.
    state: record.state === "running" && record.lease_owner === null ? "queued" : record.state,
    reason: record.reason,
    attempts: record.attempts,
    admittedMs: record.admitted_ms,
    leaseOwner: record.lease_owner,
    leaseEpoch: record.lease_epoch,
    leaseUntilMs: record.lease_until_ms,
    endedMs: record.ended_ms,
  };
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

export function stepRow(runId: string, record: StepRecord): StepRow {
  return { runId, index: record.idx, kind: record.kind, record: JSON.parse(record.record), atMs: record.at_ms };
}

export function outboxRow(record: OutboxRecord): OutboxRow {
  return {
    id: record.id,
    messageId: record.message_id,
    runId: record.run_id,
    sessionKey: record.session_key,
    address: JSON.parse(record.address) as Address,
    action: record.action === null ? { type: "send" } : (JSON.parse(record.action) as PartAction),
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
    approvedMs: record.approved_ms,
    createdMs: record.created_ms,
    updatedMs: record.updated_ms,
  };
}

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

export function usageOf(record: UsageRecord): { input: number; output: number; cacheRead: number; cacheWrite: number } {
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
