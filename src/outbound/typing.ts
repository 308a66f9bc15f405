/**
 * The sign that somebody is writing: shown in a chat while a message of it waits or is answered, where its platform has
 * such a sign. Listens to the bus and says nothing itself; what fails is left out, and no message is sent later for it.
 */
import { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { Address } from "../domain/message.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { InboxRow, Store } from "../store/port.ts";
import type { DeliveryDeps } from "./contract.ts";

export interface TypingDeps extends Pick<DeliveryDeps, "route" | "permission"> {
  readonly store: Pick<Store, "inbox">;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the sign is renewed. */
  readonly intervalMs: () => number;
}

export interface Typing {
  close(): void;
}

export function startTyping(deps: TypingDeps): Typing {
  return new TypingSigns(deps);
}

/** A message that is being worked on, or will be. */
interface Shown {
  readonly messageId: string;
  /** Until it is looked up: a message that is answered at once shows no sign. */
  arming: Timer | null;
  runId: string | null;
  sessionKey: string | null;
  chat: Chat | null;
}

interface Chat {
  readonly key: string;
  readonly address: Address;
  readonly messages: Set<string>;
  readonly beat: Timer;
  readonly endsMs: number;
  readonly stop: AbortController;
}

class TypingSigns implements Typing {
  readonly #deps: TypingDeps;
  readonly #shown = new Map<string, Shown>();
  readonly #runs = new Map<string, string>();
  readonly #chats = new Map<string, Chat>();
  /** Sessions whose turn waits for a person: nobody is writing there, however much waits behind it. */
  readonly #parked = new Set<string>();
  /** Accounts that were told to wait, until when. */
  readonly #quiet = new Map<string, number>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(deps: TypingDeps) {
    this.#deps = deps;
    const { bus } = deps;
    this.#unsubscribe = [
      bus.on("message.received", ({ messageId, address }) => this.#arm(messageId, address)),
      bus.on("run.started", ({ messageId, runId, sessionKey }) => {
        this.#parked.delete(sessionKey);
        this.#runs.set(runId, messageId);
        if (this.#runs.size > limits.inboxDepth) this.#runs.delete(this.#runs.keys().next().value as string);
        this.#arm(messageId, null);
      }),
      bus.on("run.ended", ({ runId, sessionKey }) => {
        this.#parked.delete(sessionKey);
        this.#endRun(runId);
      }),
      bus.on("run.parked", ({ runId, sessionKey }) => {
        this.#parked.add(sessionKey);
        this.#endRun(runId);
        for (const shown of this.#shown.values()) if (shown.sessionKey === sessionKey) this.#end(shown);
      }),
    ];
  }

  close(): void {
    for (const stop of this.#unsubscribe) stop();
    for (const shown of this.#shown.values()) this.#end(shown);
    this.#runs.clear();
  }

  /** `address`: where it is known already; a chat without such a sign is not looked at any further. */
  #arm(messageId: string, address: Address | null): void {
    if (this.#shown.has(messageId) || (address !== null && !this.#canShow(address))) return;
    const shown: Shown = { messageId, arming: null, runId: null, sessionKey: null, chat: null };
    shown.arming = this.#deps.clock.after(limits.typingAfterMs, () => void this.#begin(shown));
    this.#shown.set(messageId, shown);
    // More never wait at once: the oldest was taken by another node, or its message was removed.
    if (this.#shown.size <= limits.inboxDepth) return;
    for (const oldest of this.#shown.values()) return this.#end(oldest);
  }

  async #begin(shown: Shown): Promise<void> {
    shown.arming = null;
    const row = await this.#rowOf(shown.messageId);
    if (this.#shown.get(shown.messageId) !== shown) return;
    if (row === null || !this.#isAwaited(row)) return this.#end(shown);
    shown.runId = row.runId;
    shown.sessionKey = row.sessionKey;
    this.#runs.set(row.runId, shown.messageId);
    shown.chat = this.#chatOf(row.message.address);
    shown.chat.messages.add(shown.messageId);
  }

  async #rowOf(messageId: string): Promise<InboxRow | null> {
    try {
      return await this.#deps.store.inbox.get(messageId);
    } catch (thrown) {
      // A medium that refuses has better things to do than to show that somebody writes.
      this.#deps.log.debug("a message could not be looked up", { messageId, error: AppError.from(thrown).toJSON() });
      return null;
    }
  }

  /** Somebody waits in the chat for what becomes of it. */
  #isAwaited({ endedMs, ephemeral, options, sessionKey, message }: InboxRow): boolean {
    if (endedMs !== null || ephemeral || options["deliver"] === false || this.#parked.has(sessionKey)) return false;
    return this.#canShow(message.address);
  }

  #canShow(address: Address): boolean {
    const route = this.#deps.route(address);
    // Not connected for the moment: it may be when the sign is due.
    return route === null || route.connection.typing !== undefined;
  }

  /** One sign a chat, however many messages it has under way. Shown at once, then renewed. */
  #chatOf(address: Address): Chat {
    const key = JSON.stringify([address.channel, address.accountId, address.chatId, address.threadId ?? null]);
    const known = this.#chats.get(key);
    if (known !== undefined) return known;
    const { clock, intervalMs } = this.#deps;
    const chat: Chat = {
      key,
      address,
      messages: new Set(),
      beat: clock.every(intervalMs(), () => this.#show(chat)),
      endsMs: clock.monotonicMs() + limits.typingMostMs,
      stop: new AbortController(),
    };
    this.#chats.set(key, chat);
    this.#show(chat);
    return chat;
  }

  #show(chat: Chat): void {
    const { route, permission, clock, log } = this.#deps;
    const { address, stop } = chat;
    if (clock.monotonicMs() > chat.endsMs) return this.#endChat(chat);
    const account = JSON.stringify([address.channel, address.accountId]);
    if ((this.#quiet.get(account) ?? 0) > clock.monotonicMs() || permission(address) !== null) return;
    route(address)
      ?.connection.typing?.(address, stop.signal)
      .catch((thrown: unknown) => {
        const error = AppError.from(thrown, "CONN_001");
        if (error.retryAfterMs !== undefined) this.#quiet.set(account, clock.monotonicMs() + error.retryAfterMs);
        log.debug("the sign of writing could not be shown", { error: error.toJSON() });
      });
  }

  #endRun(runId: string): void {
    const messageId = this.#runs.get(runId);
    this.#runs.delete(runId);
    const shown = messageId === undefined ? undefined : this.#shown.get(messageId);
    if (shown !== undefined) this.#end(shown);
  }

  #end(shown: Shown): void {
    shown.arming?.cancel();
    this.#shown.delete(shown.messageId);
    if (shown.runId !== null) this.#runs.delete(shown.runId);
    const { chat } = shown;
    if (chat === null) return;
    chat.messages.delete(shown.messageId);
    if (chat.messages.size === 0) this.#endChat(chat);
  }

  /** A sign that is on its way is called back: it would be seen behind the answer. */
  #endChat(chat: Chat): void {
    chat.beat.cancel();
    chat.stop.abort();
    if (this.#chats.get(chat.key) === chat) this.#chats.delete(chat.key);
  }
}
