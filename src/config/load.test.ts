/** Loading: what a good file means, and what its mistakes cost. */
import * as z from "zod";
import { describe, expect, it } from "vitest";
import { testHome, told } from "./fixtures/home.ts";
import { configSchema } from "./schema/root.ts";

const sample = `{
  // as the described system writes it
  gateway: { port: 18789, bind: "loopback", auth: { mode: "token", token: "a-real-token" },
             http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } } },
  models: { providers: { mock: { baseUrl: "http://127.0.0.1:29100/v1", apiKey: "k", api: "openai-completions",
             models: [{ id: "mock-1", name: "mock", contextWindow: 128000, maxTokens: 4096,
                        cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 } }] } } },
  agents: { defaults: { model: { primary: "mock/mock-1", fallbacks: [] } } },
  channels: { telegram: { botToken: "x", apiRoot: "http://127.0.0.1:1", dmPolicy: "allowlist", allowFrom: ["tg:42"] },
              irc: { host: "127.0.0.1", port: 6667, tls: false, nick: "claw", channels: ["#room"], dmPolicy: "open", allowFrom: ["*"] } },
}`;

describe("loading", () => {
  it("Q16: a configuration in the described system's style loads unchanged and without a word", async () => {
    const home = await testHome(sample);
    const loaded = await home.load();
    expect(told(loaded)).toEqual([]);
    expect(loaded.config.models.providers["mock"]?.models[0]).toMatchObject({
      id: "mock-1",
      reasoning: false,
      input: ["text"],
    });
    expect(loaded.config.channels["telegram"]).toMatchObject({ botToken: "x", allowFrom: ["tg:42"] });
  });

  it("Q16: every root section is accepted, also where it is empty", async () => {
    const sections = Object.keys(configSchema().shape).filter((name) => name !== "bindings");
    const home = await testHome(`{ bindings: [], ${sections.map((name) => `${name}: {}`).join(", ")} }`);
    const loaded = await home.load();
    expect(told(loaded)).toEqual([]);
    for (const name of [
      "agents",
      "gateway",
      "models",
      "channels",
      "plugins",
      "memory",
      "cron",
      "commands",
      "discovery",
    ]) {
      expect(Object.keys(loaded.config)).toContain(name);
    }
  });

  it("Q1: comments, trailing commas, bare keys, single quotes and hexadecimal are read", async () => {
    const home = await testHome("\uFEFF{ /* a */ gateway: { port: 0x4965, 'host': 'x', }, // b\n }");
    expect((await home.load()).config.gateway).toMatchObject({ port: 18_789, host: "x" });
  });

  it("Q5: an error names path, what was expected, what came, file and line", async () => {
    const home = await testHome(`{
      gateway: {
        port: "abc",
        bind: "loopbak",
      },
      models: { providers: { p: {
        api: "telepathy", apiKey: 42,
        models: [{ id: "a" }, { name: "no id" }],
      } } },
      session: { reset: { atHour: 99 } },
    }`);
    expect(told(await home.load())).toEqual([
      'error openclaw.json:3 gateway.port expected a number, got "abc"',
      'error openclaw.json:4 gateway.bind expected one of "loopback", "lan", "tailnet", "auto", got "loopbak"',
      "error openclaw.json:7 models.providers.p.apiKey expected text, got a number",
      'error openclaw.json:7 models.providers.p.api expected one of "openai-completions", "openai-responses", "anthropic-messages", "google-generative-ai", "bedrock-converse-stream", "ollama", "openrouter", "github-copilot", "demo", got "telepathy"',
      "error openclaw.json:10 session.reset.atHour expected at most 23, got 99",
      "error openclaw.json:8 models.providers.p.models[1].id expected text, got nothing",
    ]);
  });

  it("Q5: a bad value costs that value alone", async () => {
    const home = await testHome(`{ gateway: { port: "abc", host: "10.0.0.1" }, logging: { level: "debug" } }`);
    const { config } = await home.load();
    expect(config.gateway).toMatchObject({ port: 18_789, host: "10.0.0.1" });
    expect(config.logging.level).toBe("debug");
  });

  it("Q5: of several mistakes in one list each is left out, and nothing else", async () => {
    const home = await testHome(
      `{ gateway: { trustedProxies: [1, "a", 2, "b", {}] }, agents: { list: [{ name: "x" }, { id: "a" }, {}, { id: "b" }] } }`,
    );
    const { config } = await home.load();
    expect(config.gateway.trustedProxies).toEqual(["a", "b"]);
    expect(config.agents.list).toEqual([{ id: "a" }, { id: "b" }]);
  });

  it("Q5: a key that one of several forms knows is known", async () => {
    const channelSchemas = {
      c: z.object({
        rooms: z.array(z.union([z.object({ a: z.string() }), z.object({ a: z.string(), b: z.string() })])),
      }),
    };
    const home = await testHome(`{ channels: { c: { rooms: [{ a: "1", b: "2" }, { a: "1", c: "3" }] } } }`);
    expect((await home.load({ channelSchemas })).issues.map((issue) => issue.path)).toEqual(["channels.c.rooms[1].c"]);
  });

  it("Q5: a secret is never part of an error", async () => {
    const home =
      await testHome(`{ gateway: { auth: { token: ["canary-secret-1"] } }, agents: { defaults: { timeoutSeconds: "canary secret, 2!" } },
      models: { providers: { p: { api: "ollama", apiKey: { key: "canary-secret-3" }, headers: { authorization: 5, x: [ "canary-secret-4" ] } } } } }`);
    const loaded = await home.load();
    expect(loaded.issues.length).toBeGreaterThan(3);
    expect(JSON.stringify(loaded.issues)).not.toContain("canary");
  });

  it("unknown keys are warnings with path and line, and have no effect", async () => {
    const home = await testHome(`{
      gateway: { prot: 1, auth: { tokn: "x" } },
      wizard: { lastRun: 1 },
      agents: { list: [{ id: "a", colour: 1 }] },
    }`);
    const loaded = await home.load();
    expect(told(loaded)).toEqual([
      "warning openclaw.json:2 gateway.prot is not known and has no effect",
      "warning openclaw.json:2 gateway.auth.tokn is not known and has no effect",
      "warning openclaw.json:3 wizard is not known and has no effect",
      "warning openclaw.json:4 agents.list[0].colour is not known and has no effect",
    ]);
    expect(loaded.config.gateway).not.toHaveProperty("prot");
  });

  it("Q5: channels' own schemas are asked, with the line of each mistake", async () => {
    const channelSchemas = {
      irc: z.object({
        host: z.string(),
        port: z.number().default(6697),
        dmPolicy: z.enum(["open", "pairing"]).default("pairing"),
      }),
    };
    const home = await testHome(`{ channels: {
      irc: {
        host: 5,
        nikc: "claw",
        accounts: { two: {
          host: "h", port: "x" } } },
      telegrm: {},
    } }`);
    expect(told(await home.load({ channelSchemas }))).toEqual([
      "error openclaw.json:3 channels.irc.host expected text, got 5",
      "warning openclaw.json:4 channels.irc.nikc is not known and has no effect",
      'error openclaw.json:6 channels.irc.accounts.two.port expected a number, got "x"',
      "warning openclaw.json:7 channels.telegrm is not a channel that this version has",
    ]);
  });

  it("Q9: two loads with a change between them differ, and a snapshot cannot be changed", async () => {
    const home = await testHome("{ gateway: { port: 1000 } }");
    const first = await home.load();
    await home.put("openclaw.json", "{ gateway: { port: 2000 } }");
    const second = await home.load();
    expect([first.config.gateway.port, second.config.gateway.port]).toEqual([1000, 2000]);
    expect(() => {
      (second.config.gateway as { port: number }).port = 1;
    }).toThrow(TypeError);
    expect(() => (second.config.agents.list as unknown[]).push({})).toThrow(TypeError);
  });

  it("short forms mean the same as long ones", async () => {
    const home = await testHome(`{
      agents: { defaults: { model: "mock/a" }, entries: { main: { name: "M" }, work: { model: { primary: "mock/b", fallbacks: ["mock/c"] } } } },
      bindings: [{ agentId: "work", match: { channel: "irc", peer: { kind: "group", id: "#room" } } }],
      env: { SOME_KEY: "v" },
      commands: { native: "auto" },
    }`);
    const loaded = await home.load();
    expect(told(loaded)).toEqual([]);
    expect(loaded.config.agents.defaults.model).toMatchObject({ primary: "mock/a", fallbacks: [] });
    expect(loaded.config.agents.list).toEqual([
      { id: "main", name: "M" },
      { id: "work", model: "mock/b", fallbacks: ["mock/c"] },
    ]);
    expect(loaded.config.bindings[0]?.match.peer).toBe("#room");
    expect(loaded.environment.variables["SOME_KEY"]).toBe("v");
    expect(loaded.config.commands.native).toBe(true);
  });
});
