import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { openStage, testToken, type Stage } from "../fake-deps.fixture.ts";
import { connectParamsSchema } from "../../protocol/methods/connect.ts";
import {
  connect,
  connectParams,
  errorOf,
  everyScope,
  makeIdentity,
  tryConnect,
  type Frame,
} from "../wire-client.fixture.ts";
import { loginCodeTtlMs } from "./login-codes.ts";

const ui = { id: "openclaw-control-ui", mode: "ui" };

function scopesOf(hello: Record<string, unknown>): unknown {
  return (hello["auth"] as { scopes: unknown }).scopes;
}

function authOf(hello: Record<string, unknown>): { deviceToken?: string; scopes: string[] } {
  return hello["auth"] as { deviceToken?: string; scopes: string[] };
}

describe("connect with the shared token", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it("R004: scopes follow from the server's policy, never from what a client claims", async () => {
    const claims = [...everyScope, "operator.everything", "node"];
    for (const client of [
      ui,
      { id: "webchat", mode: "webchat" },
      { id: "cli", mode: "ui" },
      { id: "test", mode: "test" },
    ]) {
      const stranger = await connect(stage.url, { client, scopes: claims });
      expect(scopesOf(stranger.hello), client.id).toEqual([]);
      expect(errorOf(await stranger.call("health")).message).toBe("missing scope: operator.read");
      await stranger.close();
    }
    for (const client of [
      { id: "cli", mode: "cli" },
      { id: "gateway-client", mode: "backend" },
    ]) {
      const own = await connect(stage.url, { client, scopes: claims });
      expect(scopesOf(own.hello)).toEqual(everyScope);
      await own.close();
    }
  });

  it("R012: a request that was passed on is never local, whatever it says of itself", async () => {
    for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "via", "cf-connecting-ip"]) {
      const passed = await connect(stage.url, { headers: { [header]: "127.0.0.1" } });
      expect(scopesOf(passed.hello), header).toEqual([]);
      await passed.close();
    }
    const page = await connect(stage.url, { headers: { origin: `http://127.0.0.1:${stage.port}` } });
    expect(scopesOf(page.hello)).toEqual([]);
    await page.close();
  });

  it("R002: without a token nothing is let in, on loopback too", async () => {
    for (const auth of [{}, { token: "" }, { token: "undefined" }, { token: "null" }]) {
      const { client, answer } = await tryConnect(stage.url, { auth });
      expect(answer.ok).toBe(false);
      expect((await client.closed).code).toBe(1008);
    }
    const { client } = await tryConnect(stage.url, { auth: {} });
    await client.closed;
    expect(stage.admitted).toEqual([]);
  });

  it("asking for nothing gives nothing", async () => {
    const client = await connect(stage.url, { scopes: [] });
    expect(scopesOf(client.hello)).toEqual([]);
    await client.close();
  });

  it("R005: a device that is blank, wrong or unsigned is refused, and never taken for none", async () => {
    const identity = makeIdentity();
    const other = makeIdentity();
    const good = await connect(stage.url, { identity });
    await good.close();
    const device = { id: identity.id, publicKey: identity.publicKey, signature: "AA", signedAt: 1, nonce: "n" };
    const broken: [string, Record<string, unknown>, string][] = [
      ["blank", { ...device, id: "", publicKey: "", signature: "", nonce: "" }, "invalid connect params"],
      ["null", {}, "invalid connect params"],
      ["another's id", { ...device, id: other.id }, "device identity mismatch"],
      ["short key", { ...device, publicKey: "AAAA" }, "device public key invalid"],
      ["foreign nonce", device, "device nonce mismatch"],
    ];
    for (const [name, wrong, message] of broken) {
      const { client, answer } = await tryConnect(stage.url, { params: { device: wrong } });
      expect(errorOf(answer).message, name).toContain(message);
      expect((await client.closed).code, name).toBe(1008);
    }
  });

  it("B6: a replayed or altered proof is refused", async () => {
    const identity = makeIdentity();
    const first = await connect(stage.url, { identity });
    const nonce = ((await first.challenge()) as { nonce: string }).nonce;
    await first.close();
    const replayed = await tryConnect(stage.url, { identity, nonce });
    expect(errorOf(replayed.answer).details["code"]).toBe("DEVICE_AUTH_NONCE_MISMATCH");
    // Signed for less, sent for more.
    const altered = await tryConnect(stage.url, {
      identity,
      scopes: ["operator.read"],
      params: { scopes: ["operator.admin"] },
    });
    expect(errorOf(altered.answer).details["code"]).toBe("DEVICE_AUTH_SIGNATURE_INVALID");
    const renamed = await tryConnect(stage.url, {
      identity,
      params: { client: { id: "cli", mode: "cli", version: "1", platform: "linux" } },
    });
    expect(errorOf(renamed.answer).details["code"]).toBe("DEVICE_AUTH_SIGNATURE_INVALID");
  });
});

