import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { boxedHouse, bubblewrapMissing, type BoxedHouse } from "../../sandbox/real-box.fixture.ts";
import type { BoxChoice } from "../../sandbox/contract.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import { approvedLine, commandBench, deskThatSays, type CommandBench } from "../running/processes.fixture.ts";
import { createExecTool, type ExecInput } from "./index.ts";

let bench: CommandBench;
beforeEach(async () => {
  bench = await commandBench();
});
afterEach(async () => await bench.close());

interface Setting {
  readonly choice?: BoxChoice;
  readonly context?: Partial<ToolContext>;
  readonly timeoutSeconds?: number;
}

const toolOf = ({ choice = { kind: "open" }, timeoutSeconds = 20 }: Setting = {}): Tool<ExecInput> =>
  createExecTool({ processes: bench.processes, sandbox: deskThatSays(choice), timeoutSeconds: () => timeoutSeconds });

const contextOf = (part: Partial<ToolContext> = {}): ToolContext =>
  toolContext({ clock: bench.clock, workspace: bench.workspace, ...part });

/** Plan, approve exactly that, run: the way of the loop. */
async function exec(input: ExecInput | string, setting: Setting = {}): Promise<ToolOutput> {
  const tool = toolOf(setting);
  const whole = typeof input === "string" ? { command: input } : input;
  const context = contextOf(setting.context);
  const act = await tool.plan?.(whole, context);
  if (act?.kind !== "command") throw new Error("no command was planned");
  const command = approvedLine(act.text, act.cwd, act.env);
  return await runTool(tool as Tool, whole, { ...context, command });
}

/** A file appears, or the test runs into its own time. */
async function appears(file: string): Promise<string> {
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.endsWith("\n")) return text.trim();
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

async function isGone(pid: number): Promise<true> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
    if (stat === null || / [ZX] /.test(stat.slice(stat.lastIndexOf(")")))) return true;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

describe("what a command is planned to be", () => {
  it("R119: the line word for word, its folder and its variables, and nothing of where it runs", async () => {
    const tool = toolOf();
    await mkdir(path.join(bench.workspace, "sub"), { recursive: true });
    const input = { command: "ls -l | wc", cwd: "sub", env: { A: "1" } };
    expect(await tool.plan?.(input, contextOf())).toEqual({
      kind: "command",
      text: "ls -l | wc",
      cwd: path.join(bench.workspace, "sub"),
      env: { A: "1" },
    });
    for (const cwd of [undefined, "", ".", "./", bench.workspace]) {
      expect(await tool.plan?.({ command: "ls", cwd }, contextOf())).toMatchObject({ cwd: bench.workspace });
    }
    expect(await tool.plan?.({ command: "ls", cwd: path.join(bench.workspace, "sub") }, contextOf())).toMatchObject({
      cwd: path.join(bench.workspace, "sub"),
    });
  });

  it("R119: an argument that names another place to run is no argument: it is dropped, and changes nothing", async () => {
    const refusing: BoxChoice = { kind: "refused", why: "Nothing is installed." };
    for (const extra of [
      { host: "gateway" },
      { host: "node" },
      { sandbox: false },
      { elevated: true },
      { security: "full" },
    ]) {
      const input = { command: "touch ran", ...extra } as ExecInput;
      await expect(exec(input, { choice: refusing })).rejects.toMatchObject({ code: "RUN_003" });
    }
    expect(existsSync(path.join(bench.workspace, "ran"))).toBe(false);
  });

  it.each(["..", "../x", "/etc", "/", "~", "a/../..", "out", "a\nb"])(
    "a folder %j outside the workspace is SEC_007",
    async (cwd) => {
      await mkdir(bench.workspace, { recursive: true });
      await symlink("/etc", path.join(bench.workspace, "out"));
      await expect(toolOf().plan?.({ command: "ls", cwd }, contextOf())).rejects.toMatchObject({ code: "SEC_007" });
    },
  );

  it.each([
    { command: "" },
    { command: "  \n" },
    { command: "ls\0" },
    { command: "x".repeat(limits.commandChars + 1) },
    { command: "ls", env: { "A B": "1" } },
    { command: "ls", env: { A: "1\0" } },
    { command: "ls", env: { A: "x".repeat(limits.commandVariableChars + 1) } },
    {
      command: "ls",
      env: Object.fromEntries(Array.from({ length: limits.commandVariables + 1 }, (_, at) => [`V${at}`, ""])),
    },
    { command: "ls", timeoutSeconds: 0 },
    {},
  ])("an input that makes no sense is refused in words: %#", async (input) => {
    const command = approvedLine("touch ran", "/");
    await expect(runTool(toolOf() as Tool, input, contextOf({ command }))).rejects.toMatchObject({ code: "RUN_003" });
  });

  it("the longest command and the most variables are taken", () => {
    const env = Object.fromEntries(
      Array.from({ length: limits.commandVariables }, (_, at) => [`V${at}`, "x".repeat(limits.commandVariableChars)]),
    );
    expect(toolOf().inputSchema.safeParse({ command: "x".repeat(limits.commandChars), env }).success).toBe(true);
  });
});

