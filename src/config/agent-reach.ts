/** Which other agents one may reach, as the configuration says: the same for the tools and for the policy that judges them. */
import type { Config } from "./schema/root.ts";

/** Whether sessions of other agents may be written to. */
export function mayWriteTo({ tools }: Pick<Config, "tools">, agentId: string): boolean {
  const { enabled, allow } = tools.agentToAgent;
  return enabled && names(allow, agentId);
}

/** Whether `agentId` may start helpers of another agent. */
export function mayStartHelpersOf({ agents }: Pick<Config, "agents">, agentId: string, other: string): boolean {
  const own = agents.list.find(({ id }) => id.toLowerCase() === agentId.toLowerCase());
  return names(own?.subagents?.allowAgents ?? [], other);
}

function names(allowed: readonly string[], agentId: string): boolean {
  return allowed.includes("*") || allowed.includes(agentId);
}
