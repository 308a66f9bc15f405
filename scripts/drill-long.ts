/**
 * `npm run drill:long`: ten thousand crashes, a thousand of them of real processes. Takes the better part of an hour, goes
 * on where it was stopped, and writes what it found to docs/evidence/.
 *
 *   npm run drill:long -- --crashes 10000 --real 1000 --seed 1
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { openDrillPort } from "../src/app/drill-port.ts";
import { createSimulatedHouse } from "../src/app/simulated-house.ts";
import { version } from "../src/app/version.ts";
import { readEnvironment } from "../src/config/environment.ts";
import { crashDrill } from "../src/drill/crash/drill.ts";
import type { DrillReport } from "../src/drill/report.ts";
import {
  cellRecipes,
  cells,
  countRun,
  newTotals,
  randomRecipe,
  type CampaignTotals,
} from "../src/drill/simulation/campaign.ts";
import { systemClock } from "../src/platform/clock.ts";
import { root } from "./source-hash.mjs";

const stateFile = path.join(root, ".drill", "long.json");
const evidence = path.join(root, "docs", "evidence");
/** Random recipes behind each round over all cells. */
const randomRuns = 300;
/** Real kills of one drill: short enough that little is done again after a stop. */
const killsAtOnce = 50;
/** Real drills side by side: each mostly waits for a process to start, or for people to write. */
const drillsAtOnce = 3;

interface LongState {
  readonly version: string;
  readonly seed: number;
  /** Steps of the simulation that are done: a round has one for each cell and one for the random recipes. */
  steps: number;
  simulated: CampaignTotals;
  real: DrillReport[];
}

const { values } = parseArgs({
  options: {
    crashes: { type: "string", default: "10000" },
    real: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
  },
});
await main({ crashes: Number(values.crashes), real: Number(values.real), seed: Number(values.seed) });

