/**
 * The crash drill: a real gateway on a copy of the configuration, among emulated people, ended again and again in every way
 * there is; then left in peace until everything is answered, and held against what is promised.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { statePaths } from "../../config/paths.ts";
import type { Clock } from "../../platform/clock.ts";
import { createChance, type Chance } from "../chance.ts";
import { check } from "../checker.ts";
import { markDrillFolder } from "../drill-folder.ts";
import { formatDrillPlan } from "../failpoint-plan.ts";
import type { Reply } from "../model-emulator/script.ts";
import { refusedMark } from "../planted.ts";
import { countLosses, quantile, type DrillReport } from "../report.ts";
import type { FaultRule } from "../telegram-emulator/contract.ts";
import type { Disruption, Truth } from "../truth.ts";
import { blows, cutsOf, type Blow } from "./blow.ts";
import { drillConfig } from "./drill-config.ts";
import { startChild, workLeft, type GatewayChild } from "./gateway-child.ts";
import type { DrillPort } from "./port.ts";
import { makeReadOnly } from "./read-only.ts";
import { modelKey, openTown, type Town } from "./town.ts";

export interface CrashDrillOptions {
  readonly port: DrillPort;
  readonly clock: Clock;
  readonly kills: number;
  readonly seed: number;
  /** Accounts of the emulated platform. */
  readonly bots: number;
  /** Some of them show their answers while these are written. */
  readonly streaming: boolean;
  /** Told now and then how far it is. */
  readonly progress?: (kills: number) => void;
  readonly signal?: AbortSignal;
}

