/** Money is counted in whole micro-dollars and never in favour of the wrong side. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addUsage,
  costMicros,
  noUsage,
  soundUsage,
  splitCost,
  totalTokens,
  worstCase,
  worstCaseMicros,
  type TokenUsage,
} from "./money.ts";

const usage = fc.record({
  input: fc.nat(2_000_000),
  output: fc.nat(200_000),
  cacheRead: fc.nat(2_000_000),
  cacheWrite: fc.nat(2_000_000),
});
/** Price lists go down to a tenth of a cent per million tokens. */
const usd = fc.nat(200_000).map((thousandths) => thousandths / 1_000);
const price = fc.record({ input: usd, output: usd, cacheRead: usd, cacheWrite: usd });

describe("money", () => {
  it("costs what the price list says: a million tokens at 3 USD are three million micro-dollars", () => {
    const list = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
    const million = 1_000_000;
    expect(costMicros({ ...noUsage, input: million }, list)).toBe(3_000_000);
    expect(costMicros({ ...noUsage, output: million }, list)).toBe(15_000_000);
    expect(costMicros({ ...noUsage, cacheRead: million }, list)).toBe(300_000);
    expect(costMicros({ ...noUsage, cacheWrite: million }, list)).toBe(3_750_000);
    expect(costMicros({ input: 100, output: 50, cacheRead: 10, cacheWrite: 0 }, list)).toBe(1_053);
    expect(costMicros(noUsage, list)).toBe(0);
  });

  it("the worst case is never less than what was used within its bounds, and exact where all of it is written", () => {
    fc.assert(
      fc.property(usage, price, fc.nat(3), (used, list, spare) => {
        const read = used.input + used.cacheRead + used.cacheWrite;
        const most = worstCaseMicros(worstCase(read + spare, list), used.output + spare);
        expect(most).toBeGreaterThanOrEqual(costMicros(used, list) ?? Infinity);
        const output = { ...noUsage, output: used.output };
        expect(worstCaseMicros(worstCase(0, list), used.output)).toBe(costMicros(output, list));
      }),
      { numRuns: 2_000 },
    );
  });

  it("an unknown price is unknown, and never free", () => {
    expect(costMicros({ ...noUsage, input: 1 }, undefined)).toBeUndefined();
    expect(costMicros(noUsage, undefined)).toBeUndefined();
  });

  it("is a whole number, rounded up by less than one, and more use never costs less", () => {
    fc.assert(
      fc.property(usage, usage, price, (one, more, list) => {
        const cost = costMicros(one, list) ?? -1;
        const exact =
          one.input * list.input +
          one.output * list.output +
          one.cacheRead * list.cacheRead +
          one.cacheWrite * list.cacheWrite;
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(cost - exact).toBeGreaterThanOrEqual(0);
        expect(cost - exact).toBeLessThan(1);
        expect(costMicros(addUsage(one, more), list)).toBeGreaterThanOrEqual(cost);
      }),
    );
  });

  it("X4: a cost is shared out by kind of token to the last micro-dollar, whoever told the total", () => {
    fc.assert(
      fc.property(usage, price, fc.option(fc.nat(1_000_000_000), { nil: undefined }), (one, list, told) => {
        const total = told ?? costMicros(one, list) ?? -1;
        const costs = splitCost(one, list, total);
        const isFree = costMicros(one, list) === 0;
        if (costs === null) {
          // Nothing weighs anything, and yet it cost something: nobody can say what.
          expect([isFree, total > 0]).toEqual([true, true]);
          return;
        }
        expect(totalTokens(costs)).toBe(total);
        for (const kind of ["input", "output", "cacheRead", "cacheWrite"] as const) {
          expect(Number.isSafeInteger(costs[kind]) && costs[kind] >= 0).toBe(true);
          if (one[kind] * list[kind] === 0) expect(costs[kind]).toBe(0);
        }
        if (told === undefined) expect(Math.abs(costs.output - one.output * list.output)).toBeLessThanOrEqual(5);
      }),
    );
    expect(splitCost({ ...noUsage, input: 1 }, undefined, 5)).toBeNull();
    expect(splitCost({ ...noUsage, input: 1 }, { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 }, null)).toBeNull();
  });

  it("adds up, in any order, with nothing as nothing", () => {
    fc.assert(
      fc.property(usage, usage, usage, (a, b, c) => {
        expect(addUsage(a, b)).toEqual(addUsage(b, a));
        expect(addUsage(addUsage(a, b), c)).toEqual(addUsage(a, addUsage(b, c)));
        expect(addUsage(a, noUsage)).toEqual(a);
        expect(totalTokens(addUsage(a, b))).toBe(totalTokens(a) + totalTokens(b));
      }),
    );
  });

  it("counts are whole and never negative, and what is no count at all is not believed", () => {
    expect(soundUsage({ input: 1.5, output: 2.4, cacheRead: -3, cacheWrite: -0 })).toEqual({
      input: 2,
      output: 2,
      cacheRead: 0,
      cacheWrite: 0,
    });
    for (const input of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1e300, 2 ** 63])
      expect(soundUsage({ ...noUsage, input })).toBeNull();
    expect(soundUsage({ ...noUsage, input: 1_000_000_000 })).toMatchObject({ input: 1_000_000_000 });
  });

  it("nothing used cannot be changed by somebody who adds to it", () => {
    expect(() => ((noUsage as { input: number } & TokenUsage).input = 5)).toThrow(TypeError);
  });
});
