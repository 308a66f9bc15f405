/**
 * Whom an OpenAI-style request talks to: which agent, in which session, with which model. What a caller may choose
 * follows from its scopes: an agent by `model` for everybody, a session of its own by `user`, the rest for admins.
 */
import type { IncomingHttpHeaders } from "node:http";
import { AppError } from "../../../domain/app-error.ts";
import type { Principal } from "../../../domain/authority.ts";
import { limits } from "../../../domain/limits.ts";
import { coversScope } from "../../../domain/scopes.ts";
import { defaultAgentId } from "../../default-agent.ts";
import type { GatewayDeps } from "../../deps.ts";

export interface Target {
  readonly agentId: string;
  readonly sessionKey: string;
  /** True for a call that leaves no session behind: its history comes with the request. */
  readonly ephemeral: boolean;
  /** The model the caller chose over the agent's own. */
  readonly model: string | null;
}

export interface TargetRequest {
  readonly principal: Principal;
  readonly headers: IncomingHttpHeaders;
  /** `openclaw`, `openclaw:<agent>`, `openclaw/<agent>` or `agent:<agent>`. */
  readonly model: string;
  readonly user: string | null;
}

/** Throws MODEL_001 for an unknown model or agent, SEC_004 for a choice that needs an admin, RPC_007 for a foreign session. */
export function resolveTarget(deps: GatewayDeps, request: TargetRequest): Target {
  const { principal, headers, user } = request;
  const model = chosenModel(deps, request);
  const sessionHeader = header(headers, "x-openclaw-session-key");
  const agentId = chosenAgent(deps, request, agentOfKey(sessionHeader));
  if (sessionHeader !== null) {
    const sessionKey = sessionHeader.includes(":") ? sessionHeader : `agent:${agentId}:${sessionHeader}`;
    requireSession(principal, agentId, sessionKey);
    return { agentId, sessionKey, ephemeral: false, model };
  }
  if (user !== null) return { agentId, sessionKey: ownPrefix(principal, agentId) + user, ephemeral: false, model };
  return { agentId, sessionKey: `agent:${agentId}:openai:${deps.ids.uuid()}`, ephemeral: true, model };
}

/** The agent a model name stands for: null = the default one, undefined = not a name of ours. */
export function agentOfModel(model: string): string | null | undefined {
  if (model === "openclaw") return null;
  return /^(?:openclaw[:/]|agent:)([A-Za-z0-9][\w.-]{0,63})$/.exec(model)?.[1];
}

function chosenAgent(deps: GatewayDeps, { principal, headers, model }: TargetRequest, ofKey: string | null): string {
  const named = agentOfModel(model);
  if (named === undefined) throw unknownModel(model);
  const fromHeader = header(headers, "x-openclaw-agent-id");
  if (fromHeader !== null) requireAdmin(principal, "Choosing an agent by header");
  const agentId = fromHeader ?? ofKey ?? named ?? defaultAgentId(deps);
  if (!deps.agents().some((agent) => agent.id === agentId)) throw unknownModel(fromHeader ?? ofKey ?? model);
  if (ofKey !== null && agentId !== ofKey) {
    throw new AppError("RPC_003", "The session key belongs to another agent than the one that was named.");
  }
  return agentId;
}

function chosenModel(deps: GatewayDeps, { principal, headers }: TargetRequest): string | null {
  const wanted = header(headers, "x-openclaw-model");
  if (wanted === null) return null;
  requireAdmin(principal, "Choosing a model by header");
  const refusal = deps.desk.refusal(wanted);
  if (refusal !== null) throw AppError.fromJSON(refusal);
  return wanted;
}

function agentOfKey(sessionKey: string | null): string | null {
  return /^agent:([^:]+):/.exec(sessionKey ?? "")?.[1] ?? null;
}

function requireSession(principal: Principal, agentId: string, sessionKey: string): void {
  if (isAdmin(principal) || sessionKey.startsWith(ownPrefix(principal, agentId))) return;
  // The same answer as for a session that does not exist: whether it does is nobody else's business.
  throw new AppError("RPC_007", "There is no such session.");
}

/** Sessions by `user`. Two callers who are no admins do not meet in one, whatever name they give. */
function ownPrefix(principal: Principal, agentId: string): string {
  const base = `agent:${agentId}:openai-user:`;
  return isAdmin(principal) ? base : `${base}${principal.id}:`;
}

function isAdmin(principal: Principal): boolean {
  return coversScope(principal.scopes, "operator.admin");
}

function requireAdmin(principal: Principal, what: string): void {
  if (isAdmin(principal)) return;
  throw new AppError("SEC_004", `${what} needs the scope operator.admin.`, {
    details: { missingScope: "operator.admin" },
  });
}

function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  const text = (Array.isArray(value) ? value[0] : value)?.trim() ?? "";
  if (text === "") return null;
  if (text.length > limits.sessionKeyChars || !/^[\x21-\x7e]+$/.test(text)) {
    throw new AppError("RPC_003", `The header ${name} is not valid.`);
  }
  return text;
}

function unknownModel(name: string): AppError {
  return new AppError("MODEL_001", `The model ${JSON.stringify(name)} does not exist here.`, {
    details: { param: "model" },
  });
}
