/** Which ports are free, and where somebody listens. What it finds may be otherwise a moment later; only trying settles that. */
import { connect, createServer } from "node:net";
import { AppError } from "../domain/app-error.ts";
import { isErrno } from "./atomic-file.ts";

export const highestPort = 65_535;

/** True where a server could listen now. Throws SYS_005 where the address itself is not ours. */
export function isPortAvailable(port: number, host: string = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if (isErrno(error, "EADDRINUSE", "EACCES")) resolve(false);
      else
        reject(
          new AppError("SYS_005", `Nobody can listen on ${host}, port ${port}: ${error.message}`, { cause: error }),
        );
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether somebody takes connections at the address of this URL, as far as is seen within `waitMs`. Says nothing to them. */
export function isListening(url: URL, waitMs: number): Promise<boolean> {
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: waitMs });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

/** The first free port from `start` on. Throws SYS_005 where none of `attempts` ports is free. */
export async function findAvailablePort(
  start: number,
  options: { readonly host?: string; readonly attempts?: number } = {},
): Promise<number> {
  const last = Math.min(start + (options.attempts ?? 100) - 1, highestPort);
  for (let port = start; port <= last; port += 1) {
    if (await isPortAvailable(port, options.host)) return port;
  }
  throw new AppError("SYS_005", `No port from ${start} to ${last} is free.`, { details: { start, last } });
}

/**
 * A port as somebody wrote it: a whole number from 0 (any free port) to 65,535. `source` names where it stood.
 * Throws SYS_005 for anything else; "18789abc", "1e3" and " " are mistakes and no ports.
 */
export function parsePort(value: unknown, source: string): number {
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port >= 0 && port <= highestPort) return port;
  throw new AppError(
    "SYS_005",
    `${source} takes a port number from 0 to ${highestPort}; ${JSON.stringify(value) ?? "nothing"} is none.`,
    {
      details: { source },
    },
  );
}
