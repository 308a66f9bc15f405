/** What is measured, one function each. A measure that cannot be taken says why instead of leaving a number out. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { configWith, program, startGateway } from "../test/e2e/gateway-process.ts";
import { openSocket, type GatewaySocket } from "./gateway-socket.ts";
import { httpLoad } from "./http-load.ts";
import { cpuMs, treeRssMiB } from "./process-figures.ts";
import { median } from "./stats.ts";

/** Something that can be measured: our own process, or any gateway that speaks the protocol. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** Null for a peer that somebody else started. */
  readonly pid: number | null;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** What house.md asks for; null where it asks for nothing. */
  readonly target: { readonly at: "most" | "least"; readonly value: number } | null;
  readonly note?: string;
}

/** A prompt that begins with "slowly" is answered over twenty seconds, any other at once. */
const body = (prompt = "Say fifty words."): string =>
  JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: prompt }] });

const most = (value: number): Figure["target"] => ({ at: "most", value });
const least = (value: number): Figure["target"] => ({ at: "least", value });

/** Spawn to hello-ok on a state directory that is warm, median of `runs`. */
export async function startTime(modelUrl: string, runs: number): Promise<readonly Figure[]> {
  const stateDir = await mkdtemp(path.join(tmpdir(), "openclaw-bench-start-"));
  const times: number[] = [];
  const port = 28_000 + Math.floor(process.pid % 1_000);
  for (let run = 0; run <= runs; run += 1) {
    const started = performance.now();
    const starting = startGateway({ stateDir, port, config: configWith(modelUrl) });
    await firstHello(`http://127.0.0.1:${port}`, path.join(stateDir, "gateway.token"));
    // The first run makes keys, tables and the compile cache.
    if (run > 0) times.push(performance.now() - started);
    await (await starting).kill("SIGTERM");
  }
  await rm(stateDir, { recursive: true, force: true });
  return [
    { name: "spawn to hello-ok", unit: "ms", value: median(times), target: most(400), note: `median of ${runs}` },
  ];
}

