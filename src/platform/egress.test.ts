/** Requests leave only where they may, carry only what they should, and end within their limits. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { createEgress, type Egress } from "./egress.ts";
import { systemClock, type Clock } from "./clock.ts";
import { FakeClock } from "./fake-clock.ts";
import { silentLog } from "./log.ts";

const servers: Server[] = [];
const opened: Egress[] = [];
afterEach(async () => {
  for (const egress of opened.splice(0)) await egress.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return { port: (server.address() as AddressInfo).port, server };
}

/** Names ending in `.good.test` are ours and allowed; every other name resolves to this machine too, and is not. */
function guarded(clock: Clock = systemClock()): Egress {
  const egress = createEgress({
    clock,
    allowPrivate: (url) => url.hostname.endsWith(".good.test"),
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    log: silentLog(),
  });
  opened.push(egress);
  return egress;
}

function open(): Egress {
  const egress = createEgress({ allowPrivate: () => false, log: silentLog() });
  opened.push(egress);
  return egress;
}

const answer = (response: ServerResponse, status: number, headers: Record<string, string>, body = ""): void => {
  response.writeHead(status, headers).end(body);
};

describe("guarded fetch", () => {
  it("fetches, with method, headers and body, and says where the answer came from", async () => {
    const { port } = await serve((request, response) => {
      void readText(request).then((body) =>
        answer(response, 201, { "x-echo": `${request.method} ${String(request.headers["x-a"])}` }, body),
      );
    });
    const url = `http://a.good.test:${port}/p`;
    const response = await guarded().fetch(url, { method: "post", headers: { "x-a": "1" }, body: "söme" });
    expect([response.status, response.headers.get("x-echo"), await response.text()]).toEqual([201, "POST 1", "söme"]);
    expect(response.url).toBe(url);
  });

  it("R081: refuses what is private, by name, by literal and by resolution, before a byte is sent", async () => {
    let hits = 0;
    const { port } = await serve((_request, response) => ((hits += 1), answer(response, 200, {})));
    for (const host of ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "evil.test", "2130706433"]) {
      await expect(guarded().fetch(`http://${host}:${port}/`)).rejects.toMatchObject({ code: "SEC_005" });
    }
    expect(hits).toBe(0);
  });

  it("R085: follows five redirects and not six", async () => {
    const { port } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) answer(response, 302, { location: `/${left - 1}` });
      else answer(response, 200, {}, "there");
    });
    const response = await guarded().fetch(`http://a.good.test:${port}/5`);
    expect([await response.text(), response.url]).toEqual(["there", `http://a.good.test:${port}/0`]);
    await expect(guarded().fetch(`http://a.good.test:${port}/6`)).rejects.toMatchObject({
      code: "CONN_001",
      retry: "never",
    });
  });

  it("R085: judges every hop, wherever it leads", async () => {
    let reached = 0;
    const target = await serve((_request, response) => ((reached += 1), answer(response, 200, {}, "secret")));
    const locations = [
      `http://127.0.0.1:${target.port}/`,
      `http://evil.test:${target.port}/`,
      `//evil.test:${target.port}/`,
      "http://169.254.169.254/latest/meta-data/",
      "file:///etc/passwd",
      `http://u:p@b.good.test:${target.port}/`,
      "gopher://x/",
    ];
    const { port } = await serve((request, response) => {
      const index = Number(request.url?.slice(1));
      // Also at the second hop, behind an innocent one.
      answer(response, 307, { location: index >= 100 ? `/${index - 100}` : (locations[index] ?? "") });
    });
    for (const [index] of locations.entries()) {
      await expect(guarded().fetch(`http://a.good.test:${port}/${index}`)).rejects.toMatchObject({ code: "SEC_005" });
      await expect(guarded().fetch(`http://a.good.test:${port}/${index + 100}`)).rejects.toMatchObject({
        code: "SEC_005",
      });
    }
    expect(reached).toBe(0);
  });

  it("R087: credentials stay with the origin that they were meant for", async () => {
    const seen: IncomingMessage["headers"][] = [];
    const other = await serve((request, response) => (seen.push(request.headers), answer(response, 200, {}, "ok")));
    const first = await serve((request, response) => {
      if (request.url === "/same") return answer(response, 302, { location: "/end" });
      if (request.url === "/end") return (seen.push(request.headers), answer(response, 200, {}));
      return answer(response, 302, { location: `http://b.good.test:${other.port}/` });
    });
    const headers = {
      authorization: "Bearer t",
      cookie: "c",
      "x-api-key": "k",
      "x-custom": "v",
      accept: "a/b",
      "user-agent": "u",
    };
    await guarded().fetch(`http://a.good.test:${first.port}/away`, { headers });
    await guarded().fetch(`http://a.good.test:${first.port}/same`, { headers });
    expect(seen[0]).toMatchObject({ accept: "a/b", "user-agent": "u" });
    for (const name of ["authorization", "cookie", "x-api-key", "x-custom"]) expect(seen[0]).not.toHaveProperty(name);
    expect(seen[1]).toMatchObject(headers);
  });

  it("changes the method as browsers do, and repeats a body only where asked to", async () => {
    const { port } = await serve((request, response) => {
      const status = Number(request.url?.slice(1));
      if (status > 0) return answer(response, status, { location: "/0" });
      return void readText(request).then((body) => answer(response, 200, {}, `${request.method} ${body}`));
    });
    const post = async (status: number): Promise<string> =>
      (await guarded().fetch(`http://a.good.test:${port}/${status}`, { method: "POST", body: "b" })).text();
    expect(await Promise.all([301, 302, 303, 307, 308].map(post))).toEqual([
      "GET ",
      "GET ",
      "GET ",
      "POST b",
      "POST b",
    ]);
    const stream = new Blob(["b"]).stream();
    await expect(
      guarded().fetch(`http://a.good.test:${port}/307`, { method: "POST", body: stream }),
    ).rejects.toMatchObject({ code: "CONN_001" });
  });

  it("R089: an answer over its size is cut off: announced, streamed or unpacked", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/announced")
        return answer(response, 200, { "content-length": "2000000" }, "x".repeat(2_000_000));
      if (request.url === "/bomb")
        return response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(20_000_000)));
      if (request.url === "/edge") return answer(response, 200, {}, "x".repeat(1_000_000));
      // Without end, and without saying so.
      const more = (): void => void (response.destroyed || response.write("x".repeat(100_000), more));
      response.writeHead(200);
      return more();
    });
    const get = (path: string): Promise<Response> =>
      guarded().fetch(`http://a.good.test:${port}${path}`, { maxBytes: 1_000_000 });
    const tooLarge = { code: "MSG_003" };
    expect((await (await get("/edge")).arrayBuffer()).byteLength).toBe(1_000_000);
    await expect(get("/announced")).rejects.toMatchObject(tooLarge);
    await expect(get("/bomb").then((response) => response.arrayBuffer())).rejects.toMatchObject(tooLarge);
    await expect(get("/endless").then((response) => response.arrayBuffer())).rejects.toMatchObject(tooLarge);
  });

  it("R089: a server that is silent or slow is left, before its headers and after", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/mute") return;
      response.writeHead(200).write("x");
      if (request.url === "/stalls") return;
      const drip = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(drip));
    });
    const get = async (path: string): Promise<string> =>
      (await guarded().fetch(`http://a.good.test:${port}${path}`, { timeoutMs: 400, idleTimeoutMs: 100 })).text();
    await expect(get("/mute")).rejects.toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("nothing for 100 ms"),
    });
    await expect(get("/stalls")).rejects.toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("nothing for 100 ms"),
    });
    await expect(get("/drips")).rejects.toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("longer than 400 ms"),
    });
  });

  it("a slow reader is not a slow server", async () => {
    const { port } = await serve((_request, response) => answer(response, 200, {}, "x".repeat(100)));
    const clock = new FakeClock();
    const response = await guarded(clock).fetch(`http://a.good.test:${port}/`, { idleTimeoutMs: 50 });
    await clock.advance(1_000);
    expect(await response.text()).toHaveLength(100);
  });

  it("ends when its caller says so, before, during and after the headers", async () => {
    const { port, server } = await serve((request, response) => {
      if (request.url === "/body") response.writeHead(200).write("x");
    });
    const get = (path: string, signal: AbortSignal): Promise<Response> =>
      guarded().fetch(`http://a.good.test:${port}${path}`, { signal });
    await expect(get("/", AbortSignal.abort())).rejects.toMatchObject({ code: "RUN_001" });
    const during = new AbortController();
    const waiting = get("/", during.signal);
    await once(server, "request");
    during.abort();
    await expect(waiting).rejects.toMatchObject({ code: "RUN_001" });
    const after = new AbortController();
    const response = await get("/body", after.signal);
    after.abort();
    await expect(response.text()).rejects.toMatchObject({ code: "RUN_001" });
  });

  it("leaves no connection open, whether the body was read, given up or never asked for", async () => {
    const { port, server } = await serve((request, response) =>
      answer(response, request.url === "/empty" ? 204 : 200, {}, "x".repeat(request.url === "/empty" ? 0 : 500_000)),
    );
    const egress = guarded();
    await (await egress.fetch(`http://a.good.test:${port}/`)).text();
    await (await egress.fetch(`http://a.good.test:${port}/`)).body?.cancel();
    await egress.fetch(`http://a.good.test:${port}/empty`);
    const connections = promisify(server.getConnections.bind(server));
    await expect.poll(() => connections(), { timeout: 5_000 }).toBe(0);
  });

  it("says by code that nobody answers, and that a name is unknown", async () => {
    const { port, server } = await serve(() => undefined);
    server.close();
    await once(server, "close");
    servers.splice(0);
    await expect(guarded().fetch(`http://a.good.test:${port}/`)).rejects.toMatchObject({ code: "CONN_001" });
    const unknown = createEgress({
      allowPrivate: () => false,
      resolve: () => Promise.reject(new Error("NXDOMAIN")),
      log: silentLog(),
    });
    await expect(unknown.fetch("http://nowhere.test/")).rejects.toMatchObject({ code: "CONN_001" });
  });
});

