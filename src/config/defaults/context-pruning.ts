/** Layer 5: when old tool results leave the context. */
import { fill, type ConfigDraft } from "./draft.ts";

export function contextPruningDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    agents: {
      defaults: {
        contextPruning: { mode: "adaptive", ttl: "1h", keepLastAssistants: 3, softTrimRatio: 0.3, hardClearRatio: 0.5 },
      },
    },
  });
}