export async function crashDrill(options: CrashDrillOptions): Promise<DrillReport> {
  const chance = createChance(options.seed);
  const { clock, port, bots, streaming } = options;
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-drill-"));
  const town = await openTown({
    bots,
    streaming,
    people: peoplePerBot * bots,
    chance,
    clock,
    repeatLabel: port.repeatLabel,
  });
  try {
    return await new CrashDrill(options, { folder, town, chance }).run();
  } finally {
    await town.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const peoplePerBot = 15;
/** More than these waiting, and people are silent for a while: a drill is no flood. */
const mostWaiting = 60;
/** A start on this machine before one was measured. */
const firstGuessMs = 700;
const leaseMs = 1_000;
const standsMs = 1_600;
/** A failpoint that is not reached by then is not reached in this life. */
const failpointPatienceMs = 1_500;
/** A second edit comes seconds after the first showing of an answer. */
const growingPatienceMs = 7_000;
/** For everything to be answered at the end; a message that was under way in many crashes waits a minute first. */
const drainPatienceMs = 240_000;
const stopPatienceMs = 15_000;

interface Ground {
  readonly folder: string;
  readonly town: Town;
  readonly chance: Chance;
}

class CrashDrill {
  readonly #options: CrashDrillOptions;
  readonly #clock: Clock;
  readonly #town: Town;
  readonly #chance: Chance;
  readonly #stateDir: string;
  readonly #disruptions: Disruption[] = [];
  readonly #outputs: string[] = [];
  readonly #firstRepliesMs: number[] = [];
  readonly #byKind: Record<string, number> = {};
  readonly #byFailpoint: Record<string, number> = {};
  readonly #leftOut: Record<string, number> = {};
  #kills = 0;
  #startMs = firstGuessMs;
  #clockOffsetMs = 0;
  #timeoutSeconds = 600;

  constructor(options: CrashDrillOptions, { folder, town, chance }: Ground) {
    this.#options = options;
    this.#clock = options.clock;
    this.#town = town;
    this.#chance = chance;
    this.#stateDir = path.join(folder, "state");
  }

  async run(): Promise<DrillReport> {
    const fromMs = this.#clock.nowMs();
    await mkdir(this.#stateDir, { mode: 0o700 });
    await markDrillFolder(this.#stateDir);
    await this.#writeConfig();
    const sequence = blows(this.#chance, this.#options.streaming);
    while (this.#kills < this.#options.kills) {
      this.#options.signal?.throwIfAborted();
      await this.#live(sequence.next().value as Blow);
      if (this.#kills === Math.floor(this.#options.kills / 2)) await this.#closeGroup();
      this.#options.progress?.(this.#kills);
    }
    const connected = await this.#drain();
    return this.#report(await this.#truth(), { connected, fromMs });
  }

  /** One life of the gateway, from its start to its end. */
  async #live(blow: Blow): Promise<void> {
    const undo = blow.kind === "read-only" ? await this.#takeWriting() : null;
    if (blow.kind === "read-only" && undo === null) return;
    this.#sayAndBreak();
    const child = this.#start(blow);
    const fromMs = this.#clock.nowMs();
    try {
      await this.#strike(blow, child);
    } finally {
      child.signal("SIGKILL");
      await child.ended;
      await undo?.();
    }
    this.#outputs.push(child.output());
    this.#measureReply(child);
    // What happened in the life of a process that was hurt all along may all be its doing.
    const hurtAllAlong = ["full-disk", "read-only", "failing-store", "stop"].includes(blow.kind);
    const untilMs = this.#clock.nowMs();
    this.#disruptions.push({ kind: blow.kind, fromMs: hurtAllAlong ? fromMs : untilMs - 50, untilMs });
  }

  #start(blow: Blow | null): GatewayChild {
    if (blow?.kind === "clock-jump") this.#clockOffsetMs += blow.byMs;
    const { program, path: search } = this.#options.port;
    return startChild({
      program,
      path: search,
      stateDir: this.#stateDir,
      plan: formatDrillPlan({
        cuts: blow === null ? [] : cutsOf(blow),
        clockOffsetMs: this.#clockOffsetMs,
        leaseMs: blow?.kind === "stop" ? leaseMs : null,
      }),
      fileSizeKiB: blow?.kind === "full-disk" ? fullDiskKiB : null,
      clock: this.#clock,
    });
  }

  async #strike(blow: Blow, child: GatewayChild): Promise<void> {
    switch (blow.kind) {
      case "random-kill":
        await this.#orEnd(child, blow.share * (this.#startMs + workMs));
        return this.#count(child.isOver() ? "ended-by-itself" : "random-kill", null);
      case "failpoint":
        await this.#provoke(blow, child);
        await this.#orEnd(child, blow.name === "draft-sent" ? growingPatienceMs : failpointPatienceMs);
        return this.#count(child.isOver() ? "failpoint" : "random-kill", child.isOver() ? blow.name : null);
      case "stop":
        await this.#untilReady(child);
        await this.#orEnd(child, this.#chance.between(20, 300));
        child.signal("SIGSTOP");
        await this.#clock.sleep(standsMs);
        child.signal("SIGCONT");
        await this.#orEnd(child, this.#chance.between(100, 900));
        return this.#count("stop", null);
      default:
        await this.#untilReady(child);
        this.#sayAndBreak();
        await this.#orEnd(child, workMs);
        return this.#count(blow.kind, null);
    }
  }

  /** What has to happen for a point to be reached at all. */
  async #provoke(blow: Extract<Blow, { kind: "failpoint" }>, child: GatewayChild): Promise<void> {
    if (blow.name === "doubt-decided")
      this.#town.telegram.fault({ method: "sendMessage", what: { kind: "accept-then-drop" } });
    if (blow.name === "draft-sent") this.#town.askForGrowing();
    if (blow.name === "recovered") return;
    for (let again = 1; again < blow.count; again += 1) this.#town.saySomething();
    await this.#untilReady(child);
    if (blow.name === "intake-stopped") child.signal("SIGTERM");
    if (blow.name === "config-swap") {
      this.#timeoutSeconds = 600 + (this.#kills % 7) + 1;
      await this.#writeConfig();
    }
  }

  async #untilReady(child: GatewayChild): Promise<void> {
    const late = this.#clock.sleep(readyPatienceMs);
    const ready = await Promise.race([child.ready, late.then(() => null)]);
    if (ready !== null) this.#startMs = 0.8 * this.#startMs + 0.2 * (ready.atMs - child.spawnedMs);
  }

  /** Waits for so long, or until the process has ended by itself. */
  async #orEnd(child: GatewayChild, waitMs: number): Promise<void> {
    const enough = new AbortController();
    const pause = this.#clock.sleep(waitMs, enough.signal).catch(() => undefined);
    await Promise.race([child.ended, pause]);
    enough.abort();
  }

  #count(kind: string, failpoint: string | null): void {
    this.#kills += 1;
    this.#byKind[kind] = (this.#byKind[kind] ?? 0) + 1;
    if (failpoint !== null) this.#byFailpoint[failpoint] = (this.#byFailpoint[failpoint] ?? 0) + 1;
  }

  /** People write, and now and then platform or model are in trouble of their own. */
  #sayAndBreak(): void {
    const waiting = this.#town.waiting();
    const messages = waiting > mostWaiting ? 0 : this.#chance.between(1, 3);
    for (let message = 0; message < messages; message += 1) this.#town.saySomething();
    if (this.#chance.happens(0.3)) this.#town.telegram.fault(this.#chance.pick(platformFaults));
    if (this.#chance.happens(0.06)) this.#town.modelFaults.push(this.#chance.pick(modelFaults));
  }

  async #takeWriting(): Promise<(() => Promise<void>) | null> {
    const folder = path.dirname(statePaths(this.#stateDir).storeFile);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const undo = await makeReadOnly(folder);
    if (undo === null) this.#leftOut["read-only"] = (this.#leftOut["read-only"] ?? 0) + 1;
    return undo;
  }

  #measureReply(child: GatewayChild): void {
    const firstMs = this.#town.firstReplyAfter(child.spawnedMs);
    if (firstMs !== null) this.#firstRepliesMs.push(firstMs - child.spawnedMs);
  }

  async #closeGroup(): Promise<void> {
    if (this.#town.closeGroup() !== null) await this.#writeConfig();
  }

  async #writeConfig(): Promise<void> {
    const { written, secrets } = this.#options.port;
    const config = drillConfig(written, secrets, {
      telegramUrl: this.#town.telegram.url,
      modelUrl: this.#town.model.url,
      modelKey,
      accounts: this.#town.accounts,
      closedGroups: this.#town.closedGroups(),
      logLevel: "debug",
      timeoutSeconds: this.#timeoutSeconds,
    });
    await writeFile(statePaths(this.#stateDir).configFile, JSON.stringify(config, null, 2), { mode: 0o600 });
  }

  /** A last life without any trouble, until nothing waits; ended as an operator ends it. Returns how many bots are connected. */
  async #drain(): Promise<number> {
    this.#town.telegram.clearFaults();
    this.#town.modelFaults.length = 0;
    const child = this.#start(null);
    try {
      const ready = await child.ready;
      if (ready === null) throw new AppError("SYS_002", `The gateway did not start any more:\n${child.output()}`);
      const untilMs = this.#clock.nowMs() + drainPatienceMs;
      while (this.#clock.nowMs() < untilMs && !(await this.#isQuiet(ready.url))) await this.#clock.sleep(100);
      const connected = this.#town.connectedSince(child.spawnedMs);
      child.signal("SIGTERM");
      await this.#orEnd(child, stopPatienceMs);
      return connected;
    } finally {
      child.signal("SIGKILL");
      await child.ended;
      this.#outputs.push(child.output());
      this.#measureReply(child);
    }
  }

  async #isQuiet(url: string): Promise<boolean> {
    return this.#town.pendingUpdates() === 0 && (await workLeft(url, this.#stateDir)) === 0;
  }

  async #truth(): Promise<Truth> {
    const seen = this.#town.truth();
    const evidence = await this.#options.port.evidence(this.#stateDir, seen.said);
    const { logFile } = statePaths(this.#stateDir);
    const log = await readFile(logFile, "utf8").catch(() => "");
    return {
      ...seen,
      ...evidence,
      disruptions: this.#disruptions,
      reads: [],
      texts: [
        { where: "the log", text: log },
        ...this.#outputs.map((text, index) => ({ where: `what process ${index + 1} printed`, text })),
        ...seen.seen.map(({ chat, text }) => ({ where: chat, text })),
        ...this.#town.model.requests.map(({ body }) => ({ where: "a prompt", text: JSON.stringify(body) })),
      ],
    };
  }

  #report(truth: Truth, { connected, fromMs }: { connected: number; fromMs: number }): DrillReport {
    const verdict = check(truth);
    const refused = this.#outputs.flatMap((text) => text.match(refusedPattern) ?? []);
    return {
      version: this.#options.port.version,
      seed: this.#options.seed,
      tookMs: this.#clock.nowMs() - fromMs,
      kills: this.#kills,
      killsByKind: this.#byKind,
      killsByFailpoint: this.#byFailpoint,
      leftOut: this.#leftOut,
      messages: truth.said.length,
      ...verdict.ends,
      labelledRepetitions: verdict.labelledRepetitions,
      ...countLosses(verdict.violations),
      givenUpWhy: verdict.givenUpWhy,
      violations: verdict.violations,
      firstReplyMs: { median: quantile(this.#firstRepliesMs, 0.5), p99: quantile(this.#firstRepliesMs, 0.99) },
      channels: { connected, configured: this.#options.bots },
      refusedAddresses: [...new Set(refused.map((line) => line.slice(refusedMark.length).trim()))],
    };
  }
}

/** What a life has to do something in, beyond its start. */
const workMs = 500;
const readyPatienceMs = 15_000;
/** Enough to open the store and begin, and soon too little. */
const fullDiskKiB = 700;
const refusedPattern = new RegExp(`${refusedMark}.*`, "g");

const platformFaults: readonly FaultRule[] = [
  { method: "sendMessage", what: { kind: "accept-then-drop" } },
  { method: "sendMessage", what: { kind: "drop" } },
  { method: "sendMessage", what: { kind: "status", status: 429, retryAfterS: 1 } },
  { method: "sendMessage", what: { kind: "status", status: 502 } },
  { method: "editMessageText", what: { kind: "accept-then-drop" } },
  { method: "editMessageText", what: { kind: "status", status: 502 } },
  { method: "deleteMessage", what: { kind: "drop" } },
  // Handed out and never confirmed: the same updates come again.
  { method: "getUpdates", what: { kind: "accept-then-drop" } },
  { method: "getUpdates", what: { kind: "status", status: 500 } },
];

const modelFaults: readonly Reply[] = [
  { status: 500 },
  { text: "This will not end well.", fault: { kind: "cut", afterDeltas: 2 } },
  { text: "slowly, slowly", delayMs: 2_000, status: 503 },
];
