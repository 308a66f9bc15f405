/**
 * The guard of the HTTP surface. Takes the gateway's token from a header and from nowhere else: a query ends up in
 * logs and histories. A device token is no credential here, because no key comes with it.
 */
import type { IncomingMessage } from "node:http";
import type { Config } from "../../config/schema/root.ts";
import { AppError } from "../../domain/app-error.ts";
import { mintPrincipal } from "../../domain/authority-mint.ts";
import { scopes as allScopes } from "../../domain/scopes.ts";
import type { HttpAuth, HttpAuthentication } from "../http/contract.ts";
import { peerOf, type Peer } from "./client-address.ts";
import type { FailureLimiter } from "./failure-limiter.ts";
import type { HostGuard } from "./host-guard.ts";
import type { SharedSecret } from "./shared-secret.ts";

export interface HttpAuthDeps {
  readonly gatewayConfig: () => Config["gateway"];
  readonly secret: SharedSecret;
  readonly limiter: FailureLimiter;
  readonly hosts: HostGuard;
  readonly trustsLoopback: (peer: Peer) => Promise<boolean>;
}

/** `Bearer` and a token; longer than this nobody's token is. */
const maxCredentialChars = 4096;

export function createHttpAuth(deps: HttpAuthDeps): HttpAuth {
  return {
    checkHostAndOrigin: (req) => deps.hosts.check(req.headers),
    checkHost: (req, publicHost) => deps.hosts.checkHost(req.headers, publicHost),
    authenticate: (req) => authenticate(req, deps),
  };
}

async function authenticate(req: IncomingMessage, deps: HttpAuthDeps): Promise<HttpAuthentication> {
  const peer = peerOf(req, deps.gatewayConfig().trustedProxies);
  const lockedMs = deps.limiter.lockedForMs(peer.address);
  if (lockedMs > 0) {
    const message = "Too many failed attempts from this address.";
    return { ok: false, error: new AppError("SEC_008", message, { retryAfterMs: lockedMs }) };
  }
  const credential = credentialOf(req);
  if (credential === null) {
    if (await deps.trustsLoopback(peer)) return { ok: true, principal: owner() };
    return { ok: false, error: new AppError("SEC_003", "A bearer token is required.") };
  }
  if (deps.secret.matches(credential)) return { ok: true, principal: owner() };
  deps.limiter.failed(peer.address);
  return { ok: false, error: new AppError("SEC_003", "The bearer token is wrong.") };
}

function credentialOf(req: IncomingMessage): string | null {
  const bearer = /^bearer +(\S+) *$/i.exec(req.headers.authorization ?? "")?.[1];
  const credential = bearer ?? single(req.headers["x-openclaw-token"]) ?? single(req.headers["x-api-key"]);
  return credential === undefined || credential === "" || credential.length > maxCredentialChars ? null : credential;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function owner() {
  const scopes = allScopes.filter((scope) => scope !== "node");
  return mintPrincipal({ kind: "token", id: "token:gateway", role: "operator", scopes });
}
