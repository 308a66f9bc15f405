/**
 * The facts of a call that nobody makes, for the question what would be decided: what is left out is what it would be for
 * that agent and sender. Nothing at run time comes from here.
 */
import path from "node:path";
import { isSandboxed } from "../config/sandboxed.ts";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import type { Act } from "../domain/act.ts";
import { formatSessionKey, isMainSession } from "../domain/session-key.ts";
import { houseTools, serverOfToolName, toolGroups } from "../domain/tool-names.ts";
import type { AskedFacts, CallFacts, Policy, PolicyFacts, ShownSender } from "./contract.ts";

export interface AskedFactsDeps {
  readonly config: () => Config;
  readonly policy: Pick<Policy, "permits">;
  /** As the rules of channels say it, by id. */
  readonly isOwner: (sender: ShownSender) => boolean;
  /** Provider of the model that would answer; null where there is none. */
  readonly providerOf: (agentId: string) => string | null;
}

export function askedFacts(asked: AskedFacts, deps: AskedFactsDeps): CallFacts {
  const config = deps.config();
  const { agentId, tool, words, origin = "chat", channel = null, senderId = null } = asked;
  const accountId = asked.accountId === undefined ? (channel === null ? null : "default") : asked.accountId;
  const chatKind = asked.chatKind === undefined ? (channel === null ? null : "dm") : asked.chatKind;
  const { mainKey } = config.session;
  const sessionKey = asked.sessionKey ?? sessionOf({ agentId, channel, accountId, chatKind, mainKey });
  const isMain = asked.isMain ?? isMainSession(sessionKey, mainKey);
  const facts: PolicyFacts = {
    agentId,
    origin,
    sessionKey,
    channel,
    accountId,
    chatKind,
    senderId,
    isOwner: asked.isOwner ?? deps.isOwner({ channel, accountId, chatKind, senderId }),
    provider: asked.provider === undefined ? deps.providerOf(agentId) : asked.provider,
    tier: asked.tier ?? null,
    sandboxed: asked.sandboxed ?? isSandboxed(config, { agentId, sessionKey }),
    within: null,
    isMain,
  };
  return {
    ...facts,
    within: asked.within === undefined ? bornWith(tool, facts, deps.policy) : asked.within,
    tool,
    act: asked.act ?? actOf(tool, words ?? "", { agentId, workspace: workspaceOf(config, agentId) }),
    taint: asked.taint ?? [],
  };
}

/** A helper is asked about as the child of such a turn as asks; nobody else is born. */
function bornWith(tool: string, facts: PolicyFacts, policy: Pick<Policy, "permits">): readonly string[] | null {
  if (facts.origin !== "subagent") return null;
  const parent: PolicyFacts = { ...facts, origin: "chat" };
  return [...new Set([...houseTools, tool])].filter((name) => policy.permits(name, parent).allowed);
}

interface Place extends Pick<PolicyFacts, "agentId" | "channel" | "accountId" | "chatKind"> {
  readonly mainKey: string;
}

/** Which chat it is makes no difference to any rule, so one without a name will do. */
function sessionOf({ agentId, channel, accountId, chatKind, mainKey }: Place): string {
  if (channel === null || chatKind === null || chatKind === "dm") {
    return formatSessionKey({ kind: "named", agentId, name: mainKey });
  }
  return formatSessionKey({ kind: "chat", agentId, channel, accountId: accountId ?? "default", chatKind, peer: "any" });
}

/** What such a tool usually does, with these words. */
function actOf(
  tool: string,
  words: string,
  { agentId, workspace }: { readonly agentId: string; readonly workspace: string },
): Act {
  const server = serverOfToolName(tool);
  if (server !== undefined) {
    return { kind: "server", server, tool: tool.slice(`mcp__${server}__`.length), readOnly: false, text: words };
  }
  if (tool === "exec") return { kind: "command", text: words, cwd: workspace, env: {} };
  if (fileTools.includes(tool)) {
    const file = path.resolve(workspace, words);
    const away = path.relative(workspace, file);
    const inside = away !== ".." && !away.startsWith(`..${path.sep}`) && !path.isAbsolute(away);
    return { kind: "file", path: file, access: writers.includes(tool) ? "write" : "read", inside };
  }
  switch (tool) {
    case "web_fetch":
    case "web_search":
      return { kind: "fetch", url: words };
    case "message":
      return { kind: "message", to: somebody, own: false, text: words };
    case "sessions_send":
    case "sessions_spawn":
      return {
        kind: "session",
        sessionKey: formatSessionKey({ kind: "subagent", agentId, id: "any" }),
        agentId,
        text: words,
      };
    case "memory_search":
    case "memory_get":
      return { kind: "memory", access: "read" };
    case "memory_save":
    case "memory_forget":
      return { kind: "memory", access: "write" };
    default:
      return { kind: "look" };
  }
}

const fileTools: readonly string[] = toolGroups.fs;
const writers: readonly string[] = ["write", "edit", "apply_patch"];
const somebody = { channel: "any", accountId: "default", chatId: "somebody else", chatKind: "dm" } as const;
