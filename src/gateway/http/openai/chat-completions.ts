/**
 * `POST /v1/chat/completions`: a turn of an agent for any client that speaks OpenAI's chat protocol. What answers it
 * is loaded by the first request, so that a gateway nobody asks this way does not pay for it at its start.
 */
import type { GatewayDeps } from "../../deps.ts";
import type { GuardedRoute } from "../contract.ts";
import type { FollowRun } from "../follow-run.ts";

export function chatCompletionsRoute(deps: GatewayDeps, followRun: FollowRun): GuardedRoute {
  let answer: Promise<GuardedRoute["handle"]> | null = null;
  return {
    method: "POST",
    path: "/v1/chat/completions",
    scope: "operator.write",
    enabled: (config) => config.gateway.http.endpoints.chatCompletions.enabled,
    handle: async (exchange) => {
      answer ??= import("./answer-chat.ts").then(({ createChatAnswer }) => createChatAnswer(deps, followRun));
      await (
        await answer
      )(exchange);
    },
  };
}