describe("devices", () => {
  it("are paired by the right token, by either form of signature, with what they ask for", async () => {
    const stage = await openStage();
    for (const signature of ["v2", "v3"] as const) {
      const identity = makeIdentity();
      const client = { ...ui, platform: "  MacIntel ", deviceFamily: " Mac " };
      const paired = await connect(stage.url, { identity, client, signature, scopes: ["operator.read"] });
      const { deviceToken, scopes } = authOf(paired.hello);
      expect(scopes).toEqual(["operator.read"]);
      expect(deviceToken).toMatch(/^ocd_/);
      const row = await stage.store.devices.get(identity.id);
      expect(row?.tokenHash).toMatch(/^[0-9a-f]{64}$/);
      expect(JSON.stringify(row)).not.toContain(deviceToken);
      // The owner's credential widens a device without another pairing, and admin is enough for read.
      const wider = await connect(stage.url, { identity, client, scopes: ["operator.admin"] });
      expect(authOf(wider.hello).scopes).toEqual(["operator.admin"]);
      const again = await connect(stage.url, {
        identity,
        client,
        auth: { token: deviceToken ?? "" },
        scopes: ["operator.read"],
      });
      expect(authOf(again.hello).scopes).toEqual(["operator.read"]);
    }
    await stage.close();
  });

  it("E4: a copied device token is worth nothing without the device's key", async () => {
    const stage = await openStage();
    const identity = makeIdentity();
    const paired = await connect(stage.url, { identity, client: ui });
    const deviceToken = authOf(paired.hello).deviceToken ?? "";
    const withKey = await tryConnect(stage.url, { identity, client: ui, auth: { deviceToken } });
    expect(withKey.answer.ok).toBe(true);
    const withoutDevice = await tryConnect(stage.url, { auth: { deviceToken } });
    const withOtherKey = await tryConnect(stage.url, { identity: makeIdentity(), auth: { deviceToken } });
    const asToken = await tryConnect(stage.url, { auth: { token: deviceToken } });
    // Nor is the key without its token, or with a neighbour's.
    const keyAlone = await tryConnect(stage.url, { identity, auth: { deviceToken: "ocd_made-up" } });
    const neighbour = makeIdentity();
    await connect(stage.url, { identity: neighbour, client: ui });
    const swapped = await tryConnect(stage.url, { identity: neighbour, auth: { deviceToken } });
    for (const { answer } of [withoutDevice, withOtherKey, asToken, keyAlone, swapped]) {
      expect(answer.ok).toBe(false);
      expect(errorOf(answer).message).toContain("unauthorized");
    }
    const overHttp = await stage.auth.http.authenticate(httpRequest({ authorization: `Bearer ${deviceToken}` }));
    expect(overHttp.ok).toBe(false);
    await stage.close();
  });

  it("C1: a rotated token is refused at once on new sockets and cuts the live ones; a revoked device stays out", async () => {
    const stage = await openStage();
    const owner = await connect(stage.url);
    const identity = makeIdentity();
    const paired = await connect(stage.url, { identity, client: ui });
    const old = authOf(paired.hello).deviceToken ?? "";
    const live = await connect(stage.url, { identity, client: ui, auth: { deviceToken: old } });

    const rotated = await owner.ask("device.token.rotate", { deviceId: identity.id, role: "operator" });
    expect((await live.closed).reason).toBe("device token rotated");
    expect((await tryConnect(stage.url, { identity, client: ui, auth: { deviceToken: old } })).answer.ok).toBe(false);
    const fresh = await connect(stage.url, { identity, client: ui, auth: { deviceToken: String(rotated["token"]) } });

    await owner.ask("device.token.revoke", { deviceId: identity.id, role: "operator" });
    expect((await fresh.closed).code).toBe(1008);
    for (const auth of [{ deviceToken: String(rotated["token"]) }, { token: testToken }]) {
      const { answer } = await tryConnect(stage.url, { identity, client: ui, auth });
      expect(errorOf(answer)).toMatchObject({ code: "NOT_PAIRED", message: "pairing required" });
    }
    // A revoked device cannot be rotated back to life; removed, it may pair again.
    expect((await owner.call("device.token.rotate", { deviceId: identity.id, role: "operator" })).ok).toBe(false);
    await owner.ask("device.pair.remove", { deviceId: identity.id });
    expect((await tryConnect(stage.url, { identity, client: ui })).answer.ok).toBe(true);
    await stage.close();
  });

  it("C1: a device that removes itself hears so before its socket closes", async () => {
    const stage = await openStage();
    const identity = makeIdentity();
    const client = await connect(stage.url, { identity, client: ui });
    expect(await client.ask("device.pair.remove", { deviceId: identity.id })).toMatchObject({ removed: true });
    expect(await client.closed).toEqual({ code: 1008, reason: "device removed" });
    await stage.close();
  });

  it("R010: rotating adds neither a role nor a scope", async () => {
    const stage = await openStage();
    const owner = await connect(stage.url);
    const identity = makeIdentity();
    const reader = await connect(stage.url, { identity, client: ui, scopes: ["operator.read"] });
    await reader.close();
    expect((await owner.call("device.token.rotate", { deviceId: identity.id, role: "node" })).ok).toBe(false);
    const rotated = await owner.ask("device.token.rotate", {
      deviceId: identity.id,
      role: "operator",
      scopes: everyScope,
    });
    expect(rotated["scopes"]).toEqual(["operator.read"]);
    // A device of pairing scope alone may not take the token of one that is more.
    const pairing = makeIdentity();
    const weak = await connect(stage.url, { identity: pairing, client: ui, scopes: ["operator.pairing"] });
    const refused = await weak.call("device.token.rotate", { deviceId: identity.id, role: "operator" });
    expect(errorOf(refused).details["missingScope"]).toBe("operator.read");
    await stage.close();
  });

  it("users.21: a paired device that asks for more gets what it has, and keeps its connection", async () => {
    const stage = await openStage();
    const identity = makeIdentity();
    const paired = await connect(stage.url, { identity, client: ui, scopes: ["operator.read", "operator.write"] });
    const deviceToken = authOf(paired.hello).deviceToken ?? "";
    const auth = { deviceToken };
    const more = await connect(stage.url, { identity, client: ui, auth, scopes: everyScope });
    expect(authOf(more.hello).scopes).toEqual(["operator.read", "operator.write"]);
    // Changed metadata forces no new pairing.
    const renamed = await connect(stage.url, {
      identity,
      client: { ...ui, version: "99", platform: "win32" },
      auth,
      scopes: ["operator.read"],
    });
    expect(authOf(renamed.hello).scopes).toEqual(["operator.read"]);
    const onlyMore = await tryConnect(stage.url, { identity, client: ui, auth, scopes: ["operator.admin"] });
    expect(errorOf(onlyMore.answer).details).toMatchObject({ code: "PAIRING_REQUIRED", reason: "scope-upgrade" });
    await stage.close();
  });

  it("a node has the node's scope and no other, and needs a device", async () => {
    const stage = await openStage();
    const bare = await tryConnect(stage.url, { role: "node", client: { id: "node-host", mode: "node" } });
    expect(errorOf(bare.answer).details["code"]).toBe("DEVICE_IDENTITY_REQUIRED");
    const node = await connect(stage.url, {
      role: "node",
      client: { id: "node-host", mode: "node" },
      identity: makeIdentity(),
    });
    expect(authOf(node.hello).scopes).toEqual(["node"]);
    const unknown = await tryConnect(stage.url, { role: "emperor" });
    expect(errorOf(unknown.answer).message).toBe("invalid role");
    await stage.close();
  });
});

