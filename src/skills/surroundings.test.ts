import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { createSurroundings } from "./surroundings.ts";
import { openSkillTown, skillText, type SkillTown } from "./world.fixture.ts";

let town: SkillTown;
beforeEach(async () => {
  town = await openSkillTown();
});
afterEach(() => town.close());

const inMain = { agentId: "main", isMain: true, isFirstOfSession: false };
const named = async (turn = inMain) => (await town.shelf.read(turn)).sections.map(({ name }) => name);

describe("W12: the packs of an agent", () => {
  const skills = async () => town.shelf.skills("main");

  it("are those of the workspace, then installed ones, then those that ship, each name once", async () => {
    for (const place of ["workspace/skills", "managed", "bundled"])
      await town.put(`${place}/weather/SKILL.md`, skillText("weather"));
    await town.put("managed/notes/SKILL.md", skillText("notes"));
    await town.put("bundled/notes/SKILL.md", skillText("notes"));
    await town.put("bundled/maps/SKILL.md", skillText("maps"));
    expect((await skills()).map(({ name, source }) => [name, source])).toEqual([
      ["maps", "bundled"],
      ["notes", "managed"],
      ["weather", "workspace"],
    ]);
  });

  it("may be used where what they need is there, and say what is missing where it is not", async () => {
    await town.put("managed/a/SKILL.md", skillText("a", { requires: { bins: ["jq", "nope"] } }));
    await town.put("managed/b/SKILL.md", skillText("b", { requires: { anyBins: ["nope", "jq"], env: ["KEY"] } }));
    await town.put("managed/c/SKILL.md", skillText("c", { requires: { config: ["browser.cdpUrl"] } }));
    await town.put("managed/d/SKILL.md", skillText("d", { os: ["win32-of-another-world"] }));
    await town.put("managed/e/SKILL.md", skillText("e", { always: true, requires: { bins: ["nope"] } }));
    await town.put("bin/jq", "#!/bin/sh\n");
    const missing = async () => Object.fromEntries((await skills()).map((one) => [one.name, one.missing]));
    expect(await missing()).toEqual({
      a: ["The program nope is not installed."],
      b: ["The variable KEY is not set."],
      c: ["The setting browser.cdpUrl is not set."],
      d: ["It is for win32-of-another-world alone."],
      e: [],
    });
    town.config = {
      ...town.config,
      skills: { ...town.config.skills, entries: { b: { env: { KEY: "x" } }, e: { enabled: false } } },
    };
    expect(await missing()).toMatchObject({ b: [], e: ["It is switched off in skills.entries."] });
  });

  it("a broken one is listed with what is wrong, used by nobody, and stands in for none that is whole", async () => {
    await town.put("managed/good/SKILL.md", skillText("good"));
    await town.put("managed/bad/SKILL.md", "no head");
    await town.put("managed/huge/SKILL.md", skillText("huge") + "x".repeat(limits.skillFileBytes));
    await mkdir(path.join(town.root, "managed/empty"));
    await town.put("managed/odd\u0007name/SKILL.md", "no head");
    await town.put("workspace/skills/good/SKILL.md", "no head");
    expect((await skills()).map(({ name, eligible, missing }) => [name, eligible, missing.join()])).toEqual([
      ["bad", false, expect.stringContaining("no head")],
      ["good", true, ""],
      ["huge", false, expect.stringContaining("large")],
      ["oddname", false, expect.stringContaining("no head")],
    ]);
    const { sections, skills: usable } = await town.shelf.read(inMain);
    expect(usable.map(({ name }) => name)).toEqual(["good"]);
    expect(JSON.stringify(sections)).not.toMatch(/- (bad|huge|odd)/);
  });

  it("R096: a pack that leads out of its folder by a link is none", async () => {
    await town.put("elsewhere/SKILL.md", skillText("stray"));
    await mkdir(path.join(town.root, "managed"), { recursive: true });
    await symlink(path.join(town.root, "elsewhere"), path.join(town.root, "managed/stray"));
    expect(await skills()).toMatchObject([{ name: "stray", eligible: false, description: "" }]);
    expect((await town.shelf.read(inMain)).skills).toEqual([]);
  });

  it("are shown to the model by name and description, and only those that the agent may use", async () => {
    await town.put("managed/a/SKILL.md", skillText("a"));
    await town.put("managed/b/SKILL.md", skillText("b"));
    await town.put("managed/c/SKILL.md", skillText("c", { requires: { bins: ["nope"] } }));
    const text = async () => (await town.shelf.read(inMain)).sections.find(({ name }) => name === "skills")?.text ?? "";
    expect(await text()).toContain("- a: Does a.\n- b: Does b.");
    expect(await text()).not.toContain("- c:");
    town.config = { ...town.config, agents: { ...town.config.agents, list: [{ id: "main", skills: ["b"] }] } };
    expect(await text()).not.toContain("- a:");
  });
});

