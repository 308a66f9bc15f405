/** Between the yes and the start: whatever changed that consent was for, the command does not run. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../domain/limits.ts";
import type { PlannedCommand } from "./contract.ts";
import { createWorld, type World } from "./world.fixture.ts";

let world: World;

beforeEach(async () => {
  world = await createWorld();
  world.rules.security = "full";
  await world.program(`${world.workspace}/run.sh`, "#!/bin/sh\necho one\n");
  await world.file("x.py", "print(1)\n");
  for (const name of ["python3", "node"]) await world.program(name);
});

afterEach(() => world.close());

async function planned(line: string, more = {}): Promise<PlannedCommand> {
  const verdict = await world.judge(line, more);
  if (verdict.effect === "deny") throw new Error(`${verdict.where}: ${verdict.says}`);
  return verdict.command;
}

const changed = { code: "SEC_012" };

test("P11: what is still the same may run, with exactly these words, this folder and this environment, also after a restart", async () => {
  for (const line of ["ls -la", "./run.sh a", "python3 x.py", "sh run.sh", "ls | wc -l && ./run.sh"]) {
    const command = JSON.parse(JSON.stringify(await planned(line))) as PlannedCommand;
    expect(await world.open().approve(command)).toEqual({ argv: command.argv, cwd: command.cwd, env: command.env });
  }
});

test("P11 R114: scripts are bound by their bytes, whoever runs them and however they are named", async () => {
  await world.program("tool", "#!/bin/sh\n");
  const lines = [
    "./run.sh",
    `${world.workspace}/run.sh a`,
    "sh run.sh",
    "sh -x ./run.sh",
    ". ./run.sh",
    "ls; ./run.sh",
    "env X=1 ./run.sh",
    "nohup ./run.sh",
    "node --import=./run.sh x.py",
  ];
  for (const line of lines) {
    await writeFile(`${world.workspace}/run.sh`, "#!/bin/sh\necho one\n");
    const command = await planned(line);
    expect([line, command.scripts.map((script) => script.path)]).toEqual([
      line,
      expect.arrayContaining([`${world.workspace}/run.sh`]),
    ]);
    await writeFile(`${world.workspace}/run.sh`, "#!/bin/sh\necho two\n");
    await expect(world.desk.approve(command), line).rejects.toMatchObject(changed);
  }
  const command = await planned("python3 x.py");
  const sha256 = createHash("sha256").update("print(1)\n").digest("hex");
  expect(command.scripts).toEqual([{ path: `${world.workspace}/x.py`, sha256 }]);
  await world.file("x.py", "print(2)\n");
  await expect(world.desk.approve(command)).rejects.toThrow(/x\.py changed/);
});

test("P11: a script that is gone, that was not there, or that became a link is another one", async () => {
  const command = await planned("sh run.sh");
  await rename(`${world.workspace}/run.sh`, `${world.workspace}/other.sh`);
  await expect(world.desk.approve(command)).rejects.toMatchObject(changed);
  const missing = await planned("python3 y.py");
  await world.file("y.py", "print(1)\n");
  await expect(world.desk.approve(missing)).rejects.toMatchObject(changed);
  const linked = await planned("python3 x.py");
  await world.file("z.py", "print(1)\n");
  await rm(`${world.workspace}/x.py`);
  await world.link("z.py", "x.py");
  await expect(world.desk.approve(linked)).rejects.toMatchObject(changed);
});

test("P11 R111: a program that was exchanged, also by one of the same bytes, or that another stands before now", async () => {
  const tool = await world.program("tool");
  const command = await planned("tool a");
  expect(command.programs).toEqual([expect.objectContaining({ path: tool })]);
  await world.program("tool2");
  await rename(`${world.bin}/tool2`, tool);
  await expect(world.desk.approve(command)).rejects.toThrow(/tool was exchanged/);

  const hidden = await planned("ls");
  await world.program("ls");
  await expect(world.desk.approve(hidden)).rejects.toMatchObject(changed);
  await rm(`${world.bin}/ls`);
  await expect(world.desk.approve(hidden)).resolves.toMatchObject({ argv: ["/usr/bin/ls"] });
});

test("P11 R111: a link is followed when it is judged, and must lead to the same file when it runs", async () => {
  const one = await world.program("one");
  const two = await world.program("two");
  await symlink(one, `${world.bin}/link`);
  const command = await planned("link");
  expect(command.programs).toEqual([expect.objectContaining({ path: one })]);
  await rm(`${world.bin}/link`);
  await symlink(two, `${world.bin}/link`);
  await expect(world.desk.approve(command)).rejects.toMatchObject(changed);
});

test("P11: the folder is bound by what it really is", async () => {
  await mkdir(`${world.workspace}/a`);
  await mkdir(`${world.workspace}/b`);
  await world.link("a", "here");
  const command = await planned("ls", { cwd: `${world.workspace}/here` });
  expect(command.cwd).toBe(`${world.workspace}/a`);
  await rm(`${world.workspace}/a`, { recursive: true });
  await expect(world.desk.approve(command)).rejects.toMatchObject(changed);
  await world.link("b", "a");
  await expect(world.desk.approve(command)).rejects.toThrow(/folder/);
});

test("P11 R114: no part of a kept command can be changed without its fingerprint, and none of both together", async () => {
  const command = await planned("./run.sh a");
  const forgeries: Partial<PlannedCommand>[] = [
    { text: "./run.sh b" },
    { argv: [...command.argv, "b"] },
    { argv: ["/usr/bin/touch", "CANARY"] },
    { cwd: world.home },
    { env: { ...command.env, LD_PRELOAD: "x" } },
    { env: {} },
    { env: { ...command.env, PATH: `${world.workspace}:${command.env["PATH"]}` } },
    { usesShell: true },
    { programs: [] },
    { scripts: [] },
    { binding: "0".repeat(64) },
  ];
  const { bindingOf } = await import("./plan.ts");
  for (const forgery of forgeries) {
    const forged = { ...command, ...forgery };
    await expect(world.desk.approve(forged)).rejects.toMatchObject(changed);
    if (forgery.binding !== undefined) continue;
    // A forger who can count is found out by looking again.
    if (forgery.text === undefined && forgery.cwd === undefined) {
      await expect(
        world.desk.approve({ ...forged, binding: bindingOf(forged) }),
        JSON.stringify(forgery),
      ).rejects.toMatchObject(changed);
    }
  }
});

test("P11: what is too large to be looked at is refused, to the byte", async () => {
  await world.file("big.py", "");
  await truncate(`${world.workspace}/big.py`, limits.commandScriptBytes);
  expect((await planned("python3 big.py")).scripts).toHaveLength(1);
  await truncate(`${world.workspace}/big.py`, limits.commandScriptBytes + 1);
  expect(await world.judge("python3 big.py")).toMatchObject({ effect: "deny", where: "built-in: unreadable script" });
});

test("P11: so are more scripts than there may be", async () => {
  const names = Array.from({ length: limits.commandScripts + 1 }, (_, index) => `s${index}.sh`);
  for (const name of names) await world.file(name, name);
  expect((await planned(`cat ${names.slice(1).join(" ")} | sh ${names.slice(1).join(" ")}`)).scripts).toHaveLength(
    limits.commandScripts,
  );
  expect(await world.judge(`true | sh ${names.join(" ")}`)).toMatchObject({ effect: "deny" });
});

test("R114: a line is shown whole or not at all: its limit, to the character", async () => {
  const line = `echo ${"a".repeat(limits.commandLineChars - 5)}`;
  expect((await planned(line)).text).toBe(line);
  expect(await world.judge(`${line}a`)).toMatchObject({ effect: "deny", where: "built-in: unreadable line" });
});

test("P12: depth and number of parts are limited", async () => {
  const nested = (depth: number): string => `${"{ ".repeat(depth)}ls;${" }".repeat(depth)}`;
  expect(await world.judge(nested(5))).toMatchObject({ effect: "allow" });
  expect(await world.judge(nested(limits.commandDepth))).toMatchObject({
    effect: "deny",
    where: "built-in: unreadable line",
  });
});

test("R117: nothing but the guard makes a command runnable: a plan is no command", async () => {
  const command = await planned("ls");
  await chmod(`${world.workspace}/run.sh`, 0o644);
  await expect(world.desk.approve({ ...command, argv: [path.join(world.workspace, "run.sh")] })).rejects.toMatchObject(
    changed,
  );
});

test("R117: this room starts nothing itself: no file of it that ships knows how", async () => {
  const files = (await readdir(import.meta.dirname, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && !/(test|fixture)\.ts$|fixtures/.test(name),
  );
  expect(files.length).toBeGreaterThan(15);
  for (const name of files) {
    const text = await readFile(path.join(import.meta.dirname, name), "utf8");
    expect([name, /child_process|subprocess|worker_threads|process\.env|\beval\(/.test(text)]).toEqual([name, false]);
    expect([name, text.includes("authority-mint")]).toEqual([name, name === "approve.ts"]);
  }
});
