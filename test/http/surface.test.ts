/** The HTTP surface as a whole: every path with every method, health, metrics, switches, and bodies that mean harm. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toJSONSchema } from "zod";
import { gatewaySchema } from "../../src/config/schema/gateway.ts";
import { limits } from "../../src/domain/limits.ts";
import { FakeClock } from "../../src/platform/fake-clock.ts";
import { startScriptedGateway, type ScriptedGateway } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await startScriptedGateway();
});
afterAll(() => gateway.close());
beforeEach(() => {
  Object.assign(gateway.config, { chatCompletions: true, responses: true, controlUi: true });
  Object.assign(gateway.health, { ready: true, failing: [], hangs: false });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function ask(
  method: string,
  path: string,
  init: { token?: string | null; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const token = init.token === undefined ? gateway.token : init.token;
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    redirect: "manual",
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...init.headers },
    ...(init.body === undefined ? {} : { body: init.body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function expectErrorShape(answer: Answer): void {
  const body = JSON.parse(answer.text) as { error: Record<string, unknown> };
  expect(Object.keys(body)).toEqual(["error"]);
  expect(body.error).toEqual({
    message: expect.any(String),
    type: expect.any(String),
    param: body.error["param"] === null ? null : expect.any(String),
    code: expect.any(String),
  });
}

describe("every path with every method", () => {
  const json = { "content-type": "application/json" };
  /** Path → the methods it answers, with the status of an empty request; every other method is 405. */
  const known: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    "/health": { GET: 200, HEAD: 200 },
    "/healthz": { GET: 200, HEAD: 200 },
    "/livez": { GET: 200, HEAD: 200 },
    "/ready": { GET: 200, HEAD: 200 },
    "/readyz": { GET: 200, HEAD: 200 },
    "/metrics": { GET: 200, HEAD: 200 },
    "/v1/models": { GET: 200, HEAD: 200 },
    "/v1/models/openclaw": { GET: 200, HEAD: 200 },
    "/v1/models/openclaw%2Fwork": { GET: 200, HEAD: 200 },
    "/v1/models/nope": { GET: 404, HEAD: 404 },
    "/v1/chat/completions": { POST: 400 },
    "/tools/invoke": { POST: 400 },
    "/api/tools/invoke": { POST: 400 },
    "/v1/responses": { POST: 400 },
    "/v1/responses/resp_none": { GET: 404, HEAD: 404, DELETE: 404 },
    "/": { GET: 302, HEAD: 302 },
    "/ui": { GET: 302, HEAD: 302 },
    "/chat": { GET: 200, HEAD: 200 },
    "/chat/chat.js": { GET: 200, HEAD: 200 },
    "/chat/chat.css": { GET: 200, HEAD: 200 },
    "/chat/nope.js": { GET: 404, HEAD: 404 },
  };
  const unknown = [
    "/nope",
    "/v1",
    "/v1/nope",
    "/v1/chat",
    "/hooks/wake",
    "/media/x",
    "/healthzz",
    "/index.html",
    "/favicon.ico",
    "/metrics/x",
    "/robots.txt",
  ];
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

  it("D12: answers what it has, 405 with the right methods for the wrong ones, 404 for the rest", async () => {
    for (const [path, expected] of Object.entries(known)) {
      for (const method of methods) {
        const body = method === "POST" ? { headers: json, body: "{}" } : {};
        const answer = await ask(method, path, body);
        const where = `${method} ${path}`;
        expect(answer.status, where).toBe(expected[method] ?? 405);
        if (path.endsWith("/invoke") && answer.status === 400)
          expect(JSON.parse(answer.text)).toMatchObject({ ok: false, error: { type: "invalid_request" } });
        else if (answer.status >= 400 && method !== "HEAD") expectErrorShape(answer);
        if (answer.status === 405) expect(answer.headers.get("allow"), where).toBe(Object.keys(expected).join(", "));
        if (method === "HEAD") expect(answer.text, where).toBe("");
      }
    }
    for (const path of unknown) {
      for (const method of methods) {
        const answer = await ask(method, path);
        expect(answer.status, `${method} ${path}`).toBe(404);
        if (method !== "HEAD") expectErrorShape(answer);
      }
    }
  });

  it("D12: without a credential, what is guarded is 401 whether it exists or not", async () => {
    const guarded = [
      "/metrics",
      "/v1/models",
      "/v1/models/x",
      "/v1/nope",
      "/tools/invoke",
      "/hooks/wake",
      "/media/x",
      "/V1/models",
      "//v1/models",
      "/v1/%6dodels",
    ];
    for (const path of guarded) {
      for (const method of methods) {
        const answer = await ask(method, path, { token: null });
        expect(answer.status, `${method} ${path}`).toBe(401);
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    }
    for (const path of ["/nope", "/index.html"]) expect((await ask("GET", path, { token: null })).status).toBe(404);
  });

  it("R030: no hook or file can be reached over HTTP, with any credential", async () => {
    for (const path of ["/hooks/agent", "/hooks/wake", "/media/1", "/media/upload"]) {
      const answer = await ask("POST", path, { headers: json, body: '{"tool":"exec","args":{}}' });
      expect(answer.status, path).toBe(404);
    }
  });

  it("R044: a token in the query is no credential and is not logged", async () => {
    const secret = gateway.token;
    for (const name of ["token", "access_token", "api_key", "key", "auth"]) {
      expect((await ask("GET", `/v1/models?${name}=${secret}`, { token: null })).status).toBe(401);
      expect((await ask("POST", `/hooks/wake?${name}=${secret}`, { token: null })).status).toBe(401);
    }
    expect(gateway.logged.join("\n")).not.toContain(secret);
  });

  it("R034: the same credential in another header is the same caller with the same scopes", async () => {
    const headers = { "x-api-key": gateway.readerToken };
    expect((await ask("GET", "/v1/models", { token: null, headers })).status).toBe(200);
    const write = await ask("POST", "/v1/chat/completions", {
      token: null,
      headers: { ...headers, ...json },
      body: "{}",
    });
    expect(write.status).toBe(403);
  });

  it("R014: a cross-site form reaches nothing: not by origin, not by content type", async () => {
    for (const origin of ["null", "http://evil.example", "https://127.0.0.1"]) {
      const answer = await ask("POST", "/v1/chat/completions", { headers: { origin, ...json }, body: "{}" });
      expect(answer.status, origin).toBe(403);
      expect((await ask("GET", "/health", { headers: { origin } })).status, origin).toBe(403);
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const answer = await ask("POST", "/v1/chat/completions", { headers: { "content-type": type }, body: "{}" });
      expect(answer.status, type).toBe(415);
    }
  });

  it("R015: a foreign host is misdirected, on every route", async () => {
    for (const path of ["/", "/health", "/chat", "/v1/models", "/nope"]) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: rebound.evil.example\r\nConnection: close\r\n\r\n`);
      expect(answer, path).toMatch(/^HTTP\/1\.1 421 /);
    }
  });
});

describe("health", () => {
  it("D1: liveness stays true while readiness is false and says what fails", async () => {
    Object.assign(gateway.health, { ready: false, failing: ["store", "draining"] });
    for (const path of ["/health", "/healthz", "/livez"]) {
      expect(JSON.parse((await ask("GET", path, { token: null })).text)).toEqual({ ok: true, status: "live" });
    }
    for (const path of ["/ready", "/readyz"]) {
      const answer = await ask("GET", path, { token: null });
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.text)).toEqual({
        ready: false,
        failing: ["store", "draining"],
        uptimeMs: 1_234,
        eventLoop: { delayP50Ms: 1, delayP99Ms: 2, delayMaxMs: 3 },
      });
    }
    Object.assign(gateway.health, { ready: true, failing: [] });
    expect((await ask("GET", "/readyz", { token: null })).status).toBe(200);
  });

  it("D1: a probe that hangs is not ready after three seconds", async () => {
    const clock = new FakeClock();
    const hanging = await startScriptedGateway({ clock });
    try {
      hanging.health.hangs = true;
      const arrived = once(hanging.server, "request");
      const answer = fetch(`${hanging.url}/readyz`);
      await arrived;
      await clock.advance(3_000);
      expect((await answer).status).toBe(503);
    } finally {
      await hanging.close();
    }
  });
});

describe("metrics", () => {
  it("X14, M10: counts turns, tokens and requests, and shows inbox, outbox and channels", async () => {
    const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hi" }] });
    await ask("POST", "/v1/chat/completions", { headers: { "content-type": "application/json" }, body });
    const answer = await ask("GET", "/metrics");
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    for (const line of [
      /^openclaw_turns_total\{outcome="final"\} 1$/m,
      /^openclaw_tokens_total\{kind="input"\} 11$/m,
      /^openclaw_http_requests_total\{method="POST",path="\/v1\/chat\/completions",status="200"\} 1$/m,
      /^openclaw_inbox_messages\{state="queued"\} 3$/m,
      /^openclaw_outbox_parts\{state="sent"\} 9$/m,
      /^openclaw_outbox_parts\{state="held"\} 2$/m,
      /^openclaw_dead_letters 5$/m,
      /^# TYPE openclaw_duplicates_suppressed_total counter\nopenclaw_duplicates_suppressed_total 7$/m,
      /^openclaw_leases_lost_total 1$/m,
      /^openclaw_outbox_unknown_total 4$/m,
      /^openclaw_channel_state\{channel="irc",account="de\\"fault",state="CONNECTED"\} 1$/m,
      /^process_resident_memory_bytes \d+$/m,
      /^openclaw_event_loop_delay_seconds\{quantile="0\.99"\} 0\.002$/m,
    ]) {
      expect(answer.text).toMatch(line);
    }
    // Every line is a comment or a sample: nothing a scraper stumbles over.
    for (const line of answer.text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{.*\})? [-+.\dA-Za-z]+)$/);
    }
  });
});

describe("switches", () => {
  it("A18: a route that is switched off is 404 for every method, and comes back without a restart", async () => {
    const switches = [
      ["chatCompletions", ["/v1/chat/completions"]],
      ["responses", ["/v1/responses", "/v1/responses/resp_x"]],
      ["controlUi", ["/", "/ui", "/chat", "/chat/chat.js"]],
    ] as const;
    for (const [name, paths] of switches) {
      gateway.config[name] = false;
      for (const path of paths) {
        for (const method of ["GET", "POST", "DELETE"]) {
          expect((await ask(method, path)).status, `${method} ${path}`).toBe(404);
        }
      }
      gateway.config[name] = true;
    }
    expect((await ask("GET", "/chat")).status).toBe(200);
    expect((await ask("GET", "/v1/chat/completions")).status).toBe(405);
    Object.assign(gateway.config, { chatCompletions: false, responses: false });
    expect((await ask("GET", "/v1/models")).status).toBe(404);
  });

  it("A18: the configuration's schema says what each switch does", () => {
    const schema = JSON.stringify(toJSONSchema(gatewaySchema(), { io: "input" }));
    for (const sentence of [
      "Serves POST /v1/chat/completions.",
      "Serves POST /v1/responses.",
      "Serves the control page.",
    ]) {
      expect(schema).toContain(sentence);
    }
  });
});

/** Sends bytes as they are; resolves with everything that came back once the line is closed. */
async function raw(text: string | Buffer): Promise<string> {
  const socket = open();
  socket.end(text);
  return read(socket);
}

function open(): Socket {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  return socket;
}

async function read(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  await closed(socket);
  return text;
}

/** Resolves whether it ends well or with a reset. */
function closed(emitter: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.once("close", () => resolve()));
}

function head(extra: string, token = gateway.token): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${extra}\r\n`;
}

describe("bodies that mean harm", () => {
  const bodies: readonly [string, string | Buffer, number][] = [
    ["null", "null", 400],
    ["a list", "[]", 400],
    ["a number", "1", 400],
    ["a string", '"x"', 400],
    ["nothing", "", 400],
    ["half an object", '{"model":"openc', 400],
    ["two objects", "{}{}", 400],
    [
      "invalid UTF-8",
      Buffer.from(`{"model":"openclaw","messages":[{"role":"user","content":"\xff\xfe"}]}`, "latin1"),
      400,
    ],
    ["a UTF-16 text", Buffer.from('{"a":1}', "utf16le"), 400],
    ["a thousand brackets", `{"a":${"[".repeat(1_000)}`, 400],
    ["a million brackets", `{"a":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`, 400],
    ["a prototype", '{"__proto__":{"model":"openclaw"},"constructor":null}', 400],
  ];
  it.each(bodies)("R041: %s is a typed error and the process lives", async (_name, body, status) => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json" },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String), code: expect.any(String) } });
    expect((await ask("GET", "/health")).status).toBe(200);
  });

  it("R050: a declared gigabyte is refused before a byte of it is read", async () => {
    const socket = open();
    socket.write(head("Content-Length: 1073741824\r\n"));
    const answer = await read(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"request_too_large"');
  });

  it("R050: a gigabyte in chunks is cut at the limit, with flat memory", async () => {
    const socket = open();
    const answer = read(socket);
    socket.write(head("Transfer-Encoding: chunked\r\n"));
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(0x10_0000, 0x20), Buffer.from("\r\n")]);
    const before = process.memoryUsage.rss();
    let sentBytes = 0;
    const gone = closed(socket);
    socket.setMaxListeners(0);
    while (!socket.closed && sentBytes < 1024 ** 3) {
      sentBytes += chunk.length;
      const drained = new Promise<void>((resolve) => socket.once("drain", () => resolve()));
      if (!socket.write(chunk)) await Promise.race([drained, gone]);
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(sentBytes).toBeLessThan(4 * limits.httpBodyBytes);
    expect(process.memoryUsage.rss() - before).toBeLessThan(8 * limits.httpBodyBytes);
    expect((await ask("GET", "/health")).status).toBe(200);
  });

  it("R050: without a credential not even the head of a body is waited for", async () => {
    const socket = open();
    socket.write(head("Content-Length: 1000000\r\n", "wrong"));
    expect(await read(socket)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("R050: a body that drips is cut off after thirty seconds", async () => {
    const clock = new FakeClock();
    const slow = await startScriptedGateway({ clock });
    try {
      const arrived = once(slow.server, "request");
      const socket = connect(Number(new URL(slow.url).port), "127.0.0.1");
      const answer = read(socket);
      socket.write(head("Content-Length: 1000\r\n"));
      await arrived;
      for (let second = 0; second < 29; second += 1) {
        socket.write("{");
        await clock.advance(1_000);
      }
      expect(socket.closed).toBe(false);
      await clock.advance(1_000);
      await clock.advance(limits.httpLingerMs);
      expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(clock.pendingTimers).toBe(0);
    } finally {
      await slow.close();
    }
  });

  it("R106: a body at the limit is read, one byte more is 413", async () => {
    const frame = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "" }] });
    const fits = frame.replace('""', `"${"a".repeat(limits.httpBodyBytes - frame.length)}"`);
    const post = (body: string): Promise<Answer> =>
      ask("POST", "/v1/chat/completions", { headers: { "content-type": "application/json" }, body });
    expect((await post(fits)).status).toBe(200);
    expect((await post(`${fits} `)).status).toBe(413);
  });

  it("R041: a caller that breaks off in the middle of its body harms nobody", async () => {
    const socket = open();
    socket.write(`${head("Content-Length: 1000\r\n")}{"model"`);
    const [req] = (await once(gateway.server, "request")) as [NodeJS.EventEmitter];
    req.on("error", () => undefined);
    const gone = closed(req);
    socket.destroy();
    await gone;
    expect((await ask("GET", "/health")).status).toBe(200);
  });

  it("B1: `Connection: close` is honoured", async () => {
    const answer = await raw("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.toLowerCase()).toContain("connection: close");
  });
});