describe("login codes", () => {
  it("R024: are good once, for ten minutes, with the scopes they were issued with, for a device alone", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const code = stage.auth.codes.issue({ scopes: ["operator.read", "operator.write"] });
    const bare = await tryConnect(stage.url, { client: ui, auth: { bootstrapToken: code } });
    expect(errorOf(bare.answer).details["code"]).toBe("DEVICE_IDENTITY_REQUIRED");
    const identity = makeIdentity();
    const browser = await connect(stage.url, { identity, client: ui, auth: { bootstrapToken: code } });
    expect(authOf(browser.hello).scopes).toEqual(["operator.read", "operator.write"]);
    const deviceToken = authOf(browser.hello).deviceToken ?? "";
    const again = await tryConnect(stage.url, { identity: makeIdentity(), client: ui, auth: { bootstrapToken: code } });
    expect(errorOf(again.answer).details["code"]).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
    expect(
      (await tryConnect(stage.url, { identity, client: ui, auth: { deviceToken }, scopes: ["operator.read"] })).answer
        .ok,
    ).toBe(true);

    const old = stage.auth.codes.issue({ scopes: everyScope as never });
    await clock.advance(loginCodeTtlMs);
    const late = await tryConnect(stage.url, { identity: makeIdentity(), client: ui, auth: { bootstrapToken: old } });
    expect(late.answer.ok).toBe(false);
    const none = stage.auth.codes.issue({ scopes: [] });
    const empty = await connect(stage.url, { identity: makeIdentity(), client: ui, auth: { bootstrapToken: none } });
    expect(authOf(empty.hello).scopes).toEqual([]);
    await stage.close();
  });
});

