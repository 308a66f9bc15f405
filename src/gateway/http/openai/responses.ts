/** `/v1/responses` by the OpenResponses specification: create, fetch, delete. Loaded by the first request. */
import type { Config } from "../../../config/schema/root.ts";
import type { GatewayDeps } from "../../deps.ts";
import type { GuardedRoute } from "../contract.ts";
import type { FollowRun } from "../follow-run.ts";
import type { ResponseHandlers } from "./answer-responses.ts";

export function responseRoutes(deps: GatewayDeps, followRun: FollowRun): readonly GuardedRoute[] {
  let loading: Promise<ResponseHandlers> | null = null;
  const handlers = (): Promise<ResponseHandlers> => {
    loading ??= import("./answer-responses.ts").then((module) => module.createResponseHandlers(deps, followRun));
    return loading;
  };
  const enabled = (config: Config): boolean => config.gateway.http.endpoints.responses.enabled;
  const one = { path: "/v1/responses/{id}", enabled } as const;
  return [
    {
      method: "POST",
      path: "/v1/responses",
      scope: "operator.write",
      enabled,
      handle: async (exchange) => (await handlers()).create(exchange),
    },
    { ...one, method: "GET", scope: "operator.read", handle: async (exchange) => (await handlers()).fetch(exchange) },
    {
      ...one,
      method: "DELETE",
      scope: "operator.write",
      handle: async (exchange) => (await handlers()).remove(exchange),
    },
  ];
}
