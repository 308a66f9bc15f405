/**
 * Looking into the store for the next message that may run, as often as there is a reason to: a message that had to
 * wait, a turn that ended, a due time. One look at a time; which message it finds is the store's decision.
 */
import { AppError } from "../domain/app-error.ts";
import type { Timer } from "../platform/clock.ts";
import type { DispatchOptions } from "./contract.ts";
import type { Workers } from "./workers.ts";

export class Claims {
  readonly #options: DispatchOptions;
  readonly #workers: Workers;
  /** How long after its time a message is looked for that somebody else should have called for. */
  readonly #dueGraceMs: () => number;
  /** Looks that there is a reason for and that no claim has been made for yet. */
  #owed = 0;
  /** True when the last look found nothing while turns ran: what waits may wait behind one of them. */
  #maybeBlocked = false;
  /** The looks under way: one after the other, or two would find more than there are workers. */
  #looking: Promise<void> | undefined;
  #closed = false;
  #due: Timer | undefined;

  constructor(options: DispatchOptions, workers: Workers, dueGraceMs: () => number = () => 0) {
    this.#options = options;
    this.#workers = workers;
    this.#dueGraceMs = dueGraceMs;
  }

  /** Whether a reason to look waits for a worker. */
  get isOwing(): boolean {
    return this.#owed > 0;
  }

  /** Looks until nothing is found, or so many times. Resolves when nothing more can be done now; never throws. */
  async look(times = Number.POSITIVE_INFINITY): Promise<void> {
    this.#owed += times;
    await this.settle();
  }

  /** A turn of this node has ended, and its session is free: where anything can have waited behind it, one look is due. */
  async afterTurn(): Promise<void> {
    await (this.#maybeBlocked ? this.look(1) : this.settle());
  }

  /** Makes the looks that are owed, as far as workers are free for what they find. */
  async settle(): Promise<void> {
    if (this.#looking !== undefined) return this.#looking;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#looking = promise;
    try {
      while (this.#owed > 0) {
        const worker = this.#workers.offer();
        if (worker === null) return;
        await this.#claim(worker);
      }
    } catch (error) {
      // The rows stay where they are; the sweep tries again.
      this.#options.log.error("waiting messages could not be claimed", { error: AppError.from(error).toJSON() });
    } finally {
      // At once, not when somebody hears of the end: what is owed from here on begins anew.
      this.#looking = undefined;
      resolve();
    }
  }

  close(): void {
    this.#closed = true;
    this.#due?.cancel();
  }

  /** What was owed is given up where nothing is found: all these looks would have found the same. */
  async #claim(worker: { owner: string; leaseMs: number }): Promise<void> {
    const { store, clock, agingMs } = this.#options;
    const owed = this.#owed;
    this.#owed = 0;
    let found;
    try {
      await this.#workers.renewOverdue();
      found = await store.inbox.claim({ ...worker, atMs: clock.nowMs(), agingMs });
      if (found === null) await this.#armDueTimer();
    } catch (error) {
      this.#workers.decline();
      throw error;
    }
    if (found === null) {
      this.#maybeBlocked = this.#workers.load().running > 0;
      return this.#workers.decline();
    }
    this.#owed += owed - 1;
    this.#workers.take(found.row, found.lease);
  }

  async #armDueTimer(): Promise<void> {
    const { store, clock } = this.#options;
    const nowMs = clock.nowMs();
    const dueMs = await store.inbox.nextDueMs(nowMs);
    this.#due?.cancel();
    if (dueMs === null || this.#closed) return;
    const delayMs = Math.max(0, dueMs - clock.nowMs()) + this.#dueGraceMs();
    this.#due = clock.after(delayMs, () => void this.look());
  }
}
