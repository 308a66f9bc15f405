/** Layer 4: what every agent has. The heartbeat costs a turn each time, so it is off until somebody says how often. */
import { fill, type ConfigDraft, type DefaultsContext } from "./draft.ts";

export function agentDefaults(draft: ConfigDraft, context: DefaultsContext): ConfigDraft {
  const every = draft.agents?.defaults?.heartbeat?.every;
  const wanted = every !== undefined && Number.parseFloat(every) > 0;
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
        heartbeat: { enabled: wanted, every: "30m" },
        subagents: { maxConcurrent: 8, maxDepth: 1 },
        sandbox: { mode: "off", scope: "agent", workspaceAccess: "rw" },
      },
      list: [],
    },
  });
}
