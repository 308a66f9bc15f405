import { createHash, generateKeyPairSync, sign, createPrivateKey, createPublicKey } from "node:crypto";
import { GatewayClient } from "@openclaw/gateway-client";
import {
  AgentEventSchema,
  ChatEventSchema,
  EventFrameSchema,
  HelloOkSchema,
  PresenceEntrySchema,
  readMissingScopeError,
  ResponseFrameSchema,
  ShutdownEventSchema,
  TickEventSchema,
  validateConnectParams,
} from "@openclaw/gateway-protocol";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { z, type ZodType } from "zod";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { connectParamsSchema } from "../protocol/methods/connect.ts";
import { channelStatus, openStage, runText, testToken, type Stage } from "./fake-deps.fixture.ts";
import {
  connect,
  connectParams,
  errorOf,
  makeIdentity,
  tryConnect,
  WireClient,
  type Frame,
} from "./wire-client.fixture.ts";

/** The published schema as a check. */
function check(schema: object): ZodType {
  return z.fromJSONSchema(JSON.parse(JSON.stringify(schema)) as never);
}

const frameSchema: Record<string, ZodType> = { res: check(ResponseFrameSchema), event: check(EventFrameSchema) };
const payloadSchema: Record<string, ZodType> = {
  chat: check(ChatEventSchema),
  agent: check(AgentEventSchema),
  tick: check(TickEventSchema),
  shutdown: check(ShutdownEventSchema),
};
const helloSchema = check(HelloOkSchema);
const presenceSchema = check(PresenceEntrySchema);

function expectPublished(frame: Frame): void {
  const text = JSON.stringify(frame);
  expect(frameSchema[String(frame.type)]?.safeParse(frame).error?.issues ?? [], text).toEqual([]);
  const payload = payloadSchema[String(frame.event)];
  if (payload !== undefined) expect(payload.safeParse(frame["payload"]).error?.issues ?? [], text).toEqual([]);
  if (frame.event === "presence") {
    for (const entry of (frame["payload"] as { presence: unknown[] }).presence) presenceSchema.parse(entry);
  }
  const hello = frame["payload"] as { type?: string } | null | undefined;
  if (hello?.type === "hello-ok") expect(helloSchema.safeParse(hello).error?.issues ?? [], text).toEqual([]);
}

