/** Layer 6: when a long conversation is summed up. A smaller context keeps proportionally less free. */
import { fill, type ConfigDraft } from "./draft.ts";

export function compactionDefaults(draft: ConfigDraft): ConfigDraft {
  const window = draft.agents?.defaults?.contextTokens ?? 200_000;
  return fill<ConfigDraft>(draft, {
    agents: {
      defaults: {
        compaction: {
          mode: "default",
          reserveTokens: Math.min(20_000, Math.floor(window / 4)),
          keepRecentTokens: Math.min(20_000, Math.floor(window / 4)),
          triggerRatio: 0.8,
          memoryFlush: true,
        },
      },
    },
  });
}
