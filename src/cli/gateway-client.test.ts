import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { connectGateway } from "./gateway-client.ts";

const servers: WebSocketServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const socket of server.clients) socket.terminate();
    server.close();
  }
});

/** Something that takes sockets, and is no gateway of ours or a broken one. */
async function serve(answer: (socket: WebSocket, frame: { id: string; method: string }) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  servers.push(server);
  server.on("connection", (socket) => {
    socket.send('{"type":"event","event":"connect.challenge","payload":{}}');
    socket.on("message", (data: Buffer) => answer(socket, JSON.parse(String(data)) as { id: string; method: string }));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

function options(url: string) {
  return { url, token: "a-token", version: "1", timeoutMs: 5_000 };
}

describe("the line of the command line", () => {
  it.each(["no JSON", "null", "[]", "7", '"text"'])(
    "an answer that is no frame (%s) ends the call with a typed error, and not the process",
    async (text) => {
      const url = await serve((socket, { id, method }) =>
        socket.send(method === "connect" ? JSON.stringify({ type: "res", id, ok: true, payload: {} }) : text),
      );
      const client = await connectGateway(options(url));
      await expect(client.call("health", {})).rejects.toMatchObject({
        code: "SYS_002",
        message: expect.stringContaining("no gateway"),
      });
      await client.closed;
    },
  );

  it("an address that no socket can have is wrong usage", async () => {
    for (const url of ["ftp://127.0.0.1:1", "ws://127.0.0.1:1/#part"]) {
      await expect(connectGateway(options(url))).rejects.toMatchObject({ code: "SYS_003" });
    }
  });

  it("R103: a credential inside the address is not repeated where the gateway cannot be reached", async () => {
    const failure = connectGateway(options("ws://user:canary-1@127.0.0.1:1/ws?token=canary-2"));
    await expect(failure).rejects.toMatchObject({ code: "SYS_002" });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("canary") });
  });
});
