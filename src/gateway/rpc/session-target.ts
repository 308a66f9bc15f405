/** Which session and agent a caller means. One text for every way of writing a key; an agent that is not there is refused. */
import { AppError } from "../../domain/app-error.ts";
import { canonicalSessionKey, parseSessionKey } from "../../domain/session-key.ts";
import type { GatewayDeps } from "../deps.ts";
import { defaultAgentId } from "../default-agent.ts";

export interface SessionTarget {
  readonly sessionKey: string;
  readonly agentId: string;
}

export interface NamedTarget {
  readonly sessionKey: string | undefined;
  readonly agentId: string | undefined;
}

/** Throws RPC_003 for a key that is none, MODEL_001 for an agent that is not configured. */
export function sessionTarget(deps: Pick<GatewayDeps, "agents" | "config">, named: NamedTarget): SessionTarget {
  const agentId = named.agentId ?? defaultAgentId(deps);
  const { mainKey } = deps.config.current().config.session;
  const text = named.sessionKey ?? mainKey;
  const sessionKey = canonicalSessionKey(text, { defaultAgentId: agentId, mainKey });
  if (sessionKey === undefined)
    throw new AppError("RPC_003", "invalid session key", { details: { param: "sessionKey" } });
  const key = parseSessionKey(sessionKey);
  const owner = key !== undefined && "agentId" in key ? key.agentId : agentId;
  if (named.agentId !== undefined && owner !== named.agentId) {
    throw new AppError("RPC_003", "the session belongs to another agent than agentId says", {
      details: { param: "agentId" },
    });
  }
  const agents = deps.agents();
  if (agents.length > 0 && !agents.some(({ id }) => id === owner)) {
    throw new AppError("MODEL_001", `unknown agent: ${owner.slice(0, 128)}`);
  }
  return { sessionKey, agentId: owner };
}

/** The canonical text of a key that names a session, whether or not its agent is still there. */
export function sessionKeyOf(deps: Pick<GatewayDeps, "agents" | "config">, text: string): string {
  const { mainKey } = deps.config.current().config.session;
  const key = canonicalSessionKey(text, { defaultAgentId: defaultAgentId(deps), mainKey });
  if (key === undefined) throw new AppError("RPC_003", "invalid session key", { details: { param: "key" } });
  return key;
}
