import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffJitter, backoffMs } from "./backoff.ts";

const full = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => seconds * 1_000);

describe("backoff", () => {
  it("L3: doubles from 1 s to at most 60 s, ten times, and an eleventh is one too many", () => {
    expect(full.map((_ms, index) => backoffMs(index + 1, () => 0))).toEqual(full);
    expect(backoffMs(11, () => 0)).toBeNull();
  });

  it("L3: the spread stays within its bound", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const pauseMs = backoffMs(attempt, () => random) ?? 0;
          const fullMs = full[attempt - 1] ?? 0;
          expect(pauseMs).toBeLessThanOrEqual(fullMs);
          expect(pauseMs).toBeGreaterThanOrEqual(Math.floor(fullMs * (1 - backoffJitter)));
        },
      ),
    );
  });
});
