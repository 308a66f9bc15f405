/** Bad input against a gateway as its users run it: every one has its typed answer, and the process goes on. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/domain/limits.ts";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { errorOf, WireClient, type Frame } from "../../src/gateway/wire-client.fixture.ts";
import type { Ids } from "../../src/platform/ids.ts";
import { seededIds } from "../../src/platform/seeded-ids.ts";
import { configWith, newStateDir, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { ask, client, complete, metric, openSocket, openSockets, received, rssMiB } from "./observe.ts";

let model: ModelEmulator;
let state: Awaited<ReturnType<typeof newStateDir>>;
let gateway: GatewayProcess;
let quietSockets: number;

beforeAll(async () => {
  model = await startModelEmulator({ script: (request) => ({ text: `re: ${request.lastText}` }) });
  state = await newStateDir();
  gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
  await complete(gateway, "the first message opens the connection to the model");
  quietSockets = await openSockets(gateway);
});

afterAll(async () => {
  await gateway?.kill("SIGTERM");
  await model?.close();
  await state?.remove();
});

afterEach(() => expectUntouched());

/** Whatever a test sent: the process answers, holds nothing of it, and speaks of no failure of its own. */
async function expectUntouched(): Promise<void> {
  expect((await ask(gateway, "GET", "/healthz")).status).toBe(200);
  await expect.poll(() => metric(gateway, "openclaw_turns_active")).toBe(0);
  await expect.poll(() => metric(gateway, 'openclaw_inbox_messages{state="running"}')).toBe(0);
  // Within the connections that this process's own `fetch` and the gateway's to its model keep open.
  await expect.poll(() => openSockets(gateway), { timeout: 5_000 }).toBeLessThan(quietSockets + 6);
  expect(gateway.output()).not.toMatch(/ERROR|FATAL|SYS_001|unhandled/i);
}

const upgradeHeaders =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const socketUrl = (): string => gateway.url.replace("http", "ws");

