/**
 * Names in what is said of tools: of tools, groups, servers, providers, channels and senders. One that nothing has would
 * deny nothing, or allow nothing, without anybody noticing; the file is not used with it.
 */
import { absentTools, isKnownToolName, meantToolName, serverOfToolName, toolGroups } from "../../domain/tool-names.ts";
import { isRecord, type KeyPath } from "../dot-path.ts";
import type { Config } from "../schema/root.ts";
import type { Finding } from "./finding.ts";

/** Of providers that need no entry under `models.providers`. */
export const wellKnownProviders: readonly string[] = [
  "openai",
  "anthropic",
  "google",
  "openrouter",
  "ollama",
  "github-copilot",
  "amazon-bedrock",
  "demo",
];

/** `channels`: those there are; empty where nobody told. */
export function toolFindings(config: Config, channels: readonly string[]): Finding[] {
  const { tools, agents } = config;
  const known = Object.keys(config.mcp.servers);
  const policies: (readonly [KeyPath, unknown])[] = [
    [["tools"], tools],
    ...agents.list.map((agent, index) => [["agents", "list", index, "tools"], agent.tools] as const),
    ...tables.flatMap((table) =>
      Object.entries(tools[table] ?? {}).map(([name, policy]) => [["tools", table, name], policy] as const),
    ),
  ];
  return [
    ...policies.flatMap(([base, policy]) => nameFindings(base, policy, known)),
    ...fileFindings(tools),
    ...providerFindings(config),
    ...channelFindings(config, channels),
  ];
}

function fileFindings({ fs }: Config["tools"]): Finding[] {
  if (fs.workspaceOnly) return [];
  const message =
    "has no effect yet: file tools stay inside the workspace; the assistant can still ask to run a command that opens other files";
  return [{ path: ["tools", "fs", "workspaceOnly"], message, weight: "warning" }];
}

const tables = ["byProvider", "byChannel", "bySender"] as const;

function nameFindings(base: KeyPath, policy: unknown, servers: readonly string[]): Finding[] {
  return ["allow", "alsoAllow", "deny"].flatMap((key) => {
    const names: readonly unknown[] = isRecord(policy) && Array.isArray(policy[key]) ? policy[key] : [];
    return names.flatMap((name, index) => {
      if (typeof name !== "string") return [];
      const path = [...base, key, index];
      if (absentTools.includes(name)) {
        return [{ path, message: `${name} is a tool that this gateway does not have`, weight: "warning" as const }];
      }
      const wrong = whatIsWrong(name, servers);
      return wrong === null ? [] : [broken(path, wrong)];
    });
  });
}

function whatIsWrong(name: string, servers: readonly string[]): string | null {
  if (isKnownToolName(name)) {
    const server = serverOfToolName(name);
    if (server === undefined || servers.includes(server)) return null;
    return `${name} is of the server ${server}, which mcp.servers does not name`;
  }
  const meant = meantToolName(name);
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  if (name.startsWith("group:")) {
    return `${name} is not a group of tools${hint === "" ? `; there are ${Object.keys(toolGroups).join(", ")}` : hint}`;
  }
  return `${name} is not a tool, a group:… or an mcp__server__tool${hint}`;
}

/** A provider under another spelling would have the rules of none. */
function providerFindings({ tools, models }: Config): Finding[] {
  const known = [...wellKnownProviders, ...Object.keys(models.providers)];
  return Object.keys(tools.byProvider ?? {}).flatMap((name) =>
    known.includes(name)
      ? []
      : [broken(["tools", "byProvider", name], `names a provider that does not exist; there are ${known.join(", ")}`)],
  );
}

function channelFindings({ tools }: Config, channels: readonly string[]): Finding[] {
  const isUnknown = (channel: string): boolean => channels.length > 0 && !channels.includes(channel);
  const there = `there are ${channels.join(", ")}`;
  return [
    ...Object.keys(tools.byChannel ?? {}).flatMap((name) =>
      isUnknown(name) ? [broken(["tools", "byChannel", name], `names a channel that does not exist; ${there}`)] : [],
    ),
    ...Object.keys(tools.bySender ?? {}).flatMap((name) => {
      const [, channel, id] = /^([^:]+):(.+)$/.exec(name) ?? [];
      const at = ["tools", "bySender", name];
      if (channel === undefined || id === undefined) return [broken(at, "expected channel:id such as telegram:123")];
      return isUnknown(channel) ? [broken(at, `names a channel that does not exist; ${there}`)] : [];
    }),
  ];
}

function broken(path: KeyPath, message: string): Finding {
  return { path, message, weight: "broken" };
}
