/** What can be seen of a gateway's process from outside: its answers, its counters, its memory, its sockets. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { connect as connectSocket, type Socket } from "node:net";
import { connect, type ConnectOptions, type WireClient } from "../../src/gateway/wire-client.fixture.ts";
import type { GatewayProcess } from "./gateway-process.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A client that has shown the gateway's token. */
export function client(gateway: GatewayProcess, options: ConnectOptions = {}): Promise<WireClient> {
  return connect(gateway.url.replace("http", "ws"), { auth: { token: gateway.token }, ...options });
}

export async function ask(
  gateway: GatewayProcess,
  method: string,
  path: string,
  init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer>; signal?: AbortSignal } = {},
): Promise<HttpAnswer> {
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    redirect: "manual",
    headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json", ...init.headers },
    ...(init.body === undefined ? {} : { body: init.body }),
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export function complete(gateway: GatewayProcess, content: string, part: object = {}): Promise<HttpAnswer> {
  const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content }], ...part });
  return ask(gateway, "POST", "/v1/chat/completions", { body });
}

/** A bare socket, for what no HTTP library would send; from another address of this machine where one is named. */
export function openSocket({ port }: GatewayProcess, localAddress = "127.0.0.1"): Socket {
  const socket = connectSocket({ port, host: "127.0.0.1", localAddress });
  // Being cut off is what most of these are sent for; `received` tells of it.
  socket.on("error", () => undefined);
  return socket;
}

/** Everything that comes until the other side closes. */
export async function received(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return text;
}

/** One value of `/metrics`; labels are part of the name. */
export async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const { text } = await ask(gateway, "GET", "/metrics");
  const line = text.split("\n").find((row) => row.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1));
}

export async function rssMiB({ pid }: { pid: number }): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** Open sockets of the process, the listening one included. */
export async function openSockets({ pid }: { pid: number }): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => "closed since")),
  );
  return targets.filter((target) => target.startsWith("socket:")).length;
}
