/** Whether the commands of a session run in a box, as the configuration says; nothing that a call says changes it. */
import type { Config } from "./schema/root.ts";

export function isSandboxed({ agents }: Pick<Config, "agents">, agentId: string, isMain: boolean): boolean {
  const mode = agents.list.find(({ id }) => id === agentId)?.sandbox?.mode ?? agents.defaults.sandbox.mode;
  return mode === "all" || (mode === "non-main" && !isMain);
}
