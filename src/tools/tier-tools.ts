/**
 * Which tools a tier is shown. A small model chooses badly among many tools and pays for every schema it reads, so it is
 * shown the few that answer most everyday questions. Takes away only; what an agent may do is decided elsewhere.
 */
import type { Tier } from "../domain/tier.ts";

/** By how often an ordinary question needs them. What is not named comes behind these, by name. */
export const toolOrder: readonly string[] = [
  "time",
  "memory_search",
  "web_search",
  "web_fetch",
  "message",
  "schedule",
  "memory_save",
  "memory_get",
  "read",
  "ls",
  "find",
  "grep",
  "sessions_history",
  "sessions_list",
  "write",
  "edit",
  "exec",
  "process",
  "apply_patch",
  "image",
  "sessions_send",
  "sessions_spawn",
  "memory_forget",
  "browser",
];

/** At most `limits[tier]` tools, first by the order above; 0 is no limit. What stays keeps its own order, so that the prompt stays stable. */
export function toolsOfTier<T extends { readonly name: string }>(
  tools: readonly T[],
  tier: Tier | null,
  limits: Readonly<Record<Tier, number>>,
): readonly T[] {
  const most = tier === null ? 0 : limits[tier];
  if (most === 0 || tools.length <= most) return tools;
  const kept = new Set(
    tools
      .map(({ name }) => name)
      .toSorted((left, right) => rankOf(left) - rankOf(right) || (left < right ? -1 : 1))
      .slice(0, most),
  );
  return tools.filter(({ name }) => kept.has(name));
}

function rankOf(name: string): number {
  const index = toolOrder.indexOf(name);
  return index === -1 ? toolOrder.length : index;
}
