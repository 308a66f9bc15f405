/** What the store keeps of how a message came to its end. The rules of `port.ts` hold here too. */

/**
 * The way of each message. Every command that changes the state of a message or a part appends an event in its own commit,
 * so that none is missing after a crash: `inbox.queued`, `inbox.running`, `inbox.retry`, `inbox.released`, `inbox.recovered`,
 * `inbox.replied`, `inbox.rejected`, … by the state that was reached, and `outbox.prepared`, `outbox.held`, `outbox.sending`,
 * `outbox.progress`, `outbox.sent`, `outbox.unknown`, … with what is known of it (reason, attempt, lease epoch, part id,
 * platform ids). What happens between two states (a tool, the first word of a model) is added by whoever sees it.
 */
export interface TraceStore {
  /** Appended in the transaction of nobody: diagnostic, but in order. */
  add(
    events: readonly { messageId: string | null; runId: string | null; type: string; atMs: number; data: unknown }[],
  ): Promise<void>;
  /** Everything about one message, oldest first and of one time as it was written, by the message's, its run's or one of its parts' id. */
  of(id: string): Promise<readonly { type: string; atMs: number; data: unknown }[]>;
  /** The newest `limit`, oldest first. */
  recent(limit: number): Promise<readonly { type: string; atMs: number; data: unknown }[]>;
  /**
   * Drops what is older than this, and of the rest all but the newest `keep`; what was removed of these meanwhile, with its
   * session, counts among them.
   */
  prune(beforeMs: number, keep: number): Promise<number>;
}
