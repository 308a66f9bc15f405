import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { crashPauseMs, retryPauseMs } from "./pauses.ts";

const attempts = [1, 2, 3, 4, 5, 6, 7, 8, limits.turnAttempts, 5_000];

describe("the pause before another attempt", () => {
  it("M9: doubles from one second to thirty, whatever number of attempts there were", () => {
    expect(attempts.map((attempt) => retryPauseMs(attempt, () => 0))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  it("M9: is shortened by chance, by a fifth at most", () => {
    expect(retryPauseMs(1, () => 0.5)).toBe(900);
    expect(retryPauseMs(40, () => 0.999_999)).toBe(24_000);
  });

  it("after a crash is none at first, then doubles from one second to sixty", () => {
    expect(attempts.map(crashPauseMs)).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });
});
