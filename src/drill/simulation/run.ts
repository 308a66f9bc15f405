/**
 * One run of a simulation: a scenario on a world of its own, cut where it is told to be, until everything that was said
 * has ended. Nothing in it depends on the machine: the same options give the same run, promise for promise.
 */
import type { IdempotencyClass } from "../../channels/contract.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { FailpointName } from "../../platform/failpoints.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import { createChance, type Chance } from "../chance.ts";
import { check, type Verdict } from "../checker.ts";
import { chatName, type Disruption, type SaidMessage, type Truth } from "../truth.ts";
import type { RunningHouse, SimulatedDisk, SimulatedHouse } from "./house.ts";
import type { Scenario, ScenarioStep } from "./scenario.ts";
import { simulatedChannel, simulatedManifest } from "./simulated-channel.ts";
import {
  createSimulatedModel,
  marksOf,
  writtenAtOnce,
  type ModelBehaviour,
  type SimulatedModel,
  type Writing,
} from "./simulated-model.ts";
import { SimulatedPlatform, type PlatformSkills, type SendBehaviour } from "./simulated-platform.ts";
import { SimulatedProcess, type SimulatedCut } from "./simulated-process.ts";

export interface SimulationOptions {
  readonly house: SimulatedHouse;
  readonly scenario: Scenario;
  readonly idempotency: IdempotencyClass;
  readonly seed: number;
  /** The first process is cut at the first, the one after it at the second, and so on; then they live. */
  readonly cuts: readonly SimulatedCut[];
  /** How often, of a thousand, the platform and the model misbehave beyond what the scenario says. */
  readonly troublePerMille: number;
}

export interface SimulationResult {
  readonly verdict: Verdict;
  readonly truth: Truth;
  /** How often each process reached each point. */
  readonly lives: readonly ReadonlyMap<FailpointName, number>[];
  /** Cuts that came to pass. */
  readonly cuts: readonly SimulatedCut[];
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const run = new Simulation(options, await options.house.openDisk());
  try {
    return await run.toItsEnd();
  } finally {
    await run.close();
  }
}

/** What is not over after this long never ends. Longer than any pause the house makes between two attempts. */
const patienceMs = 3 * 3_600_000;
/** A lease has run out by then, and another process may take over. */
const standsMs = 6 * 60_000;
/** How long a process that was taken for dead goes on beside its successor. */
const besideMs = 2_000;
const channelId = "simulated";
const openSettings = { dmPolicy: "open", allowFrom: ["*"], groupPolicy: "open", requireMention: true };
const noSkills: PlatformSkills = { edits: false, deletes: false };
const canary = "planted-secret-of-the-drill";

class Simulation {
  readonly #options: SimulationOptions;
  readonly #disk: SimulatedDisk;
  readonly #time = new FakeClock();
  readonly #chance: Chance;
  readonly #ids;
  readonly #platform: SimulatedPlatform;
  readonly #model: SimulatedModel;
  readonly #said: SaidMessage[] = [];
  readonly #disruptions: Disruption[] = [];
  readonly #closures: Truth["closures"][number][] = [];
  readonly #processes: SimulatedProcess[] = [];
  readonly #logs: (() => string)[] = [];
  readonly #passed: SimulatedCut[] = [];
  readonly #sends: SendBehaviour[];
  readonly #models: ModelBehaviour[];
  readonly #writing: Writing;
  #settings: Record<string, unknown>;
  #house: RunningHouse | null = null;
  /** Processes that are to be started and are not up yet. */
  #starting = 0;

