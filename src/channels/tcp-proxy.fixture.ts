/** Stands between us and a server, and fails on demand. For tests alone. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly port: number;
  #frozen = false;
  #mute = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async to(port: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new TcpProxy(server);
    server.on("connection", (near) => proxy.#join(near, connect({ port, host: "127.0.0.1", noDelay: true })));
    return proxy;
  }

  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  freeze(): void {
    this.#frozen = true;
  }

  muteAnswers(): void {
    this.#mute = true;
  }

  inject(bytes: Buffer): void {
    for (const { near } of this.#pairs) near.write(bytes);
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    const pair = { near, far };
    this.#pairs.add(pair);
    near.setNoDelay(true);
    near.on("data", (bytes) => void (this.#frozen || far.write(bytes)));
    far.on("data", (bytes) => void (this.#frozen || this.#mute || near.write(bytes)));
    const end = (): void => {
      this.#pairs.delete(pair);
      if (this.#frozen) return;
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      // A reset is what these tests do on purpose; "close" follows it.
      socket.on("error", () => {});
      socket.on("close", end);
    }
  }
}
