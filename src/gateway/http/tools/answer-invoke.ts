/**
 * Answers one call of a tool: `{ok:true,result}` or `{ok:false,error:{type,message,…}}`. It translates alone; whether the
 * call may be made, and by whom, is said where the agent's own calls are judged.
 */
import { z } from "zod";
import type { Invoked } from "../../../agent/contract.ts";
import { AppError } from "../../../domain/app-error.ts";
import type { Principal } from "../../../domain/authority.ts";
import { limits } from "../../../domain/limits.ts";
import { noMentions, type InboundMessage } from "../../../domain/message.ts";
import { coversScope } from "../../../domain/scopes.ts";
import type { GatewayDeps } from "../../deps.ts";
import { sessionTarget, type SessionTarget } from "../../rpc/session-target.ts";
import type { AuthorisedExchange, GuardedRoute } from "../contract.ts";
import { maybe } from "../openai/present.ts";
import { parseBody } from "../openai/parse.ts";
import { readJsonBody } from "../read-body.ts";
import { sendJson, statusOf } from "../respond.ts";
import { openInvocationKey, type KeptAnswer } from "./invocation-key.ts";

const invokeBody = z.object({
  tool: z.string("You must say which tool.").min(1).max(256),
  args: maybe(z.record(z.string(), z.unknown())),
  action: maybe(z.string().min(1).max(128)),
  sessionKey: maybe(z.string().min(1).max(limits.sessionKeyChars)),
  dryRun: maybe(z.boolean()),
});

type InvokeBody = z.output<typeof invokeBody>;

export function createInvokeAnswer(deps: GatewayDeps): GuardedRoute["handle"] {
  let open = 0;
  return async (exchange) => {
    open += 1;
    try {
      if (open > limits.invocationsAtOnce) throw new AppError("CONN_003", "Too many tools are called at once.");
      const { status, body } = await answer(exchange, deps);
      sendJson(exchange, status, body);
    } catch (thrown) {
      const error = AppError.from(thrown);
      // What nobody foresaw is logged and worded where every request ends.
      if (error.code === "SYS_001") throw error;
      const { status, body } = failure(error);
      sendJson(exchange, status, body, { "x-openclaw-error": error.code });
    } finally {
      open -= 1;
    }
  };
}

async function answer(exchange: AuthorisedExchange, deps: GatewayDeps): Promise<KeptAnswer> {
  const { json, raw } = await readJsonBody(exchange);
  const body = parseBody(invokeBody, json);
  const target = targetOf(deps, exchange.principal, body);
  const key = await openInvocationKey(deps, exchange, raw);
  if (key.before !== null) return key.before;
  const { signal, stop } = hangUpOf(exchange);
  let hasBegun = false;
  const beforeRun = async (): Promise<void> => {
    await key.begin();
    hasBegun = true;
  };
  try {
    const invoked = await deps.invokeTool({
      ...target,
      runId: key.runId,
      message: messageOf(deps, exchange.principal, { target, said: { tool: body.tool, args: argsOf(body) } }),
      tool: body.tool,
      args: argsOf(body),
      dryRun: body.dryRun ?? false,
      waitMs: limits.httpApprovalWaitMs,
      signal,
      beforeRun,
    });
    const told = answerOf(invoked, body.tool);
    if (hasBegun) await key.keep(told);
    return told;
  } catch (thrown) {
    const error = AppError.from(thrown);
    // It failed by itself and is over; one that was cut off may have been done.
    if (hasBegun && error.code === "RUN_003") await key.keep(failure(error));
    throw error;
  } finally {
    stop();
  }
}

/** The main session where none is named. Who is no admin has a session of its own and reaches no other. */
function targetOf(deps: GatewayDeps, principal: Principal, { sessionKey }: InvokeBody): SessionTarget {
  const target = sessionTarget(deps, { sessionKey, agentId: undefined });
  if (coversScope(principal.scopes, "operator.admin")) return target;
  const own = `agent:${target.agentId}:openai-user:${principal.id}:`;
  if (sessionKey === undefined) return { ...target, sessionKey: `${own}invoke` };
  // The same answer as for a session that does not exist: whether it does is nobody else's business.
  if (!target.sessionKey.startsWith(own)) throw new AppError("RPC_007", "There is no such session.");
  return target;
}

function argsOf({ args = {}, action }: InvokeBody): Readonly<Record<string, unknown>> {
  return action === undefined || "action" in args ? args : { ...args, action };
}

function messageOf(
  deps: GatewayDeps,
  principal: Principal,
  { target: { sessionKey }, said }: { readonly target: SessionTarget; readonly said: unknown },
): InboundMessage {
  const nowMs = deps.clock.nowMs();
  const id = deps.ids.uuid();
  return {
    id,
    kind: "message",
    address: { channel: "webchat", accountId: "default", chatId: sessionKey, chatKind: "dm" },
    sender: { id: principal.id },
    platformMessageId: id,
    // What the caller wrote is the call: an address in it is one that a person gave.
    content: [{ type: "text", text: JSON.stringify(said) }],
    mentions: noMentions,
    sentAtMs: nowMs,
    receivedAtMs: nowMs,
    // As for a message by the wire: policy judges by what the credential covers.
    raw: { principal: principal.id, scopes: [...principal.scopes] },
  };
}

function hangUpOf({ res }: AuthorisedExchange): { readonly signal: AbortSignal; stop(): void } {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new AppError("RUN_001", "The caller hung up."));
  res.once("close", onClose);
  if (res.destroyed) onClose();
  return { signal: gone.signal, stop: () => res.off("close", onClose) };
}

function answerOf(invoked: Invoked, tool: string): KeptAnswer {
  switch (invoked.state) {
    case "done": {
      const { text, from } = invoked;
      return { status: 200, body: { ok: true, result: { content: [{ type: "text", text }], from } } };
    }
    case "judged": {
      const { effect, rule, says } = invoked;
      return { status: 200, body: { ok: true, result: { dryRun: true, effect, rule, says } } };
    }
    case "unknown":
      return refusal(404, "not_found", `There is no tool named ${JSON.stringify(tool)} for this caller.`);
    case "under-way":
      return refusal(409, "in_progress", "A call with this Idempotency-Key is under way.");
    case "waiting": {
      const { approvalId, untilMs } = invoked;
      const message = `This waits for a person (question ${approvalId}). Call again with the same Idempotency-Key to get its answer.`;
      return refusal(409, "approval_pending", message, { approvalId, expiresAtMs: untilMs });
    }
    case "refused":
      return failure(invoked.error);
  }
}

function failure(error: AppError): KeptAnswer {
  const param = error.details["param"];
  return refusal(statusOf(error), typeOf(error), error.message, {
    code: error.code,
    ...(typeof param === "string" ? { param } : {}),
  });
}

function refusal(status: number, type: string, message: string, more: object = {}): KeptAnswer {
  return { status, body: { ok: false, error: { type, message, ...more } } };
}

function typeOf({ code, row }: AppError): string {
  if (code === "RUN_003") return "tool_error";
  if (code === "RUN_001") return "aborted";
  if (code === "SEC_011" || code === "SEC_012") return "approval_denied";
  if (code === "SEC_010") return "policy_denied";
  if (row.http === 404) return "not_found";
  return row.http < 500 ? "invalid_request" : "unavailable";
}
