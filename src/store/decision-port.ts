/**
 * What the store keeps of decisions about tool calls: the facts as they were judged and what came of them, so that each can
 * be explained and another policy can be tried on them. The rules of `port.ts` hold here too.
 */

export interface DecisionRow {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly callId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly tool: string;
  readonly effect: "allow" | "ask" | "deny";
  /** Where the rule stands that decided. */
  readonly rule: string;
  /** The facts of the call, JSON-safe, without what the tool was given beyond its act. */
  readonly facts: unknown;
}

export interface DecisionStore {
  /** A known id writes nothing. */
  add(rows: readonly DecisionRow[]): Promise<void>;
  /** Oldest first, from that time on; `cursor` goes on behind an earlier page. */
  list(options: {
    sinceMs: number;
    limit: number;
    cursor?: string;
  }): Promise<{ readonly rows: readonly DecisionRow[]; readonly nextCursor: string | null }>;
  /** Drops what is older; at most `limit`. Returns how many went. */
  prune(options: { beforeMs: number; limit: number }): Promise<number>;
}
