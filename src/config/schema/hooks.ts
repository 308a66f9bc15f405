/** `hooks`: requests from outside that wake the assistant. Off, and closed without a token. */
import * as z from "zod";
import { about, filePath, names, positive, secret } from "./leaf.ts";

export function hooksSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether POST requests under the path are taken."),
    path: about(z.string().regex(/^\/[^?#]*$/, "expected a path that begins with /"), "Where they are taken."),
    token: about(secret().optional(), "Token that they must carry; not the gateway's own."),
    maxBodyBytes: about(positive(), "Largest body."),
    defaultSessionKey: about(z.string().optional(), "Session of a hook that names none."),
    allowRequestSessionKey: about(z.boolean(), "Whether the caller may name the session."),
    allowedSessionKeyPrefixes: about(names(), "With what such a name must begin."),
    allowedAgentIds: about(names().optional(), "Agents that hooks may wake; absent is the default agent alone."),
    presets: about(names(), "Ready-made mappings."),
    transformsDir: about(filePath().optional(), "Folder that transforms must lie in."),
    mappings: about(z.array(mappingSchema()), "What becomes of a request; the first that fits."),
    internal: z.object({ enabled: about(z.boolean(), "Whether workspace hooks such as BOOT.md run.") }),
  });
}

function mappingSchema() {
  return z.object({
    id: about(z.string().optional(), "Name in the log."),
    match: z.object({
      path: about(z.string().optional(), "Path behind the hooks' own."),
      source: about(z.string().optional(), "Value of the source field."),
    }),
    action: about(z.enum(["wake", "agent"]).default("agent"), "Whether it wakes or runs a turn."),
    wakeMode: about(z.enum(["now", "next-heartbeat"]).default("now"), "When."),
    name: about(z.string().optional(), "Who it is said to come from."),
    agentId: about(z.string().optional(), "Agent."),
    sessionKey: about(z.string().optional(), "Session."),
    messageTemplate: about(z.string().optional(), "Text of the turn; {{field}} is a field of the body."),
    textTemplate: about(z.string().optional(), "Text of the wake."),
    deliver: about(z.boolean().default(true), "Whether the answer is sent to a chat."),
    channel: about(z.string().optional(), "Channel of that chat."),
    to: about(z.string().optional(), "That chat."),
    model: about(z.string().optional(), "Model of the turn."),
    thinking: about(z.string().optional(), "How much it thinks."),
    timeoutSeconds: about(positive().optional(), "Longest time of the turn."),
  });
}
