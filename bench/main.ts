/**
 * `npm run bench`: measures this gateway, and with `--peer URL --peer-token T` another one in the same run, with a model
 * of its own. Prints what it found and writes bench/RESULTS.md. A benchmark and no test: nothing fails by a number.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { configWith, newStateDir, startGateway } from "../test/e2e/gateway-process.ts";
import {
  addedLatency,
  commandTimes,
  idleMemory,
  loopUnderLoad,
  manyClients,
  pipelinedHealth,
  startTime,
  turnThroughput,
  type Figure,
  type Target,
} from "./measures.ts";
import { approvalRoundTrip } from "./approvals.ts";
import { compactionDelay } from "./compaction.ts";
import { failoverTime, providerOverhead } from "./models.ts";
import { promptSize } from "./prompt-size.ts";
import { sessionsPage } from "./sessions-page.ts";
import { short } from "./stats.ts";

const { values: options } = parseArgs({
  options: {
    peer: { type: "string" },
    "peer-token": { type: "string", default: "" },
    /** Fewer rounds, and RESULTS.md is left as it is. */
    quick: { type: "boolean", default: false },
    only: { type: "string" },
  },
});

const scale = options.quick ? 0.2 : 1;
const times = (count: number): number => Math.max(1, Math.round(count * scale));

const model = await startModel();
const state = await newStateDir();
const ours = new Map<string, Figure>();
const theirs = new Map<string, Figure>();
try {
  await measureOurs();
  if (options.peer !== undefined) {
    const peer: Target = { name: "peer", url: options.peer, token: options["peer-token"], pid: null };
    await measureNetwork(peer, theirs);
  }
  const text = report();
  console.log(`\n${text}`);
  if (!options.quick && options.only === undefined) await writeFile(new URL("./RESULTS.md", import.meta.url), text);
} finally {
  model.stop();
  await state.remove();
}

async function measureOurs(): Promise<void> {
  await take("start", ours, () => startTime(model.url, times(11)));
  const gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
  const target: Target = { name: "this gateway", url: gateway.url, token: gateway.token, pid: gateway.pid };
  try {
    await take("idle", ours, () => idleMemory(target));
    await take("cli", ours, () => commandTimes(target, state.stateDir, times(11)));
    await measureNetwork(target, ours);
  } finally {
    await gateway.kill("SIGTERM");
  }
  await take("prompt", ours, () => promptSize());
  await take("models", ours, () => providerOverhead(model.url, times(400)));
  await take("failover", ours, () => failoverTime(times(200)));
  await take("sessions", ours, () => sessionsPage(times(100_000)));
  await take("approvals", ours, () => approvalRoundTrip(times(300)));
  await take("compaction", ours, () => compactionDelay(times(25)));
}

/** What can be measured of any gateway that speaks the protocol. */
async function measureNetwork(target: Target, into: Map<string, Figure>): Promise<void> {
  await take("latency", into, () => addedLatency(target, model.url, times(400)));
  await take("turns", into, () => turnThroughput(target, times(3_000)));
  await take("health", into, () => pipelinedHealth(target, times(20_000)));
  await take("clients", into, () => manyClients(target, 200));
  await take("loop", into, () => loopUnderLoad(target, 500));
}

async function take(name: string, into: Map<string, Figure>, measure: () => Promise<readonly Figure[]>): Promise<void> {
  if (options.only !== undefined && options.only !== name) return;
  try {
    for (const figure of await measure()) {
      into.set(figure.name, figure);
      console.log(line(figure));
    }
  } catch (error) {
    console.log(`${name}: could not be measured: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function line({ name, value, unit, target }: Figure): string {
  const wanted = target === null ? "" : `(target ${target.at === "most" ? "≤" : "≥"} ${short(target.value)})`;
  return `${name.padEnd(46)} ${short(value).padStart(9)} ${unit.padEnd(8)} ${wanted}`;
}

function report(): string {
  const peerColumns = theirs.size > 0;
  const rows = [...ours.values()].map((figure) => {
    const peer = theirs.get(figure.name);
    const wanted =
      figure.target === null ? "" : `${figure.target.at === "most" ? "≤" : "≥"} ${short(figure.target.value)}`;
    const verdict = figure.target === null ? "" : meets(figure) ? "met" : "**missed**";
    const cells = [figure.name, `${short(figure.value)} ${figure.unit}`, wanted, verdict];
    const more = peerColumns
      ? [
          peer === undefined ? "" : `${short(peer.value)} ${peer.unit}`,
          peer === undefined ? "" : short(peer.value / figure.value),
        ]
      : [];
    return `| ${[...cells, ...more].join(" | ")} |`;
  });
  const head = ["figure", "this gateway", "target", "", ...(peerColumns ? ["peer", "peer / this"] : [])];
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    "# Benchmark results",
    "",
    "Made by `npm run bench`. Medians from one run on a shared machine: read them as ratios.",
    "",
    `- ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 1024 ** 3)} GiB, Node.js ${process.versions.node}`,
    `- load average at the end: ${load.join(", ")}`,
    `- ${new Date().toISOString().slice(0, 10)}`,
    "",
    `| ${head.join(" | ")} |`,
    `|${head.map(() => "---").join("|")}|`,
    ...rows,
    "",
  ].join("\n");
}

function meets({ value, target }: Figure): boolean {
  if (target === null) return true;
  return target.at === "most" ? value <= target.value : value >= target.value;
}

async function startModel(): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, [new URL("./model.ts", import.meta.url).pathname, "50"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
    child.once("close", (code) => reject(new Error(`the model ended with ${code}`)));
  });
  return { url, stop: () => void child.kill("SIGTERM") };
}
