/** `messages`: how messages are gathered, acknowledged and answered. */
import * as z from "zod";
import { about, count, names, positive, record } from "./leaf.ts";
import { ttsSchema } from "./tts.ts";

export function messagesSchema() {
  return z.object({
    responsePrefix: about(z.string().optional(), "Put before every answer."),
    notices: about(
      z.boolean(),
      "Whether a line under the answer tells how it came about where that was not as usual: by another model, for instance.",
    ),
    ackReaction: about(z.string(), "Reaction that says a message was seen; empty is none."),
    ackReactionScope: about(z.enum(["all", "direct", "group-all", "group-mentions", "off"]), "Where it is given."),
    removeAckAfterReply: about(z.boolean(), "Whether it is taken back with the answer."),
    inbound: z.object({
      debounceMs: about(
        count().max(60_000),
        "How long a sender must rest before several messages are answered as one.",
      ),
      byChannel: about(record(count()), "The same for a channel."),
    }),
    groupChat: z.object({
      mentionPatterns: about(names(), "Words that mean the assistant."),
      historyLimit: about(
        count(),
        "Messages of a group to others, since the assistant was last addressed, that are shown to the model with the one that addresses it; 0 keeps and shows none.",
      ),
    }),
    queue: z.object({
      mode: about(
        z.enum(["collect", "followup", "interrupt", "steer"]),
        "What a message does that comes during a turn.",
      ),
      byChannel: about(record(z.enum(["collect", "followup", "interrupt", "steer"])), "The same for a channel."),
      debounceMs: about(count(), "Rest before what was gathered is answered."),
      cap: about(positive(), "Messages of one chat that may wait."),
      drop: about(z.enum(["old", "new", "summarize"]), "Which are merged where more wait."),
    }),
    tts: ttsSchema(),
  });
}
