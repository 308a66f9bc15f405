/** What Telegram can do, and the settings of a bot on it. */
import { z } from "zod";
import type { ChannelManifest } from "../contract.ts";
import { deliveryConfigShape } from "../delivery-config.ts";
import { policyConfigShape } from "../policy-config.ts";

/** `<bot id>:<secret>`, neither of which has a slash, so that a token can be part of an address without escaping. */
const token = z.string().refine(isToken, "a token such as 123456:ABC-def, as @BotFather gives it");

const accountSchema = z.object({
  ...policyConfigShape,
  ...deliveryConfigShape,
  botToken: token
    .optional()
    .describe("The bot's token from @BotFather. Needed, unless tokenFile names a file with it."),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe("Absolute path of a file that holds the token alone; asked where botToken is not set."),
  webhookUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Public address at which Telegram calls us; without it, updates are asked for (long polling). An address without a path gets webhookPath.",
    ),
  webhookSecret: z
    .string()
    .regex(/^[\w-]{8,256}$/, "must be 8 to 256 letters, digits, _ and -")
    .optional()
    .describe("What Telegram proves itself with at the webhook. Needed with webhookUrl."),
  webhookPath: z
    .string()
    .regex(/^\/[\w./-]*$/, "must begin with a slash")
    .optional()
    .describe("Path here that the webhook reaches; /telegram-webhook, for other accounts /telegram-webhook/<account>."),
  apiRoot: z
    .string()
    .refine(isApiRoot, "must be an https address, or http on this machine, without a query and without credentials")
    .default("https://api.telegram.org")
    .describe("Where the Bot API is; for a server of one's own."),
  replyToMode: z
    .enum(["off", "first", "all"])
    .default("first")
    .describe("Which pieces of an answer are shown as a reply to the message: none, the first one, every one."),
  reactionNotifications: z
    .enum(["off", "own", "all"])
    .default("own")
    .describe("Which reactions are taken notice of: none, those to the assistant's messages, every one."),
  linkPreview: z.boolean().default(true).describe("Whether Telegram shows a preview of the first link in a message."),
});

const configSchema = accountSchema
  .superRefine((account, context) => {
    if (account.botToken === undefined && account.tokenFile === undefined) {
      context.addIssue({
        code: "custom",
        path: ["botToken"],
        message: "a token, or the name of its file in tokenFile",
      });
    }
    if (account.webhookUrl !== undefined && account.webhookSecret === undefined) {
      const message = "a secret beside webhookUrl, or anybody would be believed";
      context.addIssue({ code: "custom", path: ["webhookSecret"], message });
    }
  })
  .transform((account) => ({ ...account, apiRoot: account.apiRoot.replace(/\/+$/, "") }));

export type TelegramConfig = z.output<typeof configSchema>;

export const manifest: ChannelManifest<TelegramConfig> = {
  id: "telegram",
  label: "Telegram",
  summary: "A Telegram bot, by long polling or by webhook, in direct chats, groups, forum topics and channels.",
  senderIds:
    "the person's number, such as `123456789`; whoever writes in the name of a chat (an anonymous administrator, a channel) has that chat's number, such as `-1001234567890`",
  example: `{
  channels: {
    telegram: {
      botToken: "123456:ABC-def",
      allowFrom: ["tg:123456789"],
      groupPolicy: "allowlist",
      groups: { "-1001234567890": { requireMention: true } },
    },
  },
}`,
  configSchema,
  capabilities: {
    threads: true,
    edits: true,
    deletes: true,
    reactions: true,
    typing: true,
    quotes: true,
    voice: true,
    groups: true,
    // Telegram tells bots nothing of deleted messages, so none are ever received.
    receives: ["text", "image", "video", "audio", "voice", "document", "location", "contact", "sticker", "interactive"],
    sends: ["text", "image", "video", "audio", "voice", "document", "sticker"],
  },
  // The Bot API takes no id of ours and lists no history: a message whose answer was lost cannot be looked for.
  idempotency: "blind",
  text: { max: 4096, unit: "utf16" },
  messagesPerSecond: 30,
  messagesPerChat: { directPerSecond: 1, groupPerMinute: 20 },
  editsPerMinute: 20,
  attachmentBytes: 50 * 1024 * 1024,
  secrets: ["botToken", "webhookSecret"],
  identity: "botToken",
  environment: { botToken: "TELEGRAM_BOT_TOKEN" },
  prefixes: ["tg", "telegram"],
  degrades: {
    location: "coordinates as text",
    contact: "name and number as text",
    embed: "title, text and link as text",
    interactive: "the labels as text",
  },
};

export function isToken(value: string): boolean {
  return /^\d{1,20}:[\w-]{1,128}$/.test(value);
}

/** The token is part of every address: it goes over the network in the clear to nobody but this machine itself. */
function isApiRoot(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return false;
  const { hostname, protocol } = url;
  const here = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && here);
}
