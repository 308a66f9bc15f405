/** Which agent answers where nobody names one. */
import type { GatewayDeps } from "./deps.ts";

/** The one marked as default, else the first; `main` where there is none. */
export function defaultAgentId(deps: Pick<GatewayDeps, "agents">): string {
  const agents = deps.agents();
  return (agents.find((agent) => agent.isDefault) ?? agents[0])?.id ?? "main";
}