  constructor(options: SimulationOptions, disk: SimulatedDisk) {
    this.#options = options;
    this.#disk = disk;
    this.#settings = { ...openSettings, ...options.scenario.settings, secret: canary };
    this.#writing = options.scenario.writing ?? writtenAtOnce;
    this.#chance = createChance(options.seed);
    this.#ids = seededIds(options.seed);
    this.#sends = [...(options.scenario.sends ?? [])];
    this.#models = [...(options.scenario.models ?? [])];
    this.#platform = new SimulatedPlatform(channelId, {
      time: this.#time,
      behaviour: () => this.#sends.shift() ?? (this.#inTrouble() ? this.#chance.pick(sendTroubles) : "accept"),
      repeats: () => this.#inTrouble(),
    });
    this.#model = createSimulatedModel(
      this.#time,
      this.#writing,
      () => this.#models.shift() ?? (this.#inTrouble() ? this.#chance.pick(modelTroubles) : "answer"),
    );
  }

  async toItsEnd(): Promise<SimulationResult> {
    this.#boot();
    const steps = [...this.#options.scenario.steps];
    const endMs = patienceMs;
    while (this.#time.monotonicMs() < endMs) {
      while (steps[0] !== undefined && steps[0].atMs <= this.#time.monotonicMs())
        this.#take(steps.shift() as ScenarioStep);
      // Lets what a step set going come to its first pause before anybody asks whether all is quiet.
      await this.#time.advance(0);
      if (steps.length === 0 && (await this.#isQuiet())) break;
      const nextMs = Math.min(
        steps[0] === undefined ? Number.POSITIVE_INFINITY : steps[0].atMs - this.#time.monotonicMs(),
        this.#time.nextDueMs ?? Number.POSITIVE_INFINITY,
      );
      if (nextMs === Number.POSITIVE_INFINITY) break;
      await this.#time.advance(nextMs);
    }
    const truth = await this.#truth();
    return {
      truth,
      verdict: check(truth),
      lives: this.#processes.map((process) => process.reached),
      cuts: this.#passed,
    };
  }

  async close(): Promise<void> {
    for (const process of this.#processes) process.kill();
    await this.#disk.close();
  }

  #inTrouble(): boolean {
    const { troublePerMille } = this.#options;
    return troublePerMille > 0 && this.#chance.below(1_000) < troublePerMille;
  }

  async #isQuiet(): Promise<boolean> {
    return this.#starting === 0 && this.#platform.pendingEvents() === 0 && (await this.#disk.isIdle());
  }

  #take(step: ScenarioStep): void {
    switch (step.what) {
      case "say":
        this.#say(step);
        return;
      case "close-groups":
        this.#closeGroups();
        return;
      case "restart":
        void this.#restart();
    }
  }

  #say({ chat, words, expect, mention }: Extract<ScenarioStep, { what: "say" }>): void {
    const token = `m${this.#said.length + 1}`;
    const { accountId, chatId, kind } = chat;
    const event = {
      chatId,
      chatKind: kind,
      senderId: `${chatId}-person`,
      text: `${words} ${token}`,
      mentionsUs: mention,
    };
    const address = { channel: channelId, accountId, chatId, chatKind: kind };
    this.#said.push({
      token,
      chat: chatName(address),
      address,
      platformMessageId: this.#platform.say(accountId, event),
      atMs: this.#time.nowMs(),
      expect,
      marks: marksOf(token, this.#writing),
      acknowledged: false,
    });
  }

  #closeGroups(): void {
    this.#settings = { ...this.#settings, groupPolicy: "disabled" };
    const groups = new Set(this.#said.filter(({ address }) => address.chatKind === "group").map(({ chat }) => chat));
    for (const chat of groups) this.#closures.push({ chat, fromMs: this.#time.nowMs() });
    void this.#house?.applySettings();
  }

  async #restart(): Promise<void> {
    const [house, process] = [this.#house, this.#processes.at(-1)];
    const fromMs = this.#time.nowMs();
    // Stopped before it was up: as a signal in the middle of a start, which ends it like a kill.
    if (house === null || process === undefined) return;
    this.#starting += 1;
    await house.close();
    process.kill();
    this.#disruptions.push({ kind: "restart", fromMs, untilMs: this.#time.nowMs() });
    this.#bootIn(500);
    this.#starting -= 1;
  }

  #bootIn(delayMs: number): void {
    this.#starting += 1;
    this.#time.after(delayMs, () => {
      this.#starting -= 1;
      this.#boot();
    });
  }

  #boot(): void {
    const cut = this.#options.cuts[this.#processes.length] ?? null;
    const process: SimulatedProcess = new SimulatedProcess({
      time: this.#time,
      cut,
      onCut: () => this.#onCut(process, cut as SimulatedCut),
      onTimerError: () => undefined,
    });
    this.#processes.push(process);
    this.#house = null;
    this.#starting += 1;
    const { idempotency, scenario } = this.#options;
    const manifest = simulatedManifest(channelId, idempotency, scenario.can ?? noSkills);
    const booting = this.#disk.boot({
      process,
      ids: this.#ids,
      channels: [simulatedChannel(manifest, this.#platform, process)],
      settings: () => ({ [channelId]: { accounts: { one: this.#settings, two: this.#settings } } }),
      model: this.#model,
    });
    void booting.then((house) => {
      this.#starting -= 1;
      this.#house = house;
      this.#logs.push(() => house.log());
    });
  }

  #onCut(process: SimulatedProcess, cut: SimulatedCut): void {
    this.#passed.push(cut);
    // What died on its way up is not waited for; its successor is.
    if (this.#house === null) this.#starting -= 1;
    const fromMs = this.#time.nowMs();
    const pauseMs = cut.what === "kill" ? 200 : standsMs;
    this.#disruptions.push({ kind: cut.what, fromMs, untilMs: fromMs + pauseMs + besideMs });
    this.#bootIn(pauseMs);
    if (cut.what === "stop") this.#wakeBeside(process, pauseMs);
  }

  /** Goes on while its successor waits for the model, believing that no time has passed, and ends for good a moment later. */
  #wakeBeside(process: SimulatedProcess, pauseMs: number): void {
    this.#starting += 1;
    this.#time.after(pauseMs + this.#chance.below(280), () => process.continue());
    this.#time.after(pauseMs + besideMs, () => {
      process.kill();
      this.#starting -= 1;
    });
  }

  async #truth(): Promise<Truth> {
    const said = this.#said.map((message) => ({
      ...message,
      acknowledged: this.#platform.isConfirmed(message.address.accountId, message.platformMessageId),
    }));
    const evidence = await this.#disk.evidence(said);
    const before = await this.#disk.picture();
    await this.#disk.readEverything();
    const after = await this.#disk.picture();
    const parts = evidence.parts.map((part) => ({ ...part, history: this.#withLooks(part.id, part.history) }));
    return {
      said,
      seen: this.#platform.seen,
      modelCalls: this.#model.calls,
      rows: evidence.rows,
      parts,
      disruptions: this.#disruptions,
      refusals: this.#platform.refusals,
      canAmend: this.#options.scenario.can?.edits === true || this.#options.scenario.can?.deletes === true,
      closures: this.#closures,
      ledger: evidence.ledger,
      reads: [{ name: "reading everything", before, after }],
      canaries: [canary],
      texts: [
        ...this.#logs.map((log, index) => ({ where: `the log of process ${index + 1}`, text: log() })),
        ...this.#platform.seen.map(({ chat, text }) => ({ where: chat, text })),
      ],
    };
  }

  /** A look that found the piece is a reason for a part to be sent. */
  #withLooks(partId: string, history: Truth["parts"][number]["history"]): Truth["parts"][number]["history"] {
    const looks = this.#platform.lookups
      .filter((look) => look.found && look.pieceId.startsWith(`${partId}.`))
      .map(({ atMs }) => ({ state: "looked", atMs }));
    if (looks.length === 0) return history;
    return history.flatMap((entry) => {
      const look = entry.state === "sent" ? looks.find(({ atMs }) => atMs <= entry.atMs) : undefined;
      return look === undefined ? [entry] : [look, entry];
    });
  }
}

const sendTroubles: readonly SendBehaviour[] = ["lost", "break", "busy", "error"];
const modelTroubles: readonly ModelBehaviour[] = ["fail", "cut", "slow"];
