/**
 * Sends, and says truly what became of it. One call at a time to one chat, so that pieces arrive in their order. A send
 * is never repeated here, except where Telegram itself has said that it did not happen: without the formatting it would
 * not take, as a plain file instead of a picture, or in the supergroup that the group has become.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Address } from "../../domain/message.ts";
import type { ChannelLink, OutboundPiece, SendOutcome } from "../contract.ts";
import type { ApiAnswer, ApiFile, ApiParams, BotApi } from "./api.ts";
import type { ApiFailure } from "./api-failure.ts";
import { chatTarget, generalTopic, messageNumber, type ChatTarget } from "./chat-target.ts";
import { entitiesOf } from "./entities.ts";
import { manifest, type TelegramConfig } from "./manifest.ts";
import { attachmentLine, fileCall, plainFileCall, type FileCall } from "./media.ts";
import type { SentMessages, ShownText } from "./sent-messages.ts";
import type { Unfinished } from "./unfinished.ts";

/** What Telegram takes as the text of a file, in UTF-16 units. */
const maxCaption = 1_024;

export interface OutboundOptions {
  readonly api: BotApi;
  readonly link: ChannelLink;
  readonly config: TelegramConfig;
  readonly sent: SentMessages;
  readonly unfinished: Unfinished;
}

/** One message of the platform. `otherwise` is sent where Telegram refuses the request itself. */
export interface OutboundCall {
  readonly method: string;
  readonly params: ApiParams;
  readonly file?: ApiFile;
  readonly shown: ShownText | null;
  readonly otherwise: OutboundCall | null;
}

export class Outbound {
  readonly #options: OutboundOptions;
  readonly #chains = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  send(piece: OutboundPiece, signal: AbortSignal): Promise<SendOutcome> {
    return this.inTurn(piece.address, (target) => this.#sendPiece(piece, target, signal));
  }

