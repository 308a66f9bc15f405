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
import type { ApprovalStore, BudgetStore } from "./budget-port.ts";
import type { DecisionStore } from "./decision-port.ts";
import type { DeviceStore } from "./device-port.ts";
import type { DocumentStore } from "./document-port.ts";
import type { IdempotencyStore } from "./idempotency-port.ts";
import type { LedgerEntry, LedgerStore } from "./ledger-port.ts";
import type { SessionRow, SessionStore, TranscriptDraft } from "./session-port.ts";
import type { TraceStore } from "./trace-port.ts";

export interface Store {
  readonly inbox: InboxStore;
  readonly turns: TurnStore;
  readonly outbox: OutboxStore;
  readonly deadLetters: DeadLetterStore;
  readonly sessions: SessionStore;
  readonly ledger: LedgerStore;
  readonly budgets: BudgetStore;
  readonly approvals: ApprovalStore;
  readonly idempotency: IdempotencyStore;
  readonly devices: DeviceStore;
  readonly documents: DocumentStore;
  readonly trace: TraceStore;
  /** What was decided about tool calls. */
  readonly decisions: DecisionStore;
  /** Totals since the store was made, kept in the commits that they count. */
  totals(): Promise<StoreTotals>;
  /** Resolves when a write could be made durable now; throws what a write would throw. For readiness. */
  probe(): Promise<void>;
  /**
   * Removes ended messages with their turns, ended parts and nothing else, oldest first, at most `limit` of each kind.
   * What is on the list of dead letters stays until it is off.
   * Transcripts and ledger stay. Returns how many rows went; fewer than `limit` means that nothing older is left.
   */
  prune(options: { beforeMs: number; limit: number }): Promise<number>;
  /** Rebuilds the files: free space goes back and no trace of what was deleted stays. Writes wait; for a quiet hour. */
  compact(): Promise<void>;
  /** Waits for writes under way, then releases files and threads. Idempotent. */
  close(): Promise<void>;
}

export interface StoreTotals {
  /** Events that were known already. */
  readonly duplicates: number;
  /** Writes and renewals that were refused because another worker has the lease. */
  readonly leasesLost: number;
  /** Parts whose send ended without an answer. */
  readonly unknownSends: number;
}

// ---------------------------------------------------------------- inbox

export type InboxState = "queued" | "running" | "replied" | "merged" | "rejected" | "expired" | "dead";

/** The row's fixed part: the message and what admission said about it. */
export interface InboxEntry {
  readonly message: InboundMessage;
  /** (channel, account, chat, platform id) joined by the caller; UNIQUE for the dedupe window, `limits.idempotencyTtlMs`. */
  readonly dedupeKey: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** The id clients know the turn by; `chat.send` uses its idempotency key. UNIQUE for as long as the row is kept. */
  readonly runId: string;
  readonly priority: Priority;
  /** Not before this time (scheduled messages); 0 = at once. */
  readonly dueMs: number;
  readonly expiresMs: number;
  /** Options of this turn alone: model override, thinking, instructions, caller's tools … JSON-safe. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * True for a stateless call whose caller waits on an open connection: no session or transcript row is written
   * for it, and recovery ends it as `expired` instead of answering nobody. It waits for nobody of its session, and
   * nobody waits for it: there is no history that an order could protect.
   */
  readonly ephemeral: boolean;
}

