import { symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSkillTown, skillText, type SkillTown } from "../../skills/world.fixture.ts";
import type { Tool } from "../contract.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { createSkillTool } from "./index.ts";

let town: SkillTown;
beforeEach(async () => {
  town = await openSkillTown();
  await town.put("managed/weather/SKILL.md", skillText("weather"));
  await town.put("managed/weather/scripts/ask.py", "print(1)");
  await town.put("managed/secret.txt", "canary");
});
afterEach(() => town.close());

const show = async (input: unknown) =>
  runTool(createSkillTool({ skills: (agentId) => town.shelf.skills(agentId) }) as Tool, input, toolContext());

describe("W12: the tool that shows a skill", () => {
  it("gives its instructions with its folder and files, and a file that they name", async () => {
    const { text, from } = await show({ name: "weather" });
    expect(text).toContain("First do this.");
    expect(text).toContain(path.join(town.root, "managed/weather"));
    expect(text).toContain("scripts/");
    expect(from).toEqual({ class: "local", source: "skill weather" });
    expect((await show({ name: "weather", file: "scripts/ask.py" })).text).toBe("print(1)");
  });

  it.each([
    "../secret.txt",
    "/etc/passwd",
    "scripts/../../secret.txt",
    "~/x",
    "link.txt",
    "scripts",
    "missing.md",
    "a\0b",
  ])("R096: opens nothing outside the pack: %s", async (file) => {
    await symlink(path.join(town.root, "managed/secret.txt"), path.join(town.root, "managed/weather/link.txt"));
    await expect(show({ name: "weather", file })).rejects.toMatchObject({
      code: expect.stringMatching(/^(SEC_007|RUN_003)$/),
    });
  });

  it("R096: takes a name for a name and not for a path", async () => {
    await expect(show({ name: "../managed/weather" })).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("weather"),
    });
  });
});
