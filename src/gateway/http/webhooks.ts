/**
 * The door for platforms that call us. Hands a call to whoever mounted its path and writes the answer; who may call is
 * checked there, by a secret that the gateway does not know. What it does see is how often that failed, and an address
 * that keeps guessing is refused before its next guess is looked at.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { peerOf } from "../auth/client-address.ts";
import { createFailureLimiter, type FailureLimiter } from "../auth/failure-limiter.ts";
import type { GatewayDeps } from "../deps.ts";
import type { Exchange, HttpAuth } from "./contract.ts";
import { readRawBody } from "./read-body.ts";
import { sendText } from "./respond.ts";
import { pathOf } from "./route-table.ts";

export interface WebhookDoor {
  /** The mounted path that a request calls; null where it calls none. Paths are compared byte by byte. */
  pathOf(req: IncomingMessage): string | null;
  /** Throws an AppError for what is refused before the channel hears of it. */
  answer(exchange: Exchange, path: string): Promise<void>;
}

export function createWebhookDoor(deps: GatewayDeps, auth: Pick<HttpAuth, "checkHost">): WebhookDoor {
  // Apart from the gateway's own counter: a platform's address that guessed wrong locks no person out, nor the reverse.
  const limiter = createFailureLimiter(deps.clock);
  return {
    pathOf(req) {
      const path = req.method === "POST" ? pathOf(req.url ?? "/") : null;
      return path !== null && deps.webhooks.mounted(path) ? path : null;
    },
    answer: (exchange, path) => answer(exchange, path, { deps, auth, limiter }),
  };
}

interface DoorParts {
  readonly deps: GatewayDeps;
  readonly auth: Pick<HttpAuth, "checkHost">;
  readonly limiter: FailureLimiter;
}

async function answer(exchange: Exchange, path: string, { deps, auth, limiter }: DoorParts): Promise<void> {
  const { req } = exchange;
  const foreign = auth.checkHost(req, deps.webhooks.publicHost(path));
  if (foreign !== null) throw foreign;
  const remoteAddress = peerOf(req, deps.config.current().config.gateway.trustedProxies).address;
  refuseLocked(limiter, remoteAddress);
  const body = await readRawBody(exchange, limits.webhookBodyBytes);
  // Guesses that came at once were all let in above; by now those before it have been told wrong.
  refuseLocked(limiter, remoteAddress);
  const answering = deps.webhooks.handle(path, { headers: singleHeaders(req.headers), body, remoteAddress });
  if (answering === null) throw new AppError("RPC_002", "There is nothing at this address.");
  const { status, body: text = "" } = await answering;
  if (status === 401) limiter.failed(remoteAddress);
  sendText(exchange, status, text, { "content-type": "text/plain; charset=utf-8" });
}

function refuseLocked(limiter: FailureLimiter, address: string): void {
  const retryAfterMs = limiter.lockedForMs(address);
  if (retryAfterMs > 0) throw new AppError("SEC_008", "Too many wrong secrets from this address.", { retryAfterMs });
}

function singleHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
