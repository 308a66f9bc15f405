/**
 * Hands updates over: in order within a chat, side by side across chats. An update that cannot be read is noted,
 * counted and stepped over, since Telegram would send it for ever. Never throws.
 */
import { AppError } from "../../domain/app-error.ts";
import type { InboundMessage } from "../../domain/message.ts";
import type { ChannelAccount, ChannelLink } from "../contract.ts";
import type { BotApi } from "./api.ts";
import { parseUpdate } from "./inbound.ts";
import type { TelegramConfig } from "./manifest.ts";
import type { SentMessages } from "./sent-messages.ts";
import { readUpdate, updateIdOf, type Me } from "./wire.ts";

export interface IntakeOptions {
  readonly account: ChannelAccount<TelegramConfig>;
  readonly link: ChannelLink;
  readonly api: BotApi;
  readonly me: Me;
  readonly sent: SentMessages;
  /** See `first-bot.ts`. */
  readonly numberSuffix: string;
}

/** `done`: durable, or nothing to keep. `unavailable`: it has to come again. */
export type UpdateFate = "done" | "unavailable";

export interface BatchFate {
  /** The number that everything below is done with; null where the batch named none. */
  readonly next: number | null;
  /** Whether nothing of it has to come again. */
  readonly whole: boolean;
}

interface NumberedUpdate {
  readonly updateId: number;
  readonly raw: unknown;
  readonly message: InboundMessage | null;
}

export class Intake {
  readonly #options: IntakeOptions;
  #closed = false;
  #unreadable = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** What one answer to `getUpdates` holds, in whatever order. */
  async takeAll(updates: readonly unknown[]): Promise<BatchFate> {
    const numbered = updates
      .map((raw) => this.#read(raw))
      .filter((update) => update !== null)
      .toSorted((left, right) => left.updateId - right.updateId);
    const last = numbered.at(-1);
    if (last === undefined) return { next: null, whole: true };
    const lanes = Map.groupBy(numbered, ({ message }) => message?.address.chatId ?? "");
    const failed = (await Promise.all([...lanes.values()].map((lane) => this.#takeLane(lane)))).filter(
      (updateId) => updateId !== null,
    );
    return failed.length === 0 ? { next: last.updateId + 1, whole: true } : { next: Math.min(...failed), whole: false };
  }

  /** What one call of the webhook holds. */
  async take(raw: unknown): Promise<UpdateFate> {
    const update = this.#read(raw);
    return update === null ? "done" : this.#handOver(update.message, update.raw);
  }

  /** From now on nothing is handed over. */
  close(): void {
    this.#closed = true;
  }

  /** The number of the first one that has to come again; what is behind it in the same chat waits for it. */
  async #takeLane(lane: readonly NumberedUpdate[]): Promise<number | null> {
    for (const { updateId, message, raw } of lane) {
      if ((await this.#handOver(message, raw)) === "unavailable") return updateId;
    }
    return null;
  }

  async #handOver(message: InboundMessage | null, raw: unknown): Promise<UpdateFate> {
    if (this.#closed) return "unavailable";
    if (message === null) return "done";
    const { link } = this.#options;
    try {
      const { outcome } = await link.receive(message);
      if (outcome === "unavailable") return "unavailable";
    } catch (error) {
      link.log.error("A message could not be handed over.", { error: AppError.from(error).toJSON() });
      return "unavailable";
    }
    if (message.kind === "callback") this.#stopWaiting(raw);
    return "done";
  }

  #read(raw: unknown): NumberedUpdate | null {
    const updateId = updateIdOf(raw);
    if (updateId === null) {
      this.#noteUnreadable(null);
      return null;
    }
    try {
      return { updateId, raw, message: this.#parse(raw) };
    } catch {
      // Why is of no use to anybody who could not see the update, and that may hold what is nobody's business.
      this.#noteUnreadable(updateId);
      return { updateId, raw, message: null };
    }
  }

  #parse(raw: unknown): InboundMessage | null {
    const { account, link, me, sent, numberSuffix } = this.#options;
    const update = readUpdate(raw);
    if (update === null) throw new AppError("MSG_001", "The update is not of a form that is known.");
    return parseUpdate(update, raw, {
      accountId: account.accountId,
      me,
      reactions: account.config.reactionNotifications,
      receivedAtMs: link.clock.nowMs(),
      id: link.ids.uuid(),
      isOurs: (chatId, messageId) => sent.has(chatId, messageId),
      numberSuffix,
    });
  }

  #noteUnreadable(updateId: number | null): void {
    this.#unreadable += 1;
    this.#options.link.log.warn("An update that cannot be read was stepped over.", {
      updateId,
      unreadable: this.#unreadable,
    });
  }

  /** The app shows a button as busy until it is told not to; whether that arrives changes nothing. */
  #stopWaiting(raw: unknown): void {
    const id = readUpdate(raw)?.callback_query?.id;
    if (id !== undefined) void this.#options.api.call("answerCallbackQuery", { callback_query_id: id });
  }
}
