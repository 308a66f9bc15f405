/** What a bot does without saying anything: it seems to type, it reacts, it answers the press of a button. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, objectOf } from "../request/params.ts";
import { withReactions } from "../world/message.ts";
import { chatOf, messageOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";
import { reactionEmojis } from "./reaction-emojis.ts";

const actions: ReadonlySet<string> = new Set([
  "cancel",
  "typing",
  "upload_photo",
  "record_video",
  "upload_video",
  "record_voice",
  "record_audio",
  "upload_voice",
  "upload_audio",
  "upload_document",
  "choose_sticker",
  "find_location",
  "pick_up_location",
  "record_video_note",
  "upload_video_note",
]);

export function sendChatAction(call: Call): Done | Refusal {
  const action = call.params.text("action").toLowerCase();
  if (!actions.has(action)) return badRequest("wrong parameter action in request");
  const chat = chatOf(call, "write");
  if (chat instanceof Refusal) return chat;
  const threadId = call.params.integer("message_thread_id");
  // Unlike a message, an action may name the general topic, and must do so to be seen there.
  const isKnown = threadId === 0 || chat.topics.has(threadId) || (chat.isForum && threadId === 1);
  if (!isKnown) return badRequest("message thread not found");
  return call.limits.admit(call.bot, null) ?? { result: true };
}

export function setMessageReaction(call: Call): Done | Refusal {
  const emojis = emojisOf(call);
  if (emojis instanceof Refusal) return emojis;
  const chat = chatOf(call, "write");
  if (chat instanceof Refusal) return chat;
  const message = messageOf(call, chat, "message to react not found");
  if (message instanceof Refusal) return message;
  if (emojis.length > 1) return badRequest("REACTIONS_TOO_MANY");
  if (!emojis.every((emoji) => reactionEmojis.has(emoji))) return badRequest("REACTION_INVALID");
  const refused = call.limits.admit(call.bot, null);
  if (refused !== null) return refused;
  message.reactions = withReactions(message, call.bot.id, emojis);
  return { result: true, messageId: message.id };
}

/** A query may be answered once, and not long after the press. */
export function answerCallbackQuery({ world, bot, params }: Call): Done | Refusal {
  const query = world.callbacks.get(params.text("callback_query_id"));
  const isLate = query === undefined || world.nowMs() - query.atMs > botApiLimits.callbackAnswerMs;
  if (isLate || query.bot.id !== bot.id) {
    return badRequest("query is too old and response timeout expired or query ID is invalid");
  }
  if (params.text("text").length > botApiLimits.callbackAnswerChars) return badRequest("MESSAGE_TOO_LONG");
  world.callbacks.delete(query.id);
  return { result: true };
}

/** Absent: takes the reaction away. */
function emojisOf({ params }: Call): readonly string[] | Refusal {
  const given = params.json("reaction") ?? [];
  if (given === notJson) return badRequest("can't parse reaction types JSON object");
  if (!Array.isArray(given)) return badRequest("expected an Array of ReactionType");
  const emojis: string[] = [];
  for (const value of given) {
    const fields = objectOf(value);
    const { type, emoji } = fields ?? {};
    if (type === undefined) return badRequest(`can't parse ReactionType: Can't find field "type"`);
    // A bot may use a custom emoji only where the message has it already; nobody here sets one.
    if (type !== "emoji" || typeof emoji !== "string") return badRequest("REACTION_INVALID");
    emojis.push(emoji);
  }
  return emojis;
}
