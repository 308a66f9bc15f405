/** `session`: what is one conversation, and how long it lasts. */
import * as z from "zod";
import { about, count, duration, names, positive, record } from "./leaf.ts";

export function sessionSchema() {
  return z.object({
    mainKey: about(z.string().min(1), "Name of the main session in its key."),
    scope: about(z.enum(["per-sender", "global"]), "Whether senders have sessions of their own at all."),
    dmScope: about(
      z.enum(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]),
      "Which direct messages share one session.",
    ),
    identityLinks: about(record(names()), "Ids on different channels that are one person."),
    resetTriggers: about(names(), "Messages that begin a new session."),
    reset: resetSchema(),
    resetByType: about(record(resetSchema().partial()).optional(), "Other rules for dm, group or thread."),
    resetByChannel: about(record(resetSchema().partial()).optional(), "Other rules for a channel."),
    sendPolicy: z
      .object({
        default: about(z.enum(["allow", "deny"]).default("allow"), "Where no rule fits."),
        rules: about(
          z
            .array(
              z.object({
                action: about(z.enum(["allow", "deny"]), "What happens."),
                match: z.object({
                  channel: about(z.string().optional(), "Channel."),
                  chatType: about(z.enum(["dm", "group", "channel", "thread"]).optional(), "Kind of chat."),
                  keyPrefix: about(z.string().optional(), "Begin of the session key."),
                }),
              }),
            )
            .default([]),
          "Rules; the first that fits decides.",
        ),
      })
      .optional(),
    agentToAgent: z.object({ maxPingPongTurns: about(count(), "Answers that two agents give each other in a row.") }),
    maintenance: z.object({
      mode: about(z.enum(["enforce", "warn", "off"]), "What is done about old sessions."),
      pruneAfter: about(duration(), "Age at which an unused session may go."),
      maxEntries: about(positive(), "Sessions that are kept."),
    }),
  });
}

function resetSchema() {
  return z.object({
    mode: about(z.enum(["never", "daily", "idle", "daily-or-idle"]), "When a session begins anew by itself."),
    atHour: about(z.int().min(0).max(23), "Hour of the daily reset."),
    idleMinutes: about(positive(), "Silence that counts as idle."),
  });
}
