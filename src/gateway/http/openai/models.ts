/** `GET /v1/models` and `/v1/models/{id}`: the agents, as models that a client can choose. */
import { AppError } from "../../../domain/app-error.ts";
import type { Config } from "../../../config/schema/root.ts";
import type { GatewayDeps } from "../../deps.ts";
import type { GuardedRoute } from "../contract.ts";
import { sendJson } from "../respond.ts";
import { agentOfModel } from "./target.ts";

export function modelRoutes(deps: GatewayDeps): readonly GuardedRoute[] {
  const shared = { method: "GET", scope: "operator.read", enabled: servesModels } as const;
  return [
    {
      ...shared,
      path: "/v1/models",
      handle: (exchange) => {
        const ids = ["openclaw", ...deps.agents().map((agent) => `openclaw:${agent.id}`)];
        sendJson(exchange, 200, { object: "list", data: ids.map((id) => modelObject(deps, id)) });
      },
    },
    {
      ...shared,
      path: "/v1/models/{id}",
      handle: (exchange) => {
        const id = exchange.param ?? "";
        const agentId = agentOfModel(id);
        const isKnown = agentId === null || deps.agents().some((agent) => agent.id === agentId);
        if (!isKnown) {
          const message = `The model ${JSON.stringify(id)} does not exist here.`;
          throw new AppError("MODEL_001", message, { details: { param: "model" } });
        }
        sendJson(exchange, 200, modelObject(deps, id));
      },
    },
  ];
}

function servesModels({ gateway }: Config): boolean {
  const { chatCompletions, responses } = gateway.http.endpoints;
  return chatCompletions.enabled || responses.enabled;
}

function modelObject(deps: GatewayDeps, id: string): unknown {
  const created = Math.floor(deps.config.current().loadedMs / 1000);
  return { id, object: "model", created, owned_by: "openclaw" };
}
