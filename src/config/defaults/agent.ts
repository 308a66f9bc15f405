/** Layer 4: what every agent has. The heartbeat is off: it costs a turn each time. */
import { fill, type ConfigDraft, type DefaultsContext } from "./draft.ts";

export function agentDefaults(draft: ConfigDraft, context: DefaultsContext): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    agents: {
      defaults: {
        timeoutSeconds: 600,
        maxConcurrent: 512,
        workspace: context.workspaceDir,
        bootstrapMaxChars: 20_000,
        mediaMaxMb: draft.media?.maxMb ?? 50,
        typingIntervalSeconds: 6,
        blockStreaming: false,
        heartbeat: { enabled: false, every: "30m" },
        subagents: { maxConcurrent: 8, maxDepth: 1 },
        sandbox: { mode: "off", scope: "agent", workspaceAccess: "rw" },
      },
      list: [],
    },
  });
}
