/** What the store keeps of requests that may come twice. The rules of `port.ts` hold here too. */

export interface IdempotencyStore {
  /**
   * Takes a key for (principal, method). `new`: the caller does the work and calls `complete`.
   * `known`: somebody did or does it; `result` is null while under way. `conflict`: same key, other content.
   * A key older than `limits.idempotencyTtlMs` is taken anew.
   */
  begin(
    key: { principalId: string; method: string; key: string },
    contentHash: string,
    atMs: number,
  ): Promise<{ outcome: "new" | "known" | "conflict"; result: unknown }>;
  complete(key: { principalId: string; method: string; key: string }, result: unknown, atMs: number): Promise<void>;
  /** Gives a key back whose work failed before it had an effect, so that the client may try again. */
  release(key: { principalId: string; method: string; key: string }): Promise<void>;
  /** At start: gives back every key whose work never completed, for whoever did it is gone; effects carry ids of their own. */
  recover(): Promise<number>;
  /** Drops keys older than this. */
  prune(beforeMs: number): Promise<number>;
}
