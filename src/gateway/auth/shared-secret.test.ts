/** How a guess is compared with the secret: by digests of one length, in constant time, and by nothing else. */
import type * as crypto from "node:crypto";
import { timingSafeEqual } from "node:crypto";
import { expect, it, vi } from "vitest";
import { openStage, testToken } from "../fake-deps.fixture.ts";

vi.mock("node:crypto", async (original) => {
  const actual = await original<typeof crypto>();
  return { ...actual, timingSafeEqual: vi.fn<typeof crypto.timingSafeEqual>(actual.timingSafeEqual) };
});

it("E1: the comparison in constant time decides about every guess, whatever its length", async () => {
  const stage = await openStage();
  const compare = vi.mocked(timingSafeEqual);
  for (const guess of ["", "x", testToken.slice(0, -1), `${testToken}x`, "x".repeat(100_000), testToken]) {
    compare.mockClear();
    expect(stage.auth.secret.matches(guess)).toBe(guess === testToken);
    expect(compare.mock.calls.map(([left, right]) => [left.byteLength, right.byteLength])).toEqual([[32, 32]]);
  }
  compare.mockReturnValueOnce(false);
  expect(stage.auth.secret.matches(testToken)).toBe(false);
  compare.mockReturnValueOnce(true);
  expect(stage.auth.secret.matches("wrong")).toBe(true);
  await stage.close();
});
