/**
 * A Telegram Bot API server on loopback that is as strict as the real one and writes down what really happened: what a
 * person would see in each chat, and every call of a bot. It believes nothing that a client says about itself.
 */
import type { Clock } from "../../platform/clock.ts";

export interface TelegramEmulator {
  /** The API root, e.g. `http://127.0.0.1:40001`: methods are at `<url>/bot<token>/<method>`, files at `<url>/file/bot<token>/<path>`. */
  readonly url: string;
  /** Bots, people and chats are made before the first update and may be added later. */
  addBot(options: { readonly username: string; readonly canReadAllGroupMessages?: boolean }): EmulatedBot;
  addPerson(options: { readonly firstName: string; readonly username?: string }): EmulatedPerson;
  addGroup(options: {
    readonly title: string;
    readonly kind: "group" | "supergroup" | "channel";
    readonly members: readonly (EmulatedBot | EmulatedPerson)[];
    /** A supergroup with topics. */
    readonly forum?: boolean;
  }): EmulatedGroup;
  /** What people see in a chat now, oldest first; deleted messages are not among it. For a direct chat: the person's id. */
  visible(chatId: number, bot?: EmulatedBot): readonly SeenMessage[];
  /** Every call of a bot with its answer, in the order in which the server decided about it. */
  readonly calls: readonly SeenCall[];
  /** The next calls that match behave this way; each rule is used `times` times (1 where absent). */
  fault(rule: FaultRule): void;
  /** Forgets the rules that are left. */
  clearFaults(): void;
  /** Updates that were handed to nobody who confirmed them yet. */
  pendingUpdates(bot: EmulatedBot): number;
  /** Hands an update of the test's own making to the bot, whatever it looks like. */
  inject(bot: EmulatedBot, update: Readonly<Record<string, unknown>>): void;
  /** Forgets calls and messages so far, for a drill that runs for long and has checked them. Ids go on rising. */
  forget(): void;
  /** Ends every connection and the server. Idempotent. */
  close(): Promise<void>;
}

export interface EmulatedBot {
  readonly id: number;
  readonly username: string;
  readonly token: string;
}

export interface EmulatedGroup {
  readonly id: number;
  /** Makes a topic in a forum; returns its thread id. */
  addTopic(name: string): number;
  /** Members hear of it by a service message, a bot of its own coming and going by `my_chat_member` as well. */
  join(member: EmulatedBot | EmulatedPerson): void;
  leave(member: EmulatedBot | EmulatedPerson): void;
  /** A plain group becomes a supergroup under another id; calls to the old one answer 400 with `migrate_to_chat_id`. */
  migrate(): EmulatedGroup;
}

/** What a person does. Each returns the platform's message id where one is made. `chat` is a bot (a direct chat) or a group. */
export interface EmulatedPerson {
  readonly id: number;
  say(chat: EmulatedBot | EmulatedGroup, text: string, options?: SayOptions): number;
  /** Any other content, in the Bot API's own fields: `{ location: {…} }`, `{ contact: {…} }`, `{ sticker: {…} }`. */
  post(chat: EmulatedBot | EmulatedGroup, fields: Readonly<Record<string, unknown>>, options?: SayOptions): number;
  /** Sends a file: it can be fetched by `getFile` under the id that the update names. */
  upload(
    chat: EmulatedBot | EmulatedGroup,
    file: {
      readonly as: "photo" | "document" | "voice" | "audio" | "video" | "video_note" | "sticker" | "animation";
      readonly bytes: Uint8Array;
      readonly name?: string;
      readonly mimeType?: string;
      readonly caption?: string;
    },
    options?: SayOptions,
  ): number;
  edit(chat: EmulatedBot | EmulatedGroup, messageId: number, text: string): void;
  react(chat: EmulatedBot | EmulatedGroup, messageId: number, emoji: string): void;
  /** Presses an inline button of a bot's message, by its `callback_data`. */
  press(chat: EmulatedBot | EmulatedGroup, messageId: number, data: string): void;
  /** Deletes a message for everybody; a bot is not told, as on the real platform. */
  remove(chat: EmulatedBot | EmulatedGroup, messageId: number): void;
  /** Stops the bot: it hears `my_chat_member`, and what it sends is refused with 403. */
  block(bot: EmulatedBot): void;
  unblock(bot: EmulatedBot): void;
}

export interface SayOptions {
  readonly replyTo?: number;
  readonly threadId?: number;
}

export interface SeenMessage {
  readonly messageId: number;
  /** A bot's or a person's id. */
  readonly from: number;
  readonly text: string;
  readonly entities: readonly Readonly<Record<string, unknown>>[];
  /** `photo`, `document`, …; null for a text. */
  readonly media: { readonly kind: string; readonly fileName: string | null; readonly sizeBytes: number } | null;
  readonly replyTo: number | null;
  readonly threadId: number | null;
  readonly reactions: readonly string[];
  /** How often it was edited. */
  readonly edits: number;
  readonly atMs: number;
}

export interface SeenCall {
  readonly bot: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Arrival, by the machine's clock. */
  readonly atMs: number;
  /** 200, or the error code that was answered; 0 where the connection was broken instead of an answer. */
  readonly status: number;
  /** True where the call had its effect, whatever was answered. */
  readonly effective: boolean;
  /** The message that was made, edited or deleted. */
  readonly messageId: number | null;
}

export interface FaultRule {
  /** A method's name, or every one. */
  readonly method?: string;
  readonly chatId?: number;
  readonly times?: number;
  readonly what:
    /** Does it, then breaks the connection before the answer. */
    | { readonly kind: "accept-then-drop" }
    /** Breaks the connection before doing anything. */
    | { readonly kind: "drop" }
    /** Answers with this status instead of doing it. */
    | { readonly kind: "status"; readonly status: number; readonly description?: string; readonly retryAfterS?: number }
    /** Waits, then does it. */
    | { readonly kind: "delay"; readonly ms: number }
    /** Never answers; `effective` says whether it does it. */
    | { readonly kind: "hang"; readonly effective: boolean }
    /** Does it unless `effective` is false, and answers 200 with bytes that are no JSON. */
    | { readonly kind: "garbage"; readonly effective?: boolean };
}

export interface TelegramEmulatorOptions {
  /** Calls per second over all chats before a bot gets 429; 30 where absent. */
  readonly perSecond?: number;
  /** Messages per second in one direct chat; 1 on average with short bursts where absent. Infinity switches it off. */
  readonly perChatPerSecond?: number;
  /** Messages per minute in one group; 20 where absent. */
  readonly perGroupPerMinute?: number;
  readonly nowMs?: () => number;
  /** Timers of polls, delays and webhooks; the system's where absent. */
  readonly clock?: Clock;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** How many calls are remembered, the newest; half a million where absent. */
  readonly remember?: number;
  /** Pause before a webhook is tried again, doubled for each further attempt up to a minute; a second where absent. */
  readonly webhookRetryMs?: number;
}
