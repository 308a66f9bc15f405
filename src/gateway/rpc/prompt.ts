/** The handler that shows what a prompt is made of. */
import { promptShow } from "../../protocol/methods/prompt.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

export function promptMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(promptShow, async ({ agentId, sessionKey, tier }) => {
      const target = sessionTarget(deps, { sessionKey, agentId });
      const address = (await deps.store.sessions.get(target.sessionKey))?.lastAddress ?? null;
      const report = await deps.prompt({ agentId: target.agentId, address, tier: tier ?? null });
      return {
        agentId: target.agentId,
        sections: report.sections.map((section) => ({ ...section })),
        tools: report.tools.map((tool) => ({ ...tool })),
        totalBytes: report.totalBytes,
      };
    }),
  ];
}
