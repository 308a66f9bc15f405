/**
 * Changes to messages that stand: edits, deletions, reactions. Telegram answers 400 to an edit that changes nothing and
 * to one of a message that is not there, with no number to tell them apart, and its words are not decided by. So what a
 * message says now is remembered; and where that is not known (after a restart), it is found out by what Telegram does:
 * an edit to something else is taken only of a message that is there.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Address } from "../../domain/message.ts";
import type { OutboundPiece, SendOutcome } from "../contract.ts";
import type { ApiAnswer } from "./api.ts";
import type { ChatTarget } from "./chat-target.ts";
import { messageNumber } from "./chat-target.ts";
import { entitiesOf } from "./entities.ts";
import { manifest } from "./manifest.ts";
import { attachmentLine } from "./media.ts";
import { failed, notSent, type Outbound, type OutboundOptions } from "./outbound.ts";
import { previewOf, tooLong } from "./piece-calls.ts";
import type { ShownText } from "./sent-messages.ts";

const maxDeleted = 500;

export class Changes {
  readonly #options: OutboundOptions;
  readonly #outbound: Outbound;
  /** What we deleted ourselves: to delete it again is done already. */
  readonly #deleted = new Set<string>();

  constructor(options: OutboundOptions, outbound: Outbound) {
    this.#options = options;
    this.#outbound = outbound;
  }

  edit(piece: OutboundPiece, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome> {
    const label = piece.label ?? "";
    const lines = piece.attachments.map(attachmentLine);
    const text = [`${label}${piece.text}`, ...lines].filter((line) => line !== "").join("\n");
    const wanted = { text, entities: entitiesOf(piece.format, label.length) };
    return this.#change(piece.address, platformMessageId, async (target, messageId) => {
      if (text.length > manifest.text.max) return notSent(tooLong(text.length));
      const known = this.#options.sent.shows(String(target.chatId), platformMessageId, wanted);
      if (known === true) return { outcome: "sent", platformMessageId };
      const edit = new Edit(this.#outbound, { target, messageId, signal, options: this.#options });
      const answer = await (known === false ? edit.makeDifferent(wanted) : edit.make(wanted));
      return answer.ok ? { outcome: "sent", platformMessageId } : failed(answer);
    });
  }

  /**
   * 400 is the answer for a message that is gone and for one that may not be deleted (older than two days, or without
   * the right). Only what we deleted ourselves is known to be gone; the rest is told as a failure.
   */
  delete(address: Address, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome> {
    const key = `${address.chatId}:${platformMessageId}`;
    return this.#change(address, platformMessageId, async ({ chatId }, messageId) => {
      if (this.#deleted.has(key)) return { outcome: "sent", platformMessageId };
      const params = { chat_id: chatId, message_id: messageId };
      const answer = await this.#options.api.call("deleteMessage", params, { signal });
      if (!answer.ok) return failed(answer);
      this.#options.sent.forget(address.chatId, platformMessageId);
      this.#deleted.add(key);
      const [oldest] = this.#deleted;
      if (this.#deleted.size > maxDeleted && oldest !== undefined) this.#deleted.delete(oldest);
      return { outcome: "sent", platformMessageId };
    });
  }

  react(address: Address, platformMessageId: string, emoji: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#change(address, platformMessageId, async ({ chatId }, messageId) => {
      const reaction = emoji === "" ? [] : [{ type: "emoji", emoji }];
      const params = { chat_id: chatId, message_id: messageId, reaction };
      const answer = await this.#options.api.call("setMessageReaction", params, { signal });
      return answer.ok ? { outcome: "sent", platformMessageId } : failed(answer);
    });
  }

  async #change(
    address: Address,
    platformMessageId: string,
    act: (target: ChatTarget, messageId: number) => Promise<SendOutcome>,
  ): Promise<SendOutcome> {
    const messageId = messageNumber(platformMessageId);
    if (messageId === null) {
      return notSent(new AppError("MSG_002", "The id is no message on Telegram.", { retry: "never" }));
    }
    return this.#outbound.inTurn(address, (target) => act(target, messageId));
  }
}

interface EditScene {
  readonly target: ChatTarget;
  readonly messageId: number;
  readonly signal: AbortSignal;
  readonly options: OutboundOptions;
}

/** One edit of one message. */
class Edit {
  readonly #outbound: Outbound;
  readonly #scene: EditScene;

  constructor(outbound: Outbound, scene: EditScene) {
    this.#outbound = outbound;
    this.#scene = scene;
  }

  /** Of a message that is known to say something else: a refusal is about the marks, or final. */
  async makeDifferent(wanted: ShownText): Promise<ApiAnswer> {
    const answer = await this.#ask(wanted);
    if (!isRefused(answer) || wanted.entities.length === 0) return answer;
    const { options, target, messageId } = this.#scene;
    const bare = { text: wanted.text, entities: [] };
    const standsBare = options.sent.shows(String(target.chatId), String(messageId), bare) === true;
    const plain: ApiAnswer = standsBare ? { ok: true, result: true } : await this.#ask(bare);
    if (plain.ok) {
      options.link.log.warn("Telegram refused a text's formatting; it stands without.", {
        error: answer.error.toJSON(),
      });
    }
    return plain;
  }

  /** Of a message of which nobody knows what it says: a refusal may mean that it says this already. */
  async make(wanted: ShownText): Promise<ApiAnswer> {
    const answer = await this.#ask(wanted);
    if (!isRefused(answer)) return answer;
    const other = otherThan(wanted);
    const proof = other === null ? answer : await this.#ask(other);
    // Refused both ways: the message is not there, or not ours to change.
    if (!proof.ok) return proof;
    return this.makeDifferent(wanted);
  }

  async #ask(shown: ShownText): Promise<ApiAnswer> {
    const { target, messageId, signal, options } = this.#scene;
    const params = {
      chat_id: target.chatId,
      message_id: messageId,
      text: shown.text,
      ...(shown.entities.length === 0 ? {} : { entities: shown.entities }),
      ...previewOf(options.config),
    };
    const call = { method: "editMessageText", params, shown, otherwise: null };
    const { answer } = await this.#outbound.perform(call, signal);
    const [chatId, id] = [String(target.chatId), String(messageId)];
    if (answer.ok) options.sent.note(chatId, id, shown);
    // In doubt, nobody knows what it says.
    else if (answer.fate === "unknown") options.sent.forget(chatId, id);
    return answer;
  }
}

function isRefused(answer: ApiAnswer): answer is Extract<ApiAnswer, { ok: false }> {
  return !answer.ok && answer.status === 400 && answer.fate === "refused";
}

/** The same words with other marks, so that nobody reads anything else in between; null where there is nothing to mark. */
function otherThan({ text, entities }: ShownText): ShownText | null {
  if (entities.length > 0) return { text, entities: [] };
  const first = /\S/u.exec(text);
  return first === null ? null : { text, entities: [{ type: "italic", offset: first.index, length: first[0].length }] };
}
