/**
 * The durable truth, behind a port that does not know which database holds it.
 *
 * Rules every implementation keeps (the conformance suite checks each):
 * - A method that changes something resolves only after its transaction is durable (fsync).
 * - One call is one transaction: all of it is there after a crash, or none.
 * - Calls of one caller are applied in the order they were made; several callers' calls are committed in groups.
 * - A write under a lease carries its epoch; with a stale epoch it changes nothing and throws STORE_003.
 * - Reads see every write that resolved before they were called.
 * - A full disk throws STORE_002, any other failure of the medium STORE_001; the process and the data live on.
 * - Times are milliseconds since the epoch and come from the caller; the store has no clock.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { ToolCall } from "../domain/conversation.ts";
import type { StopReason } from "../domain/events.ts";
import type { Address, InboundMessage, Priority, Reply } from "../domain/message.ts";
import type { TokenUsage } from "../domain/money.ts";

export interface Store {
  readonly inbox: InboxStore;
  readonly turns: TurnStore;
  readonly outbox: OutboxStore;
  readonly sessions: SessionStore;
  readonly ledger: LedgerStore;
  readonly idempotency: IdempotencyStore;
  readonly devices: DeviceStore;
  readonly documents: DocumentStore;
  readonly trace: TraceStore;
  /** Resolves when a write could be made durable now; throws what a write would throw. For readiness. */
  probe(): Promise<void>;
  /** Waits for writes under way, then releases files and threads. Idempotent. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- inbox

export type InboxState = "queued" | "running" | "replied" | "merged" | "rejected" | "expired" | "dead";

/** The row's fixed part: the message and what admission said about it. */
export interface InboxEntry {
  readonly message: InboundMessage;
  /** (channel, account, chat, platform id) joined by the caller; UNIQUE for the dedupe window. */
  readonly dedupeKey: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** The id clients know the turn by; `chat.send` uses its idempotency key. UNIQUE. */
  readonly runId: string;
  readonly priority: Priority;
  /** Not before this time (scheduled messages); 0 = at once. */
  readonly dueMs: number;
  readonly expiresMs: number;
  /** Options of this turn alone: model override, thinking, instructions, caller's tools … JSON-safe. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * True for a stateless call whose caller waits on an open connection: no session or transcript row is written
   * for it, and recovery ends it as `expired` instead of answering nobody.
   */
  readonly ephemeral: boolean;
}

export interface InboxRow extends InboxEntry {
  readonly state: InboxState;
  /** Always set in a terminal state. */
  readonly reason: string | null;
  readonly attempts: number;
  readonly leaseOwner: string | null;
  readonly leaseEpoch: number;
  readonly leaseUntilMs: number;
  readonly endedMs: number | null;
}

/** Proof that a worker may write a turn. */
export interface Lease {
  readonly messageId: string;
  readonly runId: string;
  readonly owner: string;
  readonly epoch: number;
}

export type AdmitResult =
  /** New. `lease` is set when `claimFor` was given and nothing older of the same session waits or runs. */
  | { readonly outcome: "accepted"; readonly row: InboxRow; readonly lease: Lease | null }
  /** The dedupe key or run id is known. Nothing was written. */
  | { readonly outcome: "duplicate"; readonly existing: InboxRow };

