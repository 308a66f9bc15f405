/** Where a call goes: the chat that it names, and whether this bot may read or write there. */
import { badRequest, forbidden, type Refusal } from "../refusal.ts";
import type { Chat } from "../world/chat.ts";
import type { Message } from "../world/message.ts";
import type { Bot } from "../world/world.ts";
import type { Call } from "./method.ts";

export type Access = "read" | "write";

export function chatOf(call: Call, access: Access, field = "chat_id"): Chat | Refusal {
  const named = call.params.text(field).trim();
  if (named === "") return badRequest(`${field} is empty`);
  if (!/^-?\d{1,16}$/.test(named)) return badRequest("chat not found");
  const id = Number(named);
  return id > 0 ? directOf(call, id, access) : groupOf(call, id);
}

/** The message that a call names; `absent` is what this method says where there is none. */
export function messageOf(call: Call, chat: Chat, absent: string): Message | Refusal {
  const id = call.params.integer("message_id");
  if (id <= 0) return badRequest("message identifier is not specified");
  return chat.message(id) ?? badRequest(absent);
}

function directOf({ world, bot }: Call, personId: number, access: Access): Chat | Refusal {
  if (world.bots.has(personId)) return forbidden("bot can't send messages to bots");
  const person = world.people.get(personId);
  if (person === undefined) return badRequest("chat not found");
  const chat = bot.directs.get(personId);
  if (chat === undefined) return forbidden("bot can't initiate conversation with a user");
  if (access === "write" && bot.blockedBy.has(personId)) return forbidden("bot was blocked by the user");
  return chat;
}

function groupOf({ world, bot }: Call, id: number): Chat | Refusal {
  const chat = world.groups.get(id);
  if (chat === undefined) return badRequest("chat not found");
  if (chat.migratedTo !== null && chat.members.has(bot.id)) {
    return badRequest("group chat was upgraded to a supergroup chat", { migrate_to_chat_id: chat.migratedTo.id });
  }
  return chat.members.has(bot.id) ? chat : outsider(chat, bot);
}

function outsider(chat: Chat, bot: Bot): Refusal {
  if (!chat.formerMembers.has(bot.id)) return badRequest("chat not found");
  const kind = chat.kind === "group" ? "group" : chat.kind;
  return forbidden(`bot was kicked from the ${kind} chat`);
}
