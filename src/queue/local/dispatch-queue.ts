/**
 * Dispatch within one process. Rows and leases live in the store; here are only the reasons to look again: a message
 * that had to wait, a turn that ended, a due time, an expired lease.
 */
import { limits } from "../../domain/limits.ts";
import type { Timer } from "../../platform/clock.ts";
import type { InboxRow, Lease } from "../../store/port.ts";
import { Claims } from "../claims.ts";
import type { DispatchOptions, DispatchQueue, TurnHandler } from "../contract.ts";
import { Workers } from "../workers.ts";

export function createLocalQueue(options: DispatchOptions): DispatchQueue {
  return new LocalQueue(options);
}

class LocalQueue implements DispatchQueue {
  readonly #options: DispatchOptions;
  readonly #workers: Workers;
  readonly #claims: Claims;
  #sweep: Timer | undefined;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#workers = new Workers(options, {
      ended: () => void this.#claims.afterTurn(),
      postponed: () => this.wake(),
    });
    this.#claims = new Claims(options, this.#workers);
  }

  start(handler: TurnHandler): void {
    const { clock, sweepMs = limits.leaseSweepMs } = this.#options;
    this.#workers.begin(handler);
    this.#sweep = clock.every(sweepMs, () => this.wake());
    this.wake();
  }

  offer(): { owner: string; leaseMs: number } | null {
    return this.#workers.offer();
  }

  take(row: InboxRow, lease: Lease): void {
    this.#workers.take(row, lease);
  }

  decline(): void {
    this.#workers.decline();
    void this.#claims.settle();
  }

  wake(): void {
    void this.#claims.look();
  }

  load(): { running: number; capacity: number } {
    return this.#workers.load();
  }

  trouble(): null {
    return null;
  }

  close(): Promise<void> {
    this.#sweep?.cancel();
    this.#claims.close();
    return this.#workers.close();
  }
}
