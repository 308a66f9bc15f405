/** Layer 1: how messages are gathered and acknowledged. */
import { fill, type ConfigDraft } from "./draft.ts";

export function messageDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    messages: {
      notices: false,
      ackReaction: "",
      ackReactionScope: "group-mentions",
      removeAckAfterReply: false,
      inbound: { debounceMs: 0, byChannel: {} },
      groupChat: { mentionPatterns: [], historyLimit: 50 },
      queue: { mode: "followup", byChannel: {}, debounceMs: 1_000, cap: 20, drop: "summarize" },
      tts: { auto: "off", maxTextLength: 1_500, timeoutMs: 30_000, providers: {} },
    },
  });
}
