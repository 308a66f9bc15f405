/** The defaults in their order: the ground of each section, then eight layers, of which a later one may look at an earlier. */
import { agentDefaults } from "./agent.ts";
import { compactionDefaults } from "./compaction.ts";
import { contextPruningDefaults } from "./context-pruning.ts";
import type { ConfigDraft, DefaultsContext, DefaultsLayer } from "./draft.ts";
import { groundDefaults } from "./ground.ts";
import { loggingDefaults } from "./logging.ts";
import { messageDefaults } from "./message.ts";
import { modelDefaults } from "./model.ts";
import { routerDefaults } from "./router.ts";
import { sessionDefaults } from "./session.ts";

export const defaultsChain: readonly (readonly [name: string, layer: DefaultsLayer])[] = [
  ["message", messageDefaults],
  ["logging", loggingDefaults],
  ["session", sessionDefaults],
  ["agent", agentDefaults],
  ["context-pruning", contextPruningDefaults],
  ["compaction", compactionDefaults],
  ["model", modelDefaults],
  ["router", routerDefaults],
];

export function applyDefaults(draft: ConfigDraft, context: DefaultsContext): ConfigDraft {
  return defaultsChain.reduce((filled, [, layer]) => layer(filled, context), groundDefaults(draft));
}
