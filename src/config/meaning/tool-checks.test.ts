/** Names in what is said of tools: each one that nothing has is told, where it stands, and the file is not used with it. */
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { testHome } from "../fixtures/home.ts";
import { defaultConfig } from "../default-config.ts";
import type { Config } from "../schema/root.ts";
import { detectProviders } from "../../providers/detect.ts";
import { toolFindings, wellKnownProviders } from "./tool-checks.ts";

async function issuesOf(config: object) {
  const home = await testHome(JSON.stringify(config));
  const channelSchemas = { telegram: z.object({}), irc: z.object({}) };
  const { config: inForce, issues } = await home.load({ channelSchemas });
  return { inForce, issues: issues.map(({ severity, path, message }) => `${severity} ${path}: ${message}`) };
}

describe("what is said of files", () => {
  it("a wish that file tools leave the workspace is told to have no effect, and keeps nothing else from being in force", async () => {
    const { inForce, issues } = await issuesOf({ tools: { fs: { workspaceOnly: false }, deny: ["exec"] } });
    expect(issues).toEqual([expect.stringMatching(/^warning tools\.fs\.workspaceOnly: has no effect yet/)]);
    expect(inForce.tools.deny).toEqual(["exec"]);
    expect((await issuesOf({ tools: { fs: { workspaceOnly: true } } })).issues).toEqual([]);
  });
});

describe("names in what is said of tools", () => {
  it.each<[string, object, RegExp]>([
    ["a tool", { deny: ["exce"] }, /^error tools\.deny\[0\]: exce is not a tool.*did you mean exec\?$/],
    ["a tool of elsewhere", { deny: ["time", "bash"] }, /^error tools\.deny\[1\]: bash .*did you mean exec\?$/],
    ["a tool in another case", { allow: ["Read"] }, /^error tools\.allow\[0\]: Read .*did you mean read\?$/],
    ["a group without its word", { deny: ["runtime"] }, /did you mean group:runtime\?$/],
    [
      "a group",
      { alsoAllow: ["group:runtme"] },
      /^error tools\.alsoAllow\[0\]: .* not a group.*did you mean group:runtime\?$/,
    ],
    ["a group that is like none", { deny: ["group:bananas"] }, /there are fs, runtime, web/],
    ["a pattern", { deny: ["web_*"] }, /^error tools\.deny\[0\]: web_\* is not a tool/],
    ["half a server", { deny: ["mcp__git"] }, /^error tools\.deny\[0\]: mcp__git is not a tool/],
    ["for a provider", { byProvider: { openai: { deny: ["exce"] } } }, /^error tools\.byProvider\.openai\.deny\[0\]/],
    [
      "for a channel",
      { byChannel: { telegram: { allow: ["exce"] } } },
      /^error tools\.byChannel\.telegram\.allow\[0\]/,
    ],
    ["for a sender", { bySender: { "telegram:1": { alsoAllow: ["exce"] } } }, /^error tools\.bySender.*alsoAllow\[0\]/],
    ["a provider", { byProvider: { opnai: { deny: ["exec"] } } }, /^error tools\.byProvider\.opnai: names a provider/],
    ["a provider's other spelling", { byProvider: { OpenAI: { deny: ["exec"] } } }, /names a provider/],
    ["a channel", { byChannel: { telgram: { deny: ["exec"] } } }, /^error tools\.byChannel\.telgram: names a channel/],
    [
      "a sender's channel",
      { bySender: { "tg:1": { deny: ["exec"] } } },
      /names a channel that does not exist; there are telegram, irc$/,
    ],
    ["a sender without a channel", { bySender: { "1": { deny: ["exec"] } } }, /expected channel:id/],
    [
      "a profile",
      { byChannel: { irc: { profile: "codng" } } },
      /^error tools\.byChannel\.irc\.profile: expected one of/,
    ],
  ])("R122: %s that there is not is an error, and the file is not used", async (_what, tools, expected) => {
    const { issues, inForce } = await issuesOf({ tools, session: { mainKey: "mine" } });
    expect(issues.join("\n")).toMatch(new RegExp(expected.source, "m"));
    expect(inForce.session.mainKey).toBe("main");
  });

  it("R122: names in an agent's own lists are held against the same", async () => {
    const { issues } = await issuesOf({ agents: { list: [{ id: "a", tools: { deny: ["exce"] } }] } });
    expect(issues.slice(0, 1)).toEqual([expect.stringMatching(/^error agents\.list\[0\]\.tools\.deny\[0\]/)]);
  });

  it("R122: every name that there is is taken, everywhere", async () => {
    const names = ["exec", "*", "group:fs", "mcp__git__*", "mcp__git__log"];
    const words = { profile: "coding", allow: names, alsoAllow: names, deny: names };
    const { issues } = await issuesOf({
      tools: {
        ...words,
        byProvider: { openai: words, "my-own": words },
        byChannel: { telegram: words },
        bySender: { "irc:account:ann": words },
      },
      models: { providers: { "my-own": { api: "openai-completions", baseUrl: "http://127.0.0.1:1/v1" } } },
      agents: { list: [{ id: "a", tools: words }] },
      mcp: { servers: { git: { command: "git-server" } } },
    });
    expect(issues).toEqual([]);
  });

  it("a tool that only other gateways have is told and does no harm", async () => {
    const { issues, inForce } = await issuesOf({ tools: { deny: ["canvas", "exec"] } });
    expect(issues).toEqual([
      expect.stringMatching(/^warning tools\.deny\[0\]: canvas is a tool that this gateway does not/),
    ]);
    expect(inForce.tools.deny).toEqual(["canvas", "exec"]);
  });

  it("R122: a server that is not configured is an error", () => {
    const config = defaultConfig();
    const with_ = (servers: object) =>
      ({ ...config, tools: { ...config.tools, deny: ["mcp__github__*"] }, mcp: { servers } }) as unknown as Config;
    const unknown = ["mcp__github__* is of the server github, which mcp.servers does not name"];
    expect(toolFindings(with_({ git: {} }), []).map(({ message }) => message)).toEqual(unknown);
    expect(toolFindings(with_({}), []).map(({ message }) => message)).toEqual(unknown);
    expect(toolFindings(with_({ github: {} }), [])).toEqual([]);
  });

  it("R122: every provider that is found without configuration is known", () => {
    const keys = { openai: "k", anthropic: "k", gemini: "k", openrouter: "k" };
    const aws = { accessKeyId: "a", secretAccessKey: "s", sessionToken: null, bearerToken: null, region: "eu-west-1" };
    const found = detectProviders({ keys, ollamaHost: null, aws }, {} as never).current();
    expect(found.length).toBeGreaterThan(4);
    for (const { endpoint } of found) expect(wellKnownProviders).toContain(endpoint.id);
  });
});
