/**
 * `POST /tools/invoke` and `/api/tools/invoke`: one call of a tool, behind the very gate of the agent's own. What answers is
 * loaded by the first request.
 */
import type { GatewayDeps } from "../../deps.ts";
import type { GuardedRoute } from "../contract.ts";

export function invokeRoutes(deps: GatewayDeps): readonly GuardedRoute[] {
  let answer: Promise<GuardedRoute["handle"]> | null = null;
  const handle: GuardedRoute["handle"] = async (exchange) => {
    answer ??= import("./answer-invoke.ts").then(({ createInvokeAnswer }) => createInvokeAnswer(deps));
    await (
      await answer
    )(exchange);
  };
  return ["/tools/invoke", "/api/tools/invoke"].map((path) => ({
    method: "POST",
    path,
    scope: "operator.write",
    handle,
  }));
}
