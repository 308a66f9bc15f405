/** Ids are unique, sort by time, and cannot be guessed; the seeded ones repeat. */
import { describe, expect, it } from "vitest";
import { systemIds } from "./ids.ts";
import { seededIds } from "./seeded-ids.ts";

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("system ids", () => {
  it("are UUIDs of version 7 that carry the time", () => {
    const id = systemIds(() => 0x0123456789ab).uuid();
    expect(id).toMatch(uuidV7);
    expect(id.startsWith("01234567-89ab-7")).toBe(true);
  });

  it("are unique and sorted, also many within one millisecond and when the clock is set back", () => {
    let now = 1_000_000;
    const ids = systemIds(() => now);
    const made = Array.from({ length: 20_000 }, (_, index) => {
      if (index === 10_000) now -= 500;
      if (index === 15_000) now += 2_000;
      return ids.uuid();
    });
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
  });

  it("R107: tokens have the bytes asked for and never repeat", () => {
    const ids = systemIds();
    const tokens = new Set(Array.from({ length: 1_000 }, () => ids.token(32)));
    expect(tokens.size).toBe(1_000);
    for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
    expect(ids.hex(16)).toMatch(/^[0-9a-f]{32}$/);
  });

  it("random() is spread over [0, 1)", () => {
    const ids = systemIds();
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 20_000; draw += 1) {
      const value = ids.random();
      expect(value >= 0 && value < 1).toBe(true);
      buckets[Math.floor(value * 10)]! += 1;
    }
    for (const count of buckets) expect(Math.abs(count - 2_000)).toBeLessThan(300);
  });
});

describe("seeded ids", () => {
  it("repeat for a seed, differ between seeds, and sort in the order they were made", () => {
    const draw = (seed: number): string[] => {
      const ids = seededIds(seed);
      return [ids.uuid(), ids.uuid(), ids.hex(4), ids.token(8), String(ids.random())];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)[0]).toMatch(uuidV7);
    const ids = seededIds();
    const made = Array.from({ length: 1_000 }, () => ids.uuid());
    expect(new Set(made).size).toBe(1_000);
    expect([...made].sort()).toEqual(made);
  });
});
