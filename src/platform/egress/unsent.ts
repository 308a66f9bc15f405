/**
 * Tells a request that was never written from one whose answer was lost. A connection that breaks while it is made says
 * `ECONNRESET` or `ERR_SSL_…` as one does that breaks later, so the error's words cannot tell; who makes it can.
 */
import type { Connector } from "./connector.ts";

/** Stands on what the connector said; a symbol, so that nothing that a server writes can look like it. */
const neverConnected = Symbol("never connected");

/** The same connector; its failures are known again behind the HTTP library. */
export function tellingUnsent(connect: Connector): Connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(Object.assign(error, { [neverConnected]: true }), null);
    });
}

/** Whether this is a failure to connect, itself or by any of its causes: not a byte of the request has left. */
export function wasNeverSent(thrown: unknown): boolean {
  return causesOf(thrown).some((link) => neverConnected in link);
}

/** The error, its causes, and the first of what an error made of several holds; a chain that has no end is cut. */
export function causesOf(thrown: unknown): readonly Readonly<Record<string, unknown>>[] {
  const found: Readonly<Record<string, unknown>>[] = [];
  let link = thrown;
  while (isRecord(link) && found.length < 8) {
    found.push(link);
    link = link["cause"] ?? (Array.isArray(link["errors"]) ? (link["errors"][0] as unknown) : undefined);
  }
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
