import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import type { Sandbox } from "./contract.ts";
import { createSandboxDesk, type SandboxSettings } from "./desk.ts";
import type { SandboxFinder, WantedSandbox } from "./find.ts";

const sandbox = { kind: "bubblewrap", version: "bubblewrap 1" } as Sandbox;
const found: SandboxFinder = { find: () => Promise.resolve({ found: true, sandbox }) };
const none: SandboxFinder = { find: () => Promise.resolve({ found: false, why: "Nothing is installed." }) };

function deskWith(
  settings: Partial<SandboxSettings>,
  finder: SandboxFinder = found,
  own: Readonly<Record<string, Partial<SandboxSettings>>> = {},
) {
  const all = { mode: "off", scope: "agent", workspaceAccess: "rw", ...settings };
  const list = Object.entries(own).map(([id, part]) => ({ id, sandbox: part }));
  const config = { agents: { defaults: { sandbox: all }, list }, session: { mainKey: "main" } };
  return createSandboxDesk({ config: () => config as never, finder });
}
const session = (sessionKey: string, agentId = "main") => ({ agentId, sessionKey, workspace: "/w" });

describe("where the commands of a session run", () => {
  const main = "agent:main:main";
  const group = "agent:main:telegram:default:group:-100";
  // oxfmt-ignore
  const others = [group, "agent:main:subagent:1", "agent:main:openai:x", "cron:1", "hook:1", "node-1", "agent:main:work", "", "agent:", "agent:main:main:thread:1"];

  const boxed = async (settings: Parameters<typeof deskWith>[0], key: string): Promise<boolean> =>
    (await deskWith(settings).choose(session(key))).kind !== "open";

  it("R119: by configuration and kind of session alone", async () => {
    for (const key of [main, ...others]) {
      expect(await boxed({ mode: "off" }, key), key).toBe(false);
      expect(await boxed({ mode: "all" }, key), key).toBe(true);
    }
    expect(await boxed({ mode: "non-main" }, main)).toBe(false);
    for (const key of others) expect(await boxed({ mode: "non-main" }, key), key).toBe(true);
  });

  it("R119: an agent's own settings stand over the common ones, each for itself", async () => {
    const desk = deskWith({ mode: "all", memoryMb: 700 }, found, {
      free: { mode: "off" },
      tight: { workspaceAccess: "none" },
    });
    expect(await desk.choose(session("agent:free:main", "free"))).toEqual({ kind: "open" });
    expect(await desk.choose(session("agent:tight:main", "tight"))).toMatchObject({
      kind: "box",
      bounds: { workspaceAccess: "none", memoryMb: 700 },
    });
  });

  it("P15: asked for and not found is refused with the reason, never run outside", async () => {
    expect(await deskWith({ mode: "all" }, none).choose(session(main))).toEqual({
      kind: "refused",
      why: "Nothing is installed.",
    });
    expect(await deskWith({ mode: "off" }, none).choose(session(main))).toEqual({ kind: "open" });
  });

  it("P15, R127: without a word about it there is no network, and there are bounds", async () => {
    expect(await deskWith({ mode: "all" }).choose(session(main))).toEqual({
      kind: "box",
      sandbox,
      bounds: {
        workspace: "/w",
        workspaceAccess: "rw",
        network: false,
        memoryMb: limits.boxMemoryMb,
        processes: limits.boxProcesses,
        fileMb: limits.boxFileMb,
        binds: [],
      },
    });
  });

  it("Docker's own settings are for Docker alone", async () => {
    const own: Partial<SandboxSettings> = {
      mode: "all",
      network: false,
      binds: ["/b:rw", "/c:ro"],
      docker: { image: "box:1", network: "bridge", memoryMb: 9, readOnlyRoot: false, binds: ["/d"] },
    };
    let asked: WantedSandbox | null = null;
    const finder: SandboxFinder = {
      find: (wanted) => {
        asked = wanted;
        return Promise.resolve({ found: true, sandbox: { ...sandbox, kind: "docker" } });
      },
    };
    expect(await deskWith(own, finder).choose(session(main))).toMatchObject({
      bounds: {
        network: true,
        memoryMb: 9,
        binds: [
          { path: "/b", access: "rw" },
          { path: "/c", access: "ro" },
          { path: "/d", access: "ro" },
        ],
      },
    });
    expect(asked).toEqual({ backend: "auto", image: "box:1", readOnlyRoot: false });
    expect(await deskWith(own).choose(session(main))).toMatchObject({
      bounds: { network: false, memoryMb: limits.boxMemoryMb, binds: [{ path: "/b" }, { path: "/c" }] },
    });
  });

  it("R125: a bind in another form, and more binds than the limit, are refused", async () => {
    for (const binds of [
      ["/a:/b"],
      ["/a:/b:ro"],
      ["/a:rw:ro"],
      Array.from({ length: limits.boxBinds + 1 }, () => "/a"),
    ]) {
      await expect(deskWith({ mode: "all", binds }).choose(session(main))).rejects.toMatchObject({ code: "SEC_007" });
    }
    const most = Array.from({ length: limits.boxBinds }, () => "/a");
    expect(await deskWith({ mode: "all", binds: most }).choose(session(main))).toMatchObject({ kind: "box" });
  });
});
