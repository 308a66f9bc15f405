/**
 * An update → a message. Pure: the same update in the same circumstances gives the same message, and the same id
 * however often Telegram hands it over. What no person said (other bots, service notes, what is meant for another bot)
 * gives null. Telegram tells bots nothing of deleted messages, so there is no kind `delete` here.
 */
import type { Content, InboundMessage, Sender } from "../../domain/message.ts";
import { noMentions } from "../../domain/message.ts";
import { chatAddress, generalTopic } from "./chat-target.ts";
import { contentsOf, gistOf } from "./content.ts";
import { numbersForEachBot } from "./first-bot.ts";
import { addressing } from "./mentions.ts";
import type {
  Me,
  TelegramCallback,
  TelegramChat,
  TelegramMembership,
  TelegramMessage,
  TelegramReaction,
  TelegramReactionType,
  TelegramUpdate,
  TelegramUser,
} from "./wire.ts";

export interface InboundContext {
  readonly accountId: string;
  readonly me: Me;
  readonly reactions: "off" | "own" | "all";
  readonly receivedAtMs: number;
  /** Ours, for this message. */
  readonly id: string;
  /** Whether we sent that message, as far as is known. */
  readonly isOurs: (chatId: string, messageId: string) => boolean;
  /** What stands behind a message's number where each bot has numbers of its own. */
  readonly numberSuffix: string;
}

/** `raw` is the update as it came. */
export function parseUpdate(update: TelegramUpdate, raw: unknown, context: InboundContext): InboundMessage | null {
  const event = eventOf(update, context);
  return event === null ? null : { ...event, id: context.id, receivedAtMs: context.receivedAtMs, raw };
}

type Event = Omit<InboundMessage, "id" | "receivedAtMs" | "raw">;

function eventOf(update: TelegramUpdate, context: InboundContext): Event | null {
  const said = update.message ?? update.channel_post;
  if (said !== undefined) return messageEvent(said, context);
  const edited = update.edited_message ?? update.edited_channel_post;
  if (edited !== undefined) return editEvent(edited, update.update_id, context);
  if (update.callback_query !== undefined) return callbackEvent(update.callback_query, context);
  if (update.message_reaction !== undefined) return reactionEvent(update.message_reaction, update.update_id, context);
  if (update.my_chat_member !== undefined) return membershipEvent(update.my_chat_member, update.update_id, context);
  return null;
}

function messageEvent(message: TelegramMessage, context: InboundContext): Event | null {
  const sender = senderOf(message.from, message.sender_chat, message.author_signature);
  if (sender === null || sender.isBot === true) return null;
  const marked = {
    text: message.text ?? message.caption ?? "",
    entities: message.entities ?? message.caption_entities ?? [],
  };
  const said = addressing(marked, context.me);
  if (said.command === "anothers") return null;
  const contents = contentsOf(message, said.text);
  if (contents.length === 0) return null;
  const address = chatAddress(message.chat, context.accountId, topicOf(message));
  const answered = message.reply_to_message;
  // The head of a topic is answered by everything in it, and says nothing: also where we made the topic.
  const toUs = answered?.from?.id === context.me.id && !isTopicHead(message);
  // Somebody else's words are no command of whoever handed them on.
  const isCommand = said.command !== null && message.forward_origin === undefined;
  // A bot that does not hear everything is given a command without a name only where it is the one that is meant.
  const isMeant = isCommand && !context.me.can_read_all_group_messages;
  const self = said.mentions.self || address.chatKind === "dm" || toUs || isMeant;
  return {
    kind: isCommand ? "command" : "message",
    address,
    sender,
    platformMessageId: `${message.message_id}${numbersForEachBot(message.chat) ? context.numberSuffix : ""}`,
    content: isCommand ? [...contents] : [...surroundings(message, toUs), ...handedOn(message, contents)],
    mentions: { ...said.mentions, self },
    ...(answered === undefined || isTopicHead(message) ? {} : { replyToId: String(answered.message_id) }),
    sentAtMs: message.date * 1_000,
  };
}

/** A second edit within the same second is another edit, which only the update's number tells. */
function editEvent(message: TelegramMessage, updateId: number, context: InboundContext): Event | null {
  const event = messageEvent(message, context);
  if (event === null) return null;
  return {
    ...event,
    kind: "edit",
    platformMessageId: `${message.message_id}:edit:${updateId}`,
    replyToId: String(message.message_id),
    sentAtMs: (message.edit_date ?? message.date) * 1_000,
  };
}

function callbackEvent(callback: TelegramCallback, context: InboundContext): Event | null {
  const { message, data } = callback;
  const sender = senderOf(callback.from, undefined, undefined);
  // A button of a message sent in another bot's name, or a game: there is no chat to answer in.
  if (message === undefined || data === undefined || sender === null || sender.isBot === true) return null;
  return {
    kind: "callback",
    address: chatAddress(message.chat, context.accountId, topicOf(message)),
    sender,
    platformMessageId: `${message.message_id}:callback:${callback.id}`,
    content: [{ type: "interactive", text: data, interactive: { action: data } }],
    mentions: { ...noMentions, self: true },
    replyToId: String(message.message_id),
    // Telegram does not say when a button was pressed.
    sentAtMs: context.receivedAtMs,
  };
}

