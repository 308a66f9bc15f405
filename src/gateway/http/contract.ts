/**
 * What the HTTP surface needs of its guard. The guard knows credentials, hosts, origins and how often somebody
 * guessed wrong; the routes know none of that and take a `Principal` as the only proof of who is asking.
 */
import type { IncomingMessage } from "node:http";
import type { AppError } from "../../domain/app-error.ts";
import type { Principal } from "../../domain/authority.ts";

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
  /** Null where the request names our host and no foreign origin; SEC_006 otherwise. Asked for every request. */
  checkHostAndOrigin(req: IncomingMessage): AppError | null;
}
