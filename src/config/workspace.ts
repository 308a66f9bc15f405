/** The folder in which an agent works, absolute as the configuration's paths are. It may not exist yet. */
import type { Config } from "./schema/root.ts";

export function workspaceOf({ agents }: Pick<Config, "agents">, agentId: string): string {
  return agents.list.find(({ id }) => id === agentId)?.workspace ?? agents.defaults.workspace;
}
