/**
 * Delivery: takes parts out of the outbox and brings them to their platforms. In order within a chat, in parallel
 * across chats; before anything leaves, its row says so.
 */
import { AppError } from "../domain/app-error.ts";
import type { Timer } from "../platform/clock.ts";
import type { OutboxRow } from "../store/port.ts";
import type { Delivery, DeliveryDeps, DeliveryWork, Route } from "./contract.ts";
import { sendPart } from "./send-part.ts";
import { settleDoubt, settlePart, write } from "./settle.ts";

/** Parts that may be on their way at once, over all chats. */
const maxInFlight = 64;

export function createDelivery(deps: DeliveryDeps): Delivery {
  return new Deliverer(deps);
}

class Deliverer implements Delivery {
  readonly #work: DeliveryWork;
  readonly #abort = new AbortController();
  /** Chats with a part on its way: the next part of a chat waits for it. */
  readonly #busy = new Map<string, Promise<void>>();
  /** Parts that were looked at and are still in doubt, and when to look again. */
  readonly #undecided = new Map<string, number>();
  #started = false;
  #closed = false;
  #draining: Promise<void> | null = null;
  #again = false;
  #timer: Timer | undefined;

  constructor(deps: DeliveryDeps) {
    this.#work = { ...deps, closing: this.#abort.signal };
  }

  async start(): Promise<void> {
    const { store, clock, log } = this.#work;
    const inDoubt = await store.outbox.recover(clock.nowMs());
    if (inDoubt.length > 0) log.warn("parts were being sent when the last run ended", { count: inDoubt.length });
    this.#started = true;
    this.wake();
  }

  wake(): void {
    this.#again = true;
    if (!this.#started || this.#closed || this.#draining !== null) return;
    this.#draining = this.#drain().finally(() => {
      this.#draining = null;
      // A wake that came after the last look would be lost.
      if (this.#again) this.wake();
    });
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const abort = (): void => this.#abort.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    await this.#draining;
    await Promise.allSettled(this.#busy.values());
    signal.removeEventListener("abort", abort);
  }

  /** One drain at a time; a wake during it makes it look once more. */
  async #drain(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#startDoubts();
        await this.#startReady();
        await this.#armTimer();
      }
    } catch (error) {
      this.#work.log.error("the outbox could not be read", { error: AppError.from(error).toJSON() });
      this.#wakeIn(pauseMs);
    }
  }

  async #startDoubts(): Promise<void> {
    const { store, clock } = this.#work;
    const rows = await store.outbox.inState("unknown", maxInFlight);
    const known = new Set(rows.map((row) => row.id));
    for (const id of this.#undecided.keys()) if (!known.has(id)) this.#undecided.delete(id);
    for (const row of rows) {
      if ((this.#undecided.get(row.id) ?? 0) <= clock.nowMs()) this.#startWork(row, (way) => this.#decide(row, way));
    }
  }

  async #startReady(): Promise<void> {
    const { store, channels, clock } = this.#work;
    const rows = await store.outbox.ready({ channels: channels(), atMs: clock.nowMs(), limit: maxInFlight });
    for (const row of rows) this.#startWork(row, (way) => this.#deliver(row, way));
  }

  /** Nothing is begun for a chat that is busy, beyond the bound, without a way, or on the way out. */
  #startWork(row: OutboxRow, work: (way: Route) => Promise<void>): void {
    const chat = chatOf(row);
    if (this.#closed || this.#busy.has(chat) || this.#busy.size >= maxInFlight) return;
    const way = this.#work.route(row.address);
    if (way === null) return;
    const { clock, log, closing } = this.#work;
    const done = work(way)
      .catch((error: unknown) => {
        // A part that says `sending` counts as in doubt from the next start on, and is not sent twice before that.
        log.error("a part could not be settled", { part: row.id, error: AppError.from(error).toJSON() });
        // A medium that refuses now will refuse at once again.
        return clock.sleep(pauseMs, closing).catch(() => undefined);
      })
      .finally(() => {
        this.#busy.delete(chat);
        this.wake();
      });
    this.#busy.set(chat, done);
  }

  async #decide(row: OutboxRow, way: Route): Promise<void> {
    // Noted before it is tried, whatever comes of it: what is decided is no longer among the doubts.
    this.#undecided.set(row.id, this.#work.clock.nowMs() + doubtPauseMs);
    if (row.expiresMs <= this.#work.clock.nowMs()) return this.#expire(row);
    await settleDoubt(row, way, this.#work);
  }

  async #deliver(row: OutboxRow, way: Route): Promise<void> {
    const { store, clock, permission } = this.#work;
    if (row.expiresMs <= clock.nowMs()) return this.#expire(row);
    const refused = permission(row.address);
    if (refused !== null) return write(row, { state: "failed", error: refused.toJSON() }, this.#work);
    await store.outbox.sending(row.id, clock.nowMs());
    await settlePart(await sendPart(row, way, this.#work), way, this.#work);
  }

  #expire(row: OutboxRow): Promise<void> {
    const error = new AppError("MSG_002", "The reply waited too long to be sent and has expired.", { retry: "never" });
    return write(row, { state: "expired", error: error.toJSON() }, this.#work);
  }

  async #armTimer(): Promise<void> {
    const { store, clock } = this.#work;
    const nowMs = clock.nowMs();
    const attemptMs = await store.outbox.nextAttemptMs(nowMs);
    // What is overdue waits for its chat or its connection, and these wake us.
    const lookMs = [...this.#undecided.values()].filter((ms) => ms > nowMs);
    const next = Math.min(attemptMs ?? Number.POSITIVE_INFINITY, ...lookMs);
    this.#timer?.cancel();
    if (next !== Number.POSITIVE_INFINITY) this.#wakeIn(Math.max(1, next - nowMs));
  }

  #wakeIn(delayMs: number): void {
    this.#timer?.cancel();
    if (!this.#closed) this.#timer = this.#work.clock.after(delayMs, () => this.wake());
  }
}

/** After a failure of the store. */
const pauseMs = 1_000;

/** Between two looks at a part that stays in doubt. */
const doubtPauseMs = 30_000;

function chatOf(row: OutboxRow): string {
  const { channel, accountId, chatId, threadId } = row.address;
  return JSON.stringify([channel, accountId, chatId, threadId ?? null]);
}
