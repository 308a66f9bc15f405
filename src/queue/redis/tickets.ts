/**
 * Calls for a worker between nodes: tickets in a BullMQ queue on Redis. A ticket says that a message may be waiting, by
 * its id, and nothing of what it says. It has its time and no priority: whoever redeems it asks the store, and only the
 * store knows which message has waited longest for its class. Redis may lose every ticket; the sweep of each node finds
 * what waits, later.
 */
import { Queue, Worker, type Job } from "bullmq";
import { Redis } from "ioredis";
import { AppError } from "../../domain/app-error.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";

export interface TicketOptions {
  /** `redis://…` or `rediss://…`; may hold a password, and is never logged. */
  readonly url: string;
  /** Of every key. */
  readonly prefix: string;
  /** Nodes of one store share it, and nobody else: a ticket that a stranger takes calls nobody. */
  readonly name: string;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TicketEvents {
  /** Whether a worker is free for what a ticket calls for; asked before one is fetched. */
  readonly isWanted: () => boolean;
  /** Looks for one message, or for all that a worker is free for. False where no worker is free any more. */
  readonly redeem: (kind: TicketKind) => Promise<boolean>;
  /** Redis is there, for the first time or again: what was called for in between was not heard. */
  readonly up: () => void;
  /** Redis is gone: this node hears of nobody and nobody of it. */
  readonly down: () => void;
}

export type TicketKind = "message" | "all";

/** After a failure that is not the connection's: how soon it is tried again. */
const pauseMs = 1_000;
/** Redis is looked for every so often while it is gone. */
const reconnectCapMs = 2_000;
/** How long the last calls of a node that stops may take. */
const lastCallMs = 1_000;
const notYet = "Redis has not answered yet; this node goes on by itself.";

export class Tickets {
  readonly #options: TicketOptions;
  readonly #events: TicketEvents;
  #trouble: string | null = notYet;
  #isServing = false;
  #closed = false;
  /** On their way to Redis. */
  readonly #calls = new Set<Promise<void>>();
  #again: Timer | undefined;
  #redis: Redis | undefined;
  #queue: Queue | undefined;
  #worker: Worker | undefined;

  constructor(options: TicketOptions, events: TicketEvents) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    const { url, prefix, name, owner } = this.#options;
    const redis = new Redis(url, {
      connectionName: `openclaw:${owner}`,
      // Commands under way wait for the connection; new ones are not made while it is gone.
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), reconnectCapMs),
    });
    redis.on("ready", () => this.#came());
    redis.on("close", () => this.#went("the connection was closed"));
    redis.on("error", (error) => this.#went(error));
    // Versions and settings of the server are its operator's, and the check would write to the console.
    const options = { connection: redis, prefix, skipVersionCheck: true };
    this.#redis = redis;
    // Nobody reads the stream of what happened to tickets.
    this.#queue = new Queue(name, { ...options, streams: { events: { maxLen: 100 } } });
    this.#worker = new Worker(name, null, options);
    this.#queue.on("error", (error) => this.#went(error));
    this.#worker.on("error", (error) => this.#went(error));
    // Gives the tickets of a node back that died between fetching and redeeming them.
    this.#worker.startStalledCheckTimer().catch((error: unknown) => this.#went(error));
  }

  /** Null while calls reach other nodes and theirs reach this one. */
  trouble(): string | null {
    return this.#trouble;
  }

  /** Calls for a worker for this message, now or later. False where nobody would hear: the caller looks itself. */
  callFor(messageId: string, delayMs: number): boolean {
    return this.#add("message", `m-${encodeURIComponent(messageId)}`, delayMs);
  }

  /** Calls for whoever has workers free. One call of a node waits at a time. */
  callAll(): boolean {
    return this.#add("all", `all-${this.#options.owner}`, 0);
  }

  /** Fetches tickets as long as they are wanted. Called whenever that may have become so; cheap. */
  async serve(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || this.#isServing || !this.#isReachable()) return;
    this.#isServing = true;
    try {
      while (!this.#closed && this.#events.isWanted()) {
        const ticket = (await worker.getNextJob(this.#options.owner)) as Job | undefined;
        this.#came();
        if (ticket !== undefined) await this.#redeem(ticket);
      }
    } catch (error) {
      this.#went(error);
      this.#again?.cancel();
      this.#again = this.#options.clock.after(pauseMs, () => void this.serve());
    } finally {
      this.#isServing = false;
    }
  }

  /** Lets the last calls out, then leaves. What Redis does not take in time is only looked for later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#again?.cancel();
    const redis = this.#redis;
    if (redis === undefined) return;
    const out = new AbortController();
    const late = this.#options.clock.sleep(lastCallMs, out.signal).catch(() => undefined);
    if (redis.status === "ready") await Promise.race([Promise.all(this.#calls), late]);
    out.abort();
    try {
      await this.#worker?.close(true);
      await this.#queue?.close();
    } catch (error) {
      this.#options.log.debug("Redis was left without a word", { error: AppError.from(error).toJSON() });
    } finally {
      redis.disconnect();
    }
  }

  #isReachable(): boolean {
    return !this.#closed && this.#redis?.status === "ready";
  }

  #add(kind: TicketKind, jobId: string, delayMs: number): boolean {
    if (!this.#isReachable() || this.#trouble !== null) return false;
    const options = { jobId, delay: Math.max(0, delayMs), removeOnComplete: true, removeOnFail: true };
    const call = (this.#queue as Queue).add(kind, null, options).then(
      () => undefined,
      (error: unknown) => this.#went(error),
    );
    this.#calls.add(call);
    void call.finally(() => this.#calls.delete(call));
    return true;
  }

  /** A worker may have found something else to do while the ticket was waited for: then it is for somebody else. */
  async #redeem(ticket: Job): Promise<void> {
    const { owner } = this.#options;
    if (!this.#closed && (await this.#events.redeem(ticket.name as TicketKind))) {
      await ticket.moveToCompleted(null, owner, false);
    } else {
      await ticket.moveToWait(owner);
    }
  }

  #came(): void {
    if (this.#closed || this.#trouble === null || this.#redis?.status !== "ready") return;
    if (this.#trouble !== notYet) this.#options.log.info("Redis is back");
    this.#trouble = null;
    this.#events.up();
  }

  /** Told once, however often it fails until it is back. */
  #went(reason: unknown): void {
    if (this.#closed || (this.#trouble !== null && this.#trouble !== notYet)) return;
    this.#trouble = "Redis cannot be used; this node goes on by itself.";
    const why = reason instanceof Error ? reason.message : String(reason);
    this.#options.log.warn("Redis cannot be used; this node goes on by itself", { reason: why });
    this.#events.down();
  }
}
