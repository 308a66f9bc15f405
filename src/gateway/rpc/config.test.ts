import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { methods } from "../../protocol/registry.ts";
import { openStage } from "../fake-deps.fixture.ts";
import { connect, errorOf, makeIdentity } from "../wire-client.fixture.ts";

describe("the configuration", () => {
  it("C10: a stale base is refused, and three writes a minute are enough for one client", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const client = await connect(stage.url);
    const { hash } = await client.ask("config.get");
    expect(
      (await client.call("config.patch", { raw: '{ messages: { responsePrefix: "x" } }', baseHash: hash })).ok,
    ).toBe(true);
    expect(errorOf(await client.call("config.patch", { patch: { a: 1 }, baseHash: hash })).details["errorCode"]).toBe(
      "CFG_005",
    );
    await client.ask("config.set", { path: "session.mainKey", value: "hall" });
    const limited = errorOf(await client.call("config.apply", { raw: "{}" }));
    expect(limited).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      details: { method: "config.apply", limit: "3 per 60s" },
    });
    expect(limited["retryAfterMs"]).toBeGreaterThan(50_000);
    const device = await connect(stage.url, { identity: makeIdentity() });
    expect((await device.call("config.patch", { patch: { a: 1 } })).ok).toBe(true);
    await clock.advance(60_001);
    expect((await client.call("config.apply", { raw: "{}" })).ok).toBe(true);
    expect(stage.config.changes.map(({ kind }) => kind)).toEqual(["patch", "set", "patch", "replace"]);
    await stage.close();
  });

  it("C10: a value is read, and told when it changes, by the path with which it is set", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const path = 'channels.irc.accounts["my.net"].nick';
    stage.config.swap(
      (config) => ({ ...config, channels: { irc: { accounts: { "my.net": { nick: "claw" } } } } }),
      [path, "env.constructor"],
    );
    expect(await client.ask("config.get", { path })).toMatchObject({ config: "claw" });
    expect(await client.ask("config.get", { path: "channels.irc.nothing" })).toMatchObject({ config: null });
    const { payload } = await client.event("config.changed");
    expect(payload).toMatchObject({ values: { [path]: "claw", "env.constructor": null } });
    const wrong = errorOf(await client.call("config.get", { path: "a..b[" }));
    expect(wrong).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringContaining("at /path") });
    await stage.close();
  });

  it("R018: what is hidden stays hidden, and its mark is never written back", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const token = stage.config.current().config.gateway.auth.token ?? "";
    for (const params of [{}, { path: "gateway" }, { path: "gateway.auth.token" }]) {
      expect(JSON.stringify(await client.call("config.get", params))).not.toContain(token);
    }
    const mark = "__OPENCLAW_REDACTED__";
    await client.ask("config.patch", { patch: { gateway: { port: 1, auth: { token: mark } }, agents: { list: [] } } });
    expect(stage.config.changes).toEqual([
      { kind: "patch", patch: { gateway: { port: 1, auth: {} }, agents: { list: [] } } },
    ]);
    for (const [method, params] of [
      ["config.apply", { raw: `{ gateway: { auth: { token: "${mark}" } } }` }],
      ["config.set", { path: "gateway.auth.token", value: mark }],
    ] as const) {
      expect(errorOf(await client.call(method, params)).message).toContain("would be overwritten");
    }
    await stage.close();
  });

  it("R017: no method that reads tells a secret or, below administrator, a path", async () => {
    const stage = await openStage();
    const reader = await connect(stage.url, { scopes: ["operator.read"] });
    const token = stage.config.current().config.gateway.auth.token ?? "";
    for (const { name, scope } of methods) {
      if (scope !== "operator.read") continue;
      const answer = JSON.stringify(await reader.call(name, {}));
      expect(answer, name).not.toContain(token);
      expect(answer, name).not.toContain(stage.folder);
      expect(answer, name).not.toContain("/state/openclaw.json");
    }
    await stage.close();
  });
});
