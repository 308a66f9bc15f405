import { describe, expect, it } from "vitest";
import {
  absentTools,
  houseTools,
  isKnownToolName,
  isToolGroup,
  meantToolName,
  profileNames,
  serverOfToolName,
  toolGroups,
} from "./tool-names.ts";

describe("names of tools", () => {
  it("G10: every tool of the house is in a group that says what it is about, but the clock and the skills", () => {
    const { openclaw, plugins, ...groups } = toolGroups;
    const grouped = Object.values(groups).flat() as string[];
    expect(grouped.toSorted()).toEqual(houseTools.filter((tool) => tool !== "time" && tool !== "skill").toSorted());
    expect(openclaw).toEqual(houseTools);
    expect(plugins).toEqual(["mcp__*"]);
    expect(new Set(houseTools).size).toBe(houseTools.length);
  });

  it("G10: what a profile holds is known", () => {
    for (const names of Object.values(profileNames)) {
      for (const name of names) expect(isKnownToolName(name), name).toBe(true);
    }
  });

  it("R122: a name is known, or it is not; nothing in between", () => {
    for (const name of [
      ...houseTools,
      "*",
      "group:fs",
      "group:nodes",
      "mcp__git__log",
      "mcp__git__*",
      "mcp__a-b_c__d__e",
    ]) {
      expect(isKnownToolName(name), name).toBe(true);
    }
    // oxfmt-ignore
    for (const name of ["", "Exec", " exec", "exec*", "ex*", "group:", "group:*", "group:FS", "group:constructor", "mcp__*",
      "mcp__git", "mcp__git__", "mcp____x", "constructor", ...absentTools]) {
      expect(isKnownToolName(name), name).toBe(false);
    }
    expect([isToolGroup("toString"), isToolGroup("fs")]).toEqual([false, true]);
    expect(serverOfToolName("mcp__a_b__c__d")).toBe("a_b");
  });

  it.each([
    ["exce", "exec"],
    ["Exec", "exec"],
    ["bash", "exec"],
    ["cron", "schedule"],
    ["web-fetch", "web_fetch"],
    ["memory.search", "memory_search"],
    ["fs", "group:fs"],
    ["group:runtme", "group:runtime"],
    ["group:bananas", null],
    ["zzzzzzzz", null],
    ["x".repeat(100_000), null],
  ])("R122: for %.20s it suggests %s", (name, meant) => {
    expect(meantToolName(name)).toBe(meant);
  });
});
