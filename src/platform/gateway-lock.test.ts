/** Two gateways never share a state directory, and a dead one never blocks the next. Real processes, really killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { acquireGatewayLock, gatewayOwner, lockFileName, ownerFileName } from "./gateway-lock.ts";
import { isRunning, processIdentity } from "./process-identity.ts";

const clock = systemClock();
let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lock-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Starter {
  readonly child: ChildProcess;
  /** `held`, or the code and message of the refusal. */
  readonly outcome: string;
}

/** A process that tries to take the lock, says what came of it, and keeps it until it is killed. */
async function start(stateDir: string): Promise<Starter> {
  const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  const source = `import { acquireGatewayLock } from ${url("./gateway-lock.ts")};
    import { systemClock } from ${url("./clock.ts")};
    try {
      globalThis.lock = await acquireGatewayLock(${JSON.stringify(stateDir)}, { clock: systemClock() });
      process.stdout.write("held");
      setInterval(() => {}, 60_000);
    } catch (error) { process.stdout.write(error.code + " " + error.message); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [outcome] = (await once(child.stdout!, "data")) as [Buffer];
  return { child, outcome: outcome.toString() };
}

async function kill(starter: Starter): Promise<void> {
  starter.child.kill("SIGKILL");
  await once(starter.child, "exit");
}

describe("gateway lock", () => {
  it("A7: the second on the same directory fails in less than 6 s and names the first's process", async () => {
    const stateDir = await mkdtemp(join(root, "second-"));
    const first = await start(stateDir);
    expect(first.outcome).toBe("held");
    const startedMs = performance.now();
    const second = await start(stateDir);
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    expect(second.outcome).toMatch(new RegExp(`^STORE_005 .*process ${first.child.pid} `));
    expect((await gatewayOwner(stateDir))?.pid).toBe(first.child.pid);
    await expect(acquireGatewayLock(stateDir, { clock })).rejects.toMatchObject({
      code: "STORE_005",
      details: { pid: first.child.pid },
    });
  });

  it("A7: after kill -9 of the first the next start succeeds without any cleaning up", async () => {
    const stateDir = await mkdtemp(join(root, "killed-"));
    for (let round = 0; round < 3; round += 1) {
      const starter = await start(stateDir);
      expect(starter.outcome).toBe("held");
      await kill(starter);
      expect(await readdir(stateDir)).toContain(ownerFileName);
      expect(await gatewayOwner(stateDir)).toBeNull();
    }
    const lock = await acquireGatewayLock(stateDir, { clock });
    expect(lock.owner.pid).toBe(process.pid);
    await lock.release();
  });

  it("A7: of several that start at once exactly one gets it", async () => {
    const stateDir = join(root, "race", "not", "there", "yet");
    const starters = await Promise.all(Array.from({ length: 6 }, () => start(stateDir)));
    expect(starters.filter((starter) => starter.outcome === "held")).toHaveLength(1);
    expect(starters.filter((starter) => starter.outcome.startsWith("STORE_005 "))).toHaveLength(5);
  });

  it("A7: two in one process exclude each other too, and a release makes room", async () => {
    const stateDir = await mkdtemp(join(root, "same-"));
    const first = await acquireGatewayLock(stateDir, { clock });
    await expect(acquireGatewayLock(stateDir, { clock })).rejects.toMatchObject({ code: "STORE_005" });
    await first.release();
    await first.release();
    expect(await gatewayOwner(stateDir)).toBeNull();
    const second = await acquireGatewayLock(stateDir, { clock });
    // A late second release of the first must not take the note, or the lock, of the second.
    await first.release();
    expect((await gatewayOwner(stateDir))?.pid).toBe(process.pid);
    await second.release();
  });

  it("A7: waits for a predecessor that is leaving, as long as it was told to", async () => {
    const stateDir = await mkdtemp(join(root, "wait-"));
    const starter = await start(stateDir);
    const waiting = acquireGatewayLock(stateDir, { clock, waitMs: 10_000 });
    await kill(starter);
    const lock = await waiting;
    expect((await gatewayOwner(stateDir))?.pid).toBe(process.pid);
    await lock.release();
  });

  it("is not fooled by the note of a dead process whose id went to another", async () => {
    const stateDir = await mkdtemp(join(root, "reused-"));
    await writeFile(
      join(stateDir, ownerFileName),
      JSON.stringify({ pid: process.pid, startTicks: "1", host: "h", startedMs: 1 }),
    );
    expect(await gatewayOwner(stateDir)).toBeNull();
    for (const broken of ["", "null", "{", "[]", '{"pid":-1}', '{"pid":"1"}', '{"pid":1.5}']) {
      await writeFile(join(stateDir, ownerFileName), broken);
      expect(await gatewayOwner(stateDir)).toBeNull();
    }
    await (await acquireGatewayLock(stateDir, { clock })).release();
  });

  it("R020: leaves nothing that others can read", async () => {
    const stateDir = join(root, "modes");
    const lock = await acquireGatewayLock(stateDir, { clock });
    expect(((await stat(stateDir)).mode & 0o077).toString(8)).toBe("0");
    for (const name of [lockFileName, ownerFileName])
      expect(((await stat(join(stateDir, name))).mode & 0o077).toString(8)).toBe("0");
    await lock.release();
  });

  it("says by code when the directory cannot be used", async () => {
    await writeFile(join(root, "file"), "");
    await expect(acquireGatewayLock(join(root, "file"), { clock })).rejects.toMatchObject({ code: "STORE_001" });
  });

  it("R124: a process is known by its id and its start", async () => {
    const own = await processIdentity(process.pid);
    expect(await isRunning(own)).toBe(true);
    expect(await isRunning({ ...own, startTicks: "0" })).toBe(false);
    expect(await isRunning({ pid: 2 ** 22 + 1, startTicks: null })).toBe(false);
  });
});
