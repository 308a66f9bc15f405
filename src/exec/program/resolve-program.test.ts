/** Which file a name means, and whether it can be trusted to stay that file. */
import { chmod, mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createWorld, type World } from "../world.fixture.ts";
import { findProgram, isExchangeable } from "./resolve-program.ts";

let world: World;

beforeEach(async () => {
  world = await createWorld();
});

afterEach(() => world.close());

const find = (name: string) => findProgram(name, { cwd: world.workspace, searchPath: `${world.bin}:/usr/bin` });

async function effect(line: string): Promise<string> {
  return (await world.judge(line)).effect;
}

/** Everything in the folder of programs, with any words. */
async function allow(pattern: string): Promise<void> {
  const { hash, exists } = await world.desk.approvals.get();
  await world.desk.approvals.set({ version: 1, agents: { main: { allowlist: [{ pattern }] } } }, exists ? hash : null);
}

test("P6: a bare name is looked for in the search path, never where the command runs", async () => {
  await world.program(`${world.workspace}/mine`);
  expect(await find("mine")).toBeNull();
  expect(await find("./mine")).toMatchObject({ pin: { path: `${world.workspace}/mine` } });
  await world.program("mine");
  expect(await find("mine")).toMatchObject({ start: `${world.bin}/mine`, pin: { path: `${world.bin}/mine` } });
});

test("P6: what is no file, cannot be executed or leads nowhere is not found", async () => {
  await mkdir(`${world.bin}/folder`);
  await chmod(await world.program("plain"), 0o644);
  await symlink("nowhere", `${world.bin}/dangling`);
  await symlink("circle", `${world.bin}/circle`);
  for (const name of ["folder", "plain", "dangling", "circle", "", ".", "..", "a\0b", "C:\\x", "none"]) {
    expect([name, await find(name)]).toEqual([name, null]);
  }
});

test("P6: a program that goes by several names is started by the one it was called", async () => {
  const many = await world.program("many-in-one");
  await symlink(many, `${world.bin}/first`);
  expect(await find("first")).toMatchObject({ start: `${world.bin}/first`, pin: { path: many } });
});

test("P6 R111: the pattern is held against the real path: a link by an allowed name does not help, an allowed file does", async () => {
  await world.program("good");
  await world.program("../elsewhere/bad");
  await symlink(`${world.root}/elsewhere/bad`, `${world.bin}/good-link`);
  await symlink(`${world.bin}/good`, `${world.bin}/other-name`);
  await allow(`${world.bin}/**`);
  expect([await effect("good"), await effect("good-link"), await effect("other-name")]).toEqual([
    "allow",
    "ask",
    "allow",
  ]);
  expect(await effect(`${world.root}/elsewhere/../bin/good`)).toBe("allow");
});

test("P6 R111: a link to a shell is a shell, whatever it is called", async () => {
  const shell = await world.program("sh");
  await symlink(shell, `${world.bin}/harmless`);
  await allow(`${world.bin}/*`);
  expect(await effect("harmless")).toBe("ask");
});

test("P6 R111: what others or the assistant can exchange is never allowed, at whatever height of its path", async () => {
  await allow(`${world.root}/**`);
  const file = await world.program("deep/er/tool");
  const call = `${world.bin}/deep/er/tool`;
  expect(await effect(call)).toBe("allow");
  for (const place of [file, path.dirname(file), `${world.bin}/deep`, world.bin]) {
    for (const mode of [0o775, 0o757, 0o1777]) {
      await chmod(place, mode);
      expect([place, mode, await effect(call)]).toEqual([place, mode, "ask"]);
    }
    await chmod(place, 0o755);
  }
  expect(await effect(call)).toBe("allow");
  await world.program(`${world.workspace}/tool`);
  expect(await effect(`${world.workspace}/tool`)).toBe("ask");
  await world.program(`${world.stateDir}/tool`);
  expect(await effect(`${world.stateDir}/tool`)).toBe("ask");
  await rm(file);
  expect(await isExchangeable(file, [])).toBe(true);
});

test("P6: a hijacked search path changes nothing: the folder that everybody can write to is not in it", async () => {
  await allow("/usr/bin/ls");
  await world.program(`${world.root}/open/ls`);
  await chmod(`${world.root}/open`, 0o777);
  await world.program(`${world.workspace}/ls`);
  world.rules.host = { ...world.rules.host, PATH: `.:${world.workspace}:${world.root}/open:/usr/bin` };
  expect(await world.judge("ls")).toMatchObject({ effect: "allow", command: { argv: ["/usr/bin/ls"] } });
  world.rules.host = { ...world.rules.host, PATH: `${world.bin}:/usr/bin` };
  await world.program("ls");
  expect(await effect("ls")).toBe("ask");
});
