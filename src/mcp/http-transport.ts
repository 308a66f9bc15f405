/**
 * Speaks to a server at an address of the configuration, through the house's one way out. Nothing is asked but that host,
 * and it may be a private one only where it was configured as one; what says who we are goes to that origin alone.
 */
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { FetchLike, Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import { createEgress, type Egress } from "../platform/egress.ts";
import { isLocalName, isPublicAddress, literalAddress } from "../platform/egress/address.ts";
import type { Resolve } from "../platform/egress/connector.ts";
import type { Log } from "../platform/log.ts";
import type { ServerSettings } from "./settings.ts";

export interface HttpOptions {
  readonly url: string;
  readonly settings: Pick<ServerSettings, "headers" | "privateNetwork" | "timeoutSeconds" | "transport">;
  readonly clock: Clock;
  readonly log: Log;
  readonly resolve?: Resolve;
}

export function openHttpTransport(options: HttpOptions): Transport {
  const { headers, transport } = options.settings;
  const url = new URL(options.url);
  const fetch = guardedFetch(url, options);
  if (transport === "sse") {
    return new SSEClientTransport(url, { requestInit: { headers }, fetch });
  }
  return leaving(new StreamableHTTPClientTransport(url, { requestInit: { headers }, fetch }), options.clock);
}

/** Says goodbye before it hangs up, so that the server keeps no session of ours; it is not waited for longer than a moment. */
function leaving(transport: StreamableHTTPClientTransport, clock: Clock): Transport {
  const hangUp = transport.close.bind(transport);
  transport.close = async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(limits.mcpAskedToEndMs, resolve);
    // One that is not there any more need not be told.
    void transport
      .terminateSession()
      .catch(() => undefined)
      .finally(resolve);
    await promise;
    timer.cancel();
    await hangUp();
  };
  return transport;
}

/** The library asks with `fetch`; every hop of it is judged by the guard. */
function guardedFetch(url: URL, options: HttpOptions): FetchLike {
  const { settings, clock, log, resolve } = options;
  const egress: Egress = createEgress({
    allowHosts: [url.hostname],
    allowPrivate: (asked) => asked.origin === url.origin && (settings.privateNetwork || isPlainlyPrivate(url.hostname)),
    clock,
    log,
    ...(resolve === undefined ? {} : { resolve }),
  });
  const callMs = settings.timeoutSeconds * 1_000 + limits.mcpStartMs;
  return async (asked, init = {}) => {
    const method = init.method ?? "GET";
    // A stream of the server's own words stays open for as long as the connection does.
    const timeoutMs = method === "GET" ? limits.mcpIdleMs : callMs;
    return await egress.fetch(asked, {
      method,
      ...(init.headers === undefined ? {} : { headers: init.headers }),
      body: init.body ?? null,
      ...(init.signal === undefined || init.signal === null ? {} : { signal: init.signal }),
      maxBytes: limits.mcpMessageBytes,
      timeoutMs,
      idleTimeoutMs: timeoutMs,
    });
  };
}

/** Written as what it is: nobody else can make this name stand for another address. */
function isPlainlyPrivate(hostname: string): boolean {
  const literal = literalAddress(hostname);
  return literal === null ? isLocalName(hostname) : !isPublicAddress(literal);
}
