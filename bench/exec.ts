/**
 * What running `true` through the exec tool costs over a bare spawn of it, outside of a sandbox and in one: the three take
 * turns, so that a busy machine is as busy for each. Judging and approving a line is measured elsewhere.
 */
import { spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { defaultConfig } from "../src/config/default-config.ts";
import type { Config } from "../src/config/schema/root.ts";
import { mintApprovedCommand } from "../src/domain/authority-mint.ts";
import { createSandboxes } from "../src/app/acting/sandboxes.ts";
import { createRunningCommands } from "../src/app/acting/running-commands.ts";
import { systemClock } from "../src/platform/clock.ts";
import { systemIds } from "../src/platform/ids.ts";
import { silentLog } from "../src/platform/log.ts";
import { createExecTool, type ExecInput } from "../src/tools/exec/index.ts";
import { runTool } from "../src/tools/run-tool.ts";
import { toolContext } from "../src/tools/tool-context.fixture.ts";
import type { Tool } from "../src/tools/contract.ts";
import type { Figure } from "./measures.ts";
import { median } from "./stats.ts";

const env = { PATH: "/usr/bin:/bin" };
const targetMs = 15;

export async function execOverhead(rounds: number): Promise<readonly Figure[]> {
  const base = await realpath(await mkdtemp(path.join(tmpdir(), "openclaw-bench-exec-")));
  const bench = benchIn(base);
  try {
    const open: number[] = [];
    const boxed: number[] = [];
    const openTool = bench.tool("off");
    const boxTool = bench.tool("all");
    for (let round = -3; round < rounds; round += 1) {
      const bareMs = await timed(bareSpawn);
      const openMs = await timed(() => bench.runTrue(openTool));
      const boxedMs = await timed(() => bench.runTrue(boxTool));
      // The first rounds load what is loaded late.
      if (round < 0) continue;
      open.push(openMs - bareMs);
      boxed.push(boxedMs - bareMs);
    }
    const target = { at: "most", value: targetMs } as const;
    return [
      { name: "exec true over a bare spawn", unit: "ms", value: median(open), target },
      { name: "exec true in bubblewrap over a bare spawn", unit: "ms", value: median(boxed), target },
    ];
  } finally {
    await bench.close();
    await rm(base, { recursive: true, force: true });
  }
}

interface ExecBench {
  tool(mode: "off" | "all"): Tool<ExecInput>;
  runTrue(tool: Tool<ExecInput>): Promise<void>;
  close(): Promise<void>;
}

function benchIn(base: string): ExecBench {
  const [clock, ids] = [systemClock(), systemIds()];
  const stateDir = path.join(base, "state");
  const workspace = path.join(stateDir, "workspace");
  const commands = createRunningCommands({ stateDir, clock, ids, log: silentLog() });
  return {
    tool(mode) {
      const config = configWithMode(mode);
      const { desk } = createSandboxes({ stateDir, home: path.join(base, "home"), clock, ids, config: () => config });
      return createExecTool({ processes: commands.processes, sandbox: desk, timeoutSeconds: () => 30 });
    },
    async runTrue(tool) {
      const context = toolContext({ clock, workspace });
      const act = await tool.plan?.({ command: "true" }, context);
      if (act?.kind !== "command") throw new Error("no command was planned");
      const command = mintApprovedCommand({ argv: ["/usr/bin/true"], cwd: act.cwd, env });
      const { text } = await runTool(tool as Tool, { command: "true" }, { ...context, command });
      if (!text.endsWith("[exit code 0]")) throw new Error(text);
    },
    close: () => commands.close(),
  };
}

function configWithMode(mode: "off" | "all"): Config {
  const config = defaultConfig();
  const { agents } = config;
  return {
    ...config,
    agents: { ...agents, defaults: { ...agents.defaults, sandbox: { ...agents.defaults.sandbox, mode } } },
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function bareSpawn(): Promise<void> {
  const child = spawn("/usr/bin/true", [], { env, stdio: ["ignore", "pipe", "pipe"] });
  await new Promise((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
}

if (import.meta.main) {
  for (const { name, value } of await execOverhead(200)) console.log(`${name}: ${value.toFixed(1)} ms`);
}