async function main(wanted: { crashes: number; real: number; seed: number }): Promise<void> {
  const state = readState(wanted.seed);
  await simulateUntil(state, wanted.crashes - wanted.real);
  await killUntil(state, wanted.real);
  writeEvidence(state);
  const failures = failuresOf(state);
  for (const failure of failures) console.log(failure);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

async function simulateUntil(state: LongState, crashes: number): Promise<void> {
  const house = createSimulatedHouse();
  while (state.simulated.cuts < crashes) {
    const round = Math.floor(state.steps / (cells.length + 1));
    const cell = cells[state.steps % (cells.length + 1)];
    const seed = state.seed + round * randomRuns;
    if (cell === undefined) {
      for (let run = 0; run < randomRuns; run += 1) await countRun(randomRecipe(seed + run), house, state.simulated);
    } else {
      for await (const recipe of cellRecipes(house, cell, seed)) await countRun(recipe, house, state.simulated);
    }
    state.steps += 1;
    save(state);
    console.log(`simulated: ${state.simulated.cuts} of ${crashes} crashes in ${state.simulated.runs} runs`);
  }
}

async function killUntil(state: LongState, kills: number): Promise<void> {
  const home = path.join(tmpdir(), "openclaw-drill-long-without-a-configuration");
  const port = await openDrillPort(readEnvironment({ PATH: process.env["PATH"], HOME: home }));
  let seed = Math.max(state.seed - 1, ...state.real.map((report) => report.seed)) + 1;
  const drillUntil = async (): Promise<void> => {
    while (realKills(state) < kills) {
      const own = seed;
      seed += 1;
      state.real.push(
        await crashDrill({ port, clock: systemClock(), kills: killsAtOnce, seed: own, bots: 3, streaming: false }),
      );
      save(state);
      console.log(`real: ${realKills(state)} of ${kills} kills`);
    }
  };
  await Promise.all(Array.from({ length: drillsAtOnce }, drillUntil));
}

/** What another version or seed has found says nothing about this one. */
function readState(seed: number): LongState {
  if (existsSync(stateFile)) {
    const kept = JSON.parse(readFileSync(stateFile, "utf8")) as LongState;
    if (kept.version === version && kept.seed === seed) return kept;
  }
  return { version, seed, steps: 0, simulated: newTotals(), real: [] };
}

function save(state: LongState): void {
  mkdirSync(path.dirname(stateFile), { recursive: true });
  // Whole or not at all: it is there to be stopped at any moment.
  writeFileSync(`${stateFile}.draft`, JSON.stringify(state));
  renameSync(`${stateFile}.draft`, stateFile);
}

function realKills({ real }: LongState): number {
  return real.reduce((sum, report) => sum + report.kills, 0);
}

function failuresOf({ simulated, real }: LongState): readonly string[] {
  return [
    ...simulated.failures.map(({ recipe, violations }) => JSON.stringify({ recipe, violations })),
    ...real.flatMap(({ seed, violations, channels }) => [
      ...violations.map((violation) => JSON.stringify({ seed, violation })),
      ...(channels.connected === channels.configured ? [] : [JSON.stringify({ seed, channels })]),
    ]),
  ];
}

function writeEvidence(state: LongState): void {
  const summary = summaryOf(state);
  mkdirSync(evidence, { recursive: true });
  writeFileSync(path.join(evidence, "drill-long.json"), `${JSON.stringify(summary, null, 2)}\n`);
  writeFileSync(path.join(evidence, "drill-long.md"), summaryText(summary));
}

type Summary = ReturnType<typeof summaryOf>;

function summaryOf(state: LongState) {
  const { simulated, real, seed } = state;
  const total = (count: (report: DrillReport) => number): number => real.reduce((sum, one) => sum + count(one), 0);
  const medians = real.flatMap(({ firstReplyMs }) => firstReplyMs.median ?? []).toSorted((a, b) => a - b);
  return {
    version: state.version,
    seed,
    crashes: simulated.cuts + realKills(state),
    lost: total((one) => one.lost),
    unlabelledDuplicates: total((one) => one.unlabelledDuplicates),
    failures: failuresOf(state),
    simulation: { ...simulated, failures: simulated.failures.length },
    real: {
      kills: realKills(state),
      killsByKind: merged(real.map((one) => one.killsByKind)),
      killsByFailpoint: merged(real.map((one) => one.killsByFailpoint)),
      leftOut: merged(real.map((one) => one.leftOut)),
      messages: total((one) => one.messages),
      answered: total((one) => one.answered),
      labelledRepetitions: total((one) => one.labelledRepetitions),
      givenUp: total((one) => one.givenUp),
      givenUpWhy: merged(real.map((one) => one.givenUpWhy)),
      medianFirstReplyMs: medians[Math.floor(medians.length / 2)] ?? null,
      slowestP99FirstReplyMs: Math.max(0, ...real.map(({ firstReplyMs }) => firstReplyMs.p99 ?? 0)),
      drillsThatEndedConnected: real.filter(({ channels }) => channels.connected === channels.configured).length,
      drills: real.length,
      minutes: Math.round(total((one) => one.tookMs) / 60_000),
    },
  };
}

function merged(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function summaryText({
  version: of,
  seed,
  crashes,
  lost,
  unlabelledDuplicates,
  failures,
  simulation,
  real,
}: Summary): string {
  const table = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `| ${name} | ${count} |`)
      .join("\n");
  return `# Ten thousand crashes

Written by \`npm run drill:long\`. Version ${of}, seed ${seed}.

**${crashes} crashes: ${lost} messages lost, ${unlabelledDuplicates} said twice without a word, ${failures.length} broken promises.**

## Real processes

${real.kills} ends of real gateway processes in ${real.drills} drills (${real.minutes} minutes): ${real.messages} messages, ${real.answered} answered, ${real.labelledRepetitions} pieces repeated with a label, ${real.givenUp} given up with a reason. ${real.drillsThatEndedConnected} of ${real.drills} drills ended with every channel connected. From the start of a process to its first reply: ${real.medianFirstReplyMs} ms (median).

| How it ended | Times |
| ------------ | ----- |
${table(real.killsByKind)}

| Killed at | Times |
| --------- | ----- |
${table(real.killsByFailpoint)}

## Simulation

${simulation.cuts} crashes in ${simulation.runs} runs: ${simulation.messages} messages, ${simulation.labelledRepetitions} pieces repeated with a label, ${simulation.givenUp} given up with a reason, ${simulation.failures} runs with a broken promise.

| Cut at | Times |
| ------ | ----- |
${table(simulation.cutsByFailpoint)}
`;
}
