import { describe, expect, it } from "vitest";
import { createCircuitBreaker } from "./circuit-breaker.ts";

function opened() {
  const breaker = createCircuitBreaker(5);
  for (let count = 0; count < 5; count += 1) breaker.failed();
  return breaker;
}

describe("circuit breaker", () => {
  it("L4: the fifth failure opens it, and then no call is made", () => {
    const breaker = createCircuitBreaker(5);
    expect([1, 2, 3, 4, 5].map(() => breaker.failed())).toEqual([false, false, false, false, true]);
    expect(breaker.allow()).toBe(false);
  });

  it("L4: after the cool-down exactly one call is made to see", () => {
    const breaker = opened();
    breaker.cooledDown();
    expect([breaker.allow(), breaker.allow()]).toEqual([true, false]);
  });

  it("L4: success closes it, failure opens it again at once", () => {
    const closed = opened();
    closed.cooledDown();
    closed.succeeded();
    expect([closed.state(), closed.allow(), closed.allow()]).toEqual(["closed", true, true]);

    const again = opened();
    again.cooledDown();
    again.allow();
    expect(again.failed()).toBe(true);
    expect([again.state(), again.allow()]).toEqual(["open", false]);
  });

  it("a success in between starts the count anew", () => {
    const breaker = createCircuitBreaker(5);
    for (let count = 0; count < 4; count += 1) breaker.failed();
    breaker.succeeded();
    expect(breaker.failed()).toBe(false);
  });
});
