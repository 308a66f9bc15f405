/** Layer 8: choosing a model by the question. Off; its tiers fall back on the primary model. */
import { fill, type ConfigDraft } from "./draft.ts";

export function routerDefaults(draft: ConfigDraft): ConfigDraft {
  const primary = draft.agents?.defaults?.model?.primary;
  return fill<ConfigDraft>(draft, {
    router: {
      enabled: false,
      thresholds: { balanced: 0.35, capable: 0.7 },
      tiers: primary === undefined ? {} : { fast: primary, balanced: primary, capable: primary },
      toolLimits: { fast: 3, balanced: 14, capable: 0 },
    },
  });
}