export interface InboxStore {
  /** Writes an accepted message. With `claimFor`, also starts its turn in the same commit where the session is free. */
  admit(entry: InboxEntry, options: { atMs: number; claimFor?: { owner: string; leaseMs: number } }): Promise<AdmitResult>;
  /** Writes a refusal with its reason, so that every event has one terminal state. `content` and `raw` are dropped by the caller. */
  reject(entry: InboxEntry, reason: string, atMs: number): Promise<AdmitResult>;
  /**
   * Takes the next message that may run: queued or with an expired lease, due, its session free,
   * by priority with aging (one class up per `agingMs` waited), then by arrival. One call, one lease.
   */
  claim(options: { owner: string; leaseMs: number; atMs: number; agingMs: number }): Promise<{ row: InboxRow; lease: Lease } | null>;
  /** Prolongs a lease. Throws STORE_003 when it was lost. */
  renew(lease: Lease, untilMs: number): Promise<void>;
  /** Gives a message back unfinished (shutdown): queued again, attempts unchanged. */
  release(lease: Lease, atMs: number): Promise<void>;
  /** Ends a message without a turn result: `merged`, `expired`, `dead`. */
  end(messageId: string, state: "merged" | "expired" | "dead", reason: string, atMs: number): Promise<void>;
  /** At start: every running row of another owner is queued again (its epoch rises), every ephemeral one ends as `expired`. */
  recover(owner: string, atMs: number): Promise<{ requeued: number; expired: number }>;
  get(messageId: string): Promise<InboxRow | null>;
  byRunId(runId: string): Promise<InboxRow | null>;
  /** Earliest due time of a queued row that is not due yet, for the timer. */
  nextDueMs(atMs: number): Promise<number | null>;
  counts(): Promise<{ queued: number; running: number; oldestQueuedMs: number | null }>;
}

// ---------------------------------------------------------------- turns

export type TurnState = "running" | "final" | "aborted" | "error";

export interface TurnRow {
  readonly runId: string;
  readonly messageId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly state: TurnState;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly stopReason: StopReason | null;
  readonly model: string | null;
  readonly usage: TokenUsage;
  readonly costMicros: number | null;
  readonly error: AppErrorJson | null;
}

/** One model call and the tool calls it asked for. `record` is JSON-safe and belongs to the run loop. */
export interface StepRow {
  readonly runId: string;
  readonly index: number;
  readonly kind: "model" | "tool";
  readonly record: unknown;
  readonly atMs: number;
}

/** One row per model call, written with the step it paid for. */
export interface LedgerEntry {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly channel: string;
  readonly senderId: string;
  readonly provider: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Micro-dollars; null where no price is known. */
  readonly costMicros: number | null;
  /** True where the provider sent no usage and ours is an estimate. */
  readonly estimated: boolean;
  readonly latencyMs: number;
  readonly origin: "chat" | "cron" | "heartbeat" | "hook" | "subagent";
}

export interface OutboxDraft {
  readonly id: string;
  readonly address: Address;
  /** The platform's id of the message this part answers, where the platform can quote. */
  readonly replyToId: string | null;
  readonly reply: Reply;
  readonly expiresMs: number;
  /** `prepared`, or `sent` where storing it is delivering it (webchat). */
  readonly state: "prepared" | "sent";
}

export interface TurnResult {
  readonly state: Exclude<TurnState, "running">;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly stopReason: StopReason;
  readonly model: string;
  readonly usage: TokenUsage;
  readonly costMicros: number | null;
  readonly error: AppErrorJson | null;
  /** Appended to the session's transcript, after the user's entry, in this order. */
  readonly transcript: readonly TranscriptDraft[];
  readonly outbox: readonly OutboxDraft[];
  readonly ledger: readonly LedgerEntry[];
  /** The inbox row ends as `replied` with this reason; `dead` when the turn could not answer at all. */
  readonly inbox: { readonly state: "replied" | "dead"; readonly reason: string };
  readonly atMs: number;
}

export interface TurnStore {
  /** Writes the finished step, its ledger row and its transcript entries together. */
  appendStep(lease: Lease, step: StepRow, effect: { ledger: readonly LedgerEntry[] }): Promise<void>;
  /** Ends turn, inbox row, transcript, outbox and ledger in one commit. A second call for the same run throws STORE_003. */
  finish(lease: Lease, result: TurnResult): Promise<void>;
  get(runId: string): Promise<TurnRow | null>;
  /** Steps of an unfinished turn, by index, so that a restart goes on behind the last one. */
  steps(runId: string): Promise<readonly StepRow[]>;
}

// ---------------------------------------------------------------- outbox

export type PartState = "prepared" | "sending" | "sent" | "unknown" | "failed" | "expired";

