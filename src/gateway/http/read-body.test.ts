/** Depth is counted on the bytes: brackets in strings do not count, escaped quotes do not end a string. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { exceedsDepth } from "./read-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it("R041: counts nesting at its edge", () => {
  expect(exceedsDepth(bytes("[".repeat(64) + "]".repeat(64)), 64)).toBe(false);
  expect(exceedsDepth(bytes("[".repeat(65)), 64)).toBe(true);
  expect(exceedsDepth(bytes('{"a":'.repeat(65)), 64)).toBe(true);
  expect(exceedsDepth(bytes("[]".repeat(10_000)), 1)).toBe(false);
});

it("R041: brackets inside strings are text", () => {
  expect(exceedsDepth(bytes(JSON.stringify({ text: "[".repeat(500) })), 2)).toBe(false);
  expect(exceedsDepth(bytes(JSON.stringify({ text: `\\"${"[".repeat(500)}` })), 2)).toBe(false);
  expect(exceedsDepth(bytes('"never closed ['), 1)).toBe(false);
});

it("R041: agrees with the parsed value for anything that is JSON", () => {
  const depthOf = (value: unknown): number =>
    typeof value === "object" && value !== null
      ? 1 + Object.values(value).reduce<number>((deepest, inner) => Math.max(deepest, depthOf(inner)), 0)
      : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const depth = depthOf(value);
      const raw = bytes(JSON.stringify(value));
      expect(exceedsDepth(raw, depth)).toBe(false);
      if (depth > 0) expect(exceedsDepth(raw, depth - 1)).toBe(true);
    }),
  );
});