describe("trusted fetch", () => {
  it("asks a configured private address, and keeps its connections for the next requests", async () => {
    const sockets = new Set<unknown>();
    const { port } = await serve((request, response) => (sockets.add(request.socket), answer(response, 200, {}, "ok")));
    const ask = open().trustedFetch([`http://127.0.0.1:${port}/v1`]);
    for (let round = 0; round < 10; round += 1)
      expect(await (await ask(`http://127.0.0.1:${port}/v1/x`)).text()).toBe("ok");
    // A request that follows at once may find the first connection not yet free.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it("R088: asks nothing but the configured origins", async () => {
    let hits = 0;
    const { port } = await serve((_request, response) => ((hits += 1), answer(response, 200, {})));
    const ask = open().trustedFetch([`http://127.0.0.1:${port}/v1`]);
    for (const url of [
      `http://localhost:${port}/v1`,
      `https://127.0.0.1:${port}/`,
      "http://127.0.0.1/",
      `http://127.0.0.2:${port}/`,
      "http://169.254.169.254/",
    ]) {
      await expect(ask(url)).rejects.toMatchObject({ code: "SEC_005" });
    }
    expect(hits).toBe(0);
    expect(() => open().trustedFetch(["file:///etc"])).toThrow(expect.objectContaining({ code: "SEC_005" }));
    expect(() => open().trustedFetch(["nonsense"])).toThrow(expect.objectContaining({ code: "SEC_005" }));
  });

  it("R085: is not led elsewhere by a redirect, and follows one at home", async () => {
    let hits = 0;
    const other = await serve((_request, response) => ((hits += 1), answer(response, 200, {})));
    const { port } = await serve((request, response) => {
      if (request.url === "/away") return answer(response, 307, { location: `http://127.0.0.1:${other.port}/` });
      if (request.url === "/home") return answer(response, 307, { location: "/end" });
      return void readText(request).then((body) =>
        answer(response, 200, {}, `${request.headers.authorization} ${body}`),
      );
    });
    const ask = open().trustedFetch([`http://127.0.0.1:${port}`]);
    const init = { method: "POST", headers: { authorization: "Bearer t" }, body: "b" };
    await expect(ask(`http://127.0.0.1:${port}/away`, init)).rejects.toMatchObject({ code: "SEC_005" });
    expect(await (await ask(`http://127.0.0.1:${port}/home`, init)).text()).toBe("Bearer t b");
    expect(hits).toBe(0);
  });

  it("takes what fetch takes: a request, a form, a stream; and gives a stream back", async () => {
    const { port } = await serve((request, response) => {
      void readText(request).then((body) =>
        answer(response, 200, { "x-type": String(request.headers["content-type"]) }, body),
      );
    });
    const base = `http://127.0.0.1:${port}`;
    const ask = open().trustedFetch([base]);
    const request = new Request(`${base}/r`, { method: "POST", body: "from a request", headers: { "x-a": "1" } });
    expect(await (await ask(request)).text()).toBe("from a request");
    const form = new FormData();
    form.append("field", "value");
    form.append("file", new Blob(["content"]), "name.txt");
    const sent = await ask(new URL(base), { method: "POST", body: form });
    expect(sent.headers.get("x-type")).toMatch(/^multipart\/form-data; boundary=/);
    expect(await sent.text()).toMatch(/name="field"[\s\S]*value[\s\S]*filename="name.txt"[\s\S]*content/);
    const streamed = await ask(base, {
      method: "POST",
      body: new Blob(["in pieces"]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(await new Response(streamed.body).text()).toBe("in pieces");
  });

  it("fails as fetch fails: an aborted request with its reason, a dead server with a TypeError", async () => {
    const { port, server } = await serve(() => undefined);
    const ask = open().trustedFetch([`http://127.0.0.1:${port}`]);
    const controller = new AbortController();
    const waiting = ask(`http://127.0.0.1:${port}/`, { signal: controller.signal });
    await once(server, "request");
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    servers.splice(0);
    await expect(ask(`http://127.0.0.1:${port}/`)).rejects.toBeInstanceOf(TypeError);
  });
});

describe("start-up", () => {
  it("loads one HTTP library, with the first request and not with the gateway", async () => {
    const source = `import { createRequire } from "node:module";
      const { createEgress } = await import(${JSON.stringify(new URL("./egress.ts", import.meta.url).href)});
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("/undici/"));
      const egress = createEgress({ allowPrivate: () => false, log: { warn() {} } });
      egress.check("https://example.org/");
      const ask = egress.trustedFetch(["http://127.0.0.1:1/"]);
      const before = loaded();
      await ask("http://127.0.0.1:1/").catch(() => "nothing listens there");
      new Headers(new Response("", { headers: { a: "b" } }).headers);
      const own = process.moduleLoadList.filter((name) => name.includes("undici/undici"));
      console.log(before, loaded(), own.length);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source], {
      cwd: import.meta.dirname,
    });
    expect(stdout.trim()).toBe("false true 0");
  });
});
