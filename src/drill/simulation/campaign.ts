/**
 * Many simulations after one plan: first every scenario cut at every point and at every time it is reached there, then
 * double and triple cuts with trouble around them, chosen by a seed. A run that fails is named so that it can be made again.
 */
import type { IdempotencyClass } from "../../channels/contract.ts";
import { failpointNames, type FailpointName } from "../../platform/failpoints.ts";
import { createChance, type Chance } from "../chance.ts";
import type { Violation } from "../checker.ts";
import type { SimulatedHouse } from "./house.ts";
import { simulate, type SimulationOptions, type SimulationResult } from "./run.ts";
import { scenarios, type Scenario } from "./scenario.ts";
import type { SimulatedCut } from "./simulated-process.ts";

export const idempotencyClasses: readonly IdempotencyClass[] = ["blind", "read-back", "native"];

/** Everything that makes a run what it is. */
export type RunRecipe = Omit<SimulationOptions, "house" | "scenario"> & { readonly scenario: string };

export interface CampaignTotals {
  runs: number;
  cuts: number;
  /** How often a process was ended or stopped at each point. */
  readonly cutsByFailpoint: Record<string, number>;
  messages: number;
  answered: number;
  labelledRepetitions: number;
  givenUp: number;
  readonly failures: { readonly recipe: RunRecipe; readonly violations: readonly Violation[] }[];
}

export function newTotals(): CampaignTotals {
  const counts = { runs: 0, cuts: 0, messages: 0, answered: 0, labelledRepetitions: 0, givenUp: 0 };
  return { ...counts, cutsByFailpoint: {}, failures: [] };
}

/** Failures that are kept word for word; more of them say nothing new. */
const keptFailures = 20;

export async function runRecipe(recipe: RunRecipe, house: SimulatedHouse): Promise<SimulationResult> {
  const scenario = scenarios.find((one) => one.name === recipe.scenario) as Scenario;
  return simulate({ ...recipe, scenario, house });
}

/** Runs one and adds it to the totals. */
export async function countRun(
  recipe: RunRecipe,
  house: SimulatedHouse,
  totals: CampaignTotals,
): Promise<SimulationResult> {
  const result = await runRecipe(recipe, house);
  const { verdict, cuts, truth } = result;
  totals.runs += 1;
  totals.cuts += cuts.length;
  for (const { name } of cuts) totals.cutsByFailpoint[name] = (totals.cutsByFailpoint[name] ?? 0) + 1;
  totals.messages += truth.said.length;
  totals.answered += verdict.ends.answered;
  totals.labelledRepetitions += verdict.labelledRepetitions;
  totals.givenUp += verdict.ends.givenUp;
  if (verdict.violations.length > 0 && totals.failures.length < keptFailures)
    totals.failures.push({ recipe, violations: verdict.violations });
  return result;
}

/** One scenario on one class of platform. */
export interface Cell {
  readonly scenario: string;
  readonly idempotency: IdempotencyClass;
}

export const cells: readonly Cell[] = scenarios.flatMap(({ name }) =>
  idempotencyClasses.map((idempotency) => ({ scenario: name, idempotency })),
);

/** A cell whole, then cut at every point and every time it is reached there; the whole run tells where that is. */
export async function* cellRecipes(house: SimulatedHouse, cell: Cell, seed: number): AsyncGenerator<RunRecipe> {
  const whole: RunRecipe = { ...cell, seed, cuts: [], troublePerMille: 0 };
  yield whole;
  const { lives } = await runRecipe(whole, house);
  for (const cut of cutsOf(lives[0] ?? new Map())) yield { ...whole, cuts: [cut] };
}

function cutsOf(reached: ReadonlyMap<FailpointName, number>): readonly SimulatedCut[] {
  return [...reached].flatMap(([name, times]) =>
    Array.from({ length: times }, (_unused, index) => ({ name, count: index + 1, what: "kill" as const })),
  );
}

/** Points inside a turn: a worker that stands there loses its lease to another. */
const turnPoints: readonly FailpointName[] = [
  "turn-begun",
  "model-answered",
  "step-committed",
  "tool-running",
  "tool-finished",
  "before-result",
];

/** The n-th random recipe of a seed: two or three cuts, trouble around them, and now and then a process that stands. */
export function randomRecipe(seed: number): RunRecipe {
  const chance = createChance(seed);
  const cuts = Array.from({ length: chance.between(2, 3) }, () => randomCut(chance));
  return {
    scenario: chance.pick(scenarios).name,
    idempotency: chance.pick(idempotencyClasses),
    seed,
    cuts,
    troublePerMille: chance.pick([0, 20, 100]),
  };
}

function randomCut(chance: Chance): SimulatedCut {
  if (chance.happens(0.1)) return { name: chance.pick(turnPoints), count: chance.between(1, 2), what: "stop" };
  return { name: chance.pick(failpointNames), count: chance.between(1, 3), what: "kill" };
}
