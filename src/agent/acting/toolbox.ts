/** The tools that a turn has: those there are, less those that policy keeps from it. Taken once, when its steps begin. */
import type { ToolSet, AgentDeps, ToolCaller } from "../turn.ts";
import { policyFactsOf } from "./call-facts.ts";

export async function openToolbox(
  turn: ToolCaller,
  deps: Pick<AgentDeps, "tools" | "policy" | "isOwner">,
): Promise<ToolSet> {
  const all = await deps.tools(turn.row.agentId);
  const facts = policyFactsOf(turn, deps);
  const allowed = new Set(
    all.tools.filter(({ name }) => deps.policy.permits(name, facts).allowed).map(({ name }) => name),
  );
  return {
    tools: all.tools.filter(({ name }) => allowed.has(name)),
    specs: all.specs.filter(({ name }) => allowed.has(name)),
  };
}
