/** Handlers of agents and models. */
import { AppError } from "../../domain/app-error.ts";
import type { Address } from "../../domain/message.ts";
import { coversScope } from "../../domain/scopes.ts";
import { thinkingLevelOf } from "../../domain/thinking-level.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { agent, agentIdentity, agentsList, agentWait, modelsList } from "../../protocol/methods/agent.ts";
import type { InboxRow, TurnRow } from "../../store/port.ts";
import { defaultAgentId } from "../default-agent.ts";
import { admitRun } from "./admit-run.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import { attachmentOf } from "./inline-attachment.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

/** How long `agent.wait` waits when nobody says. */
const defaultWaitMs = 30_000;

export function agentMethods(services: RpcServices): readonly BoundMethod[] {
  const { deps } = services;
  return [
    handle(agent, (params, caller) => start(services, params, caller)),
    handle(agentWait, (params) => wait(services, params)),
    handle(agentIdentity, (params) => {
      const { agentId } = sessionTarget(deps, { sessionKey: params.sessionKey, agentId: params.agentId });
      const name = deps.agents().find(({ id }) => id === agentId)?.name;
      return { agentId, ...(name === undefined ? {} : { name }) };
    }),
    handle(agentsList, () => ({
      defaultId: defaultAgentId(deps),
      mainKey: deps.config.current().config.session.mainKey,
      scope: deps.config.current().config.session.dmScope === "main" ? ("global" as const) : ("per-sender" as const),
      agents: deps
        .agents()
        .map(({ id, name, model }) => ({ id, name, ...(model === null ? {} : { model: { primary: model } }) })),
    })),
  ];
}

export function modelMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(modelsList, () => {
      return {
        models: deps.models.list().map((model) => {
          const authState = deps.desk.authState(model);
          return {
            id: model.id,
            name: model.name,
            provider: model.provider,
            ...(model.contextWindow === null ? {} : { contextWindow: model.contextWindow }),
            ...(model.maxTokens === null ? {} : { maxTokens: model.maxTokens }),
            reasoning: model.reasoning,
            input: [...model.input],
            cost: model.price === undefined ? null : { ...model.price },
            priceKnown: model.price !== undefined,
            available: authState === "ok" || authState === "not-needed",
            authState,
          };
        }),
      };
    }),
  ];
}

async function start(services: RpcServices, params: ParamsOf<typeof agent>, caller: Caller) {
  const { deps } = services;
  requireAdminForOverride(params, caller);
  const runId = params.idempotencyKey;
  const state = await admitRun(
    services,
    {
      method: agent.name,
      runId,
      text: params.message,
      attachments: (params.attachments ?? []).map(attachmentOf),
      target: sessionTarget(deps, { sessionKey: params.sessionKey, agentId: params.agentId }),
      options: {
        ...(params.model === undefined ? {} : { model: params.model }),
        ...(params.thinking === undefined ? {} : { thinking: thinkingLevelOf(params.thinking, "thinking") }),
        ...(params.timeout === undefined || params.timeout === 0 ? {} : { timeoutMs: params.timeout * 1_000 }),
        ...(params.extraSystemPrompt === undefined ? {} : { instructions: params.extraSystemPrompt }),
      },
      address: deliveryAddress(params),
    },
    caller,
  );
  return { runId, status: state === "started" ? ("accepted" as const) : state, acceptedAt: deps.clock.nowMs() };
}

/** Which model runs and what it is told are the owner's choice; a caller with less may only talk. */
function requireAdminForOverride({ model, extraSystemPrompt }: ParamsOf<typeof agent>, caller: Caller): void {
  if (model === undefined && extraSystemPrompt === undefined) return;
  if (coversScope(caller.principal.scopes, "operator.admin")) return;
  throw new AppError("SEC_004", "missing scope: operator.admin", {
    details: { code: "MISSING_SCOPE", missingScope: "operator.admin", requiredScopes: ["operator.admin"] },
  });
}

function deliveryAddress(params: ParamsOf<typeof agent>): Address | null {
  if (params.deliver !== true) return null;
  if (params.channel === undefined || params.to === undefined) {
    throw new AppError("RPC_003", "invalid agent params: deliver needs 'channel' and 'to'", {
      details: { param: "deliver" },
    });
  }
  return {
    channel: params.channel,
    accountId: params.accountId ?? "default",
    chatId: params.to,
    chatKind: "dm",
    ...(params.threadId === undefined ? {} : { threadId: params.threadId }),
  };
}

async function wait({ deps }: RpcServices, { runId, timeoutMs }: ParamsOf<typeof agentWait>) {
  const turn = (await endedTurn(deps, runId)) ?? (await deps.turns.wait(runId, timeoutMs ?? defaultWaitMs));
  if (turn !== null) return snapshot(turn);
  // It may have ended as the time was up, without a turn: refused, merged or expired.
  const row = await deps.store.inbox.byRunId(runId);
  return row === null || row.endedMs === null ? { runId, status: "timeout" as const } : withoutTurn(row);
}

/** Null while there is something to wait for. Throws RPC_007 for a run that nobody knows: no time would make it end. */
async function endedTurn({ store }: RpcServices["deps"], runId: string): Promise<TurnRow | null> {
  const turn = await store.turns.get(runId);
  if (turn !== null) return turn.state === "running" ? null : turn;
  if ((await store.inbox.byRunId(runId)) === null) throw new AppError("RPC_007", "there is no such run");
  return null;
}

function withoutTurn({ runId, state, reason, endedMs }: InboxRow) {
  return { runId, status: "error" as const, endedAt: endedMs ?? 0, error: `${state}: ${reason ?? "no reason kept"}` };
}

function snapshot(turn: TurnRow) {
  return {
    runId: turn.runId,
    status: turn.state === "error" ? ("error" as const) : ("ok" as const),
    startedAt: turn.startedMs,
    ...(turn.endedMs === null ? {} : { endedAt: turn.endedMs }),
    text: turn.text,
    ...(turn.stopReason === null ? {} : { stopReason: turn.stopReason }),
    ...(turn.model === null ? {} : { model: turn.model }),
    ...(turn.error === null ? {} : { error: turn.error.message, errorCode: turn.error.code }),
    ...(turn.state === "aborted" ? { aborted: true } : {}),
  };
}
