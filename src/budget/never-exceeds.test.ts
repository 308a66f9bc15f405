/** Whatever dies when, no more is billed than was allowed, and every billed call is accounted for to the micro-dollar. */
import { describe, expect, it } from "vitest";
import { Town, type TownOptions } from "./town.fixture.ts";

const sums = { kills: 0, refusals: 0, retakes: 0, lost: 0, settled: 0 };

async function spendAmongKills(options: TownOptions, turns: number): Promise<void> {
  const town = new Town(options);
  // Throws at the very call with which more would have been billed than was allowed.
  await town.run(turns);
  const { ledger, lost, open, spent, held } = town.books();
  expect(town.billedMicros()).toBeLessThanOrEqual(options.limitMicros);
  const unaccounted = town.bills.filter(({ callId, micros }) => {
    const booked = ledger.get(callId);
    return booked === undefined ? (lost.get(callId) ?? -1) < micros : booked !== micros || lost.has(callId);
  });
  expect(unaccounted).toEqual([]);
  const billed = new Set(town.bills.map(({ callId }) => callId));
  expect([...ledger.keys()].filter((id) => !billed.has(id))).toEqual([]);
  const sum = (values: Iterable<number>) => [...values].reduce((total, micros) => total + micros, 0);
  expect({ spent, held, open }).toEqual({ spent: sum(ledger.values()), held: sum(lost.values()), open: 0 });
  sums.kills += town.kills;
  sums.refusals += town.refusals;
  sums.retakes += town.retakes;
  sums.lost += lost.size;
  sums.settled += ledger.size;
  town.database.close();
}

describe("turns at once on three nodes, among kills and retries", () => {
  it("two hundred with a dollar never spend more than it, and ledger and lost calls are the bill", async () => {
    for (let seed = 1; seed <= 2; seed += 1) {
      await spendAmongKills({ seed, limitMicros: 1_000_000, killShare: 0.03 }, 200);
    }
  }, 60_000);

  it("nor do a few with little, whose nodes die all the time", async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      await spendAmongKills({ seed, limitMicros: 30_000 + seed * 1_009, killShare: 0.08 }, 16);
    }
    // What never happened proves nothing.
    for (const [what, count] of Object.entries(sums)) expect(count, what).toBeGreaterThan(200);
  }, 60_000);
});
