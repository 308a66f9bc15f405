/** A chat of Telegram ↔ an address of ours. Refuses what cannot be a chat there, before anything is asked. Pure. */
import type { Address } from "../../domain/message.ts";
import type { TelegramChat } from "./wire.ts";

export interface ChatTarget {
  readonly chatId: number | string;
  /** A topic's number; null outside of topics. */
  readonly threadId: number | null;
}

/** The first topic of every forum. Its messages carry no number, and Telegram refuses the number where one is sent there. */
export const generalTopic = 1;

export function chatAddress(chat: TelegramChat, accountId: string, topic: number | undefined): Address {
  return {
    channel: "telegram",
    accountId,
    chatId: String(chat.id),
    chatKind: chat.type === "private" ? "dm" : chat.type === "channel" ? "channel" : "group",
    ...(topic === undefined ? {} : { threadId: String(topic) }),
  };
}

/** Null where it names no chat. A channel's public name is taken too. */
export function chatTarget(address: Address): ChatTarget | null {
  const threadId = address.threadId === undefined ? null : positiveNumber(address.threadId);
  if (address.threadId !== undefined && threadId === null) return null;
  if (/^@[A-Za-z]\w{3,31}$/.test(address.chatId)) return { chatId: address.chatId, threadId };
  if (!/^-?[1-9]\d{0,15}$/.test(address.chatId)) return null;
  return { chatId: Number(address.chatId), threadId };
}

/** The number of the message in an id that this channel made: edits, reactions and presses name it first. */
export function messageNumber(platformMessageId: string): number | null {
  return positiveNumber(/^(\d+)(?::|$)/.exec(platformMessageId)?.[1] ?? "");
}

function positiveNumber(text: string): number | null {
  if (!/^[1-9]\d{0,15}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