  /** Runs it when everything asked for before in this chat is done. Never throws. */
  async inTurn(address: Address, act: (target: ChatTarget) => Promise<SendOutcome>): Promise<SendOutcome> {
    const target = chatTarget(address);
    if (target === null)
      return notSent(new AppError("MSG_002", "The address is no chat on Telegram.", { retry: "never" }));
    const turn = (this.#chains.get(address.chatId) ?? Promise.resolve()).then(async () =>
      this.#closed ? notSent(new AppError("CONN_001", "The connection is closed.")) : act(target),
    );
    this.#chains.set(address.chatId, turn);
    try {
      return await turn;
    } catch (error) {
      // Only what is done before and after a call can throw; a call answers.
      return { outcome: "unknown", error: AppError.from(error, "MSG_002") };
    } finally {
      if (this.#chains.get(address.chatId) === turn) this.#chains.delete(address.chatId);
    }
  }

  /** From now on nothing is sent. Resolves when what is under way has its answer. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#chains.values());
  }

  async #sendPiece(piece: OutboundPiece, target: ChatTarget, signal: AbortSignal): Promise<SendOutcome> {
    const { unfinished } = this.#options;
    const calls = this.#callsFor(piece, target);
    if (calls instanceof AppError) return notSent(calls);
    const begun = unfinished.of(piece.id);
    let first = begun?.first ?? null;
    for (let index = begun?.done ?? 0; index < calls.length; index += 1) {
      const call = calls[index];
      if (call === undefined) break;
      const outcome = await this.#perform(call, target, signal);
      if (outcome.outcome === "sent") {
        first ??= outcome.platformMessageId;
        continue;
      }
      // What stands already must not be said again when the rest is tried again.
      if (outcome.outcome === "not-sent" && index > 0) await unfinished.note(piece.id, { done: index, first });
      return outcome;
    }
    if (begun !== null) await this.#finish(piece.id);
    return { outcome: "sent", platformMessageId: first };
  }

  /** What is sent is sent, whether that could be written down or not. */
  async #finish(pieceId: string): Promise<void> {
    try {
      await this.#options.unfinished.forget(pieceId);
    } catch (error) {
      this.#options.link.log.warn("That a piece is finished could not be stored.", {
        error: AppError.from(error).toJSON(),
      });
    }
  }

  /** The messages that one piece becomes, mostly one; or why it cannot be sent. */
  #callsFor(piece: OutboundPiece, target: ChatTarget): readonly OutboundCall[] | AppError {
    const label = piece.label ?? "";
    const files = piece.attachments.map((attachment) => fileCall(attachment, manifest.attachmentBytes ?? 0));
    const named = piece.attachments.filter((_attachment, index) => files[index] === null).map(attachmentLine);
    const words = `${label}${piece.text}`;
    const text = [words, ...named].filter((line) => line !== "").join("\n");
    const entities = entitiesOf(piece.format, label.length);
    const sendable = files.filter((file) => file !== null);
    if (text.length > manifest.text.max) {
      return new AppError(
        "MSG_003",
        `Telegram takes ${manifest.text.max} characters in a message, not ${text.length}.`,
      );
    }
    if (text.trim() === "" && sendable.length === 0) {
      return new AppError("MSG_002", "There is nothing to send.", { retry: "never" });
    }
    const shown = { text, entities };
    const [only] = sendable;
    const together = sendable.length === 1 && only?.captioned === true && text.length <= maxCaption;
    const base = { ...frameFor(target) };
    const calls =
      together && only !== undefined
        ? [this.#fileCall(only, base, shown)]
        : [
            ...(text.trim() === "" ? [] : [this.#textCall(base, shown)]),
            ...sendable.map((file) => this.#fileCall(file, base, { text: "", entities: [] })),
          ];
    return calls.map((call, index) => (index === 0 ? answering(call, this.#replyTo(piece)) : call));
  }

  #textCall(base: ApiParams, shown: ShownText): OutboundCall {
    const preview = this.#options.config.linkPreview ? {} : { link_preview_options: { is_disabled: true } };
    const call = (entities: readonly unknown[], otherwise: OutboundCall | null): OutboundCall => ({
      method: "sendMessage",
      params: { ...base, ...preview, text: shown.text, ...(entities.length === 0 ? {} : { entities }) },
      shown: { text: shown.text, entities },
      otherwise,
    });
    return shown.entities.length === 0 ? call([], null) : call(shown.entities, call([], null));
  }

  /** As it is; then as a plain file without marks; then named in a text. */
  #fileCall(file: FileCall, base: ApiParams, { text, entities }: ShownText): OutboundCall {
    const call = (sent: FileCall, marks: readonly unknown[], otherwise: OutboundCall): OutboundCall => ({
      method: sent.method,
      params: {
        ...base,
        ...(text === "" ? {} : { caption: text, ...(marks.length === 0 ? {} : { caption_entities: marks }) }),
      },
      file: sent.file,
      shown: null,
      otherwise,
    });
    const lines = [text, file.line].filter((line) => line !== "");
    const named = this.#textCall(base, { text: lines.join("\n"), entities: [] });
    const plain = plainFileCall(file);
    const isPlain = plain.method === file.method && entities.length === 0;
    return call(file, entities, isPlain ? named : call(plain, [], named));
  }

  #replyTo({ id, replyToId }: OutboundPiece): number | null {
    const { replyToMode } = this.#options.config;
    if (replyToId === null || replyToMode === "off") return null;
    // Ids are `<part>.<index of the piece>`.
    if (replyToMode === "first" && !id.endsWith(".0")) return null;
    return messageNumber(replyToId);
  }

  async #perform(call: OutboundCall, target: ChatTarget, signal: AbortSignal): Promise<SendOutcome> {
    const answer = await this.perform(call, signal);
    if (!answer.ok) return failed(answer);
    const messageId = messageIdOf(answer.result);
    if (messageId !== null) this.#options.sent.note(String(target.chatId), messageId, call.shown);
    return { outcome: "sent", platformMessageId: messageId };
  }

  /** One call, its substitutes where it is refused as it is, and its repetition where the group has moved. */
  async perform(call: OutboundCall, signal: AbortSignal): Promise<ApiAnswer> {
    const { api, link } = this.#options;
    let { chat_id: chatId } = call.params;
    let next: OutboundCall | null = call;
    let answer: ApiAnswer | null = null;
    while (next !== null) {
      const { method, params, file, otherwise }: OutboundCall = next;
      answer = await api.call(method, { ...params, chat_id: chatId }, { signal, file });
      if (answer.ok || answer.status !== 400 || answer.fate !== "refused") return answer;
      if (answer.migrateToChatId !== null && answer.migrateToChatId !== chatId) {
        chatId = answer.migrateToChatId;
        link.log.info("The group has become a supergroup.", { from: params["chat_id"], to: chatId });
        continue;
      }
      if (otherwise !== null)
        link.log.warn("Telegram refused a message as it was; it is sent plainer.", { error: answer.error.toJSON() });
      next = otherwise;
    }
    return answer ?? { ok: true, result: null };
  }
}

export function frameFor({ chatId, threadId }: ChatTarget): ApiParams {
  // A forum's first topic is where a message goes that names none; its number is refused.
  return {
    chat_id: chatId,
    ...(threadId === null || threadId === generalTopic ? {} : { message_thread_id: threadId }),
  };
}

export function failed({ fate, error }: ApiFailure): SendOutcome {
  return fate === "unknown" ? { outcome: "unknown", error } : notSent(error);
}

export function notSent(error: AppError): SendOutcome {
  return { outcome: "not-sent", error };
}

/** Also its substitutes answer. A message that is gone is answered all the same. */
function answering(call: OutboundCall, messageId: number | null): OutboundCall {
  if (messageId === null) return call;
  const reply = { reply_parameters: { message_id: messageId, allow_sending_without_reply: true } };
  const otherwise = call.otherwise === null ? null : answering(call.otherwise, messageId);
  return { ...call, params: { ...call.params, ...reply }, otherwise };
}

function messageIdOf(result: unknown): string | null {
  if (typeof result !== "object" || result === null || !("message_id" in result)) return null;
  return Number.isSafeInteger(result.message_id) ? String(result.message_id) : null;
}
