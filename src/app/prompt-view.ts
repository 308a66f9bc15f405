/** What a turn of an agent would be told, for whoever wants to see it: made by the same parts as the turn's own. */
import { promptReport, type PromptReport } from "../agent/prompt/prompt-report.ts";
import { promptFacts } from "../agent/prompt/system-prompt.ts";
import type { ToolSet } from "../agent/turn.ts";
import type { Config } from "../config/schema/root.ts";
import type { Address } from "../domain/message.ts";
import type { Tier } from "../domain/tier.ts";
import type { SurroundingsReader } from "../skills/contract.ts";
import { toolsOfTier } from "../tools/tier-tools.ts";

export interface PromptQuestion {
  readonly agentId: string;
  /** Where the answer would go; null is a talk between two. */
  readonly address: Address | null;
  readonly tier: Tier | null;
}

export function createPromptView(deps: {
  readonly config: () => Config;
  readonly tools: (agentId: string) => Promise<ToolSet>;
  readonly surroundings: SurroundingsReader;
}): (question: PromptQuestion) => Promise<PromptReport> {
  return async ({ agentId, address, tier }) => {
    const config = deps.config();
    const { specs } = await deps.tools(agentId);
    const around = await deps.surroundings.read({ agentId, isMain: true, isFirstOfSession: false });
    const offered = toolsOfTier(specs, tier, config.router.toolLimits);
    const where = address ?? { chatKind: "dm" as const };
    return promptReport(
      promptFacts(config, {
        agentId,
        address: where,
        toolNames: [],
        instructions: undefined,
        surroundings: around.sections,
      }),
      offered,
    );
  };
}
