/**
 * What the HTTP surface is made of: the guard it asks, and the shape of a route. The guard knows credentials, hosts,
 * origins and how often somebody guessed wrong; the routes know none of that and take a `Principal` as the only
 * proof of who is asking.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "../../config/schema/root.ts";
import type { AppError } from "../../domain/app-error.ts";
import type { Principal } from "../../domain/authority.ts";
import type { Scope } from "../../domain/scopes.ts";
import type { Clock } from "../../platform/clock.ts";

export type HttpAuthentication =
  | { readonly ok: true; readonly principal: Principal }
  /** SEC_003 for a missing or wrong credential, SEC_008 with `retryAfterMs` while the address is locked out. */
  | { readonly ok: false; readonly error: AppError };

export interface HttpAuth {
  /**
   * Reads headers alone (`Authorization: Bearer`, `x-api-key`), never the query, and is asked before a byte of the
   * body is read. Counts failures by address over every kind of credential. Never throws.
   */
  authenticate(req: IncomingMessage): HttpAuthentication | Promise<HttpAuthentication>;
  /**
   * Null where the request names our host and no foreign origin; SEC_006 otherwise, with `details.httpStatus` 421
   * where the host is foreign (a page whose name was rebound to us). Asked for every request but a webhook's.
   */
  checkHostAndOrigin(req: IncomingMessage): AppError | null;
  /**
   * The first half of it, for callers who show a credential of their own whatever page they come from. `publicHost` is
   * a name besides ours that they may ask for: a tunnel hands on the one that the platform was told.
   */
  checkHost(req: IncomingMessage, publicHost: string | null): AppError | null;
}

/** A request under way. `param` is the decoded last segment of a route that takes one. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly clock: Clock;
  readonly path: string;
  readonly param: string | null;
}

export interface AuthorisedExchange extends Exchange {
  readonly principal: Principal;
}

interface RouteBase {
  readonly method: "GET" | "POST" | "DELETE";
  /** An exact path, or one that ends in `/{id}`: then the last segment is the parameter. */
  readonly path: string;
  /** False switches the route off: it answers as if it did not exist. Asked for each request. */
  readonly enabled?: (config: Config) => boolean;
}

/** Open to everybody who reaches the port. */
export interface PublicRoute extends RouteBase {
  readonly scope: null;
  handle(exchange: Exchange): void | Promise<void>;
}

/** Reached only with a credential that covers `scope`; its handler cannot be called without a principal. */
export interface GuardedRoute extends RouteBase {
  readonly scope: Scope;
  handle(exchange: AuthorisedExchange): void | Promise<void>;
}

export type Route = PublicRoute | GuardedRoute;
