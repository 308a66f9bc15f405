/** `messages`: how messages are gathered, acknowledged and answered. */
import * as z from "zod";
import { count, names, positive, record } from "./leaf.ts";
import { ttsSchema } from "./tts.ts";

export function messagesSchema() {
  return z.object({
    responsePrefix: z.string().optional().describe("Put before every answer."),
    ackReaction: z.string().describe("Reaction that says a message was seen; empty is none."),
    ackReactionScope: z.enum(["all", "direct", "group-all", "group-mentions", "off"]).describe("Where it is given."),
    removeAckAfterReply: z.boolean().describe("Whether it is taken back with the answer."),
    inbound: z.object({
      debounceMs: count()
        .max(60_000)
        .describe("How long a sender must rest before several messages are answered as one."),
      byChannel: record(count()).describe("The same for a channel."),
    }),
    groupChat: z.object({
      mentionPatterns: names().describe("Words that mean the assistant."),
      historyLimit: count().describe("Earlier messages of a group that are shown to the model."),
    }),
    queue: z.object({
      mode: z
        .enum(["collect", "followup", "interrupt", "steer"])
        .describe("What a message does that comes during a turn."),
      byChannel: record(z.enum(["collect", "followup", "interrupt", "steer"])).describe("The same for a channel."),
      debounceMs: count().describe("Rest before what was gathered is answered."),
      cap: positive().describe("Messages of one chat that may wait."),
      drop: z.enum(["old", "new", "summarize"]).describe("Which are merged where more wait."),
    }),
    tts: ttsSchema(),
  });
}
