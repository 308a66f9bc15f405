/** What the store keeps for parts of the house that have no table of their own. The rules of `port.ts` hold here too. */

/** Small named JSON documents of a subsystem: cursors, markers, the last heartbeat. */
export interface DocumentStore {
  /** Undefined where there is none. */
  get(namespace: string, key: string): Promise<unknown>;
  list(namespace: string): Promise<readonly { readonly key: string; readonly value: unknown; readonly atMs: number }[]>;
  put(namespace: string, key: string, value: unknown, atMs: number): Promise<void>;
  delete(namespace: string, key: string): Promise<void>;
}
