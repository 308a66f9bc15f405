/**
 * What model calls used and cost, behind the store's port: rows that are written with what they paid for, and sums that
 * are kept beside them. The rules of `port.ts` hold here too.
 */
import type { TokenCosts, TokenUsage } from "../domain/money.ts";

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
  /** Who says what it cost: the provider itself, or a price times its tokens. Absent: as `costMicros` has it. */
  readonly costFrom?: "provider" | "price" | "unknown";
  /** `costMicros` by kind of token, see `splitCost`; null or absent where the kinds have no known price. */
  readonly costs?: TokenCosts | null;
  /** True where the provider sent no usage and ours is an estimate, as of a call that broke off. */
  readonly estimated: boolean;
  /** Null where nobody measured it. */
  readonly latencyMs: number | null;
  /** From the call to its first word. */
  readonly firstTokenMs?: number | null;
  readonly origin: CallOrigin;
  /** The login that it was made with. */
  readonly profileId?: string | null;
  /** The schedule that asked for it; null for what a person asked. */
  readonly jobId?: string | null;
}

/**
 * What a call was made for. `memory` and `speech` are calls that no turn makes; `import` is what another installation spent.
 */
export type CallOrigin = "chat" | "cron" | "heartbeat" | "hook" | "subagent" | "memory" | "speech" | "import";

/**
 * What was used and what it cost. Rows are never changed but by the deletion of their session; every sum of whole days is
 * kept in the commit of the row it counts, and days are UTC. Every read is made beside the main loop.
 */
export interface LedgerStore {
  totals(filter: LedgerFilter): Promise<LedgerTotals>;
  /**
   * Grouped; highest cost first, days (`2026-11-20`) in order. A model's key is `<provider>/<model>`, a user's
   * `<channel>:<sender id>`; what deleted sessions spent has the key `deleted` among sessions and users. Calls without a
   * login have the key ``.
   */
  by(group: LedgerGroup, filter: LedgerFilter): Promise<readonly (LedgerTotals & { readonly key: string })[]>;
  /**
   * How long calls took, by day or by model, of every whole day that the filter touches. Counts, sums and extremes are
   * exact; a percentile is at most an eighth above the true one and never below it.
   */
  latency(
    group: "day" | "model" | null,
    filter: Pick<LedgerFilter, "sinceMs" | "untilMs">,
  ): Promise<readonly (LatencyStats & { readonly key: string })[]>;
  /** What was said and done, day by day, of every whole day that the filter touches. Of the sessions that are there. */
  activity(filter: LedgerFilter): Promise<DailyActivity>;
  /**
   * Sessions that used or said something in those whole days, the last active first, each with what `SessionUsage` tells.
   * `matched` counts all of them.
   */
  sessions(options: {
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly sessionKey?: string;
    readonly agentId?: string;
    readonly limit: number;
  }): Promise<{ readonly rows: readonly SessionUsage[]; readonly matched: number }>;
  /** Calls of one session, oldest first; `limit` keeps the newest. */
  calls(
    sessionKey: string,
    options: { sinceMs?: number; untilMs?: number; limit: number },
  ): Promise<readonly LedgerCall[]>;
  /** Books calls that no turn made, in one commit. A known id is skipped. Returns how many were new. */
  book(entries: readonly LedgerEntry[]): Promise<number>;
  /** Counts every kept sum anew from the rows. Takes seconds of a large ledger, and changes nothing. */
  recount(): Promise<readonly LedgerCheck[]>;
}

export type LedgerGroup =
  | "day"
  | "session"
  | "model"
  | "provider"
  | "agent"
  | "channel"
  | "user"
  | "profile"
  | "origin"
  /** `2026-11-20 <provider>/<model>`, days in order. */
  | "model-day";

export interface LedgerFilter {
  /** From this time on. */
  readonly sinceMs?: number;
  /** Before this time. */
  readonly untilMs?: number;
  readonly sessionKey?: string;
  readonly agentId?: string;
}

export interface LedgerTotals {
  readonly calls: number;
  readonly usage: TokenUsage;
  readonly costMicros: number;
  /** What is known of `costMicros` by kind of token: together no more than it. */
  readonly costs: TokenCosts;
  /** Calls without a known price: their cost is not in `costMicros`. */
  readonly unpriced: number;
  /** Calls whose tokens are an estimate. */
  readonly estimated: number;
  /** Calls whose cost the provider itself told. */
  readonly reported: number;
}

export interface LatencyStats {
  /** Calls that were measured. */
  readonly count: number;
  readonly averageMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface MessageCounts {
  readonly user: number;
  readonly assistant: number;
  readonly toolCalls: number;
  readonly toolResults: number;
  /** Answers that broke off, and tools that failed. */
  readonly errors: number;
}

export interface DailyActivity {
  readonly messages: readonly (MessageCounts & { readonly day: string })[];
  readonly tools: readonly ToolCount[];
}

/** What no tool can be called is counted as `(other)`. */
export interface ToolCount {
  readonly day: string;
  readonly tool: string;
  readonly calls: number;
  readonly errors: number;
}

export interface SessionUsage extends DailyActivity {
  readonly sessionKey: string;
  /** Null of a session that is gone. */
  readonly sessionId: string | null;
  readonly label: string | null;
  readonly agentId: string;
  readonly updatedMs: number | null;
  /** Of the first and the last call or message in the span. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly calls: readonly (LedgerTotals & {
    readonly day: string;
    readonly model: string;
    readonly channel: string;
  })[];
  /**
   * By day, and of the whole span where the day is null. As exact as `LedgerStore.latency`. Told where one session is
   * asked for: it is counted from the rows.
   */
  readonly latency: readonly (LatencyStats & { readonly day: string | null })[];
}

/** One call as it was booked. */
export interface LedgerCall {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly model: string;
  readonly profileId: string | null;
  readonly jobId: string | null;
  readonly origin: CallOrigin;
  readonly usage: TokenUsage;
  readonly costMicros: number | null;
  readonly costFrom: "provider" | "price" | "unknown";
  readonly costs: TokenCosts | null;
  readonly estimated: boolean;
  readonly latencyMs: number | null;
  readonly firstTokenMs: number | null;
}

/** One kept sum beside its recount. */
export interface LedgerCheck {
  readonly sum: "days" | "sessions" | "latencies" | "messages" | "tools";
  readonly rows: number;
  /** Rows that the recount has otherwise, or not, or beyond those kept. 0 is sound. */
  readonly differing: number;
}
