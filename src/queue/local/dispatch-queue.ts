/**
 * Dispatch within one process. Rows and leases live in the store; here are only the count of busy workers,
 * the renewal of their leases, and the reasons to look again: a message that had to wait, a turn that ended,
 * a due time, an expired lease.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { InboxRow, Lease, Store } from "../../store/port.ts";
import type { DispatchQueue, TurnHandler } from "../contract.ts";

export interface LocalQueueOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique per process: leases of another owner are not ours to renew. */
  readonly owner: string;
  /** Turns that may run at once; read anew at each decision. */
  readonly capacity: () => number;
  /** A message that waited this long counts as one priority class higher. */
  readonly agingMs: number;
  readonly leaseMs?: number;
  readonly leaseRenewMs?: number;
  /** How often expired leases are looked for. */
  readonly sweepMs?: number;
}

export function createLocalQueue(options: LocalQueueOptions): DispatchQueue {
  return new LocalQueue(options);
}

class LocalQueue implements DispatchQueue {
  readonly #options: LocalQueueOptions;
  readonly #leaseMs: number;
  readonly #running = new Set<Promise<void>>();
  readonly #quiet = Promise.withResolvers<void>();
  #handler: TurnHandler | undefined;
  /** Workers promised to messages that are being admitted. */
  #offered = 0;
  /** True when something may wait in the store that no claim has looked for yet. */
  #maybeWaiting = false;
  /** True when the last look found nothing while turns ran: what waits may wait behind one of them. */
  #maybeBlocked = false;
  #filling = false;
  #closed = false;
  #sweep: Timer | undefined;
  #due: Timer | undefined;

  constructor(options: LocalQueueOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? limits.leaseMs;
  }

  start(handler: TurnHandler): void {
    this.#handler = handler;
    this.#sweep = this.#options.clock.every(this.#options.sweepMs ?? 30_000, () => this.wake());
    this.wake();
  }

  offer(): { owner: string; leaseMs: number } | null {
    if (this.#closed || this.#handler === undefined || this.#free() <= 0) return null;
    this.#offered += 1;
    return { owner: this.#options.owner, leaseMs: this.#leaseMs };
  }

  take(row: InboxRow, lease: Lease): void {
    this.#offered -= 1;
    this.#accept(row, lease);
  }

  decline(): void {
    this.#offered -= 1;
    if (this.#maybeWaiting) void this.#fill();
    this.#tellIfQuiet();
  }

  wake(): void {
    this.#maybeWaiting = true;
    void this.#fill();
  }

  load(): { running: number; capacity: number } {
    return { running: this.#running.size, capacity: this.#options.capacity() };
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    this.#due?.cancel();
    this.#tellIfQuiet();
    return this.#quiet.promise;
  }

  /** What is being claimed or admitted now counts: it comes in late, and is given back. */
  #tellIfQuiet(): void {
    if (this.#closed && this.#running.size === 0 && this.#offered === 0 && !this.#filling) this.#quiet.resolve();
  }

  #free(): number {
    return this.#options.capacity() - this.#running.size - this.#offered;
  }

  /** Claims until nothing waits or every worker is busy. One at a time: two fillers would claim past the capacity. */
  async #fill(): Promise<void> {
    if (this.#filling || this.#handler === undefined) return;
    this.#filling = true;
    try {
      while (!this.#closed && this.#maybeWaiting && this.#free() > 0) {
        this.#maybeWaiting = false;
        const claimed = await this.#claim();
        if (claimed === null) {
          this.#maybeBlocked = this.#running.size > 0;
          await this.#armDueTimer();
        } else {
          this.#maybeWaiting = true;
          this.#accept(claimed.row, claimed.lease);
        }
      }
    } catch (error) {
      // The rows stay where they are; the sweep tries again.
      this.#options.log.error("waiting messages could not be claimed", { error: AppError.from(error).toJSON() });
    } finally {
      this.#filling = false;
      this.#tellIfQuiet();
    }
  }

  #claim(): Promise<{ row: InboxRow; lease: Lease } | null> {
    const { store, clock, owner, agingMs } = this.#options;
    return store.inbox.claim({ owner, leaseMs: this.#leaseMs, atMs: clock.nowMs(), agingMs });
  }

  async #armDueTimer(): Promise<void> {
    const { store, clock } = this.#options;
    const nowMs = clock.nowMs();
    const dueMs = await store.inbox.nextDueMs(nowMs);
    this.#due?.cancel();
    if (dueMs !== null && !this.#closed) this.#due = clock.after(Math.max(0, dueMs - nowMs), () => this.wake());
  }

  #accept(row: InboxRow, lease: Lease): void {
    if (this.#closed) this.#giveBack(lease);
    else this.#run(row, lease);
  }

  #giveBack(lease: Lease): void {
    const { store, clock, log } = this.#options;
    const work = store.inbox
      .release(lease, clock.nowMs())
      .catch((error: unknown) => {
        // The next start finds it as it finds what a crash leaves behind.
        log.warn("a message could not be given back", { runId: lease.runId, error: AppError.from(error).toJSON() });
      })
      .finally(() => this.#over(work));
    this.#running.add(work);
  }

  #over(work: Promise<void>): void {
    this.#running.delete(work);
    this.#tellIfQuiet();
  }

  #run(row: InboxRow, lease: Lease): void {
    const { clock, log } = this.#options;
    const lost = new AbortController();
    const renewal = clock.every(this.#options.leaseRenewMs ?? limits.leaseRenewMs, () => this.#renew(lease, lost));
    const work = (this.#handler as TurnHandler)(row, lease, lost.signal)
      .catch((error: unknown) => {
        log.error("a turn ended without a result", { runId: row.runId, error: AppError.from(error).toJSON() });
      })
      .finally(() => {
        renewal.cancel();
        this.#over(work);
        // The session is free again: its next message may be waiting behind this one.
        this.#afterTurn();
      });
    this.#running.add(work);
  }

  #afterTurn(): void {
    if (this.#maybeBlocked) this.#maybeWaiting = true;
    if (this.#maybeWaiting && !this.#closed) void this.#fill();
  }

  /** A lease that is gone belongs to another worker: the turn is told to stop, and the store would refuse its result. */
  async #renew(lease: Lease, lost: AbortController): Promise<void> {
    try {
      await this.#options.store.inbox.renew(lease, this.#options.clock.nowMs() + this.#leaseMs);
    } catch (error) {
      const failure = AppError.from(error);
      this.#options.log.warn("a lease could not be renewed", { runId: lease.runId, error: failure.toJSON() });
      if (failure.code === "STORE_003") lost.abort(failure);
    }
  }
}
