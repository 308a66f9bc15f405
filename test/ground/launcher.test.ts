import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { beforeEach, describe, expect, it } from "vitest";
import { root } from "../../scripts/source-hash.mjs";
import { run, start } from "./process-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const bundled = realpathSync(path.join(root, "node_modules", "node", "bin", "node"));

/** A command line that says who it is and then does what its first word says. */
const program = `
  export async function runCli(args) {
    const stopped = new Promise((resolve) => process.once("SIGTERM", () => resolve(5)));
    console.log(JSON.stringify({ pid: process.pid, version: process.version, args }));
    if (args[0] === "exit") return Number(args[1]);
    if (args[0] === "die") process.kill(process.pid, args[1]);
    const alive = setInterval(() => {}, 1000);
    return stopped.finally(() => clearInterval(alive));
  }
`;

/** Makes Node.js 24 look like 20 to the program it starts, once: what that program starts in turn is itself again. */
const pretendOld = `
  if (process.env.PRETEND_OLD === "1") {
    delete process.env.PRETEND_OLD;
    Object.defineProperty(process, "version", { value: "v20.0.0" });
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });
    process.execve = undefined;
  }
`;

interface Installation {
  readonly folder: string;
  readonly command: string;
  readonly preload: string;
}

let installation: Installation;

beforeEach(() => {
  const folder = temporaryFolder({ "package.json": '{ "version": "1.2.3", "type": "module" }' });
  cpSync(path.join(root, "bin"), path.join(folder, "bin"), { recursive: true });
  const preload = path.join(folder, "pretend-old.cjs");
  writeFileSync(preload, pretendOld);
  installation = { folder, command: path.join(folder, "bin", "openclaw.mjs"), preload };
});

function addBundledNode(): void {
  const place = path.join(installation.folder, "node_modules", "node", "bin");
  mkdirSync(place, { recursive: true });
  symlinkSync(bundled, path.join(place, "node"));
}

function addProgram(): void {
  mkdirSync(path.join(installation.folder, "dist"));
  writeFileSync(path.join(installation.folder, "dist", "cli.js"), program);
}

/** The way of somebody whose own Node.js is older than what we need. */
function startWithOldNode(args: readonly string[]) {
  return start(process.execPath, ["--require", installation.preload, installation.command, ...args], {
    env: { ...process.env, PRETEND_OLD: "1" },
  });
}

describe("an older Node.js", () => {
  it("A8: without a carried one is one clear line and exit 1", async () => {
    addProgram();
    const { code, stdout, stderr } = await startWithOldNode(["status"]).ended;
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: "openclaw needs Node.js 24 or newer; this is v20.0.0 (SYS_006).\n",
    });
  });

  it("A8: hands over to the carried one, with arguments and exit code", async () => {
    addBundledNode();
    addProgram();
    const { code, stdout } = await startWithOldNode(["exit", "7", "--and more"]).ended;
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ version: process.version, args: ["exit", "7", "--and more"] });
  });

  it("gives a signal on and ends as the program ends", async () => {
    addBundledNode();
    addProgram();
    const running = startWithOldNode(["wait"]);
    await running.waitFor(/"pid":(\d+)/);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 5, signal: null });
  });

  it("dies of the signal that its program died of", async () => {
    addBundledNode();
    addProgram();
    expect(await startWithOldNode(["die", "SIGKILL"]).ended).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  it("takes its program along when it is killed", async () => {
    addBundledNode();
    addProgram();
    const running = startWithOldNode(["wait"]);
    const [, pid] = await running.waitFor(/"pid":(\d+)/);
    expect(Number(pid)).not.toBe(running.child.pid);
    running.child.kill("SIGKILL");
    // The output closes when the last process that holds it is gone: this waits for both, and forever for a survivor.
    expect(await running.ended).toMatchObject({ signal: "SIGKILL" });
  });
});

describe("the command", () => {
  it("run from a shell is one process, on the carried Node.js", async () => {
    addBundledNode();
    addProgram();
    const running = start(installation.command, ["exit", "0"], { env: { PATH: "/usr/bin:/bin" } });
    const { stdout } = await running.ended;
    expect(JSON.parse(stdout)).toMatchObject({ pid: running.child.pid, version: process.version });
  });

  it("is found through a link", async () => {
    addBundledNode();
    addProgram();
    const link = path.join(installation.folder, "openclaw");
    symlinkSync(installation.command, link);
    expect(await run(link, ["exit", "3"])).toMatchObject({ code: 3 });
  });

  it("prints its version without the built program", async () => {
    addBundledNode();
    expect(await run(installation.command, ["--version"])).toMatchObject({ code: 0, stdout: "1.2.3\n" });
  });

  it("that is not built says how to build it", async () => {
    addBundledNode();
    const { code, stderr } = await run(installation.command, ["status"]);
    expect(code).toBe(1);
    expect(stderr).toBe(`openclaw is not built yet. Run "npm ci" in ${installation.folder}/\n`);
  });
});
