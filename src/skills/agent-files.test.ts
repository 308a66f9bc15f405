import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { createAgentFiles } from "./agent-files.ts";
import type { AgentFiles } from "./contract.ts";
import { openSkillTown, type SkillTown } from "./world.fixture.ts";

let town: SkillTown;
let files: AgentFiles;
beforeEach(async () => {
  town = await openSkillTown();
  files = createAgentFiles({ config: () => town.config, agentIds: () => ["main"] });
});
afterEach(() => town.close());

describe("C6: the named files of a workspace", () => {
  it("are listed before there is a workspace, written whole, and read back", async () => {
    expect((await files.list("main")).files.every(({ missing }) => missing)).toBe(true);
    expect(await files.get("main", "SOUL.md")).toMatchObject({ missing: true, content: "" });
    expect(await files.set("main", "SOUL.md", "Be kind. é\n")).toMatchObject({
      name: "SOUL.md",
      missing: false,
      sizeBytes: 12,
    });
    expect(await files.get("main", "SOUL.md")).toMatchObject({ missing: false, content: "Be kind. é\n" });
    expect(await readdir(town.workspace)).toEqual(["SOUL.md"]);
  });

  const bad = [
    "../SOUL.md",
    "/etc/passwd",
    "SOUL.md/../../x",
    "soul.md",
    "SOUL.md\0",
    "SOUL.md ",
    "memory/2026-01-01.md",
    "",
    "constructor",
    "SOUL\uFF0Emd",
  ];
  it.each(bad)("R096: no other name opens or writes anything: %j", async (name) => {
    await expect(files.get("main", name)).rejects.toMatchObject({ code: "RPC_007" });
    await expect(files.set("main", name, "x")).rejects.toMatchObject({ code: "RPC_007" });
    expect(await readdir(town.root)).toEqual([]);
  });

  it("R094: a link in the place of one is not followed, neither to read nor to write", async () => {
    const secret = path.join(town.root, "secret.txt");
    await writeFile(secret, "canary");
    await mkdir(town.workspace);
    await symlink(secret, path.join(town.workspace, "SOUL.md"));
    await expect(files.get("main", "SOUL.md")).rejects.toMatchObject({ code: "SEC_007" });
    await files.set("main", "SOUL.md", "mine");
    expect(await readFile(secret, "utf8")).toBe("canary");
    expect(await files.get("main", "SOUL.md")).toMatchObject({ content: "mine" });
  });

  it("have a bound, and of agents that are not there there are none", async () => {
    await files.set("main", "SOUL.md", "x".repeat(limits.workspaceFileBytes));
    await expect(files.set("main", "SOUL.md", "x".repeat(limits.workspaceFileBytes + 1))).rejects.toMatchObject({
      code: "MSG_003",
    });
    await expect(files.list("nobody")).rejects.toMatchObject({ code: "RPC_007" });
  });
});
