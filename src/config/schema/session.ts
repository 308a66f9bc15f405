/** `session`: what is one conversation, and how long it lasts. */
import * as z from "zod";
import { count, duration, names, positive, record } from "./leaf.ts";

export function sessionSchema() {
  return z.object({
    mainKey: z.string().min(1).describe("Name of the main session in its key."),
    scope: z.enum(["per-sender", "global"]).describe("Whether senders have sessions of their own at all."),
    dmScope: z
      .enum(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"])
      .describe("Which direct messages share one session."),
    identityLinks: record(names()).describe("Ids on different channels that are one person."),
    resetTriggers: names().describe("Messages that begin a new session."),
    reset: resetSchema(),
    resetByType: record(resetSchema().partial()).optional().describe("Other rules for dm, group or thread."),
    resetByChannel: record(resetSchema().partial()).optional().describe("Other rules for a channel."),
    sendPolicy: z
      .object({
        default: z.enum(["allow", "deny"]).default("allow").describe("Where no rule fits."),
        rules: z
          .array(
            z.object({
              action: z.enum(["allow", "deny"]).describe("What happens."),
              match: z.object({
                channel: z.string().optional().describe("Channel."),
                chatType: z.enum(["dm", "group", "channel", "thread"]).optional().describe("Kind of chat."),
                keyPrefix: z.string().optional().describe("Begin of the session key."),
              }),
            }),
          )
          .default([])
          .describe("Rules; the first that fits decides."),
      })
      .optional(),
    agentToAgent: z.object({ maxPingPongTurns: count().describe("Answers that two agents give each other in a row.") }),
    maintenance: z.object({
      mode: z.enum(["enforce", "warn", "off"]).describe("What is done about old sessions."),
      pruneAfter: duration().describe("Age at which an unused session may go."),
      maxEntries: positive().describe("Sessions that are kept."),
    }),
  });
}

function resetSchema() {
  return z.object({
    mode: z.enum(["never", "daily", "idle", "daily-or-idle"]).describe("When a session begins anew by itself."),
    atHour: z.int().min(0).max(23).describe("Hour of the daily reset."),
    idleMinutes: positive().describe("Silence that counts as idle."),
  });
}
