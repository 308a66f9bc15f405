/** The gateway's door for webhooks, as far as a channel sees it: a path that is mounted is called. For tests alone. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { TelegramLink } from "./platform.fixture.ts";

export class WebhookDoor {
  readonly port: number;
  readonly #server: Server;
  /** What was answered, oldest first. */
  readonly statuses: number[] = [];
  /** Calls are turned away at the gate, as a proxy does whose gateway is down. */
  isShut = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(link: TelegramLink): Promise<WebhookDoor> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const door = new WebhookDoor(server);
    server.on("request", (request, response) => {
      void (async () => {
        const body = await buffer(request);
        const handler = link.mounted.get(request.url ?? "");
        const headers = request.headers as Record<string, string | undefined>;
        const answer = door.isShut
          ? { status: 502 }
          : ((await handler?.({ headers, body, remoteAddress: "127.0.0.1" })) ?? { status: 404 });
        door.statuses.push(answer.status);
        response.writeHead(answer.status).end();
      })();
    });
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