export interface InboxRow extends InboxEntry {
  readonly state: InboxState;
  /** Always set in a terminal state. */
  readonly reason: string | null;
  /** How often a worker took it. A worker that gave it back (`release`) does not count. */
  readonly attempts: number;
  readonly admittedMs: number;
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
  | {
      readonly outcome: "accepted";
      readonly row: InboxRow;
      readonly lease: Lease | null;
      /** Set where `openSession` was given and the message is not ephemeral. */
      readonly session?: { readonly row: SessionRow; readonly created: boolean; readonly renewed: boolean };
    }
  /** The dedupe key, run id or message id is known. Nothing was written. */
  | { readonly outcome: "duplicate"; readonly existing: InboxRow };

export interface InboxStore {
  /**
   * Writes an accepted message. With `claimFor`, also starts its turn in the same commit where it is due and the session
   * is free. With `openSession`, also does what `sessions.open` does with the message's address, in the same commit;
   * `sessionId` is used where the session is new, or begun anew: what was last used before `staleBeforeMs` and has
   * nothing waiting starts afresh, as by `sessions.reset`. `keepAddress`: the session's last address stays what it was.
   */
  admit(
    entry: InboxEntry,
    options: {
      atMs: number;
      claimFor?: { owner: string; leaseMs: number };
      openSession?: { sessionId: string; staleBeforeMs?: number | null; keepAddress?: true };
    },
  ): Promise<AdmitResult>;
  /**
   * Writes a refusal with its reason, so that every event has one terminal state. `content` and `raw` are dropped by the
   * caller, except of what a permitted sender said in a group without addressing the assistant: see `overheard`.
   */
  reject(entry: InboxEntry, reason: string, atMs: number): Promise<AdmitResult>;
  /**
   * Takes the next message that may run: queued or with an expired lease, due, its session free,
   * by priority with aging (one class up per `agingMs` waited), then by how long it waits. One call, one lease.
   * Within a session the oldest due message goes first, whatever its priority; a scheduled one holds up nobody before it
   * is due. A message past its `expiresMs` is handed out too: the caller ends it with a reason.
   */
  claim(options: {
    owner: string;
    leaseMs: number;
    atMs: number;
    agingMs: number;
  }): Promise<{ row: InboxRow; lease: Lease } | null>;
  /** Prolongs a lease. One that ran out but was taken by nobody is prolonged too. Throws STORE_003 when it was lost. */
  renew(lease: Lease, untilMs: number): Promise<void>;
  /**
   * Gives a message back unfinished (shutdown): queued again, attempts unchanged. `spent`: its calls that are not booked
   * yet, in the same commit.
   */
  release(lease: Lease, atMs: number, spent?: readonly LedgerEntry[]): Promise<void>;
  /**
   * Gives a message back whose attempt failed: it is taken again at `untilMs` and not before, and the attempt counts. Its
   * session waits behind it, since order is kept; other sessions do not. Until then it is `queued`, and `leaseUntilMs`
   * tells when it is due.
   */
  retry(lease: Lease, options: { atMs: number; untilMs: number; reason: string }): Promise<void>;
  /**
   * Gives a message back whose turn waits for a person: taken again when that approval is answered, or at `untilMs`. Queued
   * with `reason`; no attempt is counted, its finished steps stay, its session waits behind it. Where the approval is no
   * longer open it is due at once. `spent` as in `release`.
   */
  park(
    lease: Lease,
    options: { approvalId: string; atMs: number; untilMs: number; spent?: readonly LedgerEntry[] },
  ): Promise<void>;
  /** Messages that are parked behind an approval: what answering it sets going. */
  parkedBehind(approvalId: string): Promise<readonly InboxRow[]>;
  /**
   * Queued messages of the session that came after `after` and are due, oldest first: what a running turn may take in.
   */
  waitingBehind(
    sessionKey: string,
    options: { after: Lease; atMs: number; limit: number },
  ): Promise<readonly InboxRow[]>;
  /**
   * Takes queued messages of its session into a turn under way: each ends as `merged` with this reason, in one commit with
   * the step that tells the model of them. Those that are no longer queued are left out. Returns the ids that were taken.
   */
  mergeInto(
    lease: Lease,
    options: { messageIds: readonly string[]; reason: string; step: StepRow; atMs: number },
  ): Promise<readonly string[]>;
  /**
   * Ends a message without a turn result: `merged`, `expired`, `dead`. A turn under way for it ends as `aborted` and its
   * worker loses the lease. Throws STORE_003 where it has ended already, RPC_007 where there is no such message.
   */
  end(messageId: string, state: "merged" | "expired" | "dead", reason: string, atMs: number): Promise<void>;
  /**
   * At start: every running row of another owner is queued again (its epoch rises), every ephemeral one ends as `expired`.
   * One that was under way in `attempts` crashes waits `crashPauseMs(attempts)` first, so that a message that brings the
   * process down does not do so without end, and an innocent one is not in flight at every crash.
   */
  recover(
    owner: string,
    atMs: number,
    crashPauseMs?: (attempts: number) => number,
  ): Promise<{ requeued: number; expired: number }>;
  /**
   * What was said in the session since its last accepted message without addressing the assistant: messages rejected as
   * `not-mentioned` whose content was kept, oldest first, the newest `limit`.
   */
  overheard(
    sessionKey: string,
    options: { beforeMessageId: string; limit: number },
  ): Promise<readonly InboundMessage[]>;
  get(messageId: string): Promise<InboxRow | null>;
  /** By channel, account, chat and the platform's id: the newest row of that event. */
  byDedupeKey(dedupeKey: string): Promise<InboxRow | null>;
  byRunId(runId: string): Promise<InboxRow | null>;
  /** Earliest due time after `atMs` of a queued row, for the timer. */
  nextDueMs(atMs: number): Promise<number | null>;
  counts(): Promise<{ queued: number; running: number; oldestQueuedMs: number | null }>;
}

// ---------------------------------------------------------------- dead letters

/** What could not be brought to its end: a message that was never answered, or a part that never arrived. */
export type DeadLetter =
  | {
      readonly kind: "message";
      readonly id: string;
      readonly atMs: number;
      readonly reason: string;
      readonly row: InboxRow;
    }
  | {
      readonly kind: "part";
      readonly id: string;
      readonly atMs: number;
      readonly reason: string;
      readonly row: OutboxRow;
    };

/**
 * Messages that ended as `dead` or `expired` (not the ephemeral ones: their caller knows) and parts that ended as `failed`
 * or `expired`, until somebody replays or purges them. `id` is the message's or the part's.
 */
export interface DeadLetterStore {
  /** Newest first. */
  list(options: { limit: number; beforeMs?: number }): Promise<readonly DeadLetter[]>;
  get(id: string): Promise<DeadLetter | null>;
  count(): Promise<number>;
  /**
   * Puts one back to work, once: a message is queued again with its dedupe key, run id and place in its session, its
   * attempts at zero and what its ended turn left removed; a part is `prepared` again behind what was confirmed of it.
   * False where it is no dead letter (any more).
   */
  replay(id: string, options: { atMs: number; expiresMs: number }): Promise<boolean>;
  /** Takes them off the list and drops their content; the dedupe keys stay. Returns how many there were. */
  purge(which: { ids: readonly string[] } | { beforeMs: number }, atMs: number): Promise<number>;
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

/** A model call, what became of one tool call, or what was said meanwhile. `record` is JSON-safe and belongs to the run loop. */
export interface StepRow {
  readonly runId: string;
  readonly index: number;
  readonly kind: "model" | "tool" | "call" | "said";
  readonly record: unknown;
  readonly atMs: number;
}

/** What a part does on its platform. `messageId` is the platform's. */
export type PartAction =
  | { readonly type: "send" }
  /** The first piece replaces that message, further pieces follow it as new ones. */
  | { readonly type: "edit"; readonly messageId: string }
  | { readonly type: "delete"; readonly messageId: string }
  | { readonly type: "react"; readonly messageId: string; readonly emoji: string };

export interface OutboxDraft {
  readonly id: string;
  readonly address: Address;
  /** `send` where absent. */
  readonly action?: PartAction;
  /** The platform's id of the message this part answers, where the platform can quote. */
  readonly replyToId: string | null;
  readonly reply: Reply;
  readonly expiresMs: number;
  /** `prepared`; `sent` where storing it is delivering it (webchat); `held` where a person has to allow it first. */
  readonly state: "prepared" | "sent" | "held";
  /** Not before this time; 0 or absent = at once. */
  readonly notBeforeMs?: number;
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
  /**
   * Appended to the session's transcript, after what is there, in this order. The store writes no entry of its own:
   * the user's entry is the first of these, or was appended before. Ignored for an ephemeral message.
   * A session that was never opened is opened here, with the run id as its session id.
   */
  readonly transcript: readonly TranscriptDraft[];
  readonly outbox: readonly OutboxDraft[];
  readonly ledger: readonly LedgerEntry[];
  /** The inbox row ends as `replied` with this reason; `dead` when the turn could not answer at all. */
  readonly inbox: { readonly state: "replied" | "dead"; readonly reason: string };
  /**
   * True for a dead message that waits for a person (`waitingFor`): its finished steps stay, so that a replay goes on
   * behind them. Where what it waits for has come meanwhile it is queued again in this very commit.
   */
  readonly resumable?: boolean;
  readonly atMs: number;
}

export interface TurnStore {
  /**
   * Writes the finished step, its ledger row and its transcript entries together. The same index again replaces the
   * step; a ledger id that is known is not counted twice.
   */
  appendStep(
    lease: Lease,
    step: StepRow,
    effect: { ledger: readonly LedgerEntry[]; transcript?: readonly TranscriptDraft[] },
  ): Promise<void>;
  /**
   * Ends turn, inbox row, transcript, outbox and ledger in one commit; the steps go, the transcript tells what they did.
   * A second call for the same run throws STORE_003.
   */
  finish(lease: Lease, result: TurnResult): Promise<void>;
  /** Null before a worker first took the message. */
  get(runId: string): Promise<TurnRow | null>;
  /** Steps of an unfinished turn, by index, so that a restart goes on behind the last one. Empty once it has ended. */
  steps(runId: string): Promise<readonly StepRow[]>;
}

// ---------------------------------------------------------------- outbox

export type PartState = "held" | "prepared" | "sending" | "sent" | "unknown" | "failed" | "expired";

export interface OutboxRow extends OutboxPart {
  readonly messageId: string | null;
  readonly runId: string | null;
  readonly sessionKey: string;
}

/** A part as it stands. (The draft's `state` is widened to every state of a part.) */
export interface OutboxPart extends Omit<OutboxDraft, "state" | "action" | "notBeforeMs"> {
  readonly state: PartState;
  readonly action: PartAction;
  /** Position in the chat: parts of one chat leave in this order. */
  readonly seq: number;
  readonly attempts: number;
  /** 0 = at once. */
  readonly nextAttemptMs: number;
  /** Ids of the platform messages it became, first to last. */
  readonly platformMessageIds: readonly string[];
  /** How many rendered chunks of this part were confirmed, so that a retry goes on behind them. */
  readonly chunksSent: number;
  /** Kept when the part is put back to work by hand: what is known of an earlier attempt stays known. */
  readonly error: AppErrorJson | null;
  /** When a person allowed it (`decide`); null where nobody was asked. */
  readonly approvedMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface OutboxStore {
  /**
   * A part that is not the last word of a turn (method `send`, notices, blocks of an answer that is still being written).
   * Same idempotency rules by `id`: a known id writes nothing. With `lease`, only while that lease holds: STORE_003.
   * `said`: what the session's transcript gets in the same commit, where nobody else writes it there; a session that was
   * never opened is opened with it.
   */
  add(
    draft: OutboxDraft,
    context: {
      sessionKey: string;
      runId: string | null;
      atMs: number;
      messageId?: string;
      lease?: Lease;
      said?: { readonly entry: TranscriptDraft; readonly agentId: string; readonly sessionId: string };
    },
  ): Promise<OutboxRow>;
  /**
   * Parts that may leave now, at most one per chat (the oldest `prepared` or `sending` one, where it is `prepared` and no
   * younger one is on its way), for the given accounts, each in turn. Parts past their `expiresMs` are among them: the caller settles them. A `held` or `unknown` part
   * holds up nobody: what becomes of it is decided by a person or by the operator's policy, which may take days.
   */
  ready(options: {
    accounts: readonly Pick<Address, "channel" | "accountId">[];
    atMs: number;
    limit: number;
  }): Promise<readonly OutboxRow[]>;
  /** Earliest attempt after `atMs` among the parts that are first in their chat, for the timer. */
  nextAttemptMs(atMs: number): Promise<number | null>;
  /** `prepared` → `sending`, before the first byte leaves; `attempts` rises. Throws STORE_003 when the part is in another state. */
  sending(id: string, atMs: number): Promise<void>;
  /** A chunk is confirmed; the part stays what it is, `sending` or `unknown`. Throws STORE_003 in any other state. */
  progress(id: string, chunksSent: number, platformMessageIds: readonly string[], atMs: number): Promise<void>;
  /**
   * What became of a part that is `sending`, `unknown`, (failed, expired, held) still `prepared`, or (failed: its turn was
   * stopped) still `held`. Throws STORE_003 in any other state. Back to `prepared` keeps `chunksSent`.
   */
  settle(id: string, outcome: PartOutcome, atMs: number): Promise<void>;
  /**
   * What a person decided about a `held` part: `prepared` with a new expiry, or `failed` with that error. False where it
   * is not held (any more).
   */
  decide(
    id: string,
    decision:
      | { readonly allow: true; readonly expiresMs: number }
      | { readonly allow: false; readonly error: AppErrorJson },
    atMs: number,
  ): Promise<boolean>;
  /**
   * A part waits longer, and no attempt is counted: its chat or account has used up what the platform allows. One that is
   * `sending`, between two pieces, is `prepared` again and its attempt is taken back. Throws STORE_003 in
   * any other state.
   */
  postpone(id: string, untilMs: number): Promise<void>;
  /** `failed`, `expired` or `unknown` → `prepared`, by hand: attempts start again. False where it is in another state. */
  resubmit(id: string, options: { atMs: number; expiresMs: number }): Promise<boolean>;
  /** Parts in one state, newest first, for dead letters and doubts. */
  inState(state: PartState, limit: number): Promise<readonly OutboxRow[]>;
  /** At start: every `sending` part becomes `unknown`. Returns them. */
  recover(atMs: number): Promise<readonly OutboxRow[]>;
  get(id: string): Promise<OutboxRow | null>;
  /** The part that became this message of the platform. Written with the confirmation, so it is there after a restart. */
  byPlatformId(
    at: Pick<Address, "channel" | "accountId" | "chatId">,
    platformMessageId: string,
  ): Promise<OutboxRow | null>;
  ofRun(runId: string): Promise<readonly OutboxRow[]>;
  /** Run ids of the session that have something left to say: parts that are held, prepared, being sent or in doubt. */
  unsaidRuns(sessionKey: string): Promise<readonly string[]>;
  counts(): Promise<Readonly<Record<PartState, number>>>;
}

export type PartOutcome =
  | {
      readonly state: "sent";
      readonly platformMessageIds: readonly string[];
      /** What the session's transcript says about it, where it had said before that it did not arrive. */
      readonly transcript?: TranscriptDraft;
    }
  /** A person has to allow it first: the policy changed while it waited. */
  | { readonly state: "held" }
  | { readonly state: "prepared"; readonly nextAttemptMs: number; readonly error: AppErrorJson }
  | { readonly state: "unknown"; readonly error: AppErrorJson }
  | {
      readonly state: "failed" | "expired";
      readonly error: AppErrorJson;
      /** Told to the chat in the same commit, e.g. that a reply has expired; a known id is told once. */
      readonly notice?: OutboxDraft;
      /** What the session's transcript says about it, in the same commit; nothing where the session is gone. */
      readonly transcript?: TranscriptDraft;
    };
