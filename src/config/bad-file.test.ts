/** Bad files: none opens a door, and none keeps the gateway from saying what is wrong. */
import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { testHome, told } from "./fixtures/home.ts";

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}
describe("bad files", () => {
  const closed = { dmPolicy: "allowlist", allowFrom: ["me"] };

  it.each([
    ["no JSON5", "{ gateway: { port: 1 ", "CFG_001"],
    ["an empty file", "", "CFG_001"],
    ["a list", "[]", "CFG_004"],
    ["an include that is not there", '{ $include: "./gone.json5" }', "CFG_002"],
    ["a guard that is wrong", "{ tools: { deny: 'exec' } }", "CFG_004"],
  ])("R021: %s leads to the last good configuration, or to defaults that let nobody in", async (_name, bad, code) => {
    const home = await testHome(JSON.stringify({ channels: { irc: closed }, gateway: { port: 4000 } }));
    const handle = await home.open();
    await handle.start();
    await handle.close();
    await home.put("openclaw.json", bad);

    const kept = await home.load();
    expect(kept.source).toBe("last-known-good");
    expect(kept.config.channels).toEqual({ irc: closed });
    expect(kept.config.gateway.port).toBe(4000);
    expect(kept.issues.some((issue) => issue.severity === "error")).toBe(true);
    expect(kept.raw).toBe(bad);

    await home.put("openclaw.json.last-good", "also broken {");
    const safe = await home.load({ channelEnvironment: { irc: { nick: "HOME" } } });
    expect(safe.source).toBe("defaults");
    expect(safe.config.channels).toEqual({});
    expect(safe.config.gateway).toMatchObject({ bind: "loopback", auth: { mode: "token" } });
    expect(code).toMatch(/^CFG_00[124]$/);
  });

  it("R021: what is wrong inside a channel stays as written, so that the channel refuses itself", async () => {
    const home = await testHome(`{ channels: { irc: { dmPolicy: "opne", allowFrom: "*", groups: 5 } } }`);
    expect((await home.load()).config.channels["irc"]).toEqual({ dmPolicy: "opne", allowFrom: "*", groups: 5 });
  });

  it("R021: a channel whose variable is missing is switched off, account by account", async () => {
    const home = await testHome(`{ channels: {
      one: { allowFrom: ["\${NOBODY}"], dmPolicy: "open" },
      two: { accounts: { a: { token: "\${NOTHING}" }, b: { token: "t" } } },
    } }`);
    const { config, issues } = await home.load();
    expect(config.channels["one"]).toMatchObject({ enabled: false });
    expect(config.channels["two"]).toEqual({ accounts: { a: { enabled: false }, b: { token: "t" } } });
    expect(issues.map((issue) => issue.path)).toEqual(["channels.one.allowFrom[0]", "channels.two.accounts.a.token"]);
  });

  it.each([
    ["an empty token", { gateway: { auth: { token: "" } } }, {}],
    ["a blank token", { gateway: { auth: { token: "  " } } }, {}],
    ["the word undefined", { gateway: { auth: { token: "undefined" } } }, {}],
    ["the mark of a hidden secret", { gateway: { auth: { token: "__OPENCLAW_REDACTED__" } } }, {}],
    ["a variable that is not set", { gateway: { auth: { token: "${GONE}" } } }, {}],
    ["a variable that is empty", { gateway: { auth: { token: "${GONE}" } } }, { GONE: "" }],
    ["an empty token in the environment", {}, { OPENCLAW_GATEWAY_TOKEN: "" }],
    ["the word null in the environment", {}, { OPENCLAW_GATEWAY_TOKEN: "null" }],
    ["mode password without one", { gateway: { auth: { mode: "password" } } }, {}],
    ["mode password with the word undefined", { gateway: { auth: { mode: "password", password: "undefined" } } }, {}],
    ["mode none", { gateway: { auth: { mode: "none" } } }, {}],
    ["TLS without a key", { gateway: { tls: { enabled: true } } }, {}],
    ["dispatch over Redis without its address", { queue: { driver: "redis" } }, {}],
    ["dispatch over Redis at an address of something else", { queue: { driver: "redis", url: "http://x" } }, {}],
  ])("R040: %s refuses to start, even beside a good copy", async (_name, config, variables) => {
    const home = await testHome(JSON.stringify(config));
    await home.put("openclaw.json.last-good", "{}");
    const error = await failure(home.load({ environment: home.environment(variables) }));
    expect(["CFG_003", "CFG_004"]).toContain(error.code);
    expect(error.row.exit).toBe(78);
  });

  it("R040: none is possible where it is said twice, and no secret at all means the token file", async () => {
    const home = await testHome("{ gateway: { auth: { mode: 'none', dangerouslyAllowNone: true } } }");
    expect((await home.load()).config.gateway.auth.mode).toBe("none");
    await home.put("openclaw.json", "{}");
    expect((await home.load()).config.gateway.auth).toEqual({
      mode: "token",
      trustLoopback: false,
      dangerouslyAllowNone: false,
    });
  });

  it.each([
    ["a group of tools", { tools: { deny: ["group:runtme"] } }, "tools.deny[0]"],
    [
      "a group in an agent's tools",
      { agents: { list: [{ id: "a", tools: { allow: ["group:x"] } }] } },
      "agents.list[0].tools.allow[0]",
    ],
    [
      "a group for a provider",
      { tools: { byProvider: { p: { alsoAllow: ["group:y"] } } } },
      "tools.byProvider.p.alsoAllow[0]",
    ],
    ["a profile", { tools: { profile: "codng" } }, "tools.profile"],
    ["a model alias", { agents: { defaults: { model: "fats" } } }, "agents.defaults.model.primary"],
    [
      "an agent of a binding",
      { agents: { list: [{ id: "a" }] }, bindings: [{ agentId: "b", match: { channel: "irc" } }] },
      "bindings[0].agentId",
    ],
  ])("R122: the unknown name of %s is an error", async (_name, config, where) => {
    const home = await testHome(JSON.stringify(config));
    const errors = (await home.load()).issues.filter((issue) => issue.severity === "error");
    expect(errors[0]?.path).toBe(where);
  });

  it("a file that cannot be read, is too large, is no text or too deep is broken, not a crash", async () => {
    const home = await testHome();
    await mkdir(home.configFile);
    expect((await home.load()).source).toBe("defaults");
    const other = await testHome(`{ x: "${"a".repeat(5 * 1024 * 1024)}" }`);
    expect(told(await other.load())[0]).toContain("larger than");
    await other.put("openclaw.json", `{ x: ${"[".repeat(70)}${"]".repeat(70)} }`);
    expect(told(await other.load())[0]).toContain("deeper than");
    const binary = await testHome();
    await writeFile(binary.configFile, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    expect(told(await binary.load())[0]).toContain("not UTF-8");
  });

  it("R021: hooks without a token of their own are broken, not open", async () => {
    const home = await testHome(`{ hooks: { enabled: true } }`);
    expect((await home.load()).source).toBe("defaults");
    await home.put(
      "openclaw.json",
      `{ gateway: { auth: { token: "same-token" } }, hooks: { enabled: true, token: "same-token" } }`,
    );
    expect((await home.load()).source).toBe("defaults");
  });
});
