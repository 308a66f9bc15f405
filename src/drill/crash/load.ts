/**
 * The load drill: people write at a steady rate to as many bots as the platform's limits ask for, and what the gateway adds
 * is measured where it cannot be embellished: at the emulators.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { statePaths } from "../../config/paths.ts";
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import { createChance } from "../chance.ts";
import { markDrillFolder } from "../drill-folder.ts";
import { formatDrillPlan } from "../failpoint-plan.ts";
import { quantile } from "../report.ts";
import { drillConfig } from "./drill-config.ts";
import { residentBytes, startChild, workLeft, type GatewayChild } from "./gateway-child.ts";
import type { DrillPort } from "./port.ts";
import { modelKey, openTown, type Town } from "./town.ts";

export interface LoadDrillOptions {
  readonly port: DrillPort;
  readonly clock: Clock;
  /** Messages per second. */
  readonly rate: number;
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

export interface LoadReport {
  readonly version: string;
  readonly rate: number;
  readonly seconds: number;
  readonly messages: number;
  readonly unanswered: number;
  /** From the moment at which the platform had the message to the arrival of the model's request. */
  readonly receiptToModelMs: Spread;
  /** From the model's last byte to the arrival of the answer at the platform. */
  readonly modelToPlatformMs: Spread;
  /** Resident memory once a second. */
  readonly residentMiB: readonly number[];
}

export interface Spread {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** A bot may say so much in a second before its platform refuses; two pieces for each answer. */
const messagesPerBot = 10;
/** One person is answered about once a second at most, and writes no more than the house lets one sender write. */
const peoplePerMessage = 8;
const drainPatienceMs = 60_000;

export async function loadDrill(options: LoadDrillOptions): Promise<LoadReport> {
  const { clock, port, rate } = options;
  const bots = Math.ceil(rate / messagesPerBot);
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-load-"));
  const chance = createChance(1);
  const people = Math.max(20, rate * peoplePerMessage);
  const town = await openTown({ bots, streaming: false, people, chance, clock, repeatLabel: port.repeatLabel });
  let child: GatewayChild | null = null;
  try {
    const stateDir = await prepare(folder, town, port);
    const plan = formatDrillPlan({ cuts: [], clockOffsetMs: 0, leaseMs: null });
    child = startChild({ program: port.program, path: port.path, stateDir, plan, fileSizeKiB: null, clock });
    const ready = await child.ready;
    if (ready === null) throw new AppError("SYS_002", `The gateway did not start:\n${child.output()}`);
    const residentMiB = await talk(options, town, () => residentBytes(ready.url, stateDir));
    await untilQuiet(town, ready.url, { stateDir, clock });
    return { ...figures(town, options), residentMiB };
  } finally {
    child?.signal("SIGKILL");
    await child?.ended;
    await town.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function loadText(report: LoadReport): string {
  const { receiptToModelMs: first, modelToPlatformMs: last, residentMiB } = report;
  return [
    `${report.messages} messages at ${report.rate} a second, ${report.unanswered} unanswered`,
    `  platform's receipt to model's request: p50 ${first.p50} ms, p99 ${first.p99} ms`,
    `  model's last byte to platform: p50 ${last.p50} ms, p99 ${last.p99} ms`,
    `  resident memory: ${residentMiB.at(0) ?? "?"} MiB at first, ${Math.max(0, ...residentMiB)} at most, ${residentMiB.at(-1) ?? "?"} at last`,
  ].join("\n");
}

async function prepare(folder: string, town: Town, port: DrillPort): Promise<string> {
  const stateDir = path.join(folder, "state");
  await mkdir(stateDir, { mode: 0o700 });
  await markDrillFolder(stateDir);
  const config = drillConfig(port.written, port.secrets, {
    telegramUrl: town.telegram.url,
    modelUrl: town.model.url,
    modelKey,
    accounts: town.accounts,
    closedGroups: [],
    logLevel: "info",
    timeoutSeconds: 600,
  });
  await writeFile(statePaths(stateDir).configFile, JSON.stringify(config), { mode: 0o600 });
  return stateDir;
}

/** Returns the memory that was used, once a second. */
async function talk(
  { clock, rate, seconds, signal }: LoadDrillOptions,
  town: Town,
  resident: () => Promise<number | null>,
): Promise<readonly number[]> {
  const memory: number[] = [];
  const fromMs = clock.monotonicMs();
  for (let message = 0; message < rate * seconds; message += 1) {
    signal?.throwIfAborted();
    // By the plan and not by the last message: a late one does not make all behind it late.
    const waitMs = fromMs + (message * 1_000) / rate - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs);
    town.askDirectly();
    if (message % rate === 0) {
      const bytes = await resident();
      if (bytes !== null) memory.push(Math.round(bytes / 2 ** 20));
    }
  }
  return memory;
}

async function untilQuiet(
  town: Town,
  url: string,
  { stateDir, clock }: { stateDir: string; clock: Clock },
): Promise<void> {
  const untilMs = clock.nowMs() + drainPatienceMs;
  while (clock.nowMs() < untilMs) {
    if (town.pendingUpdates() === 0 && (await workLeft(url, stateDir)) === 0) return;
    await clock.sleep(50);
  }
}

function figures(town: Town, { port, rate, seconds }: LoadDrillOptions): Omit<LoadReport, "residentMiB"> {
  const asked = new Map(town.said.map(({ token, atMs }) => [token, atMs]));
  const [receipts, answers]: [number[], number[]] = [[], []];
  const ends = new Map<string, number>();
  for (const { tokens, atMs, endMs } of town.askedModel()) {
    for (const token of tokens) {
      const saidMs = asked.get(token);
      if (saidMs !== undefined && !ends.has(token)) receipts.push(atMs - saidMs);
      if (endMs !== null) ends.set(token, endMs);
    }
  }
  const shown = town.shownFirst();
  for (const [token, endMs] of ends) {
    const shownMs = shown.get(token);
    if (shownMs !== undefined) answers.push(shownMs - endMs);
  }
  return {
    version: port.version,
    rate,
    seconds,
    messages: town.said.length,
    unanswered: town.waiting(),
    receiptToModelMs: spread(receipts),
    modelToPlatformMs: spread(answers),
  };
}

function spread(values: readonly number[]): Spread {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}
