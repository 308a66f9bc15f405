/** Who asks for a tool, as policy judges it: from the message that the turn answers and the turn's own birth. */
import { isSandboxed } from "../../config/sandboxed.ts";
import type { Act } from "../../domain/act.ts";
import { isMainSession } from "../../domain/session-key.ts";
import type { CallFacts, PolicyFacts } from "../../policy/contract.ts";
import type { AgentDeps, ToolCaller } from "../turn.ts";
import { isKnownAddress } from "./known-address.ts";

export function policyFactsOf(turn: ToolCaller, deps: Pick<AgentDeps, "isOwner">): PolicyFacts {
  const { row, options, config, choice } = turn;
  const { message, sessionKey, agentId } = row;
  const { channel, accountId, chatKind } = message.address;
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
    sandboxed: isSandboxed(config, { agentId, sessionKey }),
    within: options.born?.tools ?? null,
    isMain: isMainSession(sessionKey, config.session.mainKey),
  };
}

export function callFactsOf(
  turn: ToolCaller,
  call: { readonly tool: string; readonly act: Act },
  deps: Pick<AgentDeps, "isOwner">,
): CallFacts {
  const { tool, act } = call;
  return { ...policyFactsOf(turn, deps), tool, act: withOrigin(turn, act), taint: turn.taint };
}

/** An address is judged by where it is from, too: what somebody said or what was read, or the model's own making. */
function withOrigin(turn: ToolCaller, act: Act): Act {
  return act.kind === "fetch" ? { ...act, known: isKnownAddress(turn, act.url) } : act;
}