export interface OutboxRow extends OutboxPart {
  readonly messageId: string | null;
  readonly runId: string | null;
  readonly sessionKey: string;
}

/** A part as it stands. (The draft's `state` is widened to every state of a part.) */
export interface OutboxPart extends Omit<OutboxDraft, "state"> {
  readonly state: PartState;
  /** Position in the chat: parts of one chat leave in this order. */
  readonly seq: number;
  readonly attempts: number;
  readonly nextAttemptMs: number;
  /** Ids of the platform messages it became, first to last. */
  readonly platformMessageIds: readonly string[];
  /** How many rendered chunks of this part were confirmed, so that a retry goes on behind them. */
  readonly chunksSent: number;
  readonly error: AppErrorJson | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface OutboxStore {
  /** A part that is not the reply of a turn (method `send`, notices). Same idempotency rules by `id`: a known id writes nothing. */
  add(draft: OutboxDraft, context: { sessionKey: string; runId: string | null; atMs: number }): Promise<OutboxRow>;
  /** Parts that may leave now, at most one per chat (the oldest unfinished), for the given channels. */
  ready(options: { channels: readonly string[]; atMs: number; limit: number }): Promise<readonly OutboxRow[]>;
  nextAttemptMs(atMs: number): Promise<number | null>;
  /** `prepared` → `sending`, before the first byte leaves. Throws STORE_003 when the part is in another state. */
  sending(id: string, atMs: number): Promise<void>;
  /** A chunk is confirmed; the part stays `sending`. */
  progress(id: string, chunksSent: number, platformMessageIds: readonly string[], atMs: number): Promise<void>;
  settle(id: string, outcome: PartOutcome, atMs: number): Promise<void>;
  /** At start: every `sending` part becomes `unknown`. Returns them. */
  recover(atMs: number): Promise<readonly OutboxRow[]>;
  get(id: string): Promise<OutboxRow | null>;
  ofRun(runId: string): Promise<readonly OutboxRow[]>;
  counts(): Promise<Readonly<Record<PartState, number>>>;
}

export type PartOutcome =
  | { readonly state: "sent"; readonly platformMessageIds: readonly string[] }
  | { readonly state: "prepared"; readonly nextAttemptMs: number; readonly error: AppErrorJson }
  | { readonly state: "unknown" | "failed" | "expired"; readonly error: AppErrorJson };

// ---------------------------------------------------------------- sessions and transcripts

export interface SessionRow {
  readonly sessionKey: string;
  /** Changes at reset; the old one's transcript stays readable under its id. */
  readonly sessionId: string;
  readonly agentId: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Model, thinking, verbosity, label …: what `sessions.patch` sets. JSON-safe. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where the last message came from, so that a reply without a target finds its way. */
  readonly lastAddress: Address | null;
  readonly usage: TokenUsage;
  readonly costMicros: number;
  readonly messageCount: number;
}

export interface TranscriptDraft {
  /** 8 hex digits, unique within the session. */
  readonly id: string;
  readonly type: "message" | "model_change" | "thinking_level_change" | "custom" | "custom_message" | "compaction" | "branch_summary" | "label" | "session_info";
  readonly atMs: number;
  /** What stands in the exported line besides type, id, parentId and timestamp. JSON-safe. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TranscriptEntry extends TranscriptDraft {
  readonly seq: number;
  readonly parentId: string | null;
}

export interface SessionStore {
  /** The session, made on first use. */
  open(sessionKey: string, agentId: string, options: { sessionId: string; atMs: number; address?: Address }): Promise<{ row: SessionRow; created: boolean }>;
  get(sessionKey: string): Promise<SessionRow | null>;
  list(options: SessionListOptions): Promise<{ rows: readonly SessionRow[]; nextCursor: string | null; total: number }>;
  /** Sets keys of `settings`; `null` removes one. Returns null where there is no such session. */
  patch(sessionKey: string, settings: Readonly<Record<string, unknown>>, atMs: number): Promise<SessionRow | null>;
  /** A new session id from here on; history is kept under the old id. */
  reset(sessionKey: string, newSessionId: string, atMs: number): Promise<SessionRow | null>;
  /** Removes the session, its transcripts, turns, inbox and outbox content: nothing of it can be found afterwards. */
  delete(sessionKey: string): Promise<boolean>;
  append(sessionKey: string, entries: readonly TranscriptDraft[], atMs: number): Promise<readonly TranscriptEntry[]>;
  /** Entries of the current session id (or of an older one), oldest first; `limit` keeps the newest. */
  transcript(sessionKey: string, options?: { sessionId?: string; afterSeq?: number; limit?: number }): Promise<readonly TranscriptEntry[]>;
  /** Writes a session with its entries as they were exported. Throws RPC_006 where the key already has entries. */
  import(row: { sessionKey: string; agentId: string; sessionId: string; createdMs: number }, entries: readonly TranscriptDraft[]): Promise<void>;
}

export interface SessionListOptions {
  readonly limit: number;
  /** Opaque, from the page before. */
  readonly cursor?: string;
  readonly agentId?: string;
  readonly activeSinceMs?: number;
  /** Substring of key or label. */
  readonly search?: string;
}

// ---------------------------------------------------------------- the rest

export interface LedgerStore {
  totals(filter: LedgerFilter): Promise<LedgerTotals>;
  /** Grouped by day (UTC, `2026-11-20`), session, model, agent or channel; highest cost first, days in order. */
  by(group: "day" | "session" | "model" | "agent" | "channel", filter: LedgerFilter): Promise<readonly (LedgerTotals & { readonly key: string })[]>;
}

export interface LedgerFilter {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly sessionKey?: string;
}

export interface LedgerTotals {
  readonly calls: number;
  readonly usage: TokenUsage;
  readonly costMicros: number;
  /** Calls without a known price: their cost is not in `costMicros`. */
  readonly unpriced: number;
}

export interface IdempotencyStore {
  /**
   * Takes a key for (principal, method). `new`: the caller does the work and calls `complete`.
   * `known`: somebody did or does it; `result` is null while under way. `conflict`: same key, other content.
   */
  begin(key: { principalId: string; method: string; key: string }, contentHash: string, atMs: number): Promise<{ outcome: "new" | "known" | "conflict"; result: unknown }>;
  complete(key: { principalId: string; method: string; key: string }, result: unknown, atMs: number): Promise<void>;
  /** Drops keys older than this. */
  prune(beforeMs: number): Promise<number>;
}

export interface DeviceRow {
  /** SHA-256 of the raw public key, hex. */
  readonly deviceId: string;
  /** base64url of the raw 32-byte Ed25519 key. */
  readonly publicKey: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** SHA-256 of the device token, hex; the token itself is never stored. Null when revoked. */
  readonly tokenHash: string | null;
  readonly displayName: string | null;
  readonly platform: string | null;
  readonly pairedMs: number;
  readonly lastSeenMs: number;
}

export interface DeviceStore {
  get(deviceId: string): Promise<DeviceRow | null>;
  list(): Promise<readonly DeviceRow[]>;
  put(row: DeviceRow): Promise<void>;
  remove(deviceId: string): Promise<boolean>;
}

/** Small named JSON documents of a subsystem: cursors, markers, the last heartbeat. */
export interface DocumentStore {
  get(namespace: string, key: string): Promise<unknown>;
  put(namespace: string, key: string, value: unknown, atMs: number): Promise<void>;
  delete(namespace: string, key: string): Promise<void>;
}

export interface TraceStore {
  /** Appended in the transaction of nobody: diagnostic, but in order. */
  add(events: readonly { messageId: string | null; runId: string | null; type: string; atMs: number; data: unknown }[]): Promise<void>;
  of(messageIdOrRunId: string): Promise<readonly { type: string; atMs: number; data: unknown }[]>;
  recent(limit: number): Promise<readonly { type: string; atMs: number; data: unknown }[]>;
  prune(beforeMs: number, keep: number): Promise<number>;
}
