/**
 * The names by which a configuration speaks of tools: every tool of the house, the groups and profiles they are in, and how
 * a tool of another program is called. A name that is none of these allows or denies nothing, so it is an error.
 */

const fs = ["read", "write", "edit", "apply_patch", "ls", "find", "grep"] as const;
const runtime = ["exec", "process"] as const;
const web = ["web_search", "web_fetch"] as const;
const memory = ["memory_search", "memory_get", "memory_save", "memory_forget"] as const;
const sessions = ["sessions_list", "sessions_history", "sessions_send", "sessions_spawn"] as const;

/** Every tool of the house. */
export const houseTools: readonly string[] = [
  ...fs,
  ...runtime,
  ...web,
  ...memory,
  ...sessions,
  "image",
  "message",
  "schedule",
  "browser",
  "skill",
  "time",
];

/** What may stand behind `group:`. `nodes` and `agents` hold nothing yet; `openclaw` is every tool of the house, `plugins` every other. */
export const toolGroups = {
  fs,
  runtime,
  web,
  memory,
  sessions,
  ui: ["browser"],
  automation: ["schedule"],
  messaging: ["message"],
  nodes: [],
  agents: [],
  media: ["image"],
  openclaw: houseTools,
  plugins: ["mcp__*"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ToolGroup = keyof typeof toolGroups;

export const toolProfiles = ["minimal", "coding", "messaging", "full"] as const;
export type ToolProfile = (typeof toolProfiles)[number];

/** What a profile holds, in the words of a list. */
export const profileNames: Readonly<Record<ToolProfile, readonly string[]>> = {
  minimal: ["time"],
  coding: ["time", "skill", "group:fs", "group:runtime", "group:web", "group:memory", "group:sessions", "group:media"],
  // oxfmt-ignore
  messaging: [
    "time", "skill", "group:messaging", "group:memory", "group:automation",
    "sessions_list", "sessions_history", "sessions_send",
  ],
  full: ["*"],
};

/** `mcp__<server>__<tool>`, or `mcp__<server>__*` for all of a server; undefined for any other name. */
export function serverOfToolName(name: string): string | undefined {
  return /^mcp__([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*)__./.exec(name)?.[1];
}

export function isToolGroup(name: string): name is ToolGroup {
  return Object.hasOwn(toolGroups, name);
}

/** Whether a list may hold this: a tool, `*`, a group, or a tool of another program. */
export function isKnownToolName(name: string): boolean {
  if (name.startsWith("group:")) return isToolGroup(name.slice("group:".length));
  return name === "*" || houseTools.includes(name) || serverOfToolName(name) !== undefined;
}

/** Tools of the described system that this house does not have, under any name: a list may name them, and nothing comes of it. */
// oxfmt-ignore
export const absentTools: readonly string[] = [
  "canvas", "nodes", "gateway", "session_status", "agents_list", "tts", "pdf", "image_generate", "video_generate",
  "music_generate", "update_plan", "x_search", "code_execution",
];

/** The known name that was probably meant; null where none is near. */
export function meantToolName(name: string): string | null {
  const plain = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s.-]/g, "_");
  const [, group] = /^group:?_*(.+)$/.exec(plain) ?? [];
  if (group !== undefined) {
    const near = nearest(group, Object.keys(toolGroups));
    return near === null ? null : `group:${near}`;
  }
  if (isToolGroup(plain)) return `group:${plain}`;
  return otherNames[plain] ?? nearest(plain, houseTools);
}

/** Half of its letters, and at most three, may be wrong. */
function nearest(name: string, known: readonly string[]): string | null {
  const [near] = known
    .map((one) => ({ one, distance: editDistance(name, one) }))
    .toSorted((left, right) => left.distance - right.distance);
  return near !== undefined && near.distance <= Math.min(3, Math.floor(near.one.length / 2)) ? near.one : null;
}

/** What the same thing is called elsewhere. */
const otherNames: Readonly<Record<string, string>> = {
  bash: "exec",
  shell: "exec",
  cron: "schedule",
  fetch: "web_fetch",
  search: "web_search",
  glob: "find",
  patch: "apply_patch",
  mcp: "group:plugins",
};

/** Letters to add, drop or change. Both are short. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(left.slice(0, longestName)).entries()) {
    const next = [i + 1];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (letter === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

const longestName = 64;
