/**
 * What every method that sends has in common: chat, topic, answered message and keyboard are looked at in the order of
 * the real server, then the content, then the rate, and only then is there a message.
 */
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, objectOf, type Params } from "../request/params.ts";
import type { Chat } from "../world/chat.ts";
import { messageObject, type Draft, type Message } from "../world/message.ts";
import { chatOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";
import { replyMarkupOf } from "./reply-markup.ts";

export interface Place {
  readonly chat: Chat;
  readonly replyTo: number | null;
  readonly threadId: number | null;
  readonly replyMarkup: Readonly<Record<string, unknown>> | null;
}

export type Content = Pick<Draft, "text" | "entities" | "media" | "fields">;

/** Sends one message. `content` is asked only after the place is known to be good. */
export function postOne(call: Call, content: () => Content | Refusal): Done | Refusal {
  const place = placeOf(call);
  if (place instanceof Refusal) return place;
  const made = content();
  if (made instanceof Refusal) return made;
  const refused = call.limits.admit(call.bot, place.chat);
  if (refused !== null) return refused;
  const message = append(call, place, made);
  return { result: messageObject(message, place.chat, call.bot.id), messageId: message.id };
}

export function append(call: Call, place: Place, content: Content): Message {
  const { chat, replyTo, threadId, replyMarkup } = place;
  return chat.append({ from: call.bot, replyTo, threadId, replyMarkup, ...content }, call.world.nowMs());
}

export function placeOf(call: Call): Place | Refusal {
  const reply = replyOf(call.params);
  if (reply instanceof Refusal) return reply;
  const replyMarkup = replyMarkupOf(call.params);
  if (replyMarkup instanceof Refusal) return replyMarkup;
  const chat = chatOf(call, "write");
  if (chat instanceof Refusal) return chat;
  const answered = answeredIn(chat, reply);
  if (answered instanceof Refusal) return answered;
  const threadId = threadOf(call.params, chat, answered);
  if (threadId instanceof Refusal) return threadId;
  return { chat, replyTo: answered?.id ?? null, threadId, replyMarkup };
}

interface Reply {
  readonly messageId: number;
  /** Another chat than the one that is written to. */
  readonly chatId: string;
  readonly isOptional: boolean;
  readonly quote: string;
}

function replyOf(params: Params): Reply | null | Refusal {
  const given = params.json("reply_parameters");
  if (given === undefined) return oldReplyOf(params);
  const fields = objectOf(given);
  if (given === notJson || fields === undefined) return badRequest("can't parse reply parameters JSON object");
  const { message_id: messageId, chat_id: chatId, allow_sending_without_reply: isOptional, quote } = fields;
  const id = Number(messageId ?? 0);
  if (!Number.isInteger(id)) {
    return badRequest(`can't parse reply parameters: Field "message_id" must be a valid Number`);
  }
  if (id <= 0) return null;
  return {
    messageId: id,
    chatId: typeof chatId === "string" || typeof chatId === "number" ? String(chatId) : "",
    isOptional: isOptional === true,
    quote: typeof quote === "string" ? quote : "",
  };
}

/** The names from before Bot API 7.0, which are still understood. */
function oldReplyOf(params: Params): Reply | null {
  const messageId = params.integer("reply_to_message_id");
  if (messageId <= 0) return null;
  return { messageId, chatId: "", isOptional: params.flag("allow_sending_without_reply"), quote: "" };
}

function answeredIn(chat: Chat, reply: Reply | null): Message | null | Refusal {
  if (reply === null) return null;
  const isHere = reply.chatId === "" || reply.chatId === String(chat.id);
  const message = isHere ? chat.message(reply.messageId) : undefined;
  if (message === undefined) return reply.isOptional ? null : badRequest("message to be replied not found");
  return message.text.includes(reply.quote) ? message : badRequest("QUOTE_TEXT_INVALID");
}

/**
 * A topic exists only in a forum, and its general topic has no number there, although messages are said to be in 1.
 * An answer without a topic goes where the answered message is.
 */
function threadOf(params: Params, chat: Chat, answered: Message | null): number | null | Refusal {
  const threadId = params.integer("message_thread_id");
  if (threadId === 0) return answered?.threadId ?? null;
  return chat.topics.has(threadId) ? threadId : badRequest("message thread not found");
}