describe("wrong guesses", () => {
  it("E1 R006: ten wrong tokens from one address lock it, over frames and HTTP alike, the right token included", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    for (let guess = 1; guess <= limits.authFailures; guess += 1) {
      const { answer } = await tryConnect(stage.url, { auth: { token: `wrong-${guess}` } });
      expect(errorOf(answer).details["code"]).toBe("AUTH_TOKEN_MISMATCH");
    }
    const locked = await tryConnect(stage.url);
    expect(errorOf(locked.answer)).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      details: { code: "AUTH_RATE_LIMITED" },
    });
    expect(errorOf(locked.answer)["retryAfterMs"]).toBeGreaterThan(0);
    const http = await stage.auth.http.authenticate(httpRequest({ authorization: `Bearer ${testToken}` }));
    expect(http.ok === false && http.error.code).toBe("SEC_008");
    // A thousand more change nothing but the time of the last one.
    const results = await Promise.all(
      Array.from({ length: 990 }, async () =>
        stage.auth.http.authenticate(httpRequest({ authorization: "Bearer guess" })),
      ),
    );
    expect(results.every((result) => !result.ok && result.error.code === "SEC_008")).toBe(true);
    await clock.advance(limits.authLockoutMs);
    expect((await tryConnect(stage.url)).answer.ok).toBe(true);
    await stage.close();
  });

  it("R006: a thousand guesses at once are counted before they are judged (scaled to 200)", async () => {
    const stage = await openStage();
    const identity = makeIdentity();
    const challenge = { nonce: "n", ts: stage.clock.nowMs() };
    const gate = Promise.withResolvers<null>();
    stage.store.devices.get = () => gate.promise;
    const peer = stage.auth.peer(httpRequest({}));
    const verdicts = Array.from({ length: 200 }, async (_unused, guess) => {
      const params = connectParamsSchema.parse(
        connectParams({ identity, auth: { token: `guess-${guess}` } }, challenge),
      );
      return stage.auth.connect.admit({ params, challenge, peer }).then(
        () => "let in",
        (error: unknown) => (error as { details: { code: string } }).details.code,
      );
    });
    // All of them have passed the first look at the lock, and wait for the same row.
    gate.resolve(null);
    const codes = Map.groupBy(await Promise.all(verdicts), (code) => code);
    expect(codes.get("AUTH_TOKEN_MISMATCH")).toHaveLength(limits.authFailures);
    expect(codes.get("AUTH_RATE_LIMITED")).toHaveLength(200 - limits.authFailures);
    await stage.close();
  });

  it("R006: an IPv6 customer is one address, an IPv4 neighbour is another", async () => {
    const stage = await openStage({ clock: new FakeClock() });
    const { limiter } = stage.auth;
    for (let guess = 0; guess < limits.authFailures; guess += 1) limiter.failed(`2001:db8:1:2:${guess}::1`);
    expect(limiter.lockedForMs("2001:db8:1:2:ffff::9")).toBeGreaterThan(0);
    expect(limiter.lockedForMs("2001:db8:1:3::1")).toBe(0);
    for (let guess = 0; guess < limits.authFailures; guess += 1) limiter.failed("::ffff:192.0.2.1");
    expect(limiter.lockedForMs("192.0.2.1")).toBeGreaterThan(0);
    expect(limiter.lockedForMs("192.0.2.2")).toBe(0);
    for (let address = 0; address < 12_000; address += 1)
      limiter.failed(`10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`);
    expect(limiter.size()).toBeLessThanOrEqual(10_000);
    await stage.close();
  });

  it("R007: every kind of credential counts on the same counter", async () => {
    const stage = await openStage({ clock: new FakeClock() });
    const identity = makeIdentity();
    const kinds: (() => Promise<Frame>)[] = [
      async () => (await tryConnect(stage.url, { auth: { token: "wrong" } })).answer,
      async () => (await tryConnect(stage.url, { identity, auth: { deviceToken: "ocd_wrong" } })).answer,
      async () => (await tryConnect(stage.url, { identity, auth: { bootstrapToken: "wrong" } })).answer,
      async () => (await tryConnect(stage.url, { identity, nonce: "wrong" })).answer,
    ];
    for (let guess = 0; guess < limits.authFailures - 1; guess += 1) await kinds[guess % kinds.length]?.();
    await stage.auth.http.authenticate(httpRequest({ authorization: "Bearer wrong" }));
    expect(errorOf((await tryConnect(stage.url)).answer).details["code"]).toBe("AUTH_RATE_LIMITED");
    await stage.close();
  });

  it("a missing credential is no guess", async () => {
    const stage = await openStage({ clock: new FakeClock() });
    for (let attempt = 0; attempt < limits.authFailures * 2; attempt += 1) await tryConnect(stage.url, { auth: {} });
    expect((await tryConnect(stage.url)).answer.ok).toBe(true);
    await stage.close();
  });
});