describe("R117: nothing runs that was not decided", () => {
  it("R117: without an approved command nothing is started, whatever the input says", async () => {
    await mkdir(bench.workspace, { recursive: true });
    await expect(
      runTool(toolOf() as Tool, { command: `touch ${bench.workspace}/ran` }, contextOf()),
    ).rejects.toMatchObject({ code: "SEC_010" });
    expect(existsSync(path.join(bench.workspace, "ran"))).toBe(false);
  });

  it("R117: what runs is the approved command, and not the one that the input says", async () => {
    await mkdir(bench.workspace, { recursive: true });
    const command = approvedLine("echo approved", bench.workspace, { WORD: "a" });
    const said = { command: "echo said", cwd: "elsewhere", env: { WORD: "b" } };
    const { text } = await runTool(toolOf() as Tool, said, contextOf({ command }));
    expect(text).toBe("approved\n[exit code 0]");
  });

  it("R117: a sandbox that is asked for and not there means that nothing runs, and words say what to do", async () => {
    const choice: BoxChoice = { kind: "refused", why: "bubblewrap is not installed, and Docker is not installed." };
    await expect(exec("touch ran", { choice })).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringMatching(/bubblewrap is not installed.*Nothing was run/),
    });
    expect(existsSync(path.join(bench.workspace, "ran"))).toBe(false);
  });
});

describe("what a command says", () => {
  it("both streams in the order they were written, the exit code, and where the words came from", async () => {
    const result = await exec("echo a; echo b >&2; echo c; echo d >&2; exit 3");
    expect(result).toEqual({ text: "a\nb\nc\nd\n[exit code 3]", from: { class: "local", source: "output of echo" } });
    expect((await exec("true")).text).toBe("(no output)\n[exit code 0]");
    expect((await exec("kill -9 $$")).text).toMatch(/ended by SIGKILL|exit code 137/);
    expect((await exec("no-such-program-here")).text).toMatch(/not found[^]*exit code 127/);
  });

  it("its input is empty, its folder and environment are what was approved, and nothing of the gateway's", async () => {
    process.env["GATEWAY_SECRET"] = "s3cret";
    const { text } = await exec({ command: "cat; pwd; env", env: { WORD: "given" } });
    delete process.env["GATEWAY_SECRET"];
    expect(text).toContain(`${bench.workspace}\n`);
    expect(text).toContain("WORD=given");
    expect(text).not.toContain("s3cret");
    const names: readonly string[] = text.match(/^\w+(?==)/gm) ?? [];
    // What a shell sets by itself besides.
    expect(names.filter((name) => !["OLDPWD", "PWD", "_", "SHLVL"].includes(name)).toSorted()).toEqual([
      "OPENCLAW_COMMAND",
      "PATH",
      "WORD",
    ]);
  });

  it("escapes, NUL, broken UTF-8 and turned text are taken out; a progress bar is what it ended with", async () => {
    const script = String.raw`printf '\033[31mred\033[0m \033]0;title\007x\000y \342\200\256z \377\376\377|\n10%%\r50%%\r100%%\r\nend\n'`;
    expect((await exec(script)).text).toBe("red xy z \ufffd|\n100%\nend\n[exit code 0]");
  });

  it("a flood keeps its beginning and its end, and says how much lies between", async () => {
    const { text } = await exec("echo FIRST; seq 200000; echo LAST");
    expect(text).toMatch(/^FIRST\n1\n/);
    expect(text).toMatch(/200000\nLAST\n\[exit code 0\]$/);
    expect(text).toMatch(/\[… \d+ bytes left out …\]/);
    expect(Buffer.byteLength(text)).toBeLessThan(limits.toolOutputBytes);
  });

  it("a flood of what is no text is no longer than the limit either", async () => {
    const { text } = await exec("head -c 3000000 /dev/urandom");
    expect(Buffer.byteLength(text)).toBeLessThan(limits.toolOutputBytes);
    expect(text).toMatch(/\[exit code 0\]$/);
  });

  it("G5: a flood without an end is ended at its limit; the gateway lives and says so", async () => {
    const { text } = await exec("yes");
    expect(text).toMatch(/^y\ny\n/);
    expect(text).toMatch(/\[ended after [\d.]+ s: it wrote too much\]$/);
  });
});

