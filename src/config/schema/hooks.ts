/** `hooks`: requests from outside that wake the assistant. Off, and closed without a token. */
import * as z from "zod";
import { filePath, names, positive, secret } from "./leaf.ts";

export function hooksSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether POST requests under the path are taken."),
    path: z
      .string()
      .regex(/^\/[^?#]*$/, "expected a path that begins with /")
      .describe("Where they are taken."),
    token: secret().optional().describe("Token that they must carry; not the gateway's own."),
    maxBodyBytes: positive().describe("Largest body."),
    defaultSessionKey: z.string().optional().describe("Session of a hook that names none."),
    allowRequestSessionKey: z.boolean().describe("Whether the caller may name the session."),
    allowedSessionKeyPrefixes: names().describe("With what such a name must begin."),
    allowedAgentIds: names().optional().describe("Agents that hooks may wake; absent is the default agent alone."),
    presets: names().describe("Ready-made mappings."),
    transformsDir: filePath().optional().describe("Folder that transforms must lie in."),
    mappings: z.array(mappingSchema()).describe("What becomes of a request; the first that fits."),
    internal: z.object({ enabled: z.boolean().describe("Whether workspace hooks such as BOOT.md run.") }),
  });
}

function mappingSchema() {
  return z.object({
    id: z.string().optional().describe("Name in the log."),
    match: z.object({
      path: z.string().optional().describe("Path behind the hooks' own."),
      source: z.string().optional().describe("Value of the source field."),
    }),
    action: z.enum(["wake", "agent"]).default("agent").describe("Whether it wakes or runs a turn."),
    wakeMode: z.enum(["now", "next-heartbeat"]).default("now").describe("When."),
    name: z.string().optional().describe("Who it is said to come from."),
    agentId: z.string().optional().describe("Agent."),
    sessionKey: z.string().optional().describe("Session."),
    messageTemplate: z.string().optional().describe("Text of the turn; {{field}} is a field of the body."),
    textTemplate: z.string().optional().describe("Text of the wake."),
    deliver: z.boolean().default(true).describe("Whether the answer is sent to a chat."),
    channel: z.string().optional().describe("Channel of that chat."),
    to: z.string().optional().describe("That chat."),
    model: z.string().optional().describe("Model of the turn."),
    thinking: z.string().optional().describe("How much it thinks."),
    timeoutSeconds: positive().optional().describe("Longest time of the turn."),
  });
}
