/** Layer 7: providers as they are; no model is chosen here where the person chose none, that is up to what is found at start. */
import { fill, type ConfigDraft } from "./draft.ts";

export function modelDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    models: { mode: "merge", providers: {} },
    agents: {
      defaults: {
        model: { fallbacks: [], fallbackOn: ["rate-limit", "on-error", "auth", "context-overflow"] },
        models: {},
      },
    },
  });
}
