/**
 * The updates of one bot, in order, until somebody confirms them: by the next poll's offset, or by taking a delivery
 * to the webhook. Owns which types the bot wants and the one poll that may wait. Knows nothing of what updates mean.
 */
import type { Clock, Timer } from "../../../platform/clock.ts";
import { botApiLimits } from "../bot-api-limits.ts";
import { conflict, type Refusal } from "../refusal.ts";

export type UpdateType =
  | "message"
  | "edited_message"
  | "channel_post"
  | "edited_channel_post"
  | "callback_query"
  | "message_reaction"
  | "my_chat_member";

export interface Update {
  readonly id: number;
  /** Updates of one chat keep their order at a webhook; null has an order of its own. */
  readonly chatId: number | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export interface Poll {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutS: number;
  /** Undefined leaves what was wanted before. */
  readonly allowedUpdates: readonly string[] | undefined;
}

/** Not sent to a bot that did not ask for them by name. */
const onRequestOnly: ReadonlySet<string> = new Set(["message_reaction", "message_reaction_count", "chat_member"]);

/** The first id is any number; a client that takes it for a small one is wrong. */
const firstUpdateId = 823_000_001;

interface Waiting {
  readonly poll: Poll;
  readonly settle: (answer: readonly Update[] | Refusal) => void;
  timer: Timer | null;
}

export class UpdateQueue {
  readonly #clock: Clock;
  readonly #nowMs: () => number;
  #updates: Update[] = [];
  #nextId = firstUpdateId;
  #allowed: ReadonlySet<string> | null = null;
  #waiting: Waiting | null = null;
  /** Called when an update came in: the webhook's cue. */
  onArrival: (() => void) | null = null;

  constructor(clock: Clock, nowMs: () => number) {
    this.#clock = clock;
    this.#nowMs = nowMs;
  }

  get size(): number {
    this.#expire();
    return this.#updates.length;
  }

  /** Null: every type but those that must be asked for. */
  get allowed(): readonly string[] | null {
    return this.#allowed === null ? null : [...this.#allowed];
  }

  allow(types: readonly string[] | undefined): void {
    if (types === undefined) return;
    this.#allowed = types.length === 0 ? null : new Set(types);
  }

  push(type: UpdateType, chatId: number | null, body: Readonly<Record<string, unknown>>): void {
    const wanted = this.#allowed === null ? !onRequestOnly.has(type) : this.#allowed.has(type);
    if (wanted) this.inject(body, chatId);
  }

  /** Whatever it looks like, whether it was asked for or not. An id of its own in the body wins over ours. */
  inject(body: Readonly<Record<string, unknown>>, chatId: number | null = null): void {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#updates.push({ id, chatId, body: { update_id: id, ...body }, atMs: this.#nowMs() });
    this.#serveWaiting();
    this.onArrival?.();
  }

  /**
   * Confirms what is before the offset and resolves with what is behind it, as soon as there is anything or when the
   * time is over. Ends the poll that waited until now. `signal` is the connection: a poll whose client went is dropped.
   */
  poll(poll: Poll, signal: AbortSignal): Promise<readonly Update[] | Refusal> {
    this.interrupt(terminatedByPoll);
    this.allow(poll.allowedUpdates);
    this.#confirm(poll.offset);
    const ready = this.#batch(poll.limit);
    if (ready.length > 0 || poll.timeoutS === 0) return Promise.resolve(ready);
    return new Promise((settle) => {
      const waiting: Waiting = { poll, settle, timer: null };
      waiting.timer = this.#clock.after(poll.timeoutS * 1_000, () => this.#settle(waiting, []));
      signal.addEventListener("abort", () => this.#settle(waiting, []), { once: true });
      this.#waiting = waiting;
    });
  }

  /** Ends the poll that waits, with this refusal. */
  interrupt(refusal: Refusal): void {
    if (this.#waiting !== null) this.#settle(this.#waiting, refusal);
  }

  /** The oldest update of each chat that `busy` does not name, at most `most`: what a webhook may be sent next. */
  heads(busy: ReadonlySet<number | null>, most: number): readonly Update[] {
    this.#expire();
    const seen = new Set(busy);
    const heads: Update[] = [];
    for (const update of this.#updates) {
      if (heads.length >= most) break;
      if (seen.has(update.chatId)) continue;
      seen.add(update.chatId);
      heads.push(update);
    }
    return heads;
  }

  /** A webhook took it. */
  take(id: number): void {
    const index = this.#updates.findIndex((update) => update.id === id);
    if (index !== -1) this.#updates.splice(index, 1);
  }

  clear(): void {
    this.#updates = [];
  }

  #serveWaiting(): void {
    const waiting = this.#waiting;
    if (waiting !== null) this.#settle(waiting, this.#batch(waiting.poll.limit));
  }

  #settle(waiting: Waiting, answer: readonly Update[] | Refusal): void {
    waiting.timer?.cancel();
    if (this.#waiting === waiting) this.#waiting = null;
    waiting.settle(answer);
  }

  #batch(limit: number): readonly Update[] {
    return this.#updates.slice(0, limit);
  }

  /** Negative: all but the newest so many are forgotten. */
  #confirm(offset: number): void {
    this.#expire();
    if (offset < 0) this.#updates = this.#updates.slice(offset);
    else if (offset > 0) {
      const kept = this.#updates.findIndex(({ id }) => id >= offset);
      this.#updates.splice(0, kept === -1 ? this.#updates.length : kept);
    }
  }

  #expire(): void {
    const oldestMs = this.#nowMs() - botApiLimits.updateKeptMs;
    const kept = this.#updates.findIndex(({ atMs }) => atMs >= oldestMs);
    if (kept > 0 || (kept === -1 && this.#updates.length > 0)) {
      this.#updates.splice(0, kept === -1 ? this.#updates.length : kept);
    }
  }
}

export const terminatedByPoll = conflict(
  "terminated by other getUpdates request; make sure that only one bot instance is running",
);
export const terminatedByWebhook = conflict("terminated by setWebhook request");
export const webhookIsActive = conflict(
  "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
);
