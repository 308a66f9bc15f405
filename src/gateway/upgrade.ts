/**
 * What is answered on the bare socket: upgrades that are not ours, and requests that are none. Ours become sockets.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AppError } from "../domain/app-error.ts";
import type { HostGuard } from "./auth/host-guard.ts";

// Not imported by name: see server.ts.
const { STATUS_CODES } = process.getBuiltinModule("node:http");

const paths: ReadonlySet<string> = new Set(["/", "/ws"]);

export interface UpgradeRefusal {
  readonly status: number;
  readonly message: string;
}

/** Any other offer (`h2c`, which some HTTP clients make with every request) may be left aside: the request counts. */
export function asksForSocket(req: IncomingMessage): boolean {
  return req.headers.upgrade?.toLowerCase() === "websocket";
}

/** Null where the upgrade may go on. */
export function upgradeRefusal(req: IncomingMessage, hosts: HostGuard, stopping: boolean): UpgradeRefusal | null {
  const foreign = hosts.check(req.headers);
  if (foreign !== null) return { status: statusOf(foreign), message: foreign.message };
  const path = (req.url ?? "/").split("?")[0] ?? "/";
  if (!paths.has(path)) return { status: 404, message: "There is no socket at this address." };
  return stopping ? { status: 503, message: "The gateway is stopping." } : null;
}

/** What a request that is not even HTTP is told. */
export function malformedRequest(error: Error): UpgradeRefusal {
  const code = "code" in error ? error.code : undefined;
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, message: "The request's head is too large." };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { status: 408, message: "The request took too long to arrive." };
  return { status: 400, message: "This is not a valid HTTP request." };
}

/** Answers on the bare socket and closes it. */
export function refuseUpgrade(socket: Duplex, { status, message }: UpgradeRefusal): void {
  const body = JSON.stringify({ error: { message, type: "invalid_request_error" } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function statusOf(error: AppError): number {
  const precise = error.details["httpStatus"];
  return typeof precise === "number" ? precise : error.row.http;
}
