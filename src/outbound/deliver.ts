/**
 * Delivery: takes parts out of the outbox and brings them to their platforms. In order within a chat, in parallel
 * across chats; before anything leaves, its row says so.
 */
import { AppError } from "../domain/app-error.ts";
import type { Timer } from "../platform/clock.ts";
import type { OutboxRow } from "../store/port.ts";
import type { Delivery, DeliveryDeps, Route } from "./contract.ts";
import { sendPart } from "./send-part.ts";
import { settleDoubt, settlePart, write } from "./settle.ts";

/** Parts that may be on their way at once, over all chats. */
const maxInFlight = 64;

export function createDelivery(deps: DeliveryDeps): Delivery {
  return new Deliverer(deps);
}

class Deliverer implements Delivery {
  readonly #deps: DeliveryDeps;
  readonly #abort = new AbortController();
  /** Chats with a part on its way: the next part of a chat waits for it. */
  readonly #busy = new Map<string, Promise<void>>();
  #started = false;
  #closed = false;
  #draining = false;
  #again = false;
  #timer: Timer | undefined;

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const inDoubt = await this.#deps.store.outbox.recover(this.#deps.clock.nowMs());
    if (inDoubt.length > 0)
      this.#deps.log.warn("parts were being sent when the last run ended", { count: inDoubt.length });
    this.#started = true;
    this.wake();
  }

  wake(): void {
    this.#again = true;
    if (!this.#started || this.#closed || this.#draining) return;
    void this.#drain();
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    signal.addEventListener("abort", () => this.#abort.abort(signal.reason), { once: true });
    await Promise.allSettled(this.#busy.values());
  }

  /** One drain at a time; a wake during it makes it look once more. */
  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#settleDoubts();
        await this.#startReady();
      }
      await this.#armTimer();
    } catch (error) {
      this.#deps.log.error("the outbox could not be read", { error: AppError.from(error).toJSON() });
      this.#timer?.cancel();
      this.#timer = this.#deps.clock.after(storePauseMs, () => this.wake());
    } finally {
      this.#draining = false;
    }
    if (this.#again && !this.#closed) void this.#drain();
  }

  async #settleDoubts(): Promise<void> {
    const { store, route, clock } = this.#deps;
    for (const row of await store.outbox.inState("unknown", maxInFlight)) {
      const way = route(row.address);
      if (way === null) continue;
      if (row.expiresMs <= clock.nowMs()) await write(row, { state: "expired", error: expired().toJSON() }, this.#deps);
      else await settleDoubt(row, way, this.#deps);
    }
  }

  async #startReady(): Promise<void> {
    const { store, channels, clock } = this.#deps;
    const rows = await store.outbox.ready({ channels: channels(), atMs: clock.nowMs(), limit: maxInFlight });
    for (const row of rows) {
      const chat = chatOf(row);
      if (this.#busy.has(chat) || this.#busy.size >= maxInFlight) continue;
      const way = this.#deps.route(row.address);
      if (way === null) continue;
      const work = this.#deliver(row, way).finally(() => {
        this.#busy.delete(chat);
        this.wake();
      });
      this.#busy.set(chat, work);
    }
  }

  async #deliver(row: OutboxRow, way: Route): Promise<void> {
    const { store, clock, permission, log } = this.#deps;
    try {
      if (row.expiresMs <= clock.nowMs())
        return await write(row, { state: "expired", error: expired().toJSON() }, this.#deps);
      const refused = permission(row.address);
      if (refused !== null) return await write(row, { state: "failed", error: refused.toJSON() }, this.#deps);
      await store.outbox.sending(row.id, clock.nowMs());
      const end = await sendPart(row, way, this.#deps, this.#abort.signal);
      await settlePart(row, end, this.#deps, way);
    } catch (error) {
      // The row says `sending`: it counts as in doubt from the next start on, and is not sent twice before that.
      log.error("a part could not be settled", { part: row.id, error: AppError.from(error).toJSON() });
    }
  }

  async #armTimer(): Promise<void> {
    const { store, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const nextMs = await store.outbox.nextAttemptMs(nowMs);
    this.#timer?.cancel();
    if (nextMs !== null && !this.#closed) this.#timer = clock.after(Math.max(1, nextMs - nowMs), () => this.wake());
  }
}

const storePauseMs = 1_000;

function chatOf(row: OutboxRow): string {
  const { channel, accountId, chatId, threadId } = row.address;
  return JSON.stringify([channel, accountId, chatId, threadId ?? null]);
}

function expired(): AppError {
  return new AppError("MSG_002", "The reply waited too long to be sent and has expired.", { retry: "never" });
}
