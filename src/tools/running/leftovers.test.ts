import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, realpath, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { processIdentity } from "../../platform/process-identity.ts";
import { bubblewrapMissing } from "../../sandbox/real-box.fixture.ts";
import { createLeftovers, type Leftovers } from "./leftovers.ts";

const program = fileURLToPath(new URL("crash.fixture.ts", import.meta.url));

describe.skipIf(process.platform !== "linux")("what a crash leaves running", () => {
  let folder = "";
  let file = "";
  const strangers: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await realpath(await mkdtemp("/var/tmp/openclaw-left-"));
    file = path.join(folder, "state", "commands.json");
  });
  afterEach(async () => {
    for (const stranger of strangers.splice(0)) stranger.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  const leftovers = (bootId?: string): Leftovers =>
    createLeftovers({
      file,
      onError: (error) => {
        throw error;
      },
      ...(bootId === undefined ? {} : { bootId: () => Promise.resolve(bootId) }),
    });
  const sleeper = (env: Readonly<Record<string, string>> = {}): number => {
    const child = spawn("/bin/sleep", ["1000"], { env, stdio: "ignore", detached: true });
    strangers.push(child);
    if (child.pid === undefined) throw new Error("sleep was not started");
    return child.pid;
  };

  it("R124: what it wrote down is ended at the next start, and forgotten", async () => {
    const mark = leftovers().mark("0123456789abcdef");
    const [plain, left] = [sleeper(), sleeper(mark.env)];
    await mark.remember(plain);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await leftovers().sweep()).toBe(2);
    expect(await Promise.all([isGone(plain), isGone(left)])).toEqual([true, true]);
    expect(await leftovers().sweep()).toBe(0);
  });

  it("R124: a number that is somebody else's now is left alone, and so is another gateway's command", async () => {
    const other = sleeper({ OPENCLAW_COMMAND: "another gateway's" });
    const { startTicks } = await processIdentity(other);
    const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const remembered = { token: "mine", pid: other, startTicks: String(Number(startTicks) - 1) };
    const { writeFileAtomic, ensurePrivateDir } = await import("../../platform/atomic-file.ts");
    await ensurePrivateDir(path.dirname(file));
    await writeFileAtomic(file, JSON.stringify({ bootId, commands: [remembered] }));
    expect(await leftovers().sweep()).toBe(0);
    await writeFileAtomic(file, JSON.stringify({ bootId, commands: [{ ...remembered, startTicks: null }] }));
    expect(await leftovers().sweep()).toBe(0);
    // The very same number and moment of birth, on another boot of the machine.
    await writeFileAtomic(file, JSON.stringify({ bootId: "before", commands: [{ ...remembered, startTicks }] }));
    expect(await leftovers().sweep()).toBe(0);
    expect(existsSync(`/proc/${other}`)).toBe(true);
    await writeFileAtomic(file, JSON.stringify({ bootId, commands: [{ ...remembered, startTicks }] }));
    expect(await leftovers().sweep()).toBe(1);
    expect(await isGone(other)).toBe(true);
  });

  it.each(["", "{", "null", '{"bootId":null,"commands":[{"pid":-1}]}', "\0\0"])(
    "a file that says %j ends nothing",
    async (text) => {
      const { ensurePrivateDir } = await import("../../platform/atomic-file.ts");
      await ensurePrivateDir(path.dirname(file));
      await writeFile(file, text);
      expect(await leftovers().sweep()).toBe(0);
    },
  );

  it("R124: what is over before it is written down never is", async () => {
    const left = leftovers();
    const mark = left.mark("a".repeat(32));
    const remembering = mark.remember(sleeper());
    await mark.end();
    await remembering;
    await left.mark("b".repeat(32)).remember(sleeper());
    const { commands } = JSON.parse(await readFile(file, "utf8")) as { commands: { token: string }[] };
    expect(commands.map(({ token }) => token)).toEqual(["b".repeat(32)]);
  });

  it("what ended is forgotten, and a first start finds nothing", async () => {
    expect(await leftovers().sweep()).toBe(0);
    const own = leftovers("boot");
    const mark = own.mark("t");
    await mark.remember(process.pid);
    await mark.end();
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ bootId: "boot", commands: [] });
  });

  it.each(["open", ...(bubblewrapMissing ? [] : ["boxed"])])(
    "R124: a gateway that is killed takes its command with it: %s",
    async (where) => {
      const gateway = spawn(process.execPath, [program, folder, where], { stdio: ["ignore", "pipe", "inherit"] });
      onTestFinished(() => void gateway.kill("SIGKILL"));
      await new Promise((resolve) => void gateway.stdout.once("data", resolve));
      await appears(path.join(folder, "workspace", "begun"));
      // A shell says that it began before what it began is the program that it is to be.
      await expect.poll(async () => (await sleepersIn(folder)).length, { timeout: 15_000 }).toBeGreaterThanOrEqual(2);
      const before = await sleepersIn(folder);
      gateway.kill("SIGKILL");
      await new Promise((resolve) => void gateway.once("exit", resolve));
      file = path.join(folder, "commands.json");
      // In a box all goes at once; outside, the next start ends what left its parent.
      if (where === "open") expect(await leftovers().sweep()).toBeGreaterThanOrEqual(1);
      for (const pid of before) expect(await isGone(pid)).toBe(true);
    },
  );
});

async function appears(name: string): Promise<void> {
  while (!existsSync(name)) await new Promise((resolve) => void setImmediate(resolve));
}

/** Programs that stand in the folder, by the machine's own numbers. */
async function sleepersIn(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of (await readdir("/proc")).filter((one) => /^\d+$/.test(one))) {
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => "");
    const words = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    if (cwd.endsWith(path.join(path.basename(folder), "workspace")) && words.startsWith("sleep"))
      found.push(Number(name));
  }
  return found;
}

async function isGone(pid: number): Promise<true> {
  for (;;) {
    const line = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
    if (line === null || / [ZX] /.test(line.slice(line.lastIndexOf(")")))) return true;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