describe("G6: what a folder says to its agent", () => {
  it("is the files of the workspace in their order; the owner's own in the main session alone", async () => {
    for (const name of ["USER.md", "AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "BOOT.md", "MEMORY.md"])
      await town.put(`workspace/${name}`, `This is ${name}.`);
    expect(await named()).toEqual(["AGENTS.md", "SOUL.md", "IDENTITY.md", "TOOLS.md", "USER.md"]);
    expect(await named({ ...inMain, isMain: false, isFirstOfSession: true })).toEqual([
      "AGENTS.md",
      "SOUL.md",
      "IDENTITY.md",
      "TOOLS.md",
    ]);
    expect(await named({ ...inMain, isFirstOfSession: true })).toContain("BOOT.md");
  });

  it("counts as it was when the turn began, and its hash tells one state from another", async () => {
    await town.put("workspace/SOUL.md", "Be kind.");
    await town.put("managed/a/SKILL.md", skillText("a"));
    const before = await town.shelf.read(inMain);
    expect(await town.shelf.read(inMain)).toEqual(before);
    await town.put("managed/a/SKILL.md", skillText("a").replace("Does a.", "Does something else."));
    const after = await town.shelf.read(inMain);
    expect(after.hash).not.toBe(before.hash);
    expect(before.sections.at(-1)?.text).toContain("Does a.");
    expect(after.sections.at(-1)?.text).toContain("Does something else.");
  });

  it("is looked at once by turns that begin in the same moment, and anew by those that begin later", async () => {
    const clock = new FakeClock();
    const shelf = createSurroundings({
      config: () => town.config,
      variables: () => town.variables,
      managedDir: path.join(town.root, "managed"),
      bundledDir: null,
      clock,
      log: silentLog(),
    });
    await town.put("workspace/SOUL.md", "Be kind.");
    const first = await shelf.read(inMain);
    await town.put("workspace/SOUL.md", "Be brief.");
    await clock.advance(limits.surroundingsFreshMs - 1);
    expect(await shelf.read(inMain)).toBe(first);
    await clock.advance(1);
    expect((await shelf.read(inMain)).sections[0]?.text).toContain("Be brief.");
  });

  it("is cut at its bound, without half a character, and says so", async () => {
    const { defaults } = town.config.agents;
    town.config = {
      ...town.config,
      agents: { ...town.config.agents, defaults: { ...defaults, bootstrapMaxChars: 5 } },
    };
    await town.put("workspace/SOUL.md", "1234😀789");
    const [section] = (await town.shelf.read(inMain)).sections;
    expect(section?.text).toBe("# SOUL.md\n\n1234\uFFFD\n[SOUL.md goes on: 4 more characters are not shown]");
  });

  it("R094: leaves out what a link leads to elsewhere, a pipe, a folder and what is too large, and goes on", async () => {
    await town.put("secret.txt", "canary");
    await mkdir(town.workspace, { recursive: true });
    await symlink(path.join(town.root, "secret.txt"), path.join(town.workspace, "SOUL.md"));
    await mkdir(path.join(town.workspace, "TOOLS.md"));
    await writeFile(path.join(town.workspace, "IDENTITY.md"), "x".repeat(limits.workspaceFileBytes + 1));
    await writeFile(path.join(town.workspace, "AGENTS.md"), "Stay.");
    const { sections } = await town.shelf.read(inMain);
    expect(sections.map(({ name }) => name)).toEqual(["AGENTS.md"]);
    expect(JSON.stringify(sections)).not.toContain("canary");
  });

  it("is nothing where there is no workspace yet", async () => {
    await rm(town.workspace, { recursive: true, force: true });
    expect(await town.shelf.read(inMain)).toMatchObject({ sections: [], skills: [] });
  });
});
