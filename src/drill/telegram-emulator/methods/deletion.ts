/** Takes messages away: a bot's own for two days, and in direct chats what the person wrote as well. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { isService, type Chat } from "../world/chat.ts";
import type { Message } from "../world/message.ts";
import { chatOf, messageOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";

export function deleteMessage(call: Call): Done | Refusal {
  const chat = chatOf(call, "write");
  if (chat instanceof Refusal) return chat;
  const message = messageOf(call, chat, "message to delete not found");
  if (message instanceof Refusal) return message;
  if (!mayDelete(call, chat, message)) return badRequest("message can't be deleted");
  const refused = call.limits.admit(call.bot, null);
  if (refused !== null) return refused;
  chat.remove(message.id);
  return { result: true, messageId: message.id };
}

function mayDelete(call: Call, chat: Chat, message: Message): boolean {
  if (call.world.nowMs() - message.atMs > botApiLimits.deletableMs || isService(message)) return false;
  return message.from.id === call.bot.id || chat.kind === "private";
}