/** Knocks until it is let in; gives up after ten seconds. */
async function firstHello(url: string, tokenFile: string): Promise<void> {
  const giveUp = performance.now() + 10_000;
  for (;;) {
    try {
      const token = (await readFile(tokenFile, "utf8")).trim();
      (await openSocket(url, token)).close();
      return;
    } catch (error) {
      // Not listening yet, or on the very first run no token yet.
      if (performance.now() > giveUp) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

export async function idleMemory(target: Target): Promise<readonly Figure[]> {
  if (target.pid === null) return [];
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  return [{ name: "idle memory, process tree", unit: "MiB", value: await treeRssMiB(target.pid), target: most(110) }];
}

/** Latency that the gateway adds: the same request through it and straight to the model, in turn. */
export async function addedLatency(target: Target, modelUrl: string, count: number): Promise<readonly Figure[]> {
  const direct = {
    url: `${modelUrl}/v1/chat/completions`,
    headers: { authorization: "Bearer k" },
    body: body(),
    concurrency: 1,
    count,
  };
  const through = {
    ...direct,
    url: `${target.url}/v1/chat/completions`,
    headers: { authorization: `Bearer ${target.token}` },
  };
  await httpLoad({ ...direct, count: 50 });
  await httpLoad({ ...through, count: 50 });
  const differences: number[] = [];
  const throughs: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const near = await httpLoad(direct);
    const far = await httpLoad(through);
    differences.push(far.latencyMs.p50 - near.latencyMs.p50);
    throughs.push(far.latencyMs.p50);
  }
  return [
    {
      name: "added latency, c=1, p50",
      unit: "ms",
      value: median(differences),
      target: most(5),
      note: "against the model directly, 5 rounds in turn",
    },
    { name: "latency through, c=1, p50", unit: "ms", value: median(throughs), target: null },
  ];
}

export async function turnThroughput(target: Target, count: number): Promise<readonly Figure[]> {
  const options = {
    url: `${target.url}/v1/chat/completions`,
    headers: { authorization: `Bearer ${target.token}` },
    body: body(),
    concurrency: 16,
    count,
  };
  await httpLoad({ ...options, count: Math.min(count, 200) });
  const cpuBefore = target.pid === null ? 0 : await cpuMs(target.pid);
  const load = await httpLoad(options);
  const cpu = target.pid === null ? Number.NaN : ((await cpuMs(target.pid)) - cpuBefore) / count;
  return [
    { name: "turns, c=16", unit: "turns/s", value: load.perSecond, target: least(300) },
    { name: "turn latency, c=16, p99", unit: "ms", value: load.latencyMs.p99, target: null },
    ...(Number.isNaN(cpu) ? [] : [{ name: "processor time per turn", unit: "ms", value: cpu, target: most(3) }]),
  ];
}

/** Requests sent without waiting for answers, as fast as they are taken. */
export async function pipelinedHealth(target: Target, count: number): Promise<readonly Figure[]> {
  const client = await openSocket(target.url, target.token);
  const rates: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const started = performance.now();
    await Promise.all(Array.from({ length: count }, () => client.call("health")));
    rates.push(count / ((performance.now() - started) / 1_000));
  }
  client.close();
  return [
    {
      name: "health over WebSocket, pipelined",
      unit: "req/s",
      value: median(rates),
      target: least(20_000),
      note: "median of 5",
    },
  ];
}

export async function manyClients(target: Target, clients: number): Promise<readonly Figure[]> {
  const started = performance.now();
  const sockets = await Promise.all(Array.from({ length: clients }, () => openSocket(target.url, target.token)));
  const connectMs = performance.now() - started;
  const presence = await presenceChange(target, sockets);
  for (const socket of sockets) socket.close();
  return [
    { name: `${clients} clients connect`, unit: "ms", value: connectMs, target: most(500) },
    { name: `one presence change reaches ${clients} clients`, unit: "ms", value: presence.ms, target: most(15) },
    { name: "presence event", unit: "bytes", value: presence.bytes, target: most(1_024) },
  ];
}

async function presenceChange(
  target: Target,
  sockets: readonly GatewaySocket[],
): Promise<{ ms: number; bytes: number }> {
  // Let the presence of the connects themselves pass first.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  let bytes = 0;
  const heard = sockets.map(
    (socket) =>
      new Promise<number>((resolve) => {
        socket.onEvent((text) => {
          if (!text.includes('"event":"presence"')) return;
          bytes = Math.max(bytes, text.length);
          resolve(performance.now());
        });
      }),
  );
  const one = await openSocket(target.url, target.token);
  const times = await Promise.race([
    Promise.all(heard),
    new Promise<number[]>((resolve) => setTimeout(() => resolve([]), 10_000)),
  ]);
  one.close();
  // From the first client that heard of it to the last.
  return times.length === 0
    ? { ms: Number.NaN, bytes: Number.NaN }
    : { ms: Math.max(...times) - Math.min(...times), bytes };
}

/**
 * The gateway's own reading of its loop while many turns are in flight. They begin over eight seconds and last twenty,
 * as people do: a model that answers five hundred of them in step would be a drum and no load.
 */
export async function loopUnderLoad(target: Target, inFlight: number): Promise<readonly Figure[]> {
  const client = await openSocket(target.url, target.token);
  const load = httpLoad({
    url: `${target.url}/v1/chat/completions`,
    headers: { authorization: `Bearer ${target.token}` },
    body: body("slowly, say fifty words"),
    concurrency: inFlight,
    count: inFlight,
    rampMs: 8_000,
  });
  // By now all have begun, and a whole window of the gateway's sampling has passed since.
  await pause(18_500);
  const state = (await client.call("status")) as { loopDelay?: { p99Ms?: number }; runs?: readonly unknown[] };
  const statusMs: number[] = [];
  for (let index = 0; index < 20; index += 1) {
    const from = performance.now();
    await client.call("status");
    statusMs.push(performance.now() - from);
  }
  await load;
  client.close();
  const running = state.runs?.length ?? Number.NaN;
  return [
    {
      name: `loop delay p99, ${inFlight} turns in flight`,
      unit: "ms",
      value: state.loopDelay?.p99Ms ?? Number.NaN,
      target: most(20),
      note: `${running} were running at the reading`,
    },
    { name: `status while ${inFlight} turns run, p50`, unit: "ms", value: median(statusMs), target: null },
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whole processes, as a person at a terminal waits for them. */
export async function commandTimes(target: Target, stateDir: string, runs: number): Promise<readonly Figure[]> {
  const timeOf = async (args: readonly string[]): Promise<number> => {
    const times: number[] = [];
    for (let run = 0; run <= runs; run += 1) {
      const started = performance.now();
      const code = await new Promise((resolve) => {
        spawn(process.execPath, [program, ...args], {
          stdio: "ignore",
          env: { ...process.env, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_PORT: new URL(target.url).port },
        }).once("close", resolve);
      });
      if (code !== 0) throw new Error(`openclaw ${args.join(" ")} ended with ${String(code)}`);
      if (run > 0) times.push(performance.now() - started);
    }
    return median(times);
  };
  const bare = await (async () => {
    const times: number[] = [];
    for (let run = 0; run <= runs; run += 1) {
      const started = performance.now();
      await new Promise((resolve) => spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }).once("close", resolve));
      if (run > 0) times.push(performance.now() - started);
    }
    return median(times);
  })();
  return [
    { name: "node -e 0 (for comparison)", unit: "ms", value: bare, target: null },
    { name: "openclaw --version", unit: "ms", value: await timeOf(["--version"]), target: most(60) },
    { name: "openclaw --help", unit: "ms", value: await timeOf(["--help"]), target: most(150) },
    { name: "openclaw status", unit: "ms", value: await timeOf(["status"]), target: most(150) },
  ];
}
