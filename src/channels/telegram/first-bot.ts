/**
 * Whether the bot of an account is still the one that the account began with. Each bot counts the messages of its direct
 * chats and plain groups for itself, from 1, so behind a change of bots the same number in the same chat is another
 * message. Those of a later bot carry its name; or the new bot would be deaf until it had counted past the old one.
 */
import type { AccountMemory } from "../contract.ts";
import type { TelegramChat } from "./wire.ts";

const key = "first-bot";

/** What stands behind the numbers that are this bot's own; empty for the account's first bot. Resolves when durable. */
export async function numberSuffix(memory: AccountMemory, botId: number): Promise<string> {
  const first = await memory.get(key);
  if (first === undefined) await memory.put(key, botId);
  return first === undefined || first === botId ? "" : `:bot:${botId}`;
}

/** Supergroups and channels number a message once, for everybody in them. */
export function numbersForEachBot({ type }: Pick<TelegramChat, "type">): boolean {
  return type === "private" || type === "group";
}
