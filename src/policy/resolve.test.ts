/** Layer by layer: what may be used, by which rule, and that no layer gives back what another took. */
import { describe, expect, it } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import { limits } from "../domain/limits.ts";
import { houseTools } from "../domain/tool-names.ts";
import type { PolicyFacts } from "./contract.ts";
import { configWith, factsOf, fakeCommands, callOf, look } from "./policy-world.fixture.ts";
import { createPolicy } from "./resolve.ts";

type Changes = Parameters<typeof configWith>[0];

function permitted(tool: string, changes: Changes, facts: Partial<PolicyFacts> = {}) {
  const policy = createPolicy({ config: () => configWith(changes), commands: fakeCommands() });
  const { allowed, rule } = policy.permits(tool, factsOf(facts));
  return `${allowed ? "yes" : "no"} ${rule.where}`;
}

const group = { chatKind: "group", isMain: false, sessionKey: "agent:main:telegram:default:group:5" } as const;
const stranger = { ...group, isOwner: false, senderId: "9" } as const;

describe("what may be used", () => {
  it.each<[string, string, Changes, Partial<PolicyFacts>, string]>([
    ["nothing said", "exec", {}, {}, "yes built-in"],
    ["a tool of a server", "mcp__git__log", {}, {}, "yes built-in"],
    // The house.
    ["a denial", "exec", { tools: { deny: ["exec"] } }, {}, "no tools.deny[0]"],
    ["a denied group", "write", { tools: { deny: ["time", "group:fs"] } }, {}, "no tools.deny[1]"],
    ["a denial beside an allowance", "exec", { tools: { allow: ["exec"], deny: ["exec"] } }, {}, "no tools.deny[0]"],
    [
      "a denial beside what is added",
      "exec",
      { tools: { alsoAllow: ["exec"], deny: ["group:runtime"] } },
      {},
      "no tools.deny[0]",
    ],
    ["everything denied", "time", { tools: { deny: ["*"] } }, {}, "no tools.deny[0]"],
    ["on the list", "read", { tools: { allow: ["time", "group:fs"] } }, {}, "yes tools.allow[1]"],
    ["not on the list", "exec", { tools: { allow: ["group:fs"] } }, {}, "no tools.allow"],
    ["an empty list", "time", { tools: { allow: [] } }, {}, "no tools.allow"],
    ["of the profile", "read", { tools: { profile: "coding" } }, {}, "yes tools.profile"],
    ["not of the profile", "message", { tools: { profile: "coding" } }, {}, "no tools.profile"],
    ["minimal", "exec", { tools: { profile: "minimal" } }, {}, "no tools.profile"],
    ["messaging", "message", { tools: { profile: "messaging" } }, {}, "yes tools.profile"],
    ["messaging", "exec", { tools: { profile: "messaging" } }, {}, "no tools.profile"],
    ["full", "mcp__git__log", { tools: { profile: "full" } }, {}, "yes tools.profile"],
    [
      "added to the profile",
      "message",
      { tools: { profile: "coding", alsoAllow: ["message"] } },
      {},
      "yes tools.alsoAllow[0]",
    ],
    ["of profile and list", "read", { tools: { profile: "coding", allow: ["read"] } }, {}, "yes tools.allow[0]"],
    [
      "of the list, not the profile",
      "message",
      { tools: { profile: "coding", allow: ["message"] } },
      {},
      "no tools.profile",
    ],
    // Servers.
    ["a whole server denied", "mcp__git__log", { tools: { deny: ["mcp__git__*"] } }, {}, "no tools.deny[0]"],
    ["another server", "mcp__github__log", { tools: { deny: ["mcp__git__*"] } }, {}, "yes tools"],
    ["one tool of a server", "mcp__git__log", { tools: { deny: ["mcp__git__push"] } }, {}, "yes tools"],
    ["every server", "mcp__git__log", { tools: { deny: ["group:plugins"] } }, {}, "no tools.deny[0]"],
    ["a server is not of the house", "mcp__git__log", { tools: { allow: ["group:openclaw"] } }, {}, "no tools.allow"],
    // Providers, agents, channels, senders.
    [
      "a provider",
      "exec",
      { tools: { byProvider: { openai: { deny: ["exec"] } } } },
      {},
      "no tools.byProvider.openai.deny[0]",
    ],
    ["another provider", "exec", { tools: { byProvider: { google: { deny: ["exec"] } } } }, {}, "yes built-in"],
    [
      "an agent",
      "exec",
      { agents: { list: [{ id: "Main", tools: { profile: "minimal" } }] } },
      {},
      "no agents.list[0].tools.profile",
    ],
    [
      "a channel",
      "exec",
      { tools: { byChannel: { telegram: { deny: ["exec"] } } } },
      {},
      "no tools.byChannel.telegram.deny[0]",
    ],
    ["another channel", "exec", { tools: { byChannel: { irc: { deny: ["exec"] } } } }, {}, "yes built-in"],
    [
      "a sender",
      "exec",
      { tools: { bySender: { "telegram:1": { allow: ["time"] } } } },
      {},
      'no tools.bySender."telegram:1".allow',
    ],
    ["another sender", "exec", { tools: { bySender: { "telegram:2": { allow: ["time"] } } } }, {}, "yes built-in"],
    ["the same id elsewhere", "exec", { tools: { bySender: { "irc:1": { deny: ["exec"] } } } }, {}, "yes built-in"],
    [
      "nobody at all",
      "exec",
      { tools: { bySender: { "telegram:1": { deny: ["exec"] } } } },
      { channel: null, senderId: null },
      "yes built-in",
    ],
    // No layer gives back what another took.
    [
      "taken by the house",
      "exec",
      { tools: { deny: ["exec"], bySender: { "telegram:1": { alsoAllow: ["exec"] } } } },
      {},
      "no tools.deny[0]",
    ],
    [
      "taken by the profile",
      "exec",
      {
        tools: { profile: "messaging" },
        agents: { list: [{ id: "main", tools: { profile: "full", alsoAllow: ["exec"] } }] },
      },
      {},
      "no tools.profile",
    ],
    [
      "taken by the sender",
      "exec",
      {
        tools: {
          alsoAllow: ["exec"],
          byChannel: { telegram: { alsoAllow: ["exec"] } },
          bySender: { "telegram:1": { deny: ["exec"] } },
        },
      },
      {},
      'no tools.bySender."telegram:1".deny[0]',
    ],
    // What is switched off as a whole.
    ["no web pages", "web_fetch", { tools: { web: { fetch: { enabled: false } } } }, {}, "no tools.web.fetch.enabled"],
    [
      "no search",
      "web_search",
      { tools: { web: { search: { enabled: false, maxResults: 5 } } } },
      {},
      "no tools.web.search.enabled",
    ],
    ["no browser", "browser", {}, {}, "no browser.enabled"],
    ["a browser", "browser", { browser: { enabled: true } }, {}, "yes built-in"],
    ["no commands", "exec", { tools: { exec: { security: "deny" } } }, {}, "no tools.exec.security"],
    ["no commands to look after", "process", { tools: { exec: { security: "deny" } } }, {}, "no tools.exec.security"],
    ["no schedules", "schedule", { cron: { enabled: false } }, {}, "no cron.enabled"],
    // Groups.
    ["an owner in a group", "exec", {}, group, "yes built-in"],
    ["a stranger in a group", "exec", {}, stranger, "no built-in"],
    ["a stranger reads files", "read", {}, stranger, "no built-in"],
    ["a stranger and a server", "mcp__git__log", {}, stranger, "no built-in"],
    ["a stranger and a tool nobody knows", "unheard_of", {}, stranger, "no built-in"],
    ["a stranger looks something up", "web_search", {}, stranger, "yes built-in"],
    ["a stranger in a channel", "exec", {}, { ...stranger, chatKind: "channel" }, "no built-in"],
    ["a stranger in a thread", "exec", {}, { ...stranger, chatKind: "thread" }, "no built-in"],
    ["a person let in, alone", "exec", {}, { isOwner: false }, "yes built-in"],
    [
      "a named stranger",
      "exec",
      { tools: { bySender: { "telegram:9": { alsoAllow: ["exec"] } } } },
      stranger,
      'yes tools.bySender."telegram:9".alsoAllow[0]',
    ],
    [
      "a named channel",
      "read",
      { tools: { byChannel: { telegram: { alsoAllow: ["group:fs"] } } } },
      stranger,
      "yes tools.byChannel.telegram.alsoAllow[0]",
    ],
    [
      "allowed there is not added",
      "exec",
      { tools: { bySender: { "telegram:9": { allow: ["exec"] } } } },
      stranger,
      "no built-in",
    ],
    ["added for all is not added for strangers", "exec", { tools: { alsoAllow: ["exec"] } }, stranger, "no built-in"],
    // Callers over HTTP.
    ["a limited caller", "sessions_send", {}, { origin: "invoke", isOwner: false }, "no built-in"],
    ["a limited caller looks", "time", {}, { origin: "invoke", isOwner: false }, "yes built-in"],
    ["a limited client", "exec", {}, { origin: "api", isOwner: false }, "no built-in"],
    ["an administrator", "sessions_send", {}, { origin: "invoke" }, "yes built-in"],
    // The box.
    [
      "a workspace out of reach",
      "read",
      sandbox("none"),
      { sandboxed: true },
      "no agents.defaults.sandbox.workspaceAccess",
    ],
    ["a workspace to read", "read", sandbox("ro"), { sandboxed: true }, "yes built-in"],
    [
      "a workspace to read only",
      "edit",
      sandbox("ro"),
      { sandboxed: true },
      "no agents.defaults.sandbox.workspaceAccess",
    ],
    ["a workspace to write", "edit", sandbox("rw"), { sandboxed: true }, "yes built-in"],
    ["outside of any box", "edit", sandbox("none"), {}, "yes built-in"],
    [
      "an agent's own box",
      "edit",
      { agents: { list: [{ id: "main", sandbox: { workspaceAccess: "ro" } }] } },
      { sandboxed: true },
      "no agents.list[0].sandbox.workspaceAccess",
    ],
  ])("G10: %s: %s", (...row) => {
    const [, tool, changes, facts, expected] = row;
    expect(permitted(tool, changes, facts)).toBe(expected);
  });

  it.each<[string, Partial<PolicyFacts>, string]>([
    ["a helper has what its parent had", { origin: "subagent", within: ["exec"] }, "yes built-in"],
    ["a helper has no more", { origin: "subagent", within: ["read"] }, "no built-in"],
    ["a helper of nobody has nothing", { origin: "subagent", within: null }, "no built-in"],
    ["a job has no more than who made it", { origin: "cron", within: ["read"] }, "no built-in"],
    ["an alarm has no more", { origin: "heartbeat", within: [] }, "no built-in"],
    ["a hook has no more", { origin: "hook", within: ["time"] }, "no built-in"],
    ["a job that the operator made", { origin: "cron", within: null }, "yes built-in"],
  ])("R120: %s", (_what, facts, expected) => {
    expect(permitted("exec", {}, facts)).toBe(expected);
  });

  it("R120: what was denied since a turn was born is denied to it too, and what was allowed since is not", () => {
    const born = { origin: "subagent", within: ["exec"] } as const;
    expect(permitted("exec", { tools: { deny: ["exec"] } }, born)).toBe("no tools.deny[0]");
    const more = { tools: { bySender: { "telegram:1": { alsoAllow: ["read"] } } } };
    expect(permitted("read", more, born)).toBe("no built-in");
  });

  it("G10: a fresh install is useful to its owner: everything of the house but what is switched off", () => {
    const policy = createPolicy({ config: () => defaultConfig(), commands: fakeCommands() });
    const off = houseTools.filter((tool) => !policy.permits(tool, factsOf()).allowed);
    expect(off).toEqual(["browser"]);
  });

  it("G10: the trail names every rule in order, from the widest to the one that decided", async () => {
    const config = configWith({
      tools: {
        profile: "full",
        byProvider: { openai: { deny: ["browser"] } },
        byChannel: { telegram: { deny: ["exec"] } },
      },
    });
    const policy = createPolicy({ config: () => config, commands: fakeCommands() });
    const decided = await policy.decide(callOf("exec", look, { within: ["exec"], origin: "cron" }));
    expect(decided.trail.map(({ where }) => where)).toEqual([
      "built-in",
      "tools.profile",
      "tools.byProvider.openai",
      "tools.byChannel.telegram.deny[0]",
    ]);
    expect(decided).toMatchObject({ effect: "deny", rule: { where: "tools.byChannel.telegram.deny[0]" } });
    expect(decided.effect === "deny" && decided.message).toMatch(/^exec was not allowed\. .* go on without it/);
  });

  it("the configuration of the moment holds: what is denied by a reload is denied with the next call", () => {
    let config = configWith();
    const policy = createPolicy({ config: () => config, commands: fakeCommands() });
    expect(policy.permits("exec", factsOf()).allowed).toBe(true);
    config = configWith({ tools: { deny: ["exec"] } });
    expect(policy.permits("exec", factsOf()).allowed).toBe(false);
  });

  it("verdicts are remembered up to a limit: names that a model makes up are judged, and not kept without end", () => {
    const config = configWith({ tools: { allow: ["time"] } });
    const policy = createPolicy({ config: () => config, commands: fakeCommands() });
    const verdict = (name: string) => policy.permits(name, factsOf());
    const first = Array.from({ length: limits.toolVerdicts }, (_, index) => verdict(`made_up_${index}`));
    expect(first.every(({ allowed }) => !allowed)).toBe(true);
    expect(verdict(`made_up_${limits.toolVerdicts - 1}`)).toBe(first.at(-1));
    expect(verdict("one_more")).not.toBe(verdict("one_more"));
    expect([verdict("one_more").allowed, verdict("time").allowed]).toEqual([false, true]);
  });
});

function sandbox(workspaceAccess: "none" | "ro" | "rw"): Changes {
  return { agents: { defaults: { sandbox: { workspaceAccess } } } };
}
