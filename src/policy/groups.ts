/** Lists of tools as a configuration writes them, made into a question: is this tool named here, and by which entry? */
import { isToolGroup, profileNames, toolGroups, type ToolProfile } from "../domain/tool-names.ts";

export interface ToolList {
  /** Place of the first entry that names the tool; -1 where none does. */
  placeOf(tool: string): number;
}

/** `*`, tools, `group:…`, `mcp__server__*`. What it does not know names nothing; the configuration's check has refused it. */
export function toolList(entries: readonly string[]): ToolList {
  const exact = new Map<string, number>();
  const prefixes: (readonly [string, number])[] = [];
  for (const [place, entry] of entries.entries()) {
    for (const name of namesOf(entry)) {
      if (name.endsWith("*")) prefixes.push([name.slice(0, -1), place]);
      else if (!exact.has(name)) exact.set(name, place);
    }
  }
  return {
    placeOf(tool) {
      const named = exact.get(tool) ?? Number.POSITIVE_INFINITY;
      const prefixed = prefixes.find(([prefix]) => tool.startsWith(prefix))?.[1] ?? Number.POSITIVE_INFINITY;
      const place = Math.min(named, prefixed);
      return Number.isFinite(place) ? place : -1;
    },
  };
}

export function profileList(profile: ToolProfile): ToolList {
  return toolList(profileNames[profile]);
}

function namesOf(entry: string): readonly string[] {
  if (!entry.startsWith("group:")) return isPattern(entry) || !entry.endsWith("*") ? [entry] : [];
  const group = entry.slice("group:".length);
  return isToolGroup(group) ? toolGroups[group] : [];
}

/** A star stands for everything, or for all tools of one server; anywhere else it is no pattern. */
function isPattern(entry: string): boolean {
  return entry === "*" || /^mcp__.+__\*$/.test(entry) || entry === "mcp__*";
}
