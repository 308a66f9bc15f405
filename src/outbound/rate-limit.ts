/**
 * What a platform allows, kept to before it has to say so: so many messages of an account in any second, so many in one
 * chat. What a 429 teaches is learned on top of it and forgotten slowly. Kept in memory: a restart takes longer than the
 * longest window. It refuses nothing for ever and waits for nobody; whoever finds no room comes back.
 */
import type { ChannelManifest } from "../channels/contract.ts";
import { limits } from "../domain/limits.ts";
import type { Address } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";

export type Ceiling = Pick<ChannelManifest, "messagesPerSecond" | "messagesPerChat">;

export type Room =
  /** Taken. `done` gives it back, when the platform has answered or nobody waits for it any longer. Idempotent. */
  | { readonly ok: true; done(): void }
  /** `scope` says who has used it up. */
  | { readonly ok: false; readonly scope: "chat" | "account"; readonly waitMs: number };

export interface RateLimit {
  /** Room for one message, edit or reaction. */
  take(address: Address, ceiling: Ceiling): Room;
  /** The platform said that it was too much. Its chat pauses; where two chats heard it shortly after each other, the account. */
  refused(address: Address, retryAfterMs: number | undefined): void;
  /** How long the account has no room; 0 where it has. Infinity where an answer that is on its way will tell. */
  accountWaitMs(account: Pick<Address, "channel" | "accountId">, ceiling: Ceiling): number;
}

export function createRateLimit(clock: Clock): RateLimit {
  const chats = new Allowances();
  const accounts = new Allowances();

  return {
    take(address, ceiling) {
      const nowMs = clock.monotonicMs();
      const account = accounts.of(accountKey(address));
      const chat = chats.of(chatKey(address));
      const perChat = chatRate(address, ceiling);
      const accountWaitMs = account.waitMs(nowMs, accountRate(ceiling));
      if (accountWaitMs > 0) return { ok: false, scope: "account", waitMs: finite(accountWaitMs) };
      const chatWaitMs = chat.waitMs(nowMs, perChat);
      if (chatWaitMs > 0) return { ok: false, scope: "chat", waitMs: finite(chatWaitMs) };
      account.take();
      chat.take();
      let taken = true;
      return {
        ok: true,
        done() {
          if (!taken) return;
          taken = false;
          const doneMs = clock.monotonicMs();
          account.done(doneMs);
          // Where nothing is counted, nothing is remembered: nobody would forget it again.
          chat.done(perChat === null ? null : doneMs);
        },
      };
    },
    refused(address, retryAfterMs = secondMs) {
      const nowMs = clock.monotonicMs();
      const key = chatKey(address);
      chats.of(key).slowDown(nowMs, retryAfterMs);
      const account = accounts.of(accountKey(address));
      const earlier = account.lastRefusal;
      account.lastRefusal = { chat: key, untilMs: nowMs + Math.max(retryAfterMs, secondMs) };
      if (earlier !== null && earlier.chat !== key && nowMs < earlier.untilMs) account.slowDown(nowMs, retryAfterMs);
    },
    accountWaitMs: (account, ceiling) =>
      accounts.known(accountKey(account))?.waitMs(clock.monotonicMs(), accountRate(ceiling)) ?? 0,
  };
}

/** So many in any window of that length. */
interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

const secondMs = 1_000;

/** Two clocks are never quite the same: the platform's window may be a little longer than ours. */
const marginMs = 20;

function accountRate({ messagesPerSecond }: Ceiling): Rate {
  return { count: messagesPerSecond, windowMs: secondMs };
}

function chatRate({ chatKind }: Address, { messagesPerChat }: Ceiling): Rate | null {
  const { directPerSecond, groupPerMinute } = messagesPerChat ?? {};
  if (chatKind === "dm") return directPerSecond === undefined ? null : { count: directPerSecond, windowMs: secondMs };
  return groupPerMinute === undefined ? null : { count: groupPerMinute, windowMs: 60 * secondMs };
}

/** What one chat or one account has used of what it may, and what it was taught. */
class Allowance {
  /** On their way: they may reach the platform at any moment. */
  #underWay = 0;
  /** When those that count were answered, oldest first. A message came to the platform before its answer, never after. */
  readonly #doneMs: number[] = [];
  #frozenUntilMs = 0;
  #share = 1;
  #slowedMs = 0;
  lastRefusal: { readonly chat: string; readonly untilMs: number } | null = null;

  get idle(): boolean {
    return this.#underWay === 0;
  }

  waitMs(nowMs: number, rate: Rate | null): number {
    const frozenMs = Math.max(0, this.#frozenUntilMs - nowMs);
    if (rate === null) return frozenMs;
    const { count, windowMs } = this.#learned(rate, nowMs);
    const pastMs = nowMs - windowMs - marginMs;
    while (this.#doneMs.length > 0 && (this.#doneMs[0] as number) <= pastMs) this.#doneMs.shift();
    const excess = this.#underWay + this.#doneMs.length - count;
    if (excess < 0) return frozenMs;
    const leaving = this.#doneMs[excess];
    return leaving === undefined ? Number.POSITIVE_INFINITY : Math.max(frozenMs, leaving - pastMs);
  }

  take(): void {
    this.#underWay += 1;
  }

  done(doneMs: number | null): void {
    this.#underWay -= 1;
    if (doneMs !== null) this.#doneMs.push(doneMs);
  }

  slowDown(nowMs: number, pauseMs: number): void {
    this.#share = Math.max(lowestShare, this.#shareAt(nowMs) / 2);
    this.#slowedMs = nowMs;
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, nowMs + pauseMs);
  }

  /** Less than one in a window is one in a longer window. */
  #learned({ count, windowMs }: Rate, nowMs: number): Rate {
    const allowed = count * this.#shareAt(nowMs);
    return allowed >= 1 ? { count: Math.floor(allowed), windowMs } : { count: 1, windowMs: windowMs / allowed };
  }

  #shareAt(nowMs: number): number {
    return Math.min(1, this.#share + recoveryPerMinute * Math.floor((nowMs - this.#slowedMs) / (60 * secondMs)));
  }
}

/** The share of its rate that a chat is left with, however often it was refused. */
const lowestShare = 1 / 16;

/** What a minute without a refusal gives back. */
const recoveryPerMinute = 0.1;

/** Bounded: the longest-silent is forgotten first, unless something of it is on its way. */
class Allowances {
  readonly #byKey = new Map<string, Allowance>();

  known(key: string): Allowance | undefined {
    return this.#byKey.get(key);
  }

  of(key: string): Allowance {
    const allowance = this.#byKey.get(key) ?? new Allowance();
    // Re-inserting moves it to the end: the map's order is the order of last use.
    this.#byKey.delete(key);
    this.#byKey.set(key, allowance);
    if (this.#byKey.size > limits.rateChats) this.#forgetOldest();
    return allowance;
  }

  #forgetOldest(): void {
    for (const [key, allowance] of this.#byKey) {
      if (!allowance.idle) continue;
      this.#byKey.delete(key);
      return;
    }
  }
}

/** An answer that is on its way frees room a window after it came. */
function finite(waitMs: number): number {
  return Number.isFinite(waitMs) ? Math.ceil(waitMs) : secondMs;
}

function accountKey({ channel, accountId }: Pick<Address, "channel" | "accountId">): string {
  return JSON.stringify([channel, accountId]);
}

/** Without the thread: a platform counts the chat. */
function chatKey({ channel, accountId, chatId }: Address): string {
  return JSON.stringify([channel, accountId, chatId]);
}