function reactionEvent(reaction: TelegramReaction, updateId: number, context: InboundContext): Event | null {
  const sender = senderOf(reaction.user, reaction.actor_chat, undefined);
  const address = chatAddress(reaction.chat, context.accountId, undefined);
  const messageId = String(reaction.message_id);
  const ours = context.isOurs(address.chatId, messageId);
  if (sender === null || sender.isBot === true || context.reactions === "off") return null;
  if (context.reactions === "own" && !ours) return null;
  const before = new Set(reaction.old_reaction.map(reactionText));
  const added = reaction.new_reaction.map(reactionText).filter((emoji) => !before.has(emoji));
  // Taken back: nothing that is said.
  if (added.length === 0) return null;
  return {
    kind: "reaction",
    address,
    sender,
    platformMessageId: `${messageId}:reaction:${updateId}`,
    content: [{ type: "text", text: added.join(" ") }],
    mentions: { ...noMentions, self: ours || address.chatKind === "dm" },
    replyToId: messageId,
    sentAtMs: reaction.date * 1_000,
  };
}

function membershipEvent(change: TelegramMembership, updateId: number, context: InboundContext): Event | null {
  const [was, is] = [change.old_chat_member.status, change.new_chat_member.status].map(isInside);
  const sender = senderOf(change.from, undefined, undefined);
  if (was === is || sender === null) return null;
  return {
    kind: is === true ? "join" : "leave",
    address: chatAddress(change.chat, context.accountId, undefined),
    sender,
    platformMessageId: `member:${updateId}`,
    content: [],
    mentions: { ...noMentions, self: true },
    sentAtMs: change.date * 1_000,
  };
}

/** Whoever writes in the name of a chat is that chat: the person behind an anonymous administrator is not told. */
function senderOf(
  from: TelegramUser | undefined,
  inNameOf: TelegramChat | undefined,
  signature: string | undefined,
): Sender | null {
  if (inNameOf !== undefined) {
    const displayName = [inNameOf.title, signature].filter((part) => part !== undefined).join(", ");
    return {
      id: String(inNameOf.id),
      ...(inNameOf.username === undefined ? {} : { handle: inNameOf.username }),
      ...(displayName === "" ? {} : { displayName }),
    };
  }
  if (from === undefined) return null;
  return {
    id: String(from.id),
    ...(from.username === undefined ? {} : { handle: from.username }),
    displayName: nameOf(from),
    ...(from.is_bot ? { isBot: true } : {}),
  };
}

function nameOf(user: TelegramUser): string {
  return [user.first_name, user.last_name].filter((part) => part !== undefined && part !== "").join(" ");
}

/** Undefined outside of topics: a supergroup without them numbers its reply threads with the same field. */
function topicOf(message: {
  readonly chat: TelegramChat;
  readonly message_thread_id?: number | undefined;
  readonly is_topic_message?: boolean | undefined;
}): number | undefined {
  if (message.is_topic_message === true) return message.message_thread_id;
  return message.chat.is_forum === true ? generalTopic : undefined;
}

/** In a topic, a message that answers nothing "answers" the note that the topic was made. */
function isTopicHead(message: TelegramMessage): boolean {
  return message.is_topic_message === true && message.reply_to_message?.message_id === message.message_thread_id;
}

/** Longer quotations are known from where they were said. */
const maxQuoteChars = 1_000;

/** What one has to have seen to understand the message: whose words were handed on, and what is answered. */
function surroundings(message: TelegramMessage, answersUs: boolean): readonly Content[] {
  const said: Content[] = [];
  const author = authorOf(message);
  if (author !== null) {
    said.push({ type: "text", text: `[forwarded from ${author}]`, quoted: `message forwarded from ${author}` });
  }
  const answered = isTopicHead(message) ? undefined : message.reply_to_message;
  // What we said ourselves is in the conversation already, unless a passage of it is pointed at.
  const quoted = message.quote?.text ?? (answered === undefined || answersUs ? "" : gistOf(answered));
  if (quoted !== "") {
    const sender = answered === undefined ? null : senderOf(answered.from, answered.sender_chat, undefined);
    const name = answersUs ? "you" : (sender?.displayName ?? "somebody");
    const text = `[in reply to ${name}: ${shortened(quoted)}]`;
    said.push({ type: "text", text, ...(answersUs ? {} : { quoted: `message of ${name} that is answered` }) });
  }
  return said;
}

/** What is forwarded was said by another, whoever forwards it. */
function handedOn(message: TelegramMessage, contents: readonly Content[]): readonly Content[] {
  const author = authorOf(message);
  return author === null
    ? contents
    : contents.map((content) => ({ ...content, quoted: `message forwarded from ${author}` }));
}

/** Whose words a forwarded message holds; null where it is not forwarded. */
function authorOf({ forward_origin: origin }: TelegramMessage): string | null {
  if (origin === undefined) return null;
  const chat = origin.sender_chat ?? origin.chat;
  const name = origin.sender_user === undefined ? (origin.sender_user_name ?? chat?.title) : nameOf(origin.sender_user);
  return name ?? "somebody";
}

function shortened(text: string): string {
  return text.length <= maxQuoteChars ? text : `${text.slice(0, maxQuoteChars).toWellFormed()}…`;
}

function reactionText({ type, emoji, custom_emoji_id: custom }: TelegramReactionType): string {
  return emoji ?? (type === "paid" ? "⭐" : `[custom emoji ${custom ?? ""}]`);
}

function isInside(status: string): boolean {
  return status !== "left" && status !== "kicked";
}
