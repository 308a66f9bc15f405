/**
 * Dispatch over several nodes. The rows in the store are the truth, as they are for one process; Redis only carries the
 * calls from a node where something waits to a node that has a worker free. A node that Redis leaves alone looks for
 * itself, and nothing but time is lost.
 */
import { limits } from "../../domain/limits.ts";
import type { Timer } from "../../platform/clock.ts";
import type { InboxRow, Lease } from "../../store/port.ts";
import { Claims } from "../claims.ts";
import type { DispatchOptions, DispatchQueue, TurnHandler, WaitingMessage } from "../contract.ts";
import { Workers } from "../workers.ts";
import { Tickets, type TicketKind } from "./tickets.ts";

export interface RedisOptions {
  readonly url: string;
  /** See `queueName`. */
  readonly name: string;
  /** Of every key in Redis; `openclaw` where absent. */
  readonly prefix?: string;
}

/** Connects to nothing before `start`. */
export function createRedisQueue(options: DispatchOptions, redis: RedisOptions): DispatchQueue {
  return new RedisQueue(options, redis);
}

/**
 * How long after its time a node looks for a message by itself: so long a ticket has to call one node, and only what
 * Redis has lost is looked for by all.
 */
const ticketGraceMs = 250;

class RedisQueue implements DispatchQueue {
  readonly #options: DispatchOptions;
  readonly #workers: Workers;
  readonly #claims: Claims;
  readonly #tickets: Tickets;
  #sweep: Timer | undefined;

  constructor(options: DispatchOptions, redis: RedisOptions) {
    this.#options = options;
    const { clock, log, owner } = options;
    this.#workers = new Workers(options, {
      ended: () => void this.#afterTurn(),
      postponed: (row, untilMs) => this.#callAt(row, untilMs),
    });
    this.#tickets = new Tickets(
      { prefix: "openclaw", ...redis, owner, clock, log },
      {
        isWanted: () => this.#workers.hasFree,
        redeem: (kind) => this.#redeem(kind),
        up: () => void this.#lookAround(),
        down: () => void this.#lookAround(),
      },
    );
    this.#claims = new Claims(options, this.#workers, () => (this.#tickets.trouble() === null ? ticketGraceMs : 0));
  }

  start(handler: TurnHandler): void {
    const { clock, sweepMs = limits.leaseSweepMs } = this.#options;
    this.#workers.begin(handler);
    this.#tickets.start();
    this.#sweep = clock.every(sweepMs, () => void this.#lookAround());
    void this.#lookAround();
  }

  offer(): { owner: string; leaseMs: number } | null {
    return this.#workers.offer();
  }

  take(row: InboxRow, lease: Lease): void {
    this.#workers.take(row, lease);
  }

  decline(): void {
    this.#workers.decline();
    void this.#settle();
  }

  wake(waiting?: WaitingMessage): void {
    if (waiting === undefined) void this.#lookAround();
    else this.#callAt(waiting, waiting.dueMs);
  }

  load(): { running: number; capacity: number } {
    return this.#workers.load();
  }

  trouble(): string | null {
    return this.#tickets.trouble();
  }

  async close(): Promise<void> {
    this.#sweep?.cancel();
    this.#claims.close();
    await this.#workers.close();
    // What was given back, and what waits behind turns that have ended here, is somebody else's now.
    this.#tickets.callAll();
    await this.#tickets.close();
  }

  /** A message waits until then. Its time is kept here too: a look that finds nothing sets this node's own timer. */
  #callAt({ message }: WaitingMessage, untilMs: number): void {
    const delayMs = untilMs - this.#options.clock.nowMs();
    const isCalled = this.#tickets.callFor(message.id, delayMs);
    if (!isCalled || delayMs > 0) void this.#lookAround();
  }

  async #redeem(kind: TicketKind): Promise<boolean> {
    if (!this.#workers.hasFree) return false;
    await this.#look(kind === "all" ? Number.POSITIVE_INFINITY : 1);
    return true;
  }

  /** What waited behind the turn may have called a node that could not take it then: nobody calls again for it. */
  async #afterTurn(): Promise<void> {
    await this.#look(1);
    await this.#tickets.serve();
  }

  /** The sweep, and every other reason to believe that something waits which nobody was called for. */
  async #lookAround(): Promise<void> {
    await this.#look(Number.POSITIVE_INFINITY);
    await this.#tickets.serve();
  }

  async #settle(): Promise<void> {
    await this.#claims.settle();
    await this.#tickets.serve();
  }

  /** What this node has no worker for, another may have. */
  async #look(times: number): Promise<void> {
    await this.#claims.look(times);
    if (this.#claims.isOwing && !this.#workers.hasFree) this.#tickets.callAll();
  }
}
