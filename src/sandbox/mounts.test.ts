import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mountableFolder, mountableWorkspace, type MountRules } from "./mounts.ts";

describe("folders that may be seen from a sandbox", () => {
  let base = "";
  let rules: MountRules;
  let workspace = "";
  const at = (...names: string[]): string => path.join(base, ...names);

  beforeAll(async () => {
    base = await realpath(await mkdtemp("/var/tmp/openclaw-mounts-"));
    rules = { stateDir: at("home/.openclaw"), home: at("home") };
    workspace = at("home/.openclaw/workspace");
    // oxfmt-ignore
    const folders = [
      "home/.openclaw/workspace-other", "home/.openclaw/workspace/sub", "home/.openclaw/credentials", "home/.ssh",
      "home/.hidden", "home/projects/a", "data", "daemon", "other/.aws/x", "state-of-things",
    ];
    for (const folder of folders) await mkdir(at(folder), { recursive: true });
    await writeFile(at("data/file"), "");
    for (const [name, target] of [
      ["to-home", at("home")],
      ["to-root", "/"],
      ["to-state", at("home/.openclaw")],
      ["to-ssh", at("home/.ssh")],
      ["to-run", "/run"],
      ["to-nowhere", at("missing")],
      ["to-workspace-sub", at("home/.openclaw/workspace/sub")],
      ["to-data", at("data")],
    ] as const) {
      await symlink(target, at(name));
    }
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(at("daemon/docker.sock"), resolve));
    server.unref();
  });
  afterAll(async () => await rm(base, { recursive: true, force: true }));

  it("R125: an ordinary folder may, by whichever name, and its real path is what is mounted", async () => {
    for (const name of ["data", "to-data", "home/projects/a", "home/projects", "state-of-things"]) {
      expect(await mountableFolder(at(name), workspace, rules)).toBe(await realpath(at(name)));
    }
    expect(await mountableWorkspace(workspace, rules)).toBe(workspace);
    expect(await mountableWorkspace(at("home/.openclaw/workspace-other"), rules)).toContain("workspace-other");
    expect(await mountableWorkspace(at("home/projects"), rules)).toBe(at("home/projects"));
  });

  // oxfmt-ignore
  const never = [
    "/", "/proc", "/proc/self", "/sys", "/dev", "/run", "/var/run", "/etc", "/etc/ssl", "/boot", "/var",
    "home", "home/.openclaw", "home/.openclaw/credentials", "home/.ssh", "daemon", "other/.aws/x", "data/file", "missing",
    "to-home", "to-root", "to-state", "to-ssh", "to-run", "to-nowhere", ".", "..",
  ];
  it.each(never)("R125: %s may not, as a bind or as a workspace", async (name) => {
    const folder = name.startsWith("/") ? name : at(name);
    await expect(mountableFolder(folder, workspace, rules)).rejects.toMatchObject({ code: "SEC_007" });
    await expect(mountableWorkspace(folder, rules)).rejects.toMatchObject({ code: "SEC_007" });
  });

  it.each(["home/.hidden", "home/.openclaw/workspace-other", "home/.openclaw/workspace", "to-workspace-sub"])(
    "R125, R126: %s may not as a bind: it is hidden, or the agent itself could exchange it",
    async (name) => {
      await expect(mountableFolder(at(name), workspace, rules)).rejects.toMatchObject({ code: "SEC_007" });
    },
  );

  it("R126: a bind inside or around a workspace that lies elsewhere may not either", async () => {
    const own = at("home/projects/a");
    await mkdir(at("home/projects/a/sub"), { recursive: true });
    for (const folder of [own, at("home/projects/a/sub"), at("home/projects")]) {
      await expect(mountableFolder(folder, own, rules)).rejects.toMatchObject({ code: "SEC_007" });
    }
  });

  it.each(["relative/x", "", "~/x", "/data\0/x", "/data\nx", "C:\\x"])("R125: %j is no absolute path", async (name) => {
    await expect(mountableFolder(name, workspace, rules)).rejects.toMatchObject({ code: "SEC_007" });
  });

  it("R125: a state directory or home that is itself a link is still found out", async () => {
    await symlink(at("home"), at("home-link"));
    const linked = { stateDir: at("home-link/.openclaw"), home: at("home-link") };
    await expect(mountableFolder(at("home"), workspace, linked)).rejects.toMatchObject({ code: "SEC_007" });
    await expect(mountableFolder(at("home/.openclaw"), workspace, linked)).rejects.toMatchObject({ code: "SEC_007" });
  });
});
