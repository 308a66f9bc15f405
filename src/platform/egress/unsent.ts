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

/** Whether this is a failure to connect: not a byte of the request has left. Looks at this error alone, not at its causes. */
export function isNeverConnected(error: object): boolean {
  return neverConnected in error;
}
