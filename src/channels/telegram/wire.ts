/**
 * The Bot API's objects, as far as they are read here. What does not fit is no update of Telegram's: it is refused as a
 * whole, so that nothing behind this file meets a field that is not what it says.
 */
import { z } from "zod";

const id = z.number().int();

const userSchema = z.object({
  id,
  is_bot: z.boolean(),
  first_name: z.string(),
  last_name: z.string().optional(),
  username: z.string().optional(),
});
export type TelegramUser = z.output<typeof userSchema>;

const chatSchema = z.object({
  id,
  type: z.enum(["private", "group", "supergroup", "channel"]),
  title: z.string().optional(),
  username: z.string().optional(),
  is_forum: z.boolean().optional(),
});
export type TelegramChat = z.output<typeof chatSchema>;

const entitySchema = z.object({
  type: z.string(),
  offset: z.number().int().nonnegative(),
  length: z.number().int().nonnegative(),
  user: userSchema.optional(),
});
export type TelegramEntity = z.output<typeof entitySchema>;

const fileSchema = z.object({
  file_id: z.string(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
  file_size: z.number().nonnegative().optional(),
  duration: z.number().nonnegative().optional(),
});
export type TelegramFile = z.output<typeof fileSchema>;

const photoSizeSchema = fileSchema.extend({ width: z.number(), height: z.number() });
const locationSchema = z.object({ latitude: z.number(), longitude: z.number() });

const contentShape = {
  text: z.string().optional(),
  entities: z.array(entitySchema).optional(),
  caption: z.string().optional(),
  caption_entities: z.array(entitySchema).optional(),
  photo: z.array(photoSizeSchema).optional(),
  document: fileSchema.optional(),
  animation: fileSchema.optional(),
  video: fileSchema.optional(),
  video_note: fileSchema.optional(),
  voice: fileSchema.optional(),
  audio: fileSchema.extend({ title: z.string().optional(), performer: z.string().optional() }).optional(),
  sticker: fileSchema.extend({ emoji: z.string().optional() }).optional(),
  location: locationSchema.optional(),
  venue: z.object({ location: locationSchema, title: z.string(), address: z.string().optional() }).optional(),
  contact: z
    .object({
      phone_number: z.string(),
      first_name: z.string(),
      last_name: z.string().optional(),
      user_id: id.optional(),
    })
    .optional(),
  poll: z.object({ question: z.string(), options: z.array(z.object({ text: z.string() })) }).optional(),
  dice: z.object({ emoji: z.string(), value: z.number() }).optional(),
};

const originSchema = z.object({
  sender_user: userSchema.optional(),
  sender_user_name: z.string().optional(),
  sender_chat: chatSchema.optional(),
  chat: chatSchema.optional(),
});

const frameShape = {
  message_id: id,
  date: z.number().nonnegative(),
  chat: chatSchema,
  from: userSchema.optional(),
  sender_chat: chatSchema.optional(),
  author_signature: z.string().optional(),
};

const answeredSchema = z.object({ ...frameShape, ...contentShape });
export type AnsweredMessage = z.output<typeof answeredSchema>;

const messageSchema = z.object({
  ...frameShape,
  ...contentShape,
  edit_date: z.number().optional(),
  message_thread_id: id.optional(),
  is_topic_message: z.boolean().optional(),
  reply_to_message: answeredSchema.optional(),
  quote: z.object({ text: z.string(), is_manual: z.boolean().optional() }).optional(),
  forward_origin: originSchema.optional(),
});
export type TelegramMessage = z.output<typeof messageSchema>;

/** A message that Telegram no longer shows to bots keeps its chat and number alone. */
const maybeGoneSchema = z.object({
  chat: chatSchema,
  message_id: id,
  message_thread_id: id.optional(),
  is_topic_message: z.boolean().optional(),
});

const callbackSchema = z.object({
  id: z.string(),
  from: userSchema,
  data: z.string().optional(),
  message: maybeGoneSchema.optional(),
});
export type TelegramCallback = z.output<typeof callbackSchema>;

const reactionTypeSchema = z.object({
  type: z.string(),
  emoji: z.string().optional(),
  custom_emoji_id: z.string().optional(),
});
export type TelegramReactionType = z.output<typeof reactionTypeSchema>;

const reactionSchema = z.object({
  chat: chatSchema,
  message_id: id,
  user: userSchema.optional(),
  actor_chat: chatSchema.optional(),
  date: z.number(),
  old_reaction: z.array(reactionTypeSchema),
  new_reaction: z.array(reactionTypeSchema),
});
export type TelegramReaction = z.output<typeof reactionSchema>;

const membershipSchema = z.object({
  chat: chatSchema,
  from: userSchema,
  date: z.number(),
  old_chat_member: z.object({ status: z.string() }),
  new_chat_member: z.object({ status: z.string() }),
});
export type TelegramMembership = z.output<typeof membershipSchema>;

const updateSchema = z.object({
  update_id: id,
  message: messageSchema.optional(),
  edited_message: messageSchema.optional(),
  channel_post: messageSchema.optional(),
  edited_channel_post: messageSchema.optional(),
  callback_query: callbackSchema.optional(),
  message_reaction: reactionSchema.optional(),
  my_chat_member: membershipSchema.optional(),
});
export type TelegramUpdate = z.output<typeof updateSchema>;

/** What is asked for; reactions come only where they are named. */
export const allowedUpdates = Object.keys(updateSchema.shape).filter((key) => key !== "update_id");

/** Null where it is no update as we know them. */
export function readUpdate(value: unknown): TelegramUpdate | null {
  const parsed = updateSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** The number alone, which is what an update that cannot be read is stepped over by. */
export function updateIdOf(value: unknown): number | null {
  if (typeof value !== "object" || value === null || !("update_id" in value)) return null;
  return Number.isSafeInteger(value.update_id) ? (value.update_id as number) : null;
}

const meSchema = z.object({ id, username: z.string(), can_read_all_group_messages: z.boolean().default(true) });
export type Me = z.output<typeof meSchema>;

export function readMe(value: unknown): Me | null {
  const parsed = meSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

const webhookInfoSchema = z.object({
  url: z.string(),
  pending_update_count: z.number().default(0),
  last_error_date: z.number().optional(),
  last_error_message: z.string().optional(),
});
export type WebhookInfo = z.output<typeof webhookInfoSchema>;

export function readWebhookInfo(value: unknown): WebhookInfo | null {
  const parsed = webhookInfoSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}