describe("a secret that changes", () => {
  it("R008 R009: the old one is refused on the next request, and its sockets close", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const device = await connect(stage.url, { identity: makeIdentity(), client: ui });
    const deviceToken = authOf(device.hello).deviceToken;
    expect(deviceToken).toBeDefined();
    const next = "another-token-that-is-long-enough";
    const withToken = (token: string) => httpRequest({ authorization: `Bearer ${token}` });
    stage.config.swap(
      (config) => ({ ...config, gateway: { ...config.gateway, auth: { ...config.gateway.auth, token: next } } }),
      ["gateway.auth.token"],
    );
    expect((await client.closed).reason).toBe("the gateway's credential changed");
    expect((await tryConnect(stage.url)).answer.ok).toBe(false);
    expect((await stage.auth.http.authenticate(withToken(testToken))).ok).toBe(false);
    expect((await stage.auth.http.authenticate(withToken(next))).ok).toBe(true);
    expect((await tryConnect(stage.url, { auth: { token: next } })).answer.ok).toBe(true);
    await stage.close();
  });
});

describe("a change while somebody is being let in", () => {
  it("R008 R009: a secret that changes in between lets nobody in any more", async () => {
    const stage = await openStage();
    const put = stage.store.devices.put.bind(stage.store.devices);
    stage.store.devices.put = async (row) => {
      await put(row);
      const auth = { ...stage.config.current().config.gateway.auth, token: "another-token-that-is-long-enough" };
      stage.config.swap((config) => ({ ...config, gateway: { ...config.gateway, auth } }), ["gateway.auth.token"]);
    };
    const { answer } = await tryConnect(stage.url, { identity: makeIdentity(), client: ui });
    expect(errorOf(answer)).toMatchObject({ details: { code: "AUTH_TOKEN_MISMATCH" } });
    await stage.close();
  });

  it("R010: a device that is revoked in between stays revoked", async () => {
    const stage = await openStage();
    const identity = makeIdentity();
    await connect(stage.url, { identity, client: ui });
    const code = stage.auth.codes.issue({ scopes: ["operator.read"] });
    const get = stage.store.devices.get.bind(stage.store.devices);
    // The row as it was when it was first looked at; the revocation is durable before the pairing is.
    stage.store.devices.get = async (id) => {
      const row = await get(id);
      stage.store.devices.get = get;
      void stage.auth.devices.revoke(identity.id, "operator");
      return row;
    };
    const { answer } = await tryConnect(stage.url, { identity, client: ui, auth: { bootstrapToken: code } });
    expect(errorOf(answer)).toMatchObject({ code: "NOT_PAIRED", message: "pairing required" });
    await stage.close();
  });
});

function httpRequest(headers: Record<string, string>) {
  // The guard reads headers and the peer's address, and nothing else of a request.
  return { headers, url: "/", socket: { remoteAddress: "127.0.0.1", remotePort: 40_000 } } as never;
}