describe("G5: a command that does not end", () => {
  it("G5: is ended at its time with all its group, and the model is told in words", async () => {
    const clock = new FakeClock(0);
    const own = await commandBench({ clock });
    const tool = createExecTool({
      processes: own.processes,
      sandbox: deskThatSays({ kind: "open" }),
      timeoutSeconds: () => 30,
    });
    await mkdir(own.workspace);
    const command = approvedLine("sleep 1000 & echo $! > child; echo begun; wait", own.workspace);
    const running = runTool(
      tool as Tool,
      { command: "sleep 1000" },
      toolContext({ clock, workspace: own.workspace, command }),
    );
    const child = Number(await appears(path.join(own.workspace, "child")));
    await clock.advance(29_999);
    expect(existsSync(`/proc/${child}`)).toBe(true);
    await clock.advance(1);
    expect((await running).text).toBe("begun\n[ended: it ran longer than 30 s. All it started was ended too]");
    expect(await isGone(child)).toBe(true);
    await own.close();
  });

  it("G5: one that takes no notice of the request is killed after its grace", async () => {
    const clock = new FakeClock(0);
    const own = await commandBench({ clock });
    const tool = createExecTool({
      processes: own.processes,
      sandbox: deskThatSays({ kind: "open" }),
      timeoutSeconds: () => 1,
    });
    await mkdir(own.workspace);
    const command = approvedLine("trap '' TERM; echo $$ > me; while :; do sleep 0.01; done", own.workspace);
    const running = runTool(
      tool as Tool,
      { command: "loop" },
      toolContext({ clock, workspace: own.workspace, command }),
    );
    const pid = Number(await appears(path.join(own.workspace, "me")));
    await clock.advance(1_000);
    await clock.advance(limits.commandGraceMs - 1);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await clock.advance(1);
    expect((await running).text).toContain("longer than 1 s");
    expect(await isGone(pid)).toBe(true);
    await own.close();
  });

  it("a shorter time may be asked for, a longer one not; the tool's own clock leaves room for the end", () => {
    const tool = toolOf({ timeoutSeconds: 20 });
    const extra = (tool.timeoutMs?.({ command: "x" }) ?? 0) - 20_000;
    expect(extra).toBeGreaterThan(limits.commandGraceMs);
    expect(tool.timeoutMs?.({ command: "x", timeoutSeconds: 5 })).toBe(5_000 + extra);
    expect(tool.timeoutMs?.({ command: "x", timeoutSeconds: 86_400 })).toBe(20_000 + extra);
    expect(tool.timeoutMs?.({ command: "x", background: true })).toBe(extra);
  });

  it("G5: an aborted turn ends it", async () => {
    const stop = new AbortController();
    const running = exec("echo $$ > me; sleep 1000", { context: { signal: stop.signal } });
    const pid = Number(await appears(path.join(bench.workspace, "me")));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: "RUN_001" });
    expect(await isGone(pid)).toBe(true);
  });

  it("G5: what it leaves in its group ends with it, and what holds its output is not waited for", async () => {
    const { text } = await exec("sleep 1000 & echo $! > child; echo done");
    expect(text).toBe("done\n[exit code 0]");
    expect(await isGone(Number(await appears(path.join(bench.workspace, "child"))))).toBe(true);
    const left = await exec("setsid sleep 5 & sleep 0.05; echo done");
    expect(left.text).toBe("done\n[exit code 0]");
  });
});

