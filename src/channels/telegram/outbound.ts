/**
 * Sends, and says truly what became of it. One call at a time to one chat, so that pieces arrive in their order. A send
 * is never repeated here, except where Telegram itself has said that it did not happen: without the formatting it would
 * not take, as a plain file instead of a picture, or in the supergroup that the group has become.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Address } from "../../domain/message.ts";
import type { ChannelLink, OutboundPiece, SendOutcome } from "../contract.ts";
import type { ApiAnswer, BotApi } from "./api.ts";
import type { ApiFailure } from "./api-failure.ts";
import { chatTarget, type ChatTarget } from "./chat-target.ts";
import type { TelegramConfig } from "./manifest.ts";
import { callsFor, type OutboundCall } from "./piece-calls.ts";
import type { SentMessages } from "./sent-messages.ts";
import type { Unfinished } from "./unfinished.ts";

export interface OutboundOptions {
  readonly api: BotApi;
  readonly link: ChannelLink;
  readonly config: TelegramConfig;
  readonly sent: SentMessages;
  readonly unfinished: Unfinished;
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
    const run = async (): Promise<SendOutcome> =>
      this.#closed ? notSent(new AppError("CONN_001", "The connection is closed.")) : act(target);
    // What became of the one before is its caller's concern.
    const turn = (this.#chains.get(address.chatId) ?? Promise.resolve()).then(run, run);
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
    const calls = callsFor(piece, target, this.#options.config);
    if (calls instanceof AppError) return notSent(calls);
    const begun = unfinished.of(piece.id);
    let first = begun?.first ?? null;
    for (let index = begun?.done ?? 0; index < calls.length; index += 1) {
      const call = calls[index];
      if (call === undefined) break;
      const outcome = await this.#perform(call, signal);
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

  async #perform(call: OutboundCall, signal: AbortSignal): Promise<SendOutcome> {
    const { answer, done } = await this.perform(call, signal);
    if (!answer.ok) return failed(answer);
    const messageId = messageIdOf(answer.result);
    if (messageId !== null) this.#options.sent.note(String(done.params["chat_id"]), messageId, done.shown);
    return { outcome: "sent", platformMessageId: messageId };
  }

  /** One call, its substitutes where it is refused as it is, and its repetition where the group has moved. */
  async perform(call: OutboundCall, signal: AbortSignal, isMoved = false): Promise<Performed> {
    const { api, link } = this.#options;
    const { method, params, file, otherwise } = call;
    const answer = await api.call(method, params, { signal, file });
    if (answer.ok || answer.status !== 400 || answer.fate !== "refused") return { answer, done: call };
    const { migrateToChatId } = answer;
    // A message that stands in the old group is none of the new one's, whatever has its number there.
    const isNew = !("message_id" in params);
    if (migrateToChatId !== null && isNew && !isMoved) {
      link.log.info("The group has become a supergroup.", { from: params["chat_id"], to: migrateToChatId });
      return this.perform(movedTo(migrateToChatId, call), signal, true);
    }
    if (otherwise === null) return { answer, done: call };
    link.log.warn("Telegram refused a message as it was; it is sent plainer.", { error: answer.error.toJSON() });
    return this.perform(otherwise, signal, isMoved);
  }
}

interface Performed {
  readonly answer: ApiAnswer;
  /** What the answer is about: the call itself, or what was sent instead. */
  readonly done: OutboundCall;
}

/** Without the message that it answered: a supergroup counts its messages anew, and the number would be another's. */
function movedTo(chatId: number, call: OutboundCall): OutboundCall {
  const otherwise = call.otherwise === null ? null : movedTo(chatId, call.otherwise);
  const { reply_parameters: _elsewhere, ...params } = call.params;
  return { ...call, params: { ...params, chat_id: chatId }, otherwise };
}

export function failed({ fate, error }: ApiFailure): SendOutcome {
  return fate === "unknown" ? { outcome: "unknown", error } : notSent(error);
}

export function notSent(error: AppError): SendOutcome {
  return { outcome: "not-sent", error };
}

function messageIdOf(result: unknown): string | null {
  if (typeof result !== "object" || result === null || !("message_id" in result)) return null;
  return Number.isSafeInteger(result.message_id) ? String(result.message_id) : null;
}
