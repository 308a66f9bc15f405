/**
 * The canonical message: what every platform event becomes before anything decides about it,
 * and what every reply is before a channel renders it. Pure data; schemas validate it at the edges.
 */
import { z } from "zod";

/** What a piece of content is. Every channel supports each type or degrades it in a documented way. */
export const contentTypes = [
  "text",
  "image",
  "video",
  "audio",
  "voice",
  "document",
  "location",
  "contact",
  "sticker",
  "embed",
  "interactive",
] as const;
export type ContentType = (typeof contentTypes)[number];

/** A file that came with a message. `mediaId` names it in the media store, `url` where it can be fetched. */
export const attachmentSchema = z.object({
  type: z.enum(["image", "video", "audio", "voice", "document", "sticker"]),
  mediaId: z.string().optional(),
  url: z.string().optional(),
  /** Base64 without a prefix; only for small inline files, bounded by `limits.inlineAttachmentBytes`. */
  data: z.string().optional(),
  mimeType: z.string().optional(),
  fileName: z.string().optional(),
  sizeBytes: z.number().int().nonnegative().optional(),
  durationMs: z.number().nonnegative().optional(),
});
export type Attachment = z.infer<typeof attachmentSchema>;

export const contentSchema = z.object({
  type: z.enum(contentTypes),
  text: z.string().optional(),
  caption: z.string().optional(),
  attachments: z.array(attachmentSchema).optional(),
  location: z.object({ latitude: z.number(), longitude: z.number(), title: z.string().optional() }).optional(),
  contact: z.object({ name: z.string(), phone: z.string().optional(), id: z.string().optional() }).optional(),
  /** Title, text and link of a rich preview, or the label and value of a pressed control. */
  embed: z.object({ title: z.string().optional(), text: z.string().optional(), url: z.string().optional() }).optional(),
  interactive: z.object({ action: z.string(), value: z.string().optional() }).optional(),
  /** Where the words are another's than the sender's: whose, such as `message forwarded from Ann`. */
  quoted: z.string().optional(),
});
export type Content = z.infer<typeof contentSchema>;

export const chatKinds = ["dm", "group", "channel", "thread"] as const;
export type ChatKind = (typeof chatKinds)[number];

/** Everything a platform can tell us that a person did. Each kind passes the same door. */
export const inboundKinds = ["message", "edit", "delete", "reaction", "command", "callback", "join", "leave"] as const;
export type InboundKind = (typeof inboundKinds)[number];

export const mentionsSchema = z.object({
  users: z.array(z.string()),
  roles: z.array(z.string()),
  channels: z.array(z.string()),
  everyone: z.boolean(),
  /** True when the assistant itself was addressed, by name, by mention or by a reply to it. */
  self: z.boolean(),
});
export type Mentions = z.infer<typeof mentionsSchema>;

export const priorities = ["critical", "high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];

/** Where a message comes from and where its reply goes. */
export const addressSchema = z.object({
  /** Channel id, e.g. `irc`. */
  channel: z.string(),
  /** Which of our accounts on that channel. */
  accountId: z.string(),
  chatId: z.string(),
  chatKind: z.enum(chatKinds),
  threadId: z.string().optional(),
});
export type Address = z.infer<typeof addressSchema>;

export const senderSchema = z.object({
  /** The platform's immutable id. Policy looks at this alone, never at a name. */
  id: z.string(),
  /** May change at the sender's will: for display only. */
  handle: z.string().optional(),
  displayName: z.string().optional(),
  isBot: z.boolean().optional(),
});
export type Sender = z.infer<typeof senderSchema>;

export const inboundMessageSchema = z.object({
  /** Ours: time-ordered, unique. */
  id: z.string(),
  kind: z.enum(inboundKinds),
  address: addressSchema,
  sender: senderSchema,
  /** The platform's id of this event; with channel, account and chat it is the dedupe key. */
  platformMessageId: z.string(),
  content: z.array(contentSchema),
  mentions: mentionsSchema,
  /** The platform's id of the message this one answers, edits, deletes or reacts to. */
  replyToId: z.string().optional(),
  /** Milliseconds since the epoch, by the platform's clock. */
  sentAtMs: z.number(),
  /** Milliseconds since the epoch, by ours. */
  receivedAtMs: z.number(),
  /** The platform's payload, for replay and diagnosis. */
  raw: z.unknown(),
});
export type InboundMessage = z.infer<typeof inboundMessageSchema>;

/** The text of a message as the model sees it: text and captions, in order. */
export function messageText(message: Pick<InboundMessage, "content">): string {
  return message.content
    .map((content) => content.text ?? content.caption ?? "")
    .filter((text) => text !== "")
    .join("\n");
}

/** One thing to say, before a channel renders it: Markdown text and the files that go with it. */
export interface Reply {
  readonly markdown: string;
  readonly attachments?: readonly Attachment[];
  /** For channels that have such; the text says all of it too, for those that have not. */
  readonly buttons?: readonly ReplyButton[];
}

/** Pressed, it is as if whoever pressed it had written `says`. */
export interface ReplyButton {
  readonly label: string;
  /** At most 64 bytes: what the platforms carry. */
  readonly says: string;
}

/** Nobody mentioned. */
export const noMentions: Mentions = Object.freeze({ users: [], roles: [], channels: [], everyone: false, self: false });
