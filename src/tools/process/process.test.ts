import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { BornRights } from "../../domain/turn-origin.ts";
import { createExecTool } from "../exec/index.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { approvedLine, commandBench, deskThatSays, type CommandBench } from "../running/processes.fixture.ts";
import { createProcessTool, type ProcessInput } from "./index.ts";

let bench: CommandBench;
beforeEach(async () => {
  bench = await commandBench();
  await mkdir(bench.workspace);
});
afterEach(async () => await bench.close());

type Part = Partial<ToolContext>;
const context = (part: Part = {}): ToolContext =>
  toolContext({ clock: bench.clock, workspace: bench.workspace, ...part });

/** Starts it in the background; its id. */
async function begin(
  line: string,
  part: Part = {},
  more: Readonly<Record<string, unknown>> = { background: true },
): Promise<string> {
  const tool = createExecTool({
    processes: bench.processes,
    sandbox: deskThatSays({ kind: "open" }),
    timeoutSeconds: () => 20,
  });
  const command = approvedLine(line, bench.workspace);
  const { text } = await runTool(tool as Tool, { command: line, ...more }, context({ ...part, command }));
  return /for id (\w+)/.exec(text)?.[1] ?? text;
}

async function ask(input: ProcessInput, part: Part = {}): Promise<string> {
  return (await runTool(createProcessTool({ processes: bench.processes }) as Tool, input, context(part))).text;
}

async function until(input: ProcessInput, words: RegExp): Promise<string> {
  let all = "";
  while (!words.test(all)) {
    all += `${await ask(input)}\n`;
    await new Promise((resolve) => void setImmediate(resolve));
  }
  return all;
}

async function pidIn(name: string): Promise<number> {
  for (;;) {
    const text = await readFile(path.join(bench.workspace, name), "utf8").catch(() => "");
    if (text.endsWith("\n")) return Number(text);
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

async function isGone(pid: number): Promise<true> {
  for (;;) {
    const line = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
    if (line === null || / [ZX] /.test(line.slice(line.lastIndexOf(")")))) return true;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

describe("commands in the background", () => {
  it("are started at once, listed, and say what is new each time it is asked", async () => {
    const id = await begin("echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exit 4");
    await until({ action: "poll", id }, /one\n\[running\]/);
    expect(await ask({ action: "poll", id })).toBe("(no output)\n[running]");
    expect(await ask({ action: "list" })).toMatch(new RegExp(`^${id} \\[running\\] started \\d+ s ago: echo one;`));
    const { writeFile } = await import("node:fs/promises");
    await writeFile(path.join(bench.workspace, "go"), "");
    expect(await until({ action: "poll", id }, /exit code/)).toMatch(/two\n\[(exit code 4|running)\]/);
    expect(await ask({ action: "list" })).toContain("[exit code 4]");
  });

  it("a command that is waited for a while goes on when it takes longer, and is a plain result when it does not", async () => {
    expect(await begin("echo quick", {}, { yieldSeconds: 20 })).toBe("quick\n[exit code 0]");
    const id = await begin("echo slow; sleep 1000", {}, { yieldSeconds: 1 });
    expect(await ask({ action: "list" })).toContain(id);
    expect(await ask({ action: "kill", id })).toContain("as it was asked");
  });

  it("R124: kill ends the whole group, once, and says so", async () => {
    const id = await begin("sleep 1000 & echo $! > child; wait");
    const child = await pidIn("child");
    expect(await ask({ action: "kill", id })).toMatch(/\[ended after [\d.]+ s, as it was asked\]/);
    expect(await isGone(child)).toBe(true);
    expect(await ask({ action: "kill", id })).toMatch(/as it was asked/);
  });

  it("R124: belong to the session that started them, and to the one that started that; others see none", async () => {
    const born = {
      parentRunId: "r",
      parentSessionKey: "agent:main:main",
      depth: 1,
      tools: [],
      taint: [],
    } satisfies BornRights;
    const child = { sessionKey: "agent:main:subagent:7", born };
    const own = await begin("sleep 1000");
    const childs = await begin("sleep 1000", child);
    expect(await ask({ action: "list" })).toMatch(new RegExp(`${own}[^]*${childs}`));
    const others: readonly Part[] = [
      { sessionKey: "agent:main:telegram:default:group:-1" },
      { sessionKey: "agent:other:main", agentId: "other" },
      { agentId: "other" },
      child,
    ];
    expect(await ask({ action: "list" }, others[0])).toBe("No commands run.");
    for (const part of others) {
      expect(await ask({ action: "list" }, part)).not.toContain(own);
      for (const action of ["poll", "kill"] as const) {
        await expect(ask({ action, id: own }, part)).rejects.toMatchObject({ code: "RUN_003" });
      }
    }
    expect(await ask({ action: "poll", id: own })).toContain("[running]");
    expect(await ask({ action: "kill", id: childs })).toContain("as it was asked");
  });

  it("R124: the gateway's end is theirs, and it starts no more", async () => {
    await begin("sleep 1000 & echo $! > child; wait");
    const child = await pidIn("child");
    await bench.processes.close();
    expect(await isGone(child)).toBe(true);
    await expect(begin("echo x")).rejects.toMatchObject({ code: "SYS_007" });
  });

  it("one session has no more of them than its limit; one that ended makes room", async () => {
    const ids: string[] = [];
    for (let at = 0; at < limits.commandsPerSession; at += 1) ids.push(await begin("sleep 1000"));
    await expect(begin("sleep 1000")).rejects.toMatchObject({ code: "RUN_003" });
    await ask({ action: "kill", id: ids[0] ?? "" });
    expect(await begin("sleep 1000")).toMatch(/^\w+$/);
  });

  it("of those that ended the oldest are forgotten", async () => {
    for (let at = 0; at < limits.endedCommandsPerSession + 2; at += 1) {
      const id = await begin("true");
      await until({ action: "poll", id }, /exit code 0/);
    }
    const lines = (await ask({ action: "list" })).split("\n");
    expect(lines).toHaveLength(limits.endedCommandsPerSession);
  });

  it("what an action does is told by the action, and nothing can be written into a running shell", async () => {
    const tool = createProcessTool({ processes: bench.processes });
    expect(tool.effectOf?.({ action: "list" })).toBe("pure");
    expect(tool.effectOf?.({ action: "kill", id: "x" })).toBe("idempotent");
    await expect(ask({ action: "write", id: "x", text: "rm -rf /" } as never)).rejects.toMatchObject({
      code: "RUN_003",
    });
    await expect(ask({ action: "poll" })).rejects.toMatchObject({ code: "RUN_003" });
  });
});
