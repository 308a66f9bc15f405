/**
 * Rules that hold without a word in the configuration: what a turn born of another may do, what strangers in a group and
 * callers without a person may use, what a box allows, and tools whose whole part of the house is switched off.
 */
import type { Config } from "../config/schema/root.ts";
import { toolGroups } from "../domain/tool-names.ts";
import type { PolicyFacts, Rule } from "./contract.ts";
import type { Layer } from "./layers.ts";

/** Looks at one thing. Null: it is not about this call. */
export type BuiltInRule = (
  tool: string,
  facts: PolicyFacts,
) => { readonly allowed: boolean; readonly rule: Rule } | null;

const builtIn = "built-in";

/** A turn has no more than what it was born with, whoever asks for what in it, and over a restart too. */
export const birth: BuiltInRule = (tool, { within, origin }) => {
  if (within === null) {
    // Its rights are written when it is born; where they are not there, nobody knows what it may do.
    if (origin !== "subagent") return null;
    return verdict(false, "A helper whose rights are not known may use nothing.");
  }
  return within.includes(tool)
    ? verdict(true, `Whoever started this turn could use ${tool}.`)
    : verdict(false, `Whoever started this turn could not use ${tool}, so it cannot either.`);
};

/** What the house has switched off as a whole. */
export function switches(config: Config): BuiltInRule {
  const off = new Map<string, Rule>();
  const close = (tool: string, where: string, says: string): void => void off.set(tool, { where, says });
  // Nobody is shown what is refused each time.
  if (config.tools.exec.security === "deny") {
    for (const tool of toolGroups.runtime) close(tool, "tools.exec.security", "Commands may not run here.");
  }
  if (!config.tools.web.fetch.enabled)
    close("web_fetch", "tools.web.fetch.enabled", "Reading web pages is switched off.");
  if (config.tools.web.search?.enabled === false)
    close("web_search", "tools.web.search.enabled", "Searching the web is switched off.");
  if (!config.browser.enabled) close("browser", "browser.enabled", "The browser is switched off.");
  if (!config.cron.enabled) close("schedule", "cron.enabled", "Schedules are switched off.");
  return (tool) => {
    const rule = off.get(tool);
    return rule === undefined ? null : { allowed: false, rule };
  };
}

/** What somebody may use who was let into a group and is nobody's owner: looking things up, and answering. */
// oxfmt-ignore
const strangersMay: readonly string[] = [
  "time", "web_search", "web_fetch", "image", "memory_search", "memory_get", "message",
];

/** Whether the words of this turn come from somebody in a group who is no owner. */
export function isStranger({ chatKind, isOwner }: PolicyFacts): boolean {
  return chatKind !== null && chatKind !== "dm" && !isOwner;
}

/** `near`: what the configuration says of this very channel and sender; what it adds by name is lifted. */
export function strangers(tool: string, facts: PolicyFacts, near: readonly Layer[]): ReturnType<BuiltInRule> {
  const group = isStranger(facts);
  const caller = !facts.isOwner && (facts.origin === "invoke" || facts.origin === "api");
  if ((!group && !caller) || strangersMay.includes(tool)) return null;
  for (const layer of near) {
    const rule = layer.added(tool);
    if (rule !== null) return { allowed: true, rule };
  }
  return verdict(
    false,
    group
      ? `In a group, ${tool} is for owners, unless tools.bySender or tools.byChannel adds it by name.`
      : `Over HTTP, ${tool} is for callers with the scope operator.admin.`,
  );
}

/** The tools of files go no further than the box of the commands does. */
export function box(config: Config): BuiltInRule {
  const { defaults, list } = config.agents;
  return (tool, { sandboxed, agentId }) => {
    if (!sandboxed || !fileTools.includes(tool)) return null;
    const place = list.findIndex(({ id }) => id.toLowerCase() === agentId.toLowerCase());
    const own = list[place]?.sandbox?.workspaceAccess;
    const access = own ?? defaults.sandbox.workspaceAccess;
    const at = own === undefined ? "agents.defaults" : `agents.list[${place}]`;
    const where = `${at}.sandbox.workspaceAccess`;
    if (access === "none") {
      return { allowed: false, rule: { where, says: "In the sandbox the workspace is out of reach." } };
    }
    if (access === "ro" && writers.includes(tool)) {
      return { allowed: false, rule: { where, says: "In the sandbox the workspace can only be read." } };
    }
    return null;
  };
}

const fileTools: readonly string[] = toolGroups.fs;
const writers: readonly string[] = ["write", "edit", "apply_patch"];

function verdict(allowed: boolean, says: string): { allowed: boolean; rule: Rule } {
  return { allowed, rule: { where: builtIn, says } };
}
