/**
 * What the store keeps of sessions: each under its key, with the transcript of what was said in it. The rules of `port.ts`
 * hold here too.
 */
import type { Address } from "../domain/message.ts";
import type { TokenUsage } from "../domain/money.ts";

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
  /** Usage, cost and messages of the current session id: a reset starts at zero, the ledger keeps the rest. */
  readonly usage: TokenUsage;
  readonly costMicros: number;
  readonly messageCount: number;
}

export interface TranscriptDraft {
  /** 8 hex digits, unique within the session. One that is taken already is replaced by the next free one. */
  readonly id: string;
  /** The entry it follows; where absent, the one before it. */
  readonly parentId?: string | null;
  readonly type:
    | "message"
    | "model_change"
    | "thinking_level_change"
    | "custom"
    | "custom_message"
    | "compaction"
    | "branch_summary"
    | "label"
    | "session_info";
  readonly atMs: number;
  /** What stands in the exported line besides type, id, parentId and timestamp (keys it must not hold). JSON-safe. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TranscriptEntry extends TranscriptDraft {
  /** 1, 2, 3 … within the session id. */
  readonly seq: number;
  readonly parentId: string | null;
}

export interface SessionStore {
  /** The session, made on first use. Sets `updatedMs` and, where given, `lastAddress`. */
  open(
    sessionKey: string,
    agentId: string,
    options: { sessionId: string; atMs: number; address?: Address },
  ): Promise<{ row: SessionRow; created: boolean }>;
  get(sessionKey: string): Promise<SessionRow | null>;
  /** Last changed first. `total` counts every session that passes the filter, on whatever page. */
  list(options: SessionListOptions): Promise<{ rows: readonly SessionRow[]; nextCursor: string | null; total: number }>;
  /** Sets keys of `settings`; `null` removes one. Returns null where there is no such session. */
  patch(sessionKey: string, settings: Readonly<Record<string, unknown>>, atMs: number): Promise<SessionRow | null>;
  /** A new session id from here on; history is kept under the old id. */
  reset(sessionKey: string, newSessionId: string, atMs: number): Promise<SessionRow | null>;
  /**
   * Removes the session, its transcripts, turns, inbox and outbox content: nothing of it can be found afterwards, in the
   * files neither. Ledger rows stay for the sums, under the key `deleted` and without the sender. A turn under way loses
   * its lease. False where there is nothing of that key.
   */
  delete(sessionKey: string): Promise<boolean>;
  /** Throws RPC_007 where there is no such session. */
  append(sessionKey: string, entries: readonly TranscriptDraft[], atMs: number): Promise<readonly TranscriptEntry[]>;
  /**
   * Entries of the current session id (or of an older one), oldest first; `limit` keeps the newest of those behind
   * `afterSeq` and in front of `beforeSeq`.
   */
  transcript(
    sessionKey: string,
    options?: { sessionId?: string; afterSeq?: number; beforeSeq?: number; limit?: number },
  ): Promise<readonly TranscriptEntry[]>;
  /**
   * Messages in whose text these words stand, newest first, in whatever session id they were said; letters of ASCII match
   * in either case. `cursor` goes on behind an earlier page.
   */
  search(query: string, options: { limit: number; sessionKey?: string; cursor?: string }): Promise<TranscriptHits>;
  /** Session ids of the key, newest first; the first is the current one. */
  history(sessionKey: string): Promise<readonly { readonly sessionId: string; readonly createdMs: number }[]>;
  /**
   * Writes a session with its entries as they were exported. Throws RPC_006 where the key already has entries or the
   * session id is taken, RPC_003 where two entries share an id.
   */
  import(
    row: { sessionKey: string; agentId: string; sessionId: string; createdMs: number },
    entries: readonly TranscriptDraft[],
  ): Promise<void>;
}

export interface TranscriptHits {
  readonly hits: readonly {
    readonly sessionKey: string;
    readonly sessionId: string;
    readonly entry: TranscriptEntry;
  }[];
  readonly nextCursor: string | null;
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
