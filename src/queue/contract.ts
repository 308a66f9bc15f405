/**
 * Dispatch: which waiting message gets a worker next. The inbox rows are the truth; a queue only wakes, orders and
 * bounds. First in, first out within a session, in parallel across sessions, each turn under a lease that it renews.
 */
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { InboxRow, Lease, Store } from "../store/port.ts";

/**
 * Runs one turn to its end and commits its own result under the lease. Where it throws, the message is tried again
 * after a pause; where what it throws is STORE_003, the message is another worker's. `lost` aborts when the lease went
 * to another worker.
 */
export type TurnHandler = (row: InboxRow, lease: Lease, lost: AbortSignal) => Promise<void>;

/** What is known of a message that has to wait; enough to call a worker for it, and nothing of what it says. */
export type WaitingMessage = Pick<InboxRow, "dueMs"> & { readonly message: Pick<InboxRow["message"], "id"> };

export interface DispatchQueue {
  start(handler: TurnHandler): void;
  /**
   * Reserves a worker for a message that is being admitted now, so that admission and claim are one commit.
   * Null where none is free. What was offered is either taken or declined.
   */
  offer(): { readonly owner: string; readonly leaseMs: number } | null;
  take(row: InboxRow, lease: Lease): void;
  decline(): void;
  /**
   * Something may have become runnable: this message, where one is named, else whatever is there. Cheap; may be called
   * often.
   */
  wake(waiting?: WaitingMessage): void;
  /** Turns under way and the most that may be. */
  load(): { readonly running: number; readonly capacity: number };
  /** What it has to do without at the moment, in a sentence for the operator; null where nothing is missing. */
  trouble(): string | null;
  /** Takes nothing new from now on; resolves when every running turn has ended or been given back. */
  close(): Promise<void>;
}

/** What every driver is built from. */
export interface DispatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique per process: leases of another owner are not ours to renew. */
  readonly owner: string;
  /** Turns that may run at once; read anew at each decision. */
  readonly capacity: () => number;
  /** A message that waited this long counts as one priority class higher. */
  readonly agingMs: number;
  /** In [0, 1): spreads the attempts of messages that failed together. */
  readonly random: () => number;
  readonly leaseMs?: number;
  readonly leaseRenewMs?: number;
  /** How often expired leases are looked for. */
  readonly sweepMs?: number;
}