describe("the published schemas", () => {
  it("B9: refuse a frame of another form, in whichever test it comes", async () => {
    const odd = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(odd, "listening");
    const thrown = Promise.withResolvers<unknown>();
    odd.on("connection", (socket) => socket.send('{"type":"event","event":"tick","seq":"one"}'));
    const client = new WireClient(`ws://127.0.0.1:${(odd.address() as AddressInfo).port}`);
    const [listener] = client.socket.listeners("message") as ((data: Buffer) => void)[];
    client.socket.removeAllListeners("message").on("message", (data: Buffer) => {
      try {
        listener?.(data);
        thrown.resolve(null);
      } catch (error) {
        thrown.resolve(error);
      }
    });
    expect(String(await thrown.promise)).toContain("not as published");
    client.socket.terminate();
    odd.close();
  });

  it("B9: accept every frame that a full session is sent, hello and refusals included", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const owner = await connect(stage.url);
    const browser = await connect(stage.url, {
      identity: makeIdentity(),
      client: { id: "openclaw-control-ui", mode: "ui" },
    });
    const pairing = await connect(stage.url, { scopes: ["operator.pairing"] });
    const bare = await connect(stage.url, { scopes: [] });
    const refused = await Promise.all([
      tryConnect(stage.url, { auth: { token: "wrong" } }),
      tryConnect(stage.url, { auth: {} }),
      tryConnect(stage.url, { params: { minProtocol: 9, maxProtocol: 9 } }),
      tryConnect(stage.url, { client: { id: "stranger" } }),
      tryConnect(stage.url, { identity: makeIdentity(), nonce: "other" }),
    ]);
    await owner.ask("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "p1" });
    const run = { runId: "p1", sessionKey: "agent:main:main", agentId: "main", atMs: clock.nowMs() };
    stage.bus.emit({ type: "run.thinking", text: "hm", ...run });
    stage.bus.emit({ type: "tool.started", callId: "c", tool: "look", input: { at: "sky" }, ...run });
    stage.bus.emit({ type: "tool.completed", callId: "c", tool: "look", output: "blue", ...run });
    stage.bus.emit(runText(run, "ho", "ho", clock.nowMs()));
    await clock.advance(limits.deltaBatchMs);
    await stage.finish("p1", "ho ho");
    await owner.ask("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "p2" });
    await owner.ask("chat.abort", { sessionKey: "main" });
    await owner.ask("chat.inject", { sessionKey: "main", message: "note" });
    stage.channels[0] = channelStatus({ state: "ERROR", reason: "gone" });
    stage.bus.emit({
      type: "channel.state",
      channel: "irc",
      accountId: "default",
      state: "ERROR",
      previous: "CONNECTED",
      reason: "gone",
      atMs: 3,
    });
    stage.bus.emit({ type: "config.changed", version: 2, changedPaths: ["gateway.port"], atMs: 4 });
    for (const frame of [
      "{",
      "[]",
      { id: "1" },
      { type: "req", id: "2", method: "" },
      { type: "req", id: "3", method: "chat.send", params: 5 },
    ])
      owner.send(frame);
    await owner.call("health");
    await owner.call("status");
    await clock.advance(limits.tickIntervalMs);
    await owner.event("tick");
    await stage.close();
    const clients: WireClient[] = [owner, browser, pairing, bare, ...refused.map(({ client }) => client)];
    for (const client of clients) {
      await client.closed;
      for (const frame of client.frames) expectPublished(frame);
    }
    const names = new Set(owner.frames.flatMap(({ event }) => (event === undefined ? [] : [event])));
    expect([...names].toSorted()).toEqual([
      "agent",
      "channel.disconnected",
      "chat",
      "config.changed",
      "connect.challenge",
      "health",
      "presence",
      "shutdown",
      "tick",
    ]);
  });

  it("accept what our own clients send to connect, and we accept what they accept", () => {
    const challenge = { nonce: "n", ts: 1 };
    for (const params of [
      connectParams({}, challenge),
      connectParams({ identity: makeIdentity(), role: "node" }, challenge),
    ]) {
      expect(validateConnectParams(params)).toBe(true);
      expect(connectParamsSchema.safeParse(params).success).toBe(true);
    }
  });

  it("readers of refusals understand ours", async () => {
    const stage = await openStage();
    const reader = await connect(stage.url, { scopes: ["operator.read"] });
    const refused = errorOf(await reader.call("chat.send", {}));
    expect(readMissingScopeError(refused)).not.toBeNull();
    await stage.close();
  });
});

describe("the published client", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  async function start(
    options: object = {},
  ): Promise<{ client: GatewayClient; hello: { protocol: number; auth?: { scopes?: string[] } } }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ protocol: number; auth?: { scopes?: string[] } }>();
    const client = new GatewayClient({
      url: stage.url,
      token: testToken,
      onHelloOk: (hello: never) => resolve(hello),
      onConnectError: (error: Error) => reject(error),
      ...options,
    } as ConstructorParameters<typeof GatewayClient>[0]);
    client.start();
    return { client, hello: await promise };
  }

  it("connects, is given its scopes, calls health, status and sessions.list, and hears events", async () => {
    const heard: string[] = [];
    const { client, hello } = await start({ onEvent: ({ event }: { event: string }) => heard.push(event) });
    expect(hello.protocol).toBe(4);
    expect(hello.auth?.scopes).toEqual(["operator.admin"]);
    expect(await client.request("health", {})).toMatchObject({ ok: true });
    expect(await client.request("status", {})).toMatchObject({ version: stage.deps.version });
    expect(await client.request("sessions.list", {})).toMatchObject({ sessions: [] });
    await client.request("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "pc1" });
    await stage.finish("pc1", "ho");
    await client.request("health", {});
    expect(heard).toContain("chat");
    await expect(client.request("no.such", {})).rejects.toThrow("unknown method: no.such");
    client.stop();
  });

  it("pairs a device, stores its token, and comes back with it alone", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const deviceIdentity = {
      deviceId: createHash("sha256").update(raw).digest("hex"),
      privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
    };
    let stored: { token: string; scopes: string[] } | null = null;
    const options = {
      clientName: "openclaw-macos",
      mode: "ui",
      platform: "MacIntel",
      deviceFamily: "Mac",
      scopes: ["operator.read", "operator.write"],
      deviceIdentity,
      hostDeps: {
        signDevicePayload: (pem: string, payload: string) =>
          sign(null, Buffer.from(payload), createPrivateKey(pem)).toString("base64url"),
        publicKeyRawBase64UrlFromPem: (pem: string) => createPublicKey(pem).export({ format: "jwk" }).x,
        loadDeviceAuthToken: () => stored,
        storeDeviceAuthToken: (entry: { token: string; scopes: string[] }) => {
          stored = { token: entry.token, scopes: entry.scopes };
          return stored;
        },
        clearDeviceAuthToken: () => undefined,
      },
    };
    const first = await start(options);
    expect(first.hello.auth?.scopes).toEqual(["operator.read", "operator.write"]);
    expect(stored).not.toBeNull();
    first.client.stop();
    const second = await start({ ...options, token: undefined });
    expect(second.hello.auth?.scopes).toEqual(["operator.read", "operator.write"]);
    expect(await second.client.request("health", {})).toMatchObject({ ok: true });
    second.client.stop();
  });

  it("is told of a wrong token in a way that it understands", async () => {
    const { promise, resolve } = Promise.withResolvers<Error & { details?: { code?: string } }>();
    const client = new GatewayClient({
      url: stage.url,
      token: "wrong",
      onConnectError: (error: Error) => resolve(error),
    } as ConstructorParameters<typeof GatewayClient>[0]);
    client.start();
    const error = await promise;
    expect(error.message).toMatch(/^unauthorized: gateway token mismatch/);
    expect(error.details?.code).toBe("AUTH_TOKEN_MISMATCH");
    client.stop();
  });
});
