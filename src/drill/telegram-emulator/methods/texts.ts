/** Messages of text: sent, edited. And captions, which are edited by the same rules. */
import { isDeepStrictEqual } from "node:util";
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { captionFields, parseText, settleText, textFields } from "../text/formatted.ts";
import type { FormattedText } from "../text/entity.ts";
import type { Chat } from "../world/chat.ts";
import { messageObject, type Message } from "../world/message.ts";
import { chatOf, messageOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";
import { postOne } from "./posting.ts";
import { replyMarkupOf } from "./reply-markup.ts";

export function sendMessage(call: Call): Done | Refusal {
  const draft = textOf(call);
  if (draft instanceof Refusal) return draft;
  return postOne(call, () => settledText(draft));
}

export function editMessageText(call: Call): Done | Refusal {
  const draft = textOf(call);
  if (draft instanceof Refusal) return draft;
  return edit(call, ({ media, fields }) => {
    if (media !== null || fields !== null) return badRequest("there is no text in the message to edit");
    return settledText(draft);
  });
}

export function editMessageCaption(call: Call): Done | Refusal {
  const draft = parseText(call.params, captionFields);
  if (draft instanceof Refusal) return draft;
  return edit(call, ({ media }) => {
    if (media === null) return badRequest("there is no caption in the message to edit");
    return settledCaption(draft);
  });
}

export function editMessageReplyMarkup(call: Call): Done | Refusal {
  return edit(call, ({ text, entities }) => ({ text, entities }));
}

export function settledCaption(draft: FormattedText): FormattedText | Refusal {
  return settleText(draft, botApiLimits.captionChars, "message caption is too long");
}

function textOf(call: Call): FormattedText | Refusal {
  if (call.params.text("text") === "") return badRequest("message text is empty");
  return parseText(call.params, textFields);
}

function settledText(draft: FormattedText): FormattedText | Refusal {
  const settled = settleText(draft, botApiLimits.textChars, "message is too long");
  return settled instanceof Refusal || settled.text !== "" ? settled : badRequest("text must be non-empty");
}

function edit(call: Call, renew: (message: Message) => FormattedText | Refusal): Done | Refusal {
  const replyMarkup = replyMarkupOf(call.params);
  if (replyMarkup instanceof Refusal) return replyMarkup;
  const chat = chatOf(call, "write");
  if (chat instanceof Refusal) return chat;
  const message = messageOf(call, chat, "message to edit not found");
  if (message instanceof Refusal) return message;
  if (message.from.id !== call.bot.id) return badRequest("message can't be edited");
  const renewed = renew(message);
  if (renewed instanceof Refusal) return renewed;
  // Telegram's core decides on both, so that an edit that changes nothing counts for the rate as well.
  const refused = call.limits.admit(call.bot, chat);
  if (refused !== null) return refused;
  if (isSame(message, renewed, replyMarkup)) return badRequest(notModified);
  return change(call, { chat, message, renewed, replyMarkup });
}

const notModified =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

function isSame(message: Message, renewed: FormattedText, replyMarkup: Message["replyMarkup"]): boolean {
  return (
    message.text === renewed.text &&
    isDeepStrictEqual(message.entities, renewed.entities) &&
    isDeepStrictEqual(message.replyMarkup, replyMarkup)
  );
}

interface Change {
  readonly chat: Chat;
  readonly message: Message;
  readonly renewed: FormattedText;
  readonly replyMarkup: Message["replyMarkup"];
}

function change(call: Call, { chat, message, renewed, replyMarkup }: Change): Done {
  message.text = renewed.text;
  message.entities = renewed.entities;
  message.replyMarkup = replyMarkup;
  message.editedMs = call.world.nowMs();
  message.edits += 1;
  return { result: messageObject(message, chat, call.bot.id), messageId: message.id };
}
