/** Facts, configurations and a desk for commands, as small as a test of policy needs them. */
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { Act, CommandAct } from "../domain/act.ts";
import type { Taint } from "../domain/taint.ts";
import type { CommandFacts, CommandVerdict, PlannedCommand } from "../exec/contract.ts";
import type { CallFacts, PolicyFacts } from "./contract.ts";

type Draft<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Draft<T[K]> } : T;

export const workspace = "/house/workspace";

export const webPage: Taint = { class: "foreign", source: "web page https://example.org/a" };
export const noteFile: Taint = { class: "local", source: "file notes.md" };

const base = defaultConfig();

/** The defaults, with commands, and with these settings in their place; lists as a whole. */
export function configWith(changes: Draft<Config> = {}): Config {
  const agents = { ...base.agents, defaults: { ...base.agents.defaults, workspace } };
  const tools = { ...base.tools, exec: { ...base.tools.exec, security: "allowlist" as const } };
  return changedConfig({ ...base, agents, tools }, changes);
}

/** With these settings in their place; lists as a whole. */
export function changedConfig(config: Config, changes: Draft<Config>): Config {
  return merged(config, changes) as Config;
}

function merged(base: unknown, changes: unknown): unknown {
  if (!isPlain(changes)) return changes;
  const over = isPlain(base) ? base : {};
  return {
    ...over,
    ...Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, merged(over[key], value)])),
  };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An owner's direct message on Telegram, unless said otherwise. */
export function factsOf(changes: Partial<PolicyFacts> = {}): PolicyFacts {
  return {
    agentId: "main",
    origin: "chat",
    sessionKey: "agent:main:main",
    channel: "telegram",
    accountId: "default",
    chatKind: "dm",
    senderId: "1",
    isOwner: true,
    provider: "openai",
    tier: null,
    sandboxed: false,
    within: null,
    isMain: true,
    ...changes,
  };
}

export function callOf(tool: string, act: Act, changes: Partial<CallFacts> = {}): CallFacts {
  return { ...factsOf(changes), taint: [], ...changes, tool, act };
}

export const look: Act = { kind: "look" };

export function commandAct(text: string, changes: Partial<CommandAct> = {}): CommandAct {
  return { kind: "command", text, cwd: workspace, env: {}, ...changes };
}

export const elsewhere: Act = {
  kind: "message",
  to: { channel: "telegram", accountId: "default", chatId: "77", chatKind: "dm" },
  own: false,
  text: "hello",
};

export function plannedCommand(text: string): PlannedCommand {
  return {
    text,
    argv: text.split(" "),
    usesShell: false,
    cwd: workspace,
    env: {},
    programs: [],
    scripts: [],
    binding: `binding of ${text}`,
  };
}

/** Allows what begins with `git`, denies what begins with `rm`, asks about the rest; keeps what it was asked. */
export function fakeCommands(fallback: "deny" | "allow" = "deny") {
  const asked: CommandFacts[] = [];
  const judge = (facts: CommandFacts): Promise<CommandVerdict> => {
    asked.push(facts);
    const { text } = facts.act;
    const command = plannedCommand(text);
    if (text.startsWith("git"))
      return Promise.resolve({ effect: "allow", where: "grant-1", says: "It is on the list.", command });
    if (text.startsWith("rm")) {
      const says = "Never.";
      return Promise.resolve({ effect: "deny", where: "tools.exec.security", says, message: "Do something else." });
    }
    if (text.startsWith("boom")) return Promise.reject(new Error("the disk is gone"));
    return Promise.resolve({
      effect: "ask",
      where: "tools.exec.ask",
      says: "It is on no list.",
      command,
      reasons: ["It is on no list."],
      always: { pattern: "/usr/bin/make", argv: null, says: "make, in any folder" },
      fallback,
    });
  };
  return { judge, asked };
}
