/** What a bot hears of a group: privacy mode, as BotFather leaves it switched on for every new bot. Pure. */
import type { Bot } from "./world.ts";
import { isService, type Chat } from "./chat.ts";
import type { Message } from "./message.ts";

export function mayHear(bot: Bot, chat: Chat, message: Message): boolean {
  if (chat.kind === "private" || chat.kind === "channel" || bot.canReadAllGroupMessages) return true;
  if (isService(message)) return true;
  if (message.replyTo !== null && chat.message(message.replyTo)?.from.id === bot.id) return true;
  return message.entities.some(({ type, offset, length }) => {
    const said = message.text.slice(offset, offset + length).toLowerCase();
    const name = `@${bot.username?.toLowerCase()}`;
    if (type === "mention") return said === name;
    return type === "bot_command" && (said.endsWith(name) || (!said.includes("@") && isNear(bot, chat)));
  });
}

/** A command that names no bot is for the one that spoke last, or for the only one there is. */
function isNear(bot: Bot, chat: Chat): boolean {
  return chat.lastBotId === bot.id || [...chat.members.values()].every(({ isBot, id }) => !isBot || id === bot.id);
}
