/**
 * The workers of one node, whoever calls them: how many are free, which turns are under way, that these keep their
 * leases, and what becomes of a turn that fails. Claims nothing itself, and decides nothing about order.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { InboxRow, Lease } from "../store/port.ts";
import type { DispatchOptions, TurnHandler } from "./contract.ts";
import { retryPauseMs } from "./pauses.ts";

/** What a driver wants to hear. Neither is called once the node is closed to new turns. */
export interface WorkerEvents {
  /** A worker is free again, and with it a session whose next message may be waiting. */
  ended(): void;
  /** This message was given back and may be taken again at that time. */
  postponed(row: InboxRow, untilMs: number): void;
}

interface Turn {
  readonly lease: Lease;
  readonly lost: AbortController;
  /** As this process knows it. The store's row is the truth, and may be in another worker's name by now. */
  leaseUntilMs: number;
}

export class Workers {
  readonly #options: DispatchOptions;
  readonly #events: WorkerEvents;
  readonly #leaseMs: number;
  readonly #turns = new Set<Turn>();
  /** What must be over before the node is quiet: turns, and messages on their way back. */
  readonly #under = new Set<Promise<void>>();
  readonly #quiet = Promise.withResolvers<void>();
  #handler: TurnHandler | undefined;
  /** Workers promised to messages that are being admitted or claimed. */
  #offered = 0;
  #closed = false;

  constructor(options: DispatchOptions, events: WorkerEvents) {
    this.#options = options;
    this.#events = events;
    this.#leaseMs = options.leaseMs ?? limits.leaseMs;
  }

  begin(handler: TurnHandler): void {
    this.#handler = handler;
  }

  get hasFree(): boolean {
    if (this.#closed || this.#handler === undefined) return false;
    return this.#options.capacity() - this.#under.size - this.#offered > 0;
  }

  load(): { running: number; capacity: number } {
    return { running: this.#under.size, capacity: this.#options.capacity() };
  }

  /** Whoever claims asks here first, so that two claims under way never come to more turns than there are workers. */
  offer(): { owner: string; leaseMs: number } | null {
    if (!this.hasFree) return null;
    this.#offered += 1;
    return { owner: this.#options.owner, leaseMs: this.#leaseMs };
  }

  decline(): void {
    this.#offered -= 1;
    this.#tellIfQuiet();
  }

  /** Runs the turn; or, where the node has closed since the worker was offered, gives the message back. */
  take(row: InboxRow, lease: Lease): void {
    this.#offered -= 1;
    this.#hold(this.#closed ? this.#giveBack(lease) : this.#run(row, lease));
  }

  /**
   * Prolongs the leases that have run out under turns of this process: the medium refused for a while, or the wall clock
   * jumped. Done before each claim, which would otherwise take such a message from the turn that is about to answer it.
   * Throws where the medium still refuses; then nothing may be claimed either.
   */
  async renewOverdue(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const overdue = [...this.#turns].filter((turn) => turn.leaseUntilMs < nowMs && !turn.lost.signal.aborted);
    await Promise.all(overdue.map((turn) => this.#renew(turn)));
  }

  /** Takes nothing new; resolves when every turn has ended and everything that came late was given back. */
  close(): Promise<void> {
    this.#closed = true;
    this.#tellIfQuiet();
    return this.#quiet.promise;
  }

  /** What is being claimed or admitted now counts: it comes in late, and is given back. */
  #tellIfQuiet(): void {
    if (this.#closed && this.#under.size === 0 && this.#offered === 0) this.#quiet.resolve();
  }

  #hold(work: Promise<void>): void {
    const over = work.finally(() => {
      this.#under.delete(over);
      if (!this.#closed) this.#events.ended();
      this.#tellIfQuiet();
    });
    this.#under.add(over);
  }

  async #giveBack(lease: Lease): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      await store.inbox.release(lease, clock.nowMs());
    } catch (thrown) {
      // The next start finds it as it finds what a crash leaves behind.
      log.warn("a message could not be given back", { runId: lease.runId, error: AppError.from(thrown).toJSON() });
    }
  }

  async #run(row: InboxRow, lease: Lease): Promise<void> {
    const { clock, leaseRenewMs = limits.leaseRenewMs } = this.#options;
    const turn: Turn = { lease, lost: new AbortController(), leaseUntilMs: row.leaseUntilMs };
    this.#turns.add(turn);
    const renewal = clock.every(leaseRenewMs, () => this.#renewInTime(turn));
    try {
      await (this.#handler as TurnHandler)(row, lease, turn.lost.signal);
    } catch (thrown) {
      await this.#failed(row, lease, AppError.from(thrown));
    } finally {
      renewal.cancel();
      this.#turns.delete(turn);
    }
  }

  /** The queue owns retries: the attempt counts, and the message comes again after a pause that grows with each. */
  async #failed(row: InboxRow, lease: Lease, error: AppError): Promise<void> {
    const { store, clock, log, random } = this.#options;
    // Another worker has the message, or it has ended: there is nothing here to try again.
    if (error.code === "STORE_003") {
      log.warn("a turn lost its message", { runId: row.runId, error: error.toJSON() });
      return;
    }
    log.error("a turn ended without a result", { runId: row.runId, error: error.toJSON() });
    const atMs = clock.nowMs();
    const untilMs = atMs + retryPauseMs(row.attempts, random);
    try {
      await store.inbox.retry(lease, { atMs, untilMs, reason: error.code });
    } catch (thrown) {
      // Nobody renews the lease any more: when it has run out, the message is found as a dead worker's is.
      log.warn("a message could not be put back", { runId: row.runId, error: AppError.from(thrown).toJSON() });
      return;
    }
    if (!this.#closed) this.#events.postponed(row, untilMs);
  }

  async #renewInTime(turn: Turn): Promise<void> {
    try {
      await this.#renew(turn);
    } catch (thrown) {
      const error = AppError.from(thrown).toJSON();
      this.#options.log.warn("a lease could not be renewed", { runId: turn.lease.runId, error });
    }
  }

  /** A lease that is gone belongs to another worker: the turn is told to stop, and the store would refuse its result. */
  async #renew(turn: Turn): Promise<void> {
    const { store, clock, log } = this.#options;
    const untilMs = clock.nowMs() + this.#leaseMs;
    try {
      await store.inbox.renew(turn.lease, untilMs);
      turn.leaseUntilMs = untilMs;
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code !== "STORE_003") throw error;
      log.warn("a lease was lost", { runId: turn.lease.runId, error: error.toJSON() });
      turn.lost.abort(error);
    }
  }
}
