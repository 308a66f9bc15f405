/** A WebSocket client of the gateway, as thin as can be, so that what is measured is the gateway. */
import WebSocket from "ws";

export interface GatewaySocket {
  readonly socket: WebSocket;
  /** Milliseconds from the first byte sent to hello-ok. */
  readonly helloMs: number;
  call(method: string, params?: unknown): Promise<unknown>;
  /** Every event frame, as text. */
  onEvent(listener: (text: string) => void): void;
  close(): void;
}

export async function openSocket(url: string, token: string): Promise<GatewaySocket> {
  const started = performance.now();
  const socket = new WebSocket(url.replace(/^http/, "ws"), { perMessageDeflate: false });
  const waiting = new Map<string, { resolve: (payload: unknown) => void; reject: (error: Error) => void }>();
  const listeners: ((text: string) => void)[] = [];
  let next = 0;
  const call = (method: string, params: unknown = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = String(next++);
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  const challenged = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    const text = data.toString("utf8");
    if (text.startsWith('{"type":"res"')) {
      const frame = JSON.parse(text) as { id: string; ok: boolean; payload?: unknown; error?: unknown };
      const pending = waiting.get(frame.id);
      waiting.delete(frame.id);
      if (frame.ok) pending?.resolve(frame.payload);
      else pending?.reject(new Error(JSON.stringify(frame.error)));
      return;
    }
    if (text.includes('"connect.challenge"')) challenged.resolve();
    for (const listener of listeners) listener(text);
  });
  socket.on("error", challenged.reject);
  socket.on("close", (code) => challenged.reject(new Error(`closed with ${code}`)));
  await challenged.promise;
  await call("connect", {
    minProtocol: 3,
    maxProtocol: 4,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    role: "operator",
    scopes: ["operator.admin"],
    caps: [],
    auth: { token },
  });
  return {
    socket,
    helloMs: performance.now() - started,
    call,
    onEvent: (listener) => void listeners.push(listener),
    close: () => socket.close(),
  };
}
