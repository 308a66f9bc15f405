/**
 * Dispatch: which waiting message gets a worker next. The inbox rows are the truth; a queue only wakes, orders and
 * bounds. First in, first out within a session, in parallel across sessions, each turn under a lease that it renews.
 */
import type { InboxRow, Lease } from "../store/port.ts";

/**
 * Runs one turn to its end. It commits its own result under the lease; what it throws is logged, and the lease
 * expires. `lost` aborts when the lease went to another worker.
 */
export type TurnHandler = (row: InboxRow, lease: Lease, lost: AbortSignal) => Promise<void>;

export interface DispatchQueue {
  start(handler: TurnHandler): void;
  /**
   * Reserves a worker for a message that is being admitted now, so that admission and claim are one commit.
   * Null where none is free. What was offered is either taken or declined.
   */
  offer(): { readonly owner: string; readonly leaseMs: number } | null;
  take(row: InboxRow, lease: Lease): void;
  decline(): void;
  /** Something may have become runnable. Cheap; may be called often. */
  wake(): void;
  /** Turns under way and the most that may be. */
  load(): { readonly running: number; readonly capacity: number };
  /** Takes nothing new from now on; resolves when every running turn has ended or been given back. */
  close(): Promise<void>;
}
