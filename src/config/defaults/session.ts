/** Layer 3: one main session per agent; history is kept, and a session begins anew only when somebody says so. */
import { fill, type ConfigDraft } from "./draft.ts";

export function sessionDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    session: {
      mainKey: "main",
      scope: "per-sender",
      dmScope: "main",
      identityLinks: {},
      resetTriggers: ["/new", "/reset"],
      reset: { mode: "never", atHour: 4, idleMinutes: 30 },
      agentToAgent: { maxPingPongTurns: 5 },
      maintenance: { mode: "warn", pruneAfter: "90d", maxEntries: 10_000 },
    },
  });
}
