/**
 * The HTTP surface as one request listener. For each request, in this order: host and origin, route, credential,
 * scope, handler. It decides nothing else; a handler that throws becomes a typed answer and never ends the process.
 * What no route of ours answers may be a platform that calls a channel: such a call has a way of its own.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "../../domain/app-error.ts";
import type { Principal } from "../../domain/authority.ts";
import { coversScope, type Scope } from "../../domain/scopes.ts";
import type { GatewayDeps } from "../deps.ts";
import type { Exchange, HttpAuth } from "./contract.ts";
import { createFollowRun } from "./follow-run.ts";
import { healthRoutes } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { chatCompletionsRoute } from "./openai/chat-completions.ts";
import { modelRoutes } from "./openai/models.ts";
import { responseRoutes } from "./openai/responses.ts";
import { pageRoutes } from "./pages.ts";
import { sendError, statusOf } from "./respond.ts";
import { createRouteTable, type RouteMatch } from "./route-table.ts";
import { createRunRelay } from "./run-relay.ts";
import { invokeRoutes } from "./tools/invoke.ts";
import { createWebhookDoor } from "./webhooks.ts";

export type HttpListener = (req: IncomingMessage, res: ServerResponse) => void;

export function createHttpApp(deps: GatewayDeps, auth: HttpAuth): HttpListener {
  const log = deps.log.child("http");
  const followRun = createFollowRun(deps, createRunRelay(deps.bus));
  const metrics = createMetrics(deps);
  // The order decides where two could answer: the first one declared does.
  const routes = [
    ...healthRoutes(deps),
    metrics.route,
    chatCompletionsRoute(deps, followRun),
    ...responseRoutes(deps, followRun),
    ...modelRoutes(deps),
    ...invokeRoutes(deps),
    ...pageRoutes(deps),
  ];
  const table = createRouteTable(routes, (route) => route.enabled?.(deps.config.current().config) ?? true);
  const webhooks = createWebhookDoor(deps, auth);
  return (req, res) => {
    const match = table.match(req.method ?? "GET", req.url ?? "/");
    const webhook = match.kind === "route" ? null : webhooks.pathOf(req);
    const path = match.kind === "route" ? match.path : webhook === null ? "unknown" : "webhook";
    const param = match.kind === "route" ? match.param : null;
    const exchange: Exchange = { req, res, clock: deps.clock, path, param };
    res.once("close", () => metrics.requests.count(path, knownMethod(req.method), res.statusCode));
    // A socket that breaks is the end of a request, not of the process; `close` follows and does the rest.
    req.on("error", (error) => log.debug("A request broke off.", { path, reason: error.message }));
    res.on("error", (error) => log.debug("An answer broke off.", { path, reason: error.message }));
    const answered = webhook === null ? answer(exchange, match, auth) : webhooks.answer(exchange, webhook);
    answered.catch((thrown: unknown) => {
      const error = AppError.from(thrown);
      const fields = { path, code: error.code, reason: error.message };
      if (error.code === "SYS_001") log.error("A request failed.", { ...fields, cause: error.cause ?? error.stack });
      else if (statusOf(error) >= 500) log.warn("A request failed.", fields);
      // A stream that has begun cannot change its status; cutting it says that it is not complete.
      if (res.headersSent) res.destroy();
      else sendError(exchange, error);
    });
  };
}

async function answer(exchange: Exchange, match: RouteMatch, auth: HttpAuth): Promise<void> {
  const foreign = auth.checkHostAndOrigin(exchange.req);
  if (foreign !== null) throw foreign;
  if (match.kind === "route" && match.route.scope === null) {
    await match.route.handle(exchange);
    return;
  }
  if (match.kind === "route" || match.guarded) {
    const principal = await authenticate(exchange.req, auth);
    if (match.kind === "route" && match.route.scope !== null) {
      requireScope(principal, match.route.scope);
      await match.route.handle({ ...exchange, principal });
      return;
    }
  }
  if (match.kind === "method") refuseMethod(exchange, match.allowed);
  throw new AppError("RPC_002", "There is nothing at this address.");
}

async function authenticate(req: IncomingMessage, auth: HttpAuth): Promise<Principal> {
  const result = await auth.authenticate(req);
  if (!result.ok) throw result.error;
  return result.principal;
}

function requireScope(principal: Principal, scope: Scope): void {
  if (coversScope(principal.scopes, scope)) return;
  throw new AppError("SEC_004", `This needs the scope ${scope}.`, { details: { missingScope: scope } });
}

function refuseMethod({ req, res }: Exchange, allowed: readonly string[]): never {
  res.setHeader("allow", allowed.join(", "));
  const message = `${knownMethod(req.method)} is not possible here; ${allowed.join(", ")} is.`;
  throw new AppError("RPC_002", message, { details: { httpStatus: 405 } });
}

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** What a caller names as its method must not become a label or a line of its own choice. */
function knownMethod(method: string | undefined): string {
  return method !== undefined && methods.has(method) ? method : "OTHER";
}
