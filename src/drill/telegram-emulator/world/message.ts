/**
 * One message as the emulator keeps it, small, because hundreds of thousands of them are kept; and how the Bot API
 * shows it to one bot, because a file has another id for each.
 */
import { userObject, type Actor } from "./actor.ts";
import type { Chat } from "./chat.ts";
import type { Entity } from "../text/entity.ts";
import { mediaFields, type Media } from "./files.ts";

export interface Message {
  readonly id: number;
  readonly from: Actor;
  readonly atMs: number;
  /** The text, or the caption of a medium. */
  text: string;
  entities: readonly Entity[];
  readonly media: Media | null;
  /** Content that is neither text nor file, and what a service message says, in the Bot API's own fields. */
  readonly fields: Readonly<Record<string, unknown>> | null;
  readonly replyTo: number | null;
  readonly threadId: number | null;
  replyMarkup: Readonly<Record<string, unknown>> | null;
  editedMs: number | null;
  edits: number;
  /** By who reacted. */
  reactions: ReadonlyMap<number, readonly string[]> | null;
}

/** What is decided about a message before it has an id. */
export type Draft = Pick<Message, "from"> &
  Partial<Pick<Message, "text" | "entities" | "media" | "fields" | "replyTo" | "threadId" | "replyMarkup">> & {
    /** The name of the topic of a forum that begins with it. */
    readonly opensTopic?: string;
  };

/** A `Message` object as `viewerId` sees it. `depth` 0 leaves out what it replies to, as in an embedded message. */
export function messageObject(message: Message, chat: Chat, viewerId: number, depth = 1): Record<string, unknown> {
  const isPost = chat.kind === "channel";
  return {
    message_id: message.id,
    ...(isPost ? { sender_chat: chat.object() } : { from: userObject(message.from) }),
    chat: chat.object(),
    date: Math.floor(message.atMs / 1_000),
    ...(message.editedMs === null ? {} : { edit_date: Math.floor(message.editedMs / 1_000) }),
    ...threadFields(message, chat),
    ...(depth === 0 ? {} : replyFields(message, chat, viewerId)),
    ...contentFields(message, viewerId),
    ...message.fields,
    ...(message.replyMarkup === null ? {} : { reply_markup: message.replyMarkup }),
  };
}

/** Everybody has one reaction at a time, or none. */
export function withReactions(message: Message, actorId: number, emojis: readonly string[]): Message["reactions"] {
  const all = new Map(message.reactions);
  all.delete(actorId);
  if (emojis.length > 0) all.set(actorId, emojis);
  return all.size === 0 ? null : all;
}

function contentFields(message: Message, viewerId: number): Readonly<Record<string, unknown>> {
  const [text, entities] = message.media === null ? ["text", "entities"] : ["caption", "caption_entities"];
  return {
    ...(message.media === null ? {} : mediaFields(message.media, viewerId)),
    ...(message.text === "" ? {} : { [text]: message.text }),
    ...(message.entities.length === 0 ? {} : { [entities]: message.entities }),
  };
}

/**
 * In a forum every message names its topic. In a plain supergroup an answer names the first message of its chain as
 * its thread, although that is no thread that one could send to: a trap of the real platform.
 */
function threadFields(message: Message, chat: Chat): Readonly<Record<string, unknown>> {
  if (message.threadId !== null) return { message_thread_id: message.threadId, is_topic_message: true };
  if (chat.kind !== "supergroup" || chat.isForum || message.replyTo === null) return {};
  return { message_thread_id: chainStart(message, chat) };
}

function chainStart(message: Message, chat: Chat): number {
  let first = message;
  // A chain is followed for so long; a longer one has its start where that ends.
  for (let step = 0; step < 100 && first.replyTo !== null; step += 1) {
    const earlier = chat.message(first.replyTo);
    if (earlier === undefined) return first.replyTo;
    first = earlier;
  }
  return first.id;
}

/** A message of a topic answers, where it answers nothing else, the service message that opened the topic. */
function replyFields(message: Message, chat: Chat, viewerId: number): Readonly<Record<string, unknown>> {
  const answered = message.replyTo ?? (message.threadId === message.id ? null : message.threadId);
  const original = answered === null ? undefined : chat.message(answered);
  return original === undefined ? {} : { reply_to_message: messageObject(original, chat, viewerId, 0) };
}
