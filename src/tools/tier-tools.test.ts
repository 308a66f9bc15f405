import { describe, expect, test } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import { tiers } from "../domain/tier.ts";
import { toolOrder, toolsOfTier } from "./tier-tools.ts";

const { toolLimits } = defaultConfig().router;
const all = toolOrder.map((name) => ({ name }));
const namesOf = (tools: readonly { readonly name: string }[]): string[] => tools.map(({ name }) => name);

describe("tools of a tier", () => {
  test("G10: each tier is offered exactly the tools of the table", () => {
    const table = {
      fast: ["time", "memory_search", "web_search"],
      balanced: (
        "time memory_search web_search web_fetch message schedule memory_save memory_get read ls find grep " +
        "sessions_history sessions_list"
      ).split(" "),
      capable: [...toolOrder],
    };
    for (const tier of tiers) expect(namesOf(toolsOfTier(all, tier, toolLimits)), tier).toEqual(table[tier]);
  });

  test("G10: nobody's tier is every tool, and a limit of 0 is none", () => {
    expect(namesOf(toolsOfTier(all, null, toolLimits))).toEqual([...toolOrder]);
    expect(namesOf(toolsOfTier(all, "fast", { ...toolLimits, fast: 0 }))).toEqual([...toolOrder]);
  });

  test("G10: unknown tools come behind the known ones, by name, and what stays keeps its place", () => {
    const some = ["zebra", "exec", "alpha", "time"].map((name) => ({ name }));
    expect(namesOf(toolsOfTier(some, "fast", toolLimits))).toEqual(["exec", "alpha", "time"]);
    expect(namesOf(toolsOfTier(some, "fast", { ...toolLimits, fast: 1 }))).toEqual(["time"]);
  });
});
