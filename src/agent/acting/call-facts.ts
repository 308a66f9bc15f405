/** Who asks for a tool, as policy judges it: from the message that the turn answers and the turn's own birth. */
import { isSandboxed } from "../../config/sandboxed.ts";
import type { Act } from "../../domain/act.ts";
import { parseSessionKey } from "../../domain/session-key.ts";
import type { CallFacts, PolicyFacts } from "../../policy/contract.ts";
import type { AgentDeps, ToolCaller } from "../turn.ts";

export function policyFactsOf(turn: ToolCaller, deps: Pick<AgentDeps, "isOwner">): PolicyFacts {
  const { row, options, config, choice } = turn;
  const { message, sessionKey, agentId } = row;
  const { channel, accountId, chatKind } = message.address;
  const isMain = isMainSession(sessionKey, config.session.mainKey);
  return {
    agentId,
    origin: options.origin ?? "chat",
    sessionKey,
    channel,
    accountId,
    chatKind,
    senderId: message.sender.id,
    isOwner: deps.isOwner(message),
    provider: choice?.candidates[0].model.provider ?? null,
    tier: choice?.tier ?? null,
    sandboxed: isSandboxed(config, agentId, isMain),
    within: options.born?.tools ?? null,
    isMain,
  };
}

export function callFactsOf(
  turn: ToolCaller,
  call: { readonly tool: string; readonly act: Act },
  deps: Pick<AgentDeps, "isOwner">,
): CallFacts {
  return { ...policyFactsOf(turn, deps), ...call, taint: turn.taint };
}

export function isMainSession(sessionKey: string, mainKey: string): boolean {
  const key = parseSessionKey(sessionKey);
  return key?.kind === "named" && key.name === mainKey;
}
