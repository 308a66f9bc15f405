/**
 * Whether a request names our host and comes from a page of ours. A foreign `Host` is a name that was rebound to us; a
 * foreign `Origin` is somebody else's page. Both are asked of every request and every upgrade, loopback included.
 */
import type { IncomingHttpHeaders } from "node:http";
import { hostname } from "node:os";
import ipaddr from "ipaddr.js";
import type { Config } from "../../config/schema/root.ts";
import { AppError } from "../../domain/app-error.ts";
import { isLoopback } from "./client-address.ts";

export interface HostGuard {
  /** Null where the request may go on; SEC_006 otherwise, with status 421 for a foreign host and 403 for an origin. */
  check(headers: IncomingHttpHeaders): AppError | null;
  /** The same of the host alone, which may be `also` besides ours. */
  checkHost(headers: IncomingHttpHeaders, also?: string | null): AppError | null;
}

export function createHostGuard(gatewayConfig: () => Config["gateway"]): HostGuard {
  function checkHost(headers: IncomingHttpHeaders, also: string | null = null): AppError | null {
    const host = hostOf(headers);
    if (isOurHost(host, gatewayConfig()) || (also !== null && hostName(host) === also.toLowerCase())) return null;
    return foreign(421, "This host name is not the gateway's.");
  }
  return {
    checkHost,
    check(headers) {
      const foreignHost = checkHost(headers);
      if (foreignHost !== null) return foreignHost;
      const config = gatewayConfig();
      const host = hostOf(headers);
      const { origin } = headers;
      if (origin === undefined || isOurOrigin(origin.toLowerCase(), host, config)) return null;
      return foreign(403, "This origin may not use the gateway.");
    },
  };
}

function hostOf(headers: IncomingHttpHeaders): string {
  return headers.host?.toLowerCase() ?? "";
}

function foreign(httpStatus: number, message: string): AppError {
  return new AppError("SEC_006", message, { details: { httpStatus } });
}

/**
 * The port is left out of it: a tunnel or a container may show another. An IP address cannot be rebound, so on a
 * gateway that listens to the network any may stand there: behind a port mapping we do not know our own.
 */
function isOurHost(host: string, config: Config["gateway"]): boolean {
  const name = hostName(host);
  if (name === null) return false;
  if (name === "localhost" || name.endsWith(".localhost") || isLoopback(name)) return true;
  if (name === config.host?.toLowerCase()) return true;
  if (config.controlUi.allowedOrigins.some((origin) => originHostName(origin) === name)) return true;
  const listensToNetwork = config.bind !== "loopback" || config.host !== undefined;
  if (!listensToNetwork) return false;
  const own = hostname().toLowerCase();
  return ipaddr.isValid(name) || name === own || name === `${own}.local`;
}

/** Same host and port as the page was served from, or listed. `null` is the origin of nobody in particular. */
function isOurOrigin(origin: string, host: string, config: Config["gateway"]): boolean {
  if (config.controlUi.allowedOrigins.some((allowed) => allowed.toLowerCase().replace(/\/$/, "") === origin))
    return true;
  const url = URL.parse(origin);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.host === host;
}

function hostName(host: string): string | null {
  const url = URL.parse(`http://${host}/`);
  if (url === null || url.username !== "" || url.pathname !== "/" || url.search !== "") return null;
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function originHostName(origin: string): string | null {
  return (
    URL.parse(origin)
      ?.hostname.replace(/^\[(.*)\]$/, "$1")
      .toLowerCase() ?? null
  );
}
