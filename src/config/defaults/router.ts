/** Layer 8: choosing a model by the question. Off; tiers without a model are found among those of the agent's provider. */
import { fill, type ConfigDraft } from "./draft.ts";

export function routerDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    router: {
      enabled: false,
      thresholds: { balanced: 0.35, capable: 0.7 },
      tiers: {},
      toolLimits: { fast: 3, balanced: 14, capable: 0 },
    },
  });
}
