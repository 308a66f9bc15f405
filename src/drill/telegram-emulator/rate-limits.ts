/**
 * How much a bot may say: over all chats in a second, into one direct chat in a second, into one group in a minute.
 * A call that is refused counts for nothing. Keeps times only, and no more of them than the limit.
 */
import { botApiLimits } from "./bot-api-limits.ts";
import { tooManyRequests, type Refusal } from "./refusal.ts";
import type { Chat } from "./world/chat.ts";
import type { Bot } from "./world/world.ts";

export interface RateLimitOptions {
  readonly perSecond: number;
  /** Null: one a second on average, with short bursts. */
  readonly perChatPerSecond: number | null;
  readonly perGroupPerMinute: number;
  readonly nowMs: () => number;
}

export class RateLimits {
  readonly #options: RateLimitOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Counts this call, or refuses it. `chat` null: a call that only counts for the bot. An album is several messages. */
  admit(bot: Bot, chat: Chat | null, messages = 1): Refusal | null {
    const nowMs = this.#options.nowMs();
    const windows = [
      this.#window(`${bot.id}`, this.#options.perSecond, 1_000),
      chat === null ? null : this.#chatWindow(bot, chat),
    ].filter((window) => window !== null);
    const waitMs = Math.max(0, ...windows.map((window) => window.waitMs(nowMs, messages)));
    if (waitMs > 0) return tooManyRequests(Math.ceil(waitMs / 1_000));
    for (const window of windows) window.count(nowMs, messages);
    return null;
  }

  #chatWindow(bot: Bot, chat: Chat): Window | null {
    const key = `${bot.id}:${chat.id}`;
    if (chat.kind !== "private") return this.#window(key, this.#options.perGroupPerMinute, 60_000);
    const { perChatPerSecond } = this.#options;
    if (perChatPerSecond !== null) return this.#window(key, perChatPerSecond, 1_000);
    return this.#window(key, botApiLimits.directBurst, botApiLimits.directBurst * 1_000);
  }

  #window(key: string, most: number, spanMs: number): Window | null {
    if (!Number.isFinite(most)) return null;
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    const window = new Window(Math.max(1, most), spanMs);
    this.#windows.set(key, window);
    return window;
  }
}

/** At most so many within any span of that length. */
class Window {
  readonly #most: number;
  readonly #spanMs: number;
  readonly #timesMs: number[] = [];

  constructor(most: number, spanMs: number) {
    // Less than one a span is one in a longer span.
    this.#most = Math.floor(most);
    this.#spanMs = spanMs;
  }

  waitMs(nowMs: number, messages: number): number {
    while (this.#timesMs.length > 0 && (this.#timesMs[0] ?? 0) <= nowMs - this.#spanMs) this.#timesMs.shift();
    // What alone is more than the limit is let through into an empty window: it could never be sent otherwise.
    const tooMany = this.#timesMs.length + Math.min(messages, this.#most) - this.#most;
    if (tooMany <= 0) return 0;
    return (this.#timesMs[tooMany - 1] ?? nowMs) + this.#spanMs - nowMs;
  }

  count(nowMs: number, messages: number): void {
    for (let message = 0; message < messages; message += 1) this.#timesMs.push(nowMs);
  }
}
