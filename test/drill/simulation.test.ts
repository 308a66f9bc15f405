/** Every place at which the house can be cut, in one process and in its own time, and houses that are built wrong. */
import { describe, expect, it } from "vitest";
import { createSimulatedHouse, type SimulatedHouseOptions } from "../../src/app/simulated-house.ts";
import {
  cellRecipes,
  cells,
  countRun,
  newTotals,
  randomRecipe,
  runRecipe,
  type CampaignTotals,
  type RunRecipe,
} from "../../src/drill/simulation/campaign.ts";
import { failpointNames } from "../../src/platform/failpoints.ts";
import { acknowledgesBeforeCommit, sendsBeforeItSaysSo, writesWithoutFencing } from "./broken-houses.ts";

const seed = Number(process.env["DRILL_SEED"] ?? 20_261);
const randomRuns = 300;
const patienceMs = 600_000;

describe("a house that is cut everywhere", () => {
  it(
    "M4, G2: loses nothing and says nothing twice, at whatever point and time a process dies",
    async () => {
      const house = createSimulatedHouse();
      const totals = newTotals();
      for (const cell of cells) {
        for await (const recipe of cellRecipes(house, cell, seed)) await countRun(recipe, house, totals);
      }
      expect(totals.failures).toEqual([]);
      const reached = failpointNames.filter((name) => (totals.cutsByFailpoint[name] ?? 0) > 0);
      expect(reached).toEqual(failpointNames);
      expect(totals.cuts).toBeGreaterThan(800);
    },
    patienceMs,
  );

  it(
    "M4, G2: stays so under two and three cuts with trouble around them, whatever the seed",
    async () => {
      const house = createSimulatedHouse();
      const totals = newTotals();
      for (let run = 0; run < randomRuns; run += 1) await countRun(randomRecipe(seed + run), house, totals);
      expect(totals.failures).toEqual([]);
      expect(totals.cuts).toBeGreaterThan(randomRuns / 3);
    },
    patienceMs,
  );

  it("M4: says a reply that ten crashes in a row have cut off, since nobody has refused it", async () => {
    for (const name of ["before-send", "platform-accepted", "before-settle"] as const) {
      const cut = { name, count: 1, what: "kill" as const };
      const recipe = { ...oneQuestion, cuts: Array.from({ length: 10 }, () => cut) };
      const { verdict, cuts } = await runRecipe(recipe, createSimulatedHouse());
      expect(cuts).toHaveLength(10);
      expect(verdict).toMatchObject({ violations: [], ends: { answered: 1, givenUp: 0 } });
    }
  });

  it("is the same twice for the same seed", async () => {
    const recipe = { ...randomRecipe(seed), troublePerMille: 100 };
    const [first, second] = [await runAlone(recipe), await runAlone(recipe)];
    expect(second).toEqual(first);
  });
});

describe("a house that is built wrong", () => {
  it("is found where it acknowledges before it has committed", async () => {
    const totals = await cutSystematically({ wrapStore: acknowledgesBeforeCommit }, [
      "before-cursor",
      "cursor-committed",
    ]);
    expect(brokenBy(totals)).toContain("I1");
    expect(brokenBy(totals)).toContain("I2");
  });

  it("is found where it sends before the outbox says so", async () => {
    const totals = await cutSystematically({ wrapStore: sendsBeforeItSaysSo }, ["platform-accepted"]);
    expect(brokenBy(totals)).toContain("I2");
    expect(textsOf(totals)).toMatch(/nothing said that it may repeat/);
  });

  it("is found where a worker whose lease is gone may still write", async () => {
    const recipes = (["turn-begun", "model-answered", "before-result"] as const).map((name): RunRecipe => ({
      ...oneQuestion,
      cuts: [{ name, count: 1, what: "stop" }],
    }));
    const wrong = await runAll(createSimulatedHouse({ wrapStore: writesWithoutFencing }), recipes);
    expect(brokenBy(wrong)).toContain("I2");
    const right = await runAll(createSimulatedHouse(), recipes);
    expect(right.failures).toEqual([]);
    expect(right.cuts).toBe(recipes.length);
  });
});

const oneQuestion: RunRecipe = {
  scenario: "one question",
  idempotency: "blind",
  seed: 1,
  cuts: [],
  troublePerMille: 0,
};

async function cutSystematically(options: SimulatedHouseOptions, points: readonly string[]): Promise<CampaignTotals> {
  const recipes = failpointNames
    .filter((name) => points.includes(name))
    .map((name): RunRecipe => ({ ...oneQuestion, cuts: [{ name, count: 1, what: "kill" }] }));
  return runAll(createSimulatedHouse(options), recipes);
}

async function runAll(
  house: ReturnType<typeof createSimulatedHouse>,
  recipes: readonly RunRecipe[],
): Promise<CampaignTotals> {
  const totals = newTotals();
  for (const recipe of recipes) await countRun(recipe, house, totals);
  return totals;
}

async function runAlone(recipe: RunRecipe): Promise<unknown> {
  const { truth, verdict, lives } = await runRecipe(recipe, createSimulatedHouse());
  return { truth, verdict, lives: lives.map((life) => [...life]) };
}

function brokenBy({ failures }: CampaignTotals): readonly string[] {
  return [...new Set(failures.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)))];
}

function textsOf({ failures }: CampaignTotals): string {
  return failures.flatMap(({ violations }) => violations.map(({ text }) => text)).join("\n");
}
