/** What the built-in chat can do. */
import { z } from "zod";
import { contentTypes } from "../../domain/message.ts";
import type { ChannelManifest } from "../contract.ts";
import { policyConfigShape } from "../policy-config.ts";

const configSchema = z.object(policyConfigShape);
export type WebchatConfig = z.output<typeof configSchema>;

export const manifest: ChannelManifest<WebchatConfig> = {
  id: "webchat",
  label: "WebChat",
  summary: "The gateway's own chat page and every client that speaks its protocol.",
  configSchema,
  capabilities: {
    threads: false,
    edits: false,
    deletes: false,
    reactions: false,
    typing: false,
    quotes: false,
    voice: false,
    groups: false,
    receives: ["text", "image", "document"],
    sends: contentTypes,
  },
  // Sending is what the store has done already: the transcript is the chat.
  idempotency: "native",
  text: { max: 1024 * 1024, unit: "utf16" },
  messagesPerSecond: 1_000,
  secrets: [],
  builtIn: true,
};