describe.skipIf(bubblewrapMissing)("a command in a box", () => {
  let house: BoxedHouse;
  let choice: BoxChoice;
  beforeEach(async () => {
    house = await boxedHouse();
    choice = { kind: "box", sandbox: await house.sandbox(), bounds: house.bounds() };
  });
  afterEach(async () => await house.close());
  const boxed = (command: string, part: Partial<Setting> = {}): Promise<ToolOutput> =>
    exec(command, { choice, ...part, context: { workspace: house.workspace, ...part.context } });

  it("P15, R119: runs where the desk says: it sees the workspace and no canary", async () => {
    const { text } = await boxed(`echo x > made; ls; cat ${house.canary} ${house.stateDir}/gateway.token; hostname`);
    expect(text).toContain("made\n");
    expect(text).not.toContain("the canary sings");
    expect(text).toContain("box\n");
    expect(await readFile(path.join(house.workspace, "made"), "utf8")).toBe("x\n");
  });

  it("P15: the bad twin: outside of a box the same command reads the canary", async () => {
    expect((await exec(`cat ${house.canary}`)).text).toContain("the canary sings");
  });

  it("P15: what leaves its group, its session and its parent ends with the box", async () => {
    const { text } = await boxed("setsid sh -c 'sleep 987654 & sleep 987654' > /dev/null 2>&1 & sleep 0.05; echo done");
    expect(text).toBe("done\n[exit code 0]");
    // The kernel empties the box a moment after its first process is gone.
    while ((await processesNamed("987654")).length > 0) await new Promise((resolve) => void setImmediate(resolve));
  });

  it("G5, P15: a fork bomb ends at its time with all it made; the gateway lives", async () => {
    const { text } = await boxed("b() { b | b & }; b; sleep 30", { timeoutSeconds: 1 });
    expect(text).toMatch(/longer than 1 s|exit code/);
    expect((await boxed("echo alive")).text).toBe("alive\n[exit code 0]");
  });

  it("P15: a file that grows without an end stops at its bound, and the words say so", async () => {
    const { text } = await boxed("cat /dev/zero > big; echo code $?; stat -c %s big");
    expect(text).toContain(String(8 * 1024 * 1024));
  });

  it("P15: a workspace that may not be mounted runs nothing", async () => {
    const bad: BoxChoice = {
      kind: "box",
      sandbox: await house.sandbox(),
      bounds: house.bounds({ workspace: house.home }),
    };
    await expect(boxed("touch ran", { choice: bad })).rejects.toMatchObject({ code: "SEC_007" });
    expect(existsSync(path.join(house.workspace, "ran"))).toBe(false);
  });

  it("a program that is not in the box is a result in words", async () => {
    await writeFile(path.join(house.base, "own-program"), "#!/bin/sh\n", { mode: 0o755 });
    expect((await boxed(`${house.base}/own-program`)).text).toMatch(/not found[^]*exit code 127/);
  });
});

async function processesNamed(word: string): Promise<readonly string[]> {
  const { readdir } = await import("node:fs/promises");
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (line.startsWith("sleep") && line.includes(word)) found.push(line);
  }
  return found;
}
