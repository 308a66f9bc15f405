/** What a gateway keeps over its ends: by a signal, by a kill, and while somebody else starts beside it. */
import { spawn } from "node:child_process";
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FakeIrcServer } from "../../src/channels/irc/fake-server.fixture.ts";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { connect, type WireClient } from "../../src/gateway/wire-client.fixture.ts";
import { configWith, newStateDir, program, startGateway, type GatewayProcess } from "./gateway-process.ts";

let model: ModelEmulator;
let state: Awaited<ReturnType<typeof newStateDir>>;
const running = new Set<GatewayProcess>();

beforeAll(async () => {
  model = await startModelEmulator();
});
afterAll(() => model.close());
afterEach(async () => {
  await Promise.all([...running].map((gateway) => gateway.kill("SIGKILL")));
  running.clear();
  await state.remove();
});

async function start(part: Record<string, unknown> = {}): Promise<GatewayProcess> {
  const gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url, part) });
  running.add(gateway);
  return gateway;
}

function clientOf(gateway: GatewayProcess): Promise<WireClient> {
  return connect(gateway.url.replace("http", "ws"), { auth: { token: gateway.token } });
}

interface Said {
  readonly role: string;
  readonly content: readonly { readonly text?: string }[];
}

async function history(client: WireClient, sessionKey: string): Promise<string[]> {
  const { messages } = (await client.ask("chat.history", { sessionKey })) as { messages: Said[] };
  return messages.map(({ role, content }) => `${role}: ${content.map(({ text }) => text ?? "").join("")}`);
}

describe("a gateway that is told to end", () => {
  it("A5 A6: by SIGTERM in the middle of an answer, it finishes it, tells its clients, and exits with 0 in time", async () => {
    state = await newStateDir();
    const words = Array.from({ length: 15 }, (_, index) => `word-${index} `);
    model.play({ text: words, deltaDelayMs: 100 });
    const asked = model.requests.length;
    const gateway = await start();
    const client = await clientOf(gateway);
    await client.ask("chat.send", { sessionKey: "main", message: "tell me", idempotencyKey: "r1" });
    await client.event("chat");
    const began = performance.now();
    const code = await gateway.kill("SIGTERM");
    expect([code, performance.now() - began < 10_000]).toEqual([0, true]);
    expect(await client.closed).toEqual({ code: 1012, reason: "service restart" });
    const told = client.frames.flatMap(({ event }) => (event === undefined ? [] : [event]));
    expect(told.filter((name) => name === "shutdown")).toHaveLength(1);
    const again = await clientOf(await start());
    expect(await history(again, "main")).toEqual(["user: tell me", `assistant: ${words.join("")}`]);
    expect(model.requests.length - asked).toBe(1);
  });

  it("A4: killed under load, it comes back with the sessions it had, and each message that it took is answered once", async () => {
    state = await newStateDir();
    model.play((request) => ({ text: `re: ${request.lastText}`, delayMs: 400 }));
    const first = await start();
    const client = await clientOf(first);
    const keys = Array.from({ length: 12 }, (_, index) => `agent:main:load-${index}`);
    const send = (sessionKey: string, round: number) =>
      client.ask("chat.send", { sessionKey, message: `m${round}`, idempotencyKey: `${sessionKey}-${round}` });
    for (const round of [0, 1, 2]) await Promise.all(keys.map((key) => send(key, round)));
    await client.until(({ event, payload }) => event === "chat" && (payload as { state: string }).state === "final");
    const before = await client.ask("status");
    const { queued, running: begun } = before["inbox"] as { queued: number; running: number };
    expect(queued + begun).toBeGreaterThan(12);
    await first.kill("SIGKILL");
    running.delete(first);

    const second = await clientOf(await start());
    await expect
      .poll(async () => (await second.ask("status"))["inbox"], { timeout: 15_000 })
      .toMatchObject({ queued: 0, running: 0 });
    const after = await second.ask("status");
    for (const name of ["sessions", "agents", "channels", "version"]) {
      const steady = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value, (key, part: unknown) => (/since|AgeMs/.test(key) ? null : part)));
      expect(steady(after[name]), name).toEqual(steady(before[name]));
    }
    for (const key of keys) {
      expect(await history(second, key)).toEqual(
        [0, 1, 2].flatMap((round) => [`user: m${round}`, `assistant: re: m${round}`]),
      );
    }
  });
});

describe("a state directory", () => {
  it("A7: has one gateway: a second start fails within 6 s and names the first's process, and a killed one leaves room", async () => {
    state = await newStateDir();
    const first = await start();
    const began = performance.now();
    const child = spawn(process.execPath, [program, "gateway", "run", "--port", "0"], {
      env: { PATH: process.env["PATH"] ?? "", HOME: state.stateDir, OPENCLAW_STATE_DIR: state.stateDir },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let words = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => void (words += text));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(code).not.toBe(0);
    expect(words).toContain(String(first.pid));
    expect(words).not.toMatch(/\n\s+at /);
    await first.kill("SIGKILL");
    running.delete(first);
    const next = await start();
    expect((await fetch(`${next.url}/health`)).status).toBe(200);
  });
});

describe("a message that is sent through a channel", () => {
  let irc: FakeIrcServer;
  let line: Line;
  beforeAll(async () => {
    irc = await FakeIrcServer.start();
    line = await openLine(irc.port);
  });
  afterAll(async () => {
    await line.close();
    await irc.close();
  });

  it("C13: killed between the call and the platform, the gateway sends it after its next start, once", async () => {
    state = await newStateDir();
    const part = {
      channels: {
        irc: { host: "127.0.0.1", port: line.port, tls: false, nick: "claw", channels: ["#room"], groupPolicy: "open" },
      },
    };
    const request = { channel: "irc", to: "#room", message: "the kettle boils", idempotencyKey: "s1" };
    const first = await start(part);
    const accepted = await (await clientOf(first)).ask("send", request);
    await first.kill("SIGKILL");
    running.delete(first);
    expect(irc.heard).toEqual([]);

    line.connect();
    const second = await clientOf(await start(part));
    await expect.poll(() => said(irc), { timeout: 10_000 }).toEqual(["the kettle boils"]);
    expect(await second.ask("send", request)).toEqual(accepted);
    await second.ask("send", { ...request, message: "and whistles", idempotencyKey: "s2" });
    await expect.poll(() => said(irc), { timeout: 10_000 }).toEqual(["the kettle boils", "and whistles"]);
  });
});

function said(irc: FakeIrcServer): string[] {
  return irc.heard.flatMap((text) => /PRIVMSG #room :?(.*)$/i.exec(text)?.[1] ?? []);
}

/** A way to a server that is down until it is connected. */
interface Line {
  readonly port: number;
  connect(): void;
  close(): Promise<void>;
}

async function openLine(target: number): Promise<Line> {
  let up = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    if (!up) return void socket.destroy();
    const far = connectTcp(target, "127.0.0.1");
    sockets.add(far.on("error", () => undefined));
    socket.pipe(far).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connect: () => {
      up = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
