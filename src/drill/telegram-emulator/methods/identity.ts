/** Who the bot is, and what commands it says it has. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, objectOf, type Params } from "../request/params.ts";
import { userObject } from "../world/actor.ts";
import type { Call, Done } from "./method.ts";

export function getMe({ bot }: Call): Done {
  return {
    result: {
      ...userObject(bot),
      can_join_groups: true,
      can_read_all_group_messages: bot.canReadAllGroupMessages,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    },
  };
}

export function setMyCommands({ bot, params }: Call): Done | Refusal {
  const scope = scopeOf(params);
  if (scope instanceof Refusal) return scope;
  const given = params.json("commands");
  if (given === notJson) return badRequest("can't parse commands JSON object");
  if (!Array.isArray(given)) return badRequest("expected an Array of BotCommand");
  if (given.length > botApiLimits.commands) return badRequest("BOT_COMMANDS_TOO_MUCH");
  for (const value of given) {
    const { command, description } = objectOf(value) ?? {};
    if (typeof command !== "string" || !/^\/?[a-z0-9_]{1,32}$/.test(command)) return badRequest("BOT_COMMAND_INVALID");
    const isDescribed = typeof description === "string" && description !== "" && description.length <= 256;
    if (!isDescribed) return badRequest("BOT_COMMAND_DESCRIPTION_INVALID");
  }
  bot.commands.set(scope, given);
  return { result: true };
}

export function getMyCommands({ bot, params }: Call): Done | Refusal {
  const scope = scopeOf(params);
  return scope instanceof Refusal ? scope : { result: bot.commands.get(scope) ?? [] };
}

export function deleteMyCommands({ bot, params }: Call): Done | Refusal {
  const scope = scopeOf(params);
  if (scope instanceof Refusal) return scope;
  bot.commands.delete(scope);
  return { result: true };
}

const scopes: ReadonlySet<unknown> = new Set([
  "default",
  "all_private_chats",
  "all_group_chats",
  "all_chat_administrators",
  "chat",
  "chat_administrators",
  "chat_member",
]);

/** Commands are kept for each scope and language by themselves. */
function scopeOf(params: Params): string | Refusal {
  const given = params.json("scope") ?? { type: "default" };
  if (given === notJson) return badRequest("can't parse BotCommandScope JSON object");
  const { type, chat_id: chatId, user_id: userId } = objectOf(given) ?? {};
  if (!scopes.has(type)) return badRequest("can't parse BotCommandScope: Unsupported type specified");
  return JSON.stringify([type, chatId ?? null, userId ?? null, params.text("language_code")]);
}
