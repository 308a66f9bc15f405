/** Configurations and calls, made up by chance. */
import * as fc from "fast-check";
import type { Config } from "../config/schema/root.ts";
import type { Act } from "../domain/act.ts";
import { houseTools, toolGroups, toolProfiles } from "../domain/tool-names.ts";
import type { CallFacts } from "./contract.ts";
import { commandAct, configWith, elsewhere, look, noteFile, webPage, workspace } from "./policy-world.fixture.ts";

const tool = fc.constantFrom(...houseTools, "mcp__git__log", "mcp__git__push", "mcp__mail__send", "unheard_of");
const entry = fc.oneof(
  tool,
  fc.constantFrom(...Object.keys(toolGroups)).map((group) => `group:${group}`),
  fc.constantFrom("*", "mcp__git__*"),
);
/** Entries of a list. */
export const anyEntries = fc.uniqueArray(entry, { maxLength: 4 });
const optional = { requiredKeys: [] };
const words = fc.record(
  {
    profile: fc.constantFrom(...toolProfiles),
    allow: anyEntries,
    alsoAllow: anyEntries,
    deny: fc.uniqueArray(entry, { maxLength: 2 }),
  },
  optional,
);
const access = fc.constantFrom("none" as const, "ro" as const, "rw" as const);
export const anyConfig: fc.Arbitrary<Config> = fc
  .record({
    house: words,
    provider: words,
    channel: words,
    sender: words,
    agent: words,
    pages: fc.boolean(),
    browser: fc.boolean(),
    workspaceOnly: fc.boolean(),
    access,
    talking: fc.boolean(),
    visibility: fc.constantFrom("self" as const, "tree" as const, "all" as const),
  })
  .map((made) =>
    configWith({
      tools: {
        ...made.house,
        byProvider: { openai: made.provider },
        byChannel: { telegram: made.channel },
        bySender: { "telegram:1": made.sender },
        web: { fetch: { enabled: made.pages } },
        fs: { workspaceOnly: made.workspaceOnly },
        agentToAgent: { enabled: made.talking, allow: ["work"] },
        sessions: { visibility: made.visibility },
      },
      browser: { enabled: made.browser },
      agents: {
        defaults: { sandbox: { workspaceAccess: made.access } },
        list: [{ id: "main", tools: made.agent }],
      },
    }),
  );

const acts: readonly Act[] = [
  look,
  { kind: "file", path: `${workspace}/a.txt`, access: "write", inside: true },
  { kind: "file", path: `${workspace}/AGENTS.md`, access: "write", inside: true },
  { kind: "file", path: "/etc/passwd", access: "read", inside: false },
  commandAct("git status"),
  commandAct("rm -r /"),
  commandAct("make"),
  { kind: "fetch", url: "https://example.org/" },
  elsewhere,
  { ...elsewhere, own: true } as Act,
  { kind: "session", sessionKey: "agent:main:subagent:1", agentId: "main", text: "x" },
  { kind: "session", sessionKey: "agent:work:main", agentId: "work", text: "x" },
  { kind: "memory", access: "read" },
  { kind: "memory", access: "write" },
  { kind: "server", server: "git", tool: "push", readOnly: false, text: "{}" },
];

/** Any call, possible or not. */
export const anyCall: fc.Arbitrary<CallFacts> = fc.record({
  agentId: fc.constantFrom("main", "work"),
  origin: fc.constantFrom("chat", "api", "invoke", "subagent", "cron", "heartbeat", "hook"),
  sessionKey: fc.constantFrom("agent:main:main", "agent:main:telegram:default:group:5"),
  channel: fc.constantFrom("telegram", "irc", null),
  accountId: fc.constantFrom("default", null),
  chatKind: fc.constantFrom("dm", "group", "channel", "thread", null),
  senderId: fc.constantFrom("1", "2", null),
  isOwner: fc.boolean(),
  provider: fc.constantFrom("openai", "anthropic", null),
  tier: fc.constantFrom("fast", "capable", null),
  sandboxed: fc.boolean(),
  within: fc.option(fc.subarray([...houseTools, "mcp__git__log", "mcp__git__push"]), { nil: null }),
  isMain: fc.boolean(),
  tool,
  act: fc.constantFrom(...acts),
  taint: fc.subarray([webPage, noteFile]),
});
