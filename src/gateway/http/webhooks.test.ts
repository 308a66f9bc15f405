import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { GatewayDeps, WebhooksView } from "../deps.ts";
import { openStage } from "../fake-deps.fixture.ts";
import { createHttpApp } from "./app.ts";

type Call = Parameters<WebhooksView["handle"]>[1] & { readonly path: string };

interface World {
  readonly calls: Call[];
  readonly clock: FakeClock;
  post(path: string, options?: PostOptions): Promise<Answer>;
}

interface PostOptions {
  readonly method?: string;
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** Paths that are mounted and what each answers; the secret that is asked for is `right`. */
const mounts: Readonly<Record<string, (call: Call) => { status: number; body?: string }>> = {
  "/hook/fake": () => ({ status: 200, body: "taken" }),
  "/hook/secret": ({ headers }) => ({ status: headers["x-secret"] === "right" ? 200 : 401 }),
  "/hook/full": () => ({ status: 503 }),
  // A path of the gateway's own: the gateway's answer must stay.
  "/v1/chat/completions": () => ({ status: 200, body: "mine" }),
};

async function open(trustedProxies: readonly string[] = []): Promise<World> {
  const stage = await openStage({
    config: (config) => ({ ...config, gateway: { ...config.gateway, trustedProxies: [...trustedProxies] } }),
  });
  opened.push(() => stage.close());
  const calls: Call[] = [];
  const clock = new FakeClock();
  const webhooks: WebhooksView = {
    mounted: (path) => Object.hasOwn(mounts, path),
    publicHost: (path) => (path === "/hook/fake" ? "bot.example.org" : null),
    handle(path, given) {
      const call = { ...given, path };
      calls.push(call);
      const answer = mounts[path]?.(call);
      return answer === undefined ? null : Promise.resolve(answer);
    },
  };
  const deps: GatewayDeps = { ...stage.deps, clock, webhooks };
  const server = createServer(createHttpApp(deps, stage.auth.http));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  return { calls, clock, post: (path, options) => post(port, path, options) };
}

function post(port: number, path: string, { method = "POST", body = "", headers = {} }: PostOptions = {}) {
  const answered = Promise.withResolvers<Answer>();
  const out = request({ port, path, method, headers, agent: false }, (res) => {
    const chunks: Buffer[] = [];
    res.on("data", (chunk: Buffer) => chunks.push(chunk));
    res.on("end", () =>
      answered.resolve({
        status: res.statusCode ?? 0,
        body: Buffer.concat(chunks).toString(),
        headers: res.headers,
      }),
    );
  });
  out.on("error", answered.reject);
  out.end(body);
  return answered.promise;
}

describe("a call of a platform", () => {
  it("reaches whoever mounted its path, without a credential of ours and from any page", async () => {
    const world = await open();
    const body = Buffer.from([0, 255, 10]);
    const headers = { "X-Secret": "s", origin: "https://elsewhere.example", "content-type": "application/x-odd" };
    expect(await world.post("/hook/fake?x=1", { body, headers })).toMatchObject({ status: 200, body: "taken" });
    const [call] = world.calls;
    expect(call).toMatchObject({ path: "/hook/fake", remoteAddress: "127.0.0.1", headers: { "x-secret": "s" } });
    expect(Buffer.from(call?.body ?? [])).toEqual(body);
    expect((await world.post("/hook/full")).status).toBe(503);
  });

  it("is a POST to the path as it was mounted, to one of our names, and shadows nothing of ours", async () => {
    const world = await open();
    const otherwise = [
      world.post("/hook/fake", { method: "GET" }),
      world.post("/hook/fake/"),
      world.post("/hook/%66ake"),
      world.post("/hook/other"),
    ];
    expect((await Promise.all(otherwise)).map(({ status }) => status)).toEqual([404, 404, 401, 404]);
    expect((await world.post("/hook/fake", { headers: { host: "rebound.example" } })).status).toBe(421);
    expect((await world.post("/v1/chat/completions")).status).toBe(401);
    expect(world.calls).toEqual([]);
  });

  it("asks for the name that the platform was told, which a tunnel hands on, at its own path alone", async () => {
    const world = await open();
    const asking = async (path: string, host: string) => (await world.post(path, { headers: { host } })).status;
    expect(await asking("/hook/fake", "bot.example.org")).toBe(200);
    expect(await asking("/hook/fake", "BOT.example.org:8443")).toBe(200);
    expect(await asking("/hook/fake", "evil.bot.example.org")).toBe(421);
    expect(await asking("/hook/full", "bot.example.org")).toBe(421);
    expect(await asking("/v1/chat/completions", "bot.example.org")).toBe(421);
  });

  it("may bring a mebibyte and no byte more, declared or not", async () => {
    const world = await open();
    const largest = Buffer.alloc(limits.webhookBodyBytes);
    const larger = Buffer.alloc(limits.webhookBodyBytes + 1);
    expect((await world.post("/hook/fake", { body: largest })).status).toBe(200);
    expect((await world.post("/hook/fake", { body: larger })).status).toBe(413);
    const undeclared = { "transfer-encoding": "chunked" };
    expect((await world.post("/hook/fake", { body: larger, headers: undeclared })).status).toBe(413);
    expect(world.calls).toHaveLength(1);
  });

  it("R053: after ten wrong secrets an address is not listened to for a minute, with the right one neither", async () => {
    const world = await open();
    const right = { headers: { "x-secret": "right" } };
    for (let guess = 0; guess < limits.authFailures; guess += 1) {
      expect((await world.post("/hook/secret", { headers: { "x-secret": `${guess}` } })).status).toBe(401);
    }
    const asked = world.calls.length;
    expect(await world.post("/hook/secret", right)).toMatchObject({ status: 429, headers: { "retry-after": "60" } });
    expect((await world.post("/hook/fake")).status).toBe(429);
    expect(world.calls).toHaveLength(asked);
    await world.clock.advance(limits.authLockoutMs);
    expect((await world.post("/hook/secret", right)).status).toBe(200);
  });

  it("R053: who guesses locks out nobody else behind the same proxy", async () => {
    const world = await open(["127.0.0.1"]);
    const from = (address: string, secret: string) =>
      world.post("/hook/secret", { headers: { "x-secret": secret, "x-forwarded-for": address } });
    for (let guess = 0; guess < limits.authFailures; guess += 1) await from("192.0.2.7", "wrong");
    expect((await from("192.0.2.7", "right")).status).toBe(429);
    expect((await from("192.0.2.8", "right")).status).toBe(200);
    expect(world.calls.at(-1)?.remoteAddress).toBe("192.0.2.8");
  });
});