describe("frames", () => {
  it("B2: of 10,000 random frames each is answered once, the valid ones with their result, the others with a typed error", async () => {
    const seed = 20_261_120;
    const ids = seededIds(seed);
    const clients = await Promise.all(Array.from({ length: 8 }, () => client(gateway)));
    await Promise.all(
      clients.map(async (one, lane) => {
        const sent = Array.from({ length: 1_250 }, (_, index) => randomFrame(ids, `${lane}-${index}`));
        for (const { text } of sent) one.send(text);
        await one.call("health");
        const answers = new Map<string, Frame[]>();
        for (const frame of one.frames.filter((row) => row.type === "res"))
          answers.set(String(frame.id), [...(answers.get(String(frame.id)) ?? []), frame]);
        const unreadable = sent.filter((row) => row.id === null).length;
        // Requests whose handler waits for the store may be answered behind the last one.
        for (const { id } of sent) if (id !== null) await one.until((frame) => frame.id === id);
        expect(
          one.frames.filter((frame) => frame.id === "invalid-frame"),
          `seed ${seed}`,
        ).toHaveLength(unreadable);
        for (const { id, valid } of sent) {
          if (id === null) continue;
          const own = one.frames.filter((frame) => frame.id === id);
          expect(own, `seed ${seed}, frame ${id}`).toHaveLength(1);
          if (valid) expect(own[0]?.ok).toBe(true);
        }
        for (const frame of one.frames.filter((row) => row.ok === false)) expectTyped(frame);
        await one.close();
      }),
    );
  });

  it("B2: before connect, anything but connect is refused and the socket closed", async () => {
    const cases: readonly (readonly [string | Buffer, boolean, number, string | null])[] = [
      [JSON.stringify({ type: "req", id: "1", method: "health" }), false, 1008, "RPC_004"],
      [JSON.stringify({ type: "req", id: "1", method: "gateway.stop", params: {} }), false, 1008, "RPC_004"],
      [JSON.stringify({ type: "res", id: "1", ok: true }), false, 1008, "RPC_004"],
      ["[]", false, 1008, "RPC_004"],
      ["null", false, 1008, "RPC_004"],
      ["GET / HTTP/1.1", false, 1000, null],
      [Buffer.from(JSON.stringify({ type: "req", id: "1", method: "connect" })), true, 1000, null],
      [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), false, 1007, null],
      [JSON.stringify({ type: "req", id: "1", method: "connect", params: null }), false, 1008, "RPC_003"],
      [
        JSON.stringify({ type: "req", id: "1", method: "connect", params: { minProtocol: "x" } }),
        false,
        1008,
        "RPC_003",
      ],
      ["x".repeat(limits.preAuthFrameBytes + 1), false, 1009, null],
    ];
    for (const [data, binary, closeCode, code] of cases) {
      const one = new WireClient(socketUrl());
      await one.challenge();
      one.socket.send(data, { binary });
      expect((await one.closed).code, String(data).slice(0, 80)).toBe(closeCode);
      const answer = one.frames.find((frame) => frame.type === "res");
      expect(answer === undefined ? null : errorOf(answer).details["errorCode"]).toBe(code);
    }
  });

  it("B2: two connects, or a request behind the connect that is not answered yet, close the socket and have no effect", async () => {
    const connect = { type: "req", id: "1", method: "connect", params: connectParams(gateway.token) };
    const early = { sessionKey: "main", message: "x", idempotencyKey: "early" };
    for (const second of [
      { type: "req", id: "2", method: "chat.send", params: early },
      { ...connect, id: "2" },
    ]) {
      const socket = openSocket(gateway);
      const answer = received(socket);
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgradeHeaders}`);
      await once(socket, "data");
      // In one piece, so that the second is there before the first is answered.
      socket.write(Buffer.concat([textFrame(connect), textFrame(second)]));
      expect(await answer).toContain("wait for the answer to connect");
      expect(await answer).not.toContain("hello-ok");
    }
    const other = await client(gateway);
    expect(errorOf(await other.call("agent.wait", { runId: "early" })).details["errorCode"]).toBe("RPC_007");
    expect(errorOf(await other.call("connect", connectParams(gateway.token))).details["errorCode"]).toBe("RPC_001");
    expect((await other.call("health")).ok).toBe(true);
    await other.close();
  });

  it("B2: behind connect, binary, broken and oversized frames cost at most their own socket", async () => {
    const cases: readonly (readonly [string | Buffer, boolean, number | null])[] = [
      [Buffer.from(JSON.stringify({ type: "req", id: "1", method: "health" })), true, null],
      ["", false, null],
      [`{"type":"req","id":"1","method":"chat.send","params":${"[".repeat(1e6)}${"]".repeat(1e6)}}`, false, null],
      [`{"type":"req","id":"1","method":"chat.send","params":${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}}`, false, null],
      ['{"type":"req","id":"1","method":"health","params":{"__proto__":{"probe":true}}}', false, null],
      [Buffer.from([0xed, 0xa0, 0x80]), false, 1007],
      [Buffer.alloc(limits.framePayloadBytes + 1, 0x20), false, 1009],
    ];
    for (const [data, binary, closeCode] of cases) {
      const one = await client(gateway);
      one.socket.send(data, { binary });
      if (closeCode === null) {
        await one.until((frame) => frame.type === "res" && (frame.id === "1" || frame.id === "invalid-frame"));
        expect((await one.call("health")).ok).toBe(true);
        await one.close();
      } else expect((await one.closed).code).toBe(closeCode);
    }
  });

  it("B2: a message beyond its size is refused by name, and its socket stays", async () => {
    const one = await client(gateway);
    const message = "x".repeat(20 * 1024 * 1024);
    const refused = await one.call("chat.send", { sessionKey: "main", message, idempotencyKey: "too-large" });
    expect(errorOf(refused).details["errorCode"]).toBe("MSG_003");
    expect(await one.ask("chat.history", { sessionKey: "main" })).toMatchObject({ messages: [] });
    await one.close();
  });

  it("B2: what is no WebSocket frame at all ends its own socket alone", async () => {
    const frames: readonly Buffer[] = [
      // Not masked; a reserved opcode; a control frame that is too long; 2^63 bytes announced; a continuation of nothing.
      Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
      Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
      Buffer.from([0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0]),
      Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
      Buffer.from([0x80, 0x80, 0, 0, 0, 0]),
      Buffer.from("not a frame at all"),
    ];
    for (const frame of frames) {
      const socket = openSocket(gateway);
      const answer = received(socket);
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgradeHeaders}`);
      await once(socket, "data");
      socket.write(frame);
      expect(await answer).toMatch(/^HTTP\/1\.1 101 /);
    }
    const garbage = openSocket(gateway);
    garbage.end(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]));
    expect(await received(garbage)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("B1: upgrades to other paths, hosts and origins are answered and closed", async () => {
    const refusals: readonly (readonly [string, string, number])[] = [
      ["/nowhere", "Host: 127.0.0.1", 404],
      ["/v1/chat/completions", "Host: 127.0.0.1", 404],
      ["/%2e%2e/ws", "Host: 127.0.0.1", 404],
      ["/../ws", "Host: 127.0.0.1", 404],
      ["http://evil.example/ws", "Host: 127.0.0.1", 404],
      ["/", "Host: evil.example", 421],
      ["/", "Host: 127.0.0.1\r\nOrigin: https://evil.example", 403],
      ["/", "Host: 127.0.0.1\r\nOrigin: null", 403],
    ];
    for (const [path, headers, status] of refusals) {
      const socket = openSocket(gateway);
      const answer = received(socket);
      socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\n${upgradeHeaders}`);
      expect(await answer, `${path} ${headers}`).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it("500 sockets that open and vanish in the middle of anything leave nothing behind", async () => {
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const socket = openSocket(gateway);
        await once(socket, "connect");
        socket.write(
          "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".slice(0, 20 + index),
        );
        socket.destroy();
      }),
    );
  });
});

describe("HTTP", () => {
  const json = { "content-type": "application/json" };
  const chat = "/v1/chat/completions";

  it("D2: a body of the wrong form is refused by name, on every route that takes one", async () => {
    const hello = { model: "openclaw", messages: [{ role: "user", content: "x" }] };
    const bodies: readonly (readonly [string | Uint8Array<ArrayBuffer>, number, Record<string, string>?])[] = [
      ["", 400],
      ["null", 400],
      ["[]", 400],
      ['"x"', 400],
      ["{", 400],
      [new Uint8Array([0x7b, 0xff, 0x7d]), 400],
      ["[".repeat(1_000_000), 400],
      [`{"model":"openclaw","messages":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`, 400],
      [JSON.stringify({ ...hello, messages: null }), 400],
      [JSON.stringify({ ...hello, messages: [] }), 400],
      [JSON.stringify({ ...hello, messages: [null] }), 400],
      [JSON.stringify({ ...hello, messages: [{ role: "robot", content: "x" }] }), 400],
      [JSON.stringify({ ...hello, messages: [{ role: "user", content: 7 }] }), 400],
      [JSON.stringify({ ...hello, messages: Array.from({ length: 5_000 }, () => hello.messages[0]) }), 400],
      [JSON.stringify({ ...hello, temperature: "hot" }), 400],
      [JSON.stringify({ ...hello, model: 7 }), 400],
      [JSON.stringify({ ...hello, model: "no-such-model" }), 404],
      [JSON.stringify({ ...hello, user: "\u0000" }), 400],
      [JSON.stringify(hello), 415, { "content-type": "text/plain" }],
      [JSON.stringify(hello), 415, { "content-encoding": "gzip" }],
    ];
    const before = model.count();
    for (const [body, status, headers] of bodies) {
      for (const path of [chat, "/v1/responses"]) {
        const answer = await ask(gateway, "POST", path, { body, headers: { ...json, ...headers } });
        expect([400, 404, 415], `${path} ${String(body).slice(0, 60)}`).toContain(answer.status);
        if (path === chat) expect(answer.status, String(body).slice(0, 80)).toBe(status);
        expect(JSON.parse(answer.text)).toEqual({ error: errorShape });
      }
    }
    // A body that is good for one of the two routes may only be wrong for the other: the model is not asked for either.
    expect(model.count()).toBe(before);
  });

  it("D2: a gigabyte, announced or not, is cut before it is kept, and 40 bodies that drip hold up nobody", async () => {
    const head = (extra: string): string =>
      `POST ${chat} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${gateway.token}\r\nContent-Type: application/json\r\n${extra}\r\n\r\n`;
    const announced = openSocket(gateway);
    announced.write(head("Content-Length: 1073741824"));
    expect(await received(announced)).toMatch(/^HTTP\/1\.1 413 /);

    const dripping = Array.from({ length: 40 }, () => openSocket(gateway));
    for (const socket of dripping) socket.write(`${head("Content-Length: 1000000")}{`);
    const before = await rssMiB(gateway);
    const endless = openSocket(gateway);
    const gone = received(endless);
    endless.write(head("Transfer-Encoding: chunked"));
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(0x10_0000, 0x20), Buffer.from("\r\n")]);
    let sentMiB = 0;
    while (!endless.closed && sentMiB < 1024) {
      sentMiB += 1;
      if (!endless.write(chunk)) await Promise.race([once(endless, "drain"), gone]).catch(() => "it was cut");
      for (const socket of dripping) socket.write(" ");
    }
    expect(await gone).toMatch(/^HTTP\/1\.1 413 /);
    expect(sentMiB).toBeLessThan(100);
    expect((await complete(gateway, "still there?")).text).toContain("re: still there?");
    for (const socket of dripping) socket.destroy();
    // At most the one body that was being read, and what the collector has not seen yet.
    expect((await rssMiB(gateway)) - before).toBeLessThan(100);
  });

  it("D12: unknown routes, methods and hostile paths are 404 or 405, never a file and never a fault", async () => {
    const paths = [
      "/nope",
      "/v1",
      "/v1/../gateway.token",
      "/..%2f..%2fetc%2fpasswd",
      "/chat/../../../../etc/passwd",
      "/chat/%2e%2e%2f%2e%2e%2fgateway.token",
      "/chat/..\\..\\gateway.token",
      "/chat/%00",
      "/chat/%",
      "/%ff%fe",
      "//evil.example/",
      "/v1/models/%2e%2e%2f",
      `/${"a".repeat(8_000)}`,
      "/media/x",
      "/hooks/x",
      "/tools/invoked",
      "/__proto__",
      "/constructor",
    ];
    for (const path of paths) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"]) {
        const socket = openSocket(gateway);
        const answer = received(socket);
        socket.write(
          `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${gateway.token}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        );
        expect(await answer, `${method} ${path}`).toMatch(/^HTTP\/1\.1 40[045] /);
        expect(await answer).not.toContain(gateway.token);
      }
    }
  });

  it("B1: what is hardly HTTP is 400 or cut, and a header too large is 431", async () => {
    const lines: readonly (readonly [string, RegExp])[] = [
      ["\r\n\r\nhello\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET / HTTP/9.9\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", /^HTTP\/1\.1 4\d\d /],
      [`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ["POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", /^HTTP\/1\.1 400 /],
      [
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        /^HTTP\/1\.1 400 /,
      ],
      [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        /^HTTP\/1\.1 4\d\d /,
      ],
    ];
    for (const [text, expected] of lines) {
      const socket = openSocket(gateway);
      const answer = received(socket);
      socket.end(text);
      expect(await answer, JSON.stringify(text.slice(0, 60))).toMatch(expected);
    }
  });

  it("D2: ten wrong tokens lock their address out, over HTTP and WebSocket alike, and no other", async () => {
    const from = async (token: string): Promise<string> => {
      // Another address of this machine, so that the lock-out is not ours.
      const socket = openSocket(gateway, "127.0.0.9");
      const answer = received(socket);
      socket.write(
        `GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
      return answer;
    };
    for (let attempt = 0; attempt < 10; attempt += 1) expect(await from("wrong")).toMatch(/^HTTP\/1\.1 401 /);
    const locked = await from(gateway.token);
    expect(locked).toMatch(/^HTTP\/1\.1 429 /);
    expect(Number(/retry-after: (\d+)/i.exec(locked)?.[1])).toBeGreaterThan(50);
    const one = new WireClient(socketUrl(), { localAddress: "127.0.0.9" });
    await one.challenge();
    const refused = errorOf(await one.call("connect", connectParams(gateway.token)));
    expect(refused.details["errorCode"]).toBe("SEC_008");
    expect(refused["retryAfterMs"]).toBeGreaterThan(50_000);
    expect((await ask(gateway, "GET", "/v1/models")).status).toBe(200);
  });

  it("D1: foreign hosts and origins are 421 and 403 on every route, `Connection: close` is honoured", async () => {
    const ask2 = async (path: string, headers: string): Promise<string> => {
      const socket = openSocket(gateway);
      const answer = received(socket);
      socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
      return answer;
    };
    for (const path of ["/health", "/readyz", "/metrics", "/v1/models", "/chat", "/nope"]) {
      expect(await ask2(path, "Host: evil.example")).toMatch(/^HTTP\/1\.1 421 /);
      expect(await ask2(path, "Host: 127.0.0.1.evil.example")).toMatch(/^HTTP\/1\.1 421 /);
      expect(await ask2(path, "Host: 127.0.0.1\r\nOrigin: http://evil.example")).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(await ask2("/health", "Host: localhost")).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
  });
});

const errorShape = {
  message: expect.any(String),
  type: expect.any(String),
  param: expect.toSatisfy((param) => param === null || typeof param === "string"),
  code: expect.any(String),
};

interface RandomFrame {
  readonly text: string;
  /** Null where no id can be read from it. */
  readonly id: string | null;
  readonly valid: boolean;
}

function randomFrame(ids: Ids, id: string): RandomFrame {
  const choice = Math.floor(ids.random() * 12);
  const valid = JSON.stringify({ type: "req", id, method: "health", params: {} });
  const methods = [
    "chat.send",
    "agent",
    "sessions.list",
    "sessions.patch",
    "config.get",
    "agent.wait",
    "send",
    "logs.tail",
  ];
  const method = methods[Math.floor(ids.random() * methods.length)];
  const stray = ids.hex(1 + Math.floor(ids.random() * 40));
  switch (choice) {
    case 0:
    case 1:
    case 2:
      return { text: valid, id, valid: true };
    case 3:
      return { text: valid.slice(0, Math.floor(ids.random() * (valid.length - 1))), id: null, valid: false };
    case 4:
      return { text: stray, id: null, valid: false };
    case 5:
      return {
        text: JSON.stringify({ type: "req", id, method: stray, params: randomValue(ids, 3) }),
        id,
        valid: false,
      };
    case 6:
      return { text: JSON.stringify({ type: "req", id, method, params: randomValue(ids, 3) }), id, valid: false };
    case 7:
      return { text: JSON.stringify({ type: stray, id, method }), id, valid: false };
    case 8:
      return { text: JSON.stringify({ type: "req", id, method, [stray]: randomValue(ids, 2) }), id, valid: false };
    case 9:
      return { text: JSON.stringify({ type: "req", id: randomNoText(ids), method }), id: null, valid: false };
    case 10:
      return { text: JSON.stringify({ type: "req", id, method: randomNoText(ids) }), id, valid: false };
    default:
      return { text: JSON.stringify(randomNoText(ids)), id: null, valid: false };
  }
}

function randomNoText(ids: Ids): unknown {
  const values = [null, 0, -1, true, [], ["x"], 1e308, ""];
  return values[Math.floor(ids.random() * values.length)];
}

/** Params of every kind; keys are those that methods look for, so that some get past the first check. */
function randomValue(ids: Ids, depth: number): unknown {
  const choice = Math.floor(ids.random() * 9);
  if (choice === 0) return null;
  if (choice === 1) return ids.random() * 1e6;
  if (choice === 2) return "\u0000\uD800\u202E💥".repeat(1 + Math.floor(ids.random() * 5));
  if (choice === 3) return [];
  if (choice === 4) return ids.hex(20);
  if (depth === 0) return true;
  if (choice === 5) return [randomValue(ids, depth - 1), randomValue(ids, depth - 1)];
  const keys = ["limit", "cursor", "key", "runId", "timeoutMs", "params", "constructor", "model", "label"];
  return Object.fromEntries(
    Array.from({ length: 3 }, () => [keys[Math.floor(ids.random() * keys.length)], randomValue(ids, depth - 1)]),
  );
}

/** As it stands on the wire, masked with zeros: two of these in one write arrive together. */
function textFrame(frame: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(frame));
  const head = Buffer.from([0x81, 0xfe, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(text.length, 2);
  return Buffer.concat([head, text]);
}

function expectTyped(frame: Frame): void {
  const error = errorOf(frame);
  expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  expect(error.details["errorCode"]).toMatch(/^(?:RPC|CONN|CFG|MODEL|MSG|SEC)_\d{3}$/);
}

function connectParams(token: string): Record<string, unknown> {
  return {
    minProtocol: 3,
    maxProtocol: 4,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    scopes: ["operator.admin", "operator.read", "operator.write"],
    auth: { token },
  };
}
