/** Handlers of policy: what would be decided, and what another configuration would change about what was. */
import type { AskedFacts, Decision } from "../../../policy/contract.ts";
import { callFactsSchema, policyDiff, policyExplain } from "../../../protocol/methods/policy.ts";
import { AppError } from "../../../domain/app-error.ts";
import { isKnownToolName, meantToolName } from "../../../domain/tool-names.ts";
import { handle, type BoundMethod } from "../handler.ts";
import { sessionTarget } from "../session-target.ts";
import type { RpcServices } from "../services.ts";

export function policyMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(policyExplain, async (asked) => {
      refuseUnknownTool(asked.tool);
      const { agentId } = sessionTarget(deps, { agentId: asked.agentId, sessionKey: undefined });
      // The schema says the same as the type but for what is optional in an address.
      const { facts, decision } = await deps.policy.explain({ ...asked, agentId } as AskedFacts);
      return { ...shownDecision(decision), facts: callFactsSchema.parse(facts) };
    }),
    handle(policyDiff, async ({ candidate, sinceMs, spanMs = monthMs, limit, cursor, rules }) => {
      const page = await deps.policy.diff({
        candidate,
        sinceMs: sinceMs ?? Math.max(0, deps.clock.nowMs() - spanMs),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
        ...(rules === undefined ? {} : { rules }),
      });
      return { ...page, changed: page.changed.map((one) => ({ ...one })) };
    }),
  ];
}

const monthMs = 30 * 24 * 3_600_000;

/** A slip would be explained as a tool that nothing is said about. Throws RPC_003. */
function refuseUnknownTool(tool: string): void {
  const isOne = !tool.startsWith("group:") && !tool.includes("*") && isKnownToolName(tool);
  if (isOne) return;
  const meant = meantToolName(tool);
  throw new AppError("RPC_003", `there is no tool ${tool}${meant === null ? "" : `; did you mean ${meant}?`}`, {
    details: { param: "tool" },
  });
}

function shownDecision(decision: Decision) {
  const { effect, rule } = decision;
  const trail = decision.trail.map((one) => ({ ...one }));
  const base = { effect, rule: { ...rule }, trail, message: null, question: null };
  switch (decision.effect) {
    case "allow":
      return base;
    case "deny":
      return { ...base, message: decision.message };
    case "ask": {
      const { shown, reasons, always, fallback } = decision.question;
      return { ...base, question: { shown, reasons: [...reasons], always: always?.says ?? null, fallback } };
    }
  }
}
