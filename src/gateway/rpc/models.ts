/** Handlers of what people ask about the models: why one is chosen, and asking again what has failed. */
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { modelsExplain, modelsRetry } from "../../protocol/methods/models.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

export function modelChoiceMethods(services: RpcServices): readonly BoundMethod[] {
  const { deps } = services;
  return [
    handle(modelsExplain, (params) => explain(services, params)),
    handle(modelsRetry, ({ provider }) => ({ forgotten: deps.desk.forget(provider ?? null) })),
  ];
}

async function explain({ deps }: RpcServices, params: ParamsOf<typeof modelsExplain>) {
  const { sessionKey, agentId } = sessionTarget(deps, { sessionKey: params.sessionKey, agentId: params.agentId });
  const settings = (await deps.store.sessions.get(sessionKey))?.settings ?? {};
  const { model, profileId, tier, score, fallbackOn, considered, error } = await deps.desk.explain({
    agentId,
    sessionKey,
    requested: params.model,
    sessionModel: textOf(settings["model"]),
    sessionProfile: textOf(settings["authProfile"]),
    text: params.text ?? "",
    needsVision: false,
    estimatedTokens: 0,
  });
  return {
    agentId,
    sessionKey,
    model,
    profileId,
    tier,
    score,
    fallbackOn: [...fallbackOn],
    considered: considered.map((line) => ({ ...line })),
    error: error === null ? null : shortError(AppError.fromJSON(error)),
  };
}

function shortError({ code, message, retryAfterMs }: AppError) {
  return { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
