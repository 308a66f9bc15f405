/** One call, one answer; what a failure means; and a token that is seen by nobody. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../platform/clock.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import { BotApi } from "./api.ts";
import { answerFailure, networkFailure } from "./api-failure.ts";

const token = "4200:secret-secret-secret-secret-secret";
const servers: Server[] = [];
const apis: BotApi[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where nobody listens any more. */
async function freeRoot(): Promise<string> {
  const root = await serve(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return root;
}

function apiAt(apiRoot: string, clock = systemClock()): BotApi {
  const api = new BotApi({ token, apiRoot, clock, log: silentLog() });
  apis.push(api);
  return api;
}

describe("the Bot API", () => {
  it("N10: what an answer means follows from its numbers, whatever its words say", () => {
    const cases: readonly [number, string, string, string, number?][] = [
      [400, "MSG_002", "never", "refused"],
      [401, "CONN_002", "never", "refused"],
      [403, "MSG_002", "never", "refused"],
      [404, "CONN_002", "never", "refused"],
      [409, "CONN_001", "later", "refused"],
      [413, "MSG_003", "never", "refused"],
      [429, "CONN_003", "later", "refused", 5_000],
      [500, "CONN_001", "later", "refused"],
      [502, "CONN_001", "later", "unknown"],
      [504, "CONN_001", "later", "unknown"],
    ];
    for (const [status, code, retry, fate, retryAfterMs] of cases) {
      const description = "Too Many Requests: retry after 99, Unauthorized, message is not modified";
      const body = { ok: false, error_code: status, description };
      const { error, ...failure } = answerFailure({ method: "sendMessage", httpStatus: status, body });
      expect([error.code, error.retry, failure.fate, error.retryAfterMs], `${status}`).toEqual([
        code,
        retry,
        fate,
        retryAfterMs,
      ]);
    }
    const parameters = { retry_after: 35, migrate_to_chat_id: -100123 };
    const told = answerFailure({ method: "x", httpStatus: 429, body: { ok: false, error_code: 429, parameters } });
    expect([told.error.retryAfterMs, told.migrateToChatId]).toEqual([35_000, -100123]);
  });

  it("what is not the Bot API's answer is believed as far as its status goes", () => {
    const bodies = [undefined, null, "<html>", [], {}, { ok: "false" }, { ok: true }];
    for (const body of bodies) {
      const fates = [200, 403, 502].map((httpStatus) => answerFailure({ method: "x", httpStatus, body }).fate);
      expect(fates).toEqual(["unknown", "refused", "unknown"]);
    }
  });

  it("a token is in the address of the request and nowhere else", async () => {
    const paths: string[] = [];
    const root = await serve((request, response) => {
      paths.push(request.url ?? "");
      if (request.url?.endsWith("/breaks") === true) return void response.destroy();
      if (request.url?.endsWith("/moves") === true)
        return void response.writeHead(302, { location: `http://example.org${request.url}` }).end();
      const description = `Not Found: http://here${request.url}`;
      response.writeHead(400).end(JSON.stringify({ ok: false, error_code: 400, description }));
    });
    const api = apiAt(root);
    const failures: unknown[] = [];
    for (const method of ["refuses", "breaks", "moves"]) failures.push(await api.call(method, {}));
    failures.push(await apiAt(await freeRoot()).call("getMe", {}));
    failures.push(
      await api.file("a/b", { maxBytes: 9, signal: AbortSignal.timeout(5_000) }).catch((error: unknown) => error),
    );
    expect(paths[0]).toBe(`/bot${token}/refuses`);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(Object);
      expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain("secret-secret");
    }
  });

  it("keeps its connection for the next call", async () => {
    const sockets = new Set<unknown>();
    const root = await serve((request, response) => {
      sockets.add(request.socket);
      response.end('{"ok":true,"result":1}');
    });
    const api = apiAt(root);
    for (let count = 0; count < 10; count += 1) expect(await api.ask("getMe")).toBe(1);
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it("reads no more than it can hold, of an answer and of a file", async () => {
    const root = await serve((request, response) => {
      response.end(Buffer.alloc(request.url?.startsWith("/file/") === true ? 11 : 17 * 1024 * 1024, "x"));
    });
    const api = apiAt(root);
    expect(await api.call("getUpdates", {})).toMatchObject({ ok: false, fate: "unknown", error: { code: "MSG_003" } });
    const fetched = (maxBytes: number): Promise<Uint8Array> =>
      api.file("photos/file 1.jpg", { maxBytes, signal: AbortSignal.timeout(5_000) });
    expect(await fetched(11)).toHaveLength(11);
    await expect(fetched(10)).rejects.toMatchObject({ code: "MSG_003" });
  });

  it("a file outside of what Telegram named is not asked for", async () => {
    const api = apiAt("http://127.0.0.1:1");
    const fetched = api.file("../bot1:x/getMe", { maxBytes: 9, signal: AbortSignal.timeout(5_000) });
    await expect(fetched).rejects.toMatchObject({ code: "MSG_001" });
  });

  it("a silent server is left after the time that the call has", async () => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<void>();
    const api = apiAt(await serve(() => asked.resolve()), clock);
    const answer = api.call("sendMessage", {}, { timeoutMs: 1_000 });
    await asked.promise;
    await clock.advance(1_000);
    expect(await answer).toMatchObject({ ok: false, fate: "unknown", error: { code: "CONN_001", retry: "later" } });
    expect(clock.pendingTimers).toBe(0);
  });

  it("N10: a connection that breaks while it is made has sent nothing, whatever the error is called", async () => {
    const broken = {
      "reset in the handshake": (socket: Socket) => socket.once("data", () => socket.resetAndDestroy()),
      "ended in the handshake": (socket: Socket) => socket.once("data", () => socket.end()),
      "no TLS at all": (socket: Socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    };
    for (const [name, breaks] of Object.entries(broken)) {
      const server = createTcpServer((socket) => void breaks(socket.on("error", () => {})));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const answer = await apiAt(`https://127.0.0.1:${port}`).call("sendMessage", { text: "once" });
      server.close();
      expect(answer, name).toMatchObject({ ok: false, fate: "unsent", error: { code: "CONN_001", retry: "later" } });
    }
  });

  it("N10: a connection that breaks behind the request may have sent it, also where the error speaks of TLS", () => {
    const damaged = Object.assign(new Error("bad record mac"), { code: "ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC" });
    const thrown = new TypeError("fetch failed", { cause: damaged });
    expect(networkFailure("sendMessage", thrown)).toMatchObject({ fate: "unknown", error: { code: "CONN_001" } });
  });

  it("says what was never sent: called off before, closed before, nobody there, a name that is none", async () => {
    const nobody = await freeRoot();
    const closed = apiAt(nobody);
    await closed.close();
    const answers = await Promise.all([
      apiAt(nobody).call("getMe", {}, { signal: AbortSignal.abort() }),
      closed.call("getMe", {}),
      apiAt(nobody).call("getMe", {}),
      apiAt("http://nobody.invalid").call("getMe", {}),
    ]);
    for (const answer of answers)
      expect(answer).toMatchObject({ ok: false, fate: "unsent", error: { code: "CONN_001" } });
  });
});
