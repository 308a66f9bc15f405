import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failureReasons } from "../domain/failure-reason.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { MemoryDocuments, openDeskWorld } from "./desk-world.fixture.ts";
import { breakerPausesMs, rateLimitPausesMs } from "./pause.ts";

const logins = { a: ["a:first", "a:second"] };
const minute = 60_000;
const hour = 60 * minute;

describe("how a login stands", () => {
  it("H15: after a 429 the next login is used at once, the first is unused for 60 s and then used again, over a restart too", async () => {
    const world = openDeskWorld({ logins });
    expect(await world.order()).toEqual(["a/one@a:first", "a/one@a:second", "b/two"]);
    world.report("a/one@a:first", "rate_limit");
    expect(await world.order()).toEqual(["a/one@a:second", "b/two"]);
    await world.clock.advance(30_000);
    const again = openDeskWorld({ logins, documents: world.documents, clock: world.clock });
    expect(await again.order()).toEqual(["a/one@a:second", "b/two"]);
    await world.clock.advance(29_999);
    expect(await again.order()).toEqual(["a/one@a:second", "b/two"]);
    await world.clock.advance(1);
    expect(await again.order()).toEqual(["a/one@a:first", "a/one@a:second", "b/two"]);
  });

  it("H15: each pause in a row is longer, a success ends the row, and calls side by side count once", async () => {
    const world = openDeskWorld({ logins });
    for (const pauseMs of [...rateLimitPausesMs, rateLimitPausesMs[3]]) {
      world.report("a/one@a:first", "rate_limit");
      world.report("a/one@a:first", "rate_limit");
      await world.clock.advance(pauseMs - 1);
      expect(world.usable("a/one@a:first")).toBe(false);
      await world.clock.advance(1);
      expect(world.usable("a/one@a:first")).toBe(true);
    }
    expect(rateLimitPausesMs).toEqual([minute, 5 * minute, 25 * minute, hour]);
    world.report("a/one@a:first", "ok");
    world.report("a/one@a:first", "rate_limit");
    await world.clock.advance(minute);
    expect(world.usable("a/one@a:first")).toBe(true);
  });

  it("H15: the provider's own word on how long wins, in both directions, but for less than a second", async () => {
    for (const [retryAfterMs, untilMs] of [
      [5_000, 5_000],
      [600_000, 600_000],
      [0, limits.modelPauseFloorMs],
    ] as const) {
      const world = openDeskWorld({ logins });
      world.report("a/one@a:first", "rate_limit", { retryAfterMs });
      await world.clock.advance(untilMs - 1);
      expect(world.usable("a/one@a:first")).toBe(false);
      await world.clock.advance(1);
      expect(world.usable("a/one@a:first")).toBe(true);
    }
  });

  it("H15: where the answer names no time, an allowance that is used up says when it is filled again", async () => {
    const world = openDeskWorld({ logins });
    const { candidates } = await world.choose();
    const window = {
      unit: "requests",
      window: "1m",
      limit: 10,
      remaining: 0,
      resetsMs: world.clock.nowMs() + 7_000,
    } as const;
    world.desk.quota(candidates[0], [window, { ...window, remaining: 3, resetsMs: null }], world.clock.nowMs());
    world.report("a/one@a:first", "rate_limit");
    await world.clock.advance(7_000);
    expect(world.usable("a/one@a:first")).toBe(true);
  });

  it("H16: a refused key is never asked again until it changes, for no model, over a restart too", async () => {
    const models = { a: ["one", "other"], b: ["two"] };
    const world = openDeskWorld({ logins, models });
    world.report("a/one@a:first", "auth", { status: 401 });
    await world.clock.advance(365 * 24 * hour);
    const again = openDeskWorld({ logins, models, documents: world.documents, clock: world.clock });
    expect(await again.order()).toEqual(["a/one@a:second", "a/other@a:second", "b/two"]);
    again.revisions.set("a:first", "2");
    expect(await again.order()).toEqual([
      "a/one@a:first",
      "a/one@a:second",
      "a/other@a:first",
      "a/other@a:second",
      "b/two",
    ]);
  });

  it("H16: a 403 is of the model: the key may be good for another one; where there is no key it is asked again later", async () => {
    const world = openDeskWorld({ logins, models: { a: ["one", "other"], b: ["two"] } });
    world.report("a/one@a:first", "auth", { status: 403 });
    expect([world.usable("a/one@a:first"), world.usable("a/other@a:first")]).toEqual([false, true]);
    world.report("b/two", "auth", { status: 401 });
    expect(world.usable("b/two")).toBe(false);
    await world.clock.advance(minute);
    expect(world.usable("b/two")).toBe(true);
  });

  it("H21: a login that cannot pay is out for the configured hours; others of its provider only pay where that is allowed", async () => {
    const auth = { billingBackoffHours: 2 };
    const strict = openDeskWorld({ logins, auth });
    strict.report("a/one@a:first", "billing");
    expect(await strict.order()).toEqual(["b/two"]);
    expect(await strict.order({ sessionProfile: "a:second" })).toEqual(["a/one@a:second", "b/two"]);
    const loose = openDeskWorld({ logins, auth: { ...auth, billingFallback: true } });
    loose.report("a/one@a:first", "billing");
    expect(await loose.order()).toEqual(["a/one@a:second", "b/two"]);
    await strict.clock.advance(2 * hour - 1);
    expect(await strict.order()).toEqual(["b/two"]);
    await strict.clock.advance(1);
    expect(await strict.order()).toEqual(["a/one@a:first", "a/one@a:second", "b/two"]);
  });

  it("a model that its provider does not know is left alone there for a while, and only there", async () => {
    const world = openDeskWorld({ models: { a: ["one", "other"] } });
    world.report("a/one", "model_not_found");
    expect(await world.order()).toEqual(["a/other"]);
    await world.clock.advance(limits.modelMissingMs);
    expect(await world.order()).toEqual(["a/one", "a/other"]);
  });
});

describe("the breaker of a model", () => {
  it("opens after several failures close together, and not after as many far apart or with a success between them", async () => {
    const world = openDeskWorld();
    for (let failure = 1; failure < limits.modelBreakerFailures; failure += 1) world.report("a/one", "overloaded");
    expect(world.usable("a/one")).toBe(true);
    world.report("a/one", "overloaded");
    expect(world.usable("a/one")).toBe(false);
    const slow = openDeskWorld();
    for (let failure = 0; failure < 20; failure += 1) {
      slow.report("a/one", "overloaded");
      await slow.clock.advance(limits.modelBreakerWindowMs / 2 + 1);
      expect(slow.usable("a/one")).toBe(true);
    }
    const mixed = openDeskWorld();
    for (let failure = 0; failure < 20; failure += 1) {
      mixed.report("a/one", failure % limits.modelBreakerFailures === 0 ? "ok" : "overloaded");
      await mixed.clock.advance(1_000);
      expect(mixed.usable("a/one")).toBe(true);
    }
  });

  it("of two silent minutes the second opens it: nobody waits a third time", async () => {
    const world = openDeskWorld();
    world.report("a/one", "timeout");
    expect(world.usable("a/one")).toBe(true);
    world.report("a/one", "timeout");
    expect(world.usable("a/one")).toBe(false);
  });

  it("lets one call through when its pause is over; that one decides", async () => {
    const world = openDeskWorld();
    const [one] = (await world.choose()).candidates;
    for (let failure = 0; failure < limits.modelBreakerFailures; failure += 1) world.report("a/one", "overloaded");
    await world.clock.advance(breakerPausesMs[0]);
    expect(world.desk.enter(one, world.clock.nowMs())).toEqual({ usable: true, trial: true });
    expect(world.desk.enter(one, world.clock.nowMs())).toMatchObject({ usable: false });
    world.desk.forgo(one);
    expect(world.desk.enter(one, world.clock.nowMs())).toEqual({ usable: true, trial: true });
    world.report("a/one", "overloaded");
    await world.clock.advance(breakerPausesMs[1] - 1);
    expect(world.usable("a/one")).toBe(false);
    await world.clock.advance(1);
    world.desk.enter(one, world.clock.nowMs());
    world.report("a/one", "ok");
    expect(world.desk.enter(one, world.clock.nowMs())).toEqual({ usable: true, trial: false });
    expect(world.desk.enter(one, world.clock.nowMs())).toEqual({ usable: true, trial: false });
  });

  it("H7: a host that cannot be reached is out for all its models, with a refused request or an answer it is back", async () => {
    const world = openDeskWorld({ models: { a: ["one", "other"], b: ["two"] } });
    for (let failure = 0; failure < limits.modelBreakerFailures; failure += 1) world.report("a/one", "network");
    expect(await world.order()).toEqual(["b/two"]);
    await world.clock.advance(breakerPausesMs[0]);
    world.report("a/other", "bad_request");
    expect(await world.order()).toEqual(["a/one", "a/other", "b/two"]);
  });

  it("an answer to an older call does not hide a newer failure", async () => {
    const world = openDeskWorld();
    const [one] = (await world.choose()).candidates;
    const startedMs = world.clock.nowMs();
    await world.clock.advance(1_000);
    world.report("a/one", "rate_limit");
    world.desk.report(one, { ok: true, startedMs, atMs: world.clock.nowMs() });
    expect(world.usable("a/one")).toBe(false);
  });
});

describe("what is remembered of the models", () => {
  it("is on the disk within a second and at the end, tried again where the disk refuses, and gone when it is over", async () => {
    const world = openDeskWorld();
    await world.choose();
    world.report("a/one", "rate_limit");
    await world.clock.advance(limits.modelStandingWriteMs);
    expect(await world.documents.list("model-standing")).toHaveLength(1);
    world.documents.refuse = true;
    world.report("b/two", "rate_limit");
    await world.clock.advance(limits.modelStandingWriteMs);
    world.documents.refuse = false;
    await world.desk.close();
    expect(await world.documents.list("model-standing")).toHaveLength(2);
    world.report("a/one", "ok");
    await world.clock.advance(2 * 24 * hour);
    await world.desk.close();
    expect(await world.documents.list("model-standing")).toEqual([]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("has an end: of one more the oldest is forgotten", async () => {
    const names = Array.from({ length: limits.modelStandings + 1 }, (_, index) => `m${index}`);
    const world = openDeskWorld({ models: { a: names } });
    for (const name of names) world.report(`a/${name}`, "model_not_found");
    expect(world.usable("a/m0")).toBe(true);
    expect(world.usable("a/m1")).toBe(false);
  });

  it("may be garbage: it is left out, and nobody is kept from an answer", async () => {
    const documents = new MemoryDocuments();
    const odd: readonly unknown[] = [null, 7, "x", [], {}, { key: "model a  one", reason: "magic" }, { key: 1 }];
    for (const [index, value] of odd.entries()) await documents.put("model-standing", `k${index}`, value, 1);
    expect(await openDeskWorld({ documents }).order()).toEqual(["a/one", "b/two"]);
    const unreadable = Object.assign(new MemoryDocuments(), {
      list: () => Promise.reject(new Error("The disk is gone.")),
    });
    expect(await openDeskWorld({ documents: unreadable }).order()).toEqual(["a/one", "b/two"]);
  });

  it("can be forgotten by hand, of one provider or of all", async () => {
    const world = openDeskWorld({ logins });
    world.report("a/one@a:first", "auth", { status: 401 });
    world.report("b/two", "rate_limit");
    expect(world.desk.forget("a")).toBe(1);
    expect([world.usable("a/one@a:first"), world.usable("b/two")]).toEqual([true, false]);
    expect(world.desk.forget(null)).toBe(1);
    expect(world.usable("b/two")).toBe(true);
  });

  it("gives the same standing after a restart as before, whatever happened", async () => {
    const names = ["a/one@a:first", "a/one@a:second", "b/two"] as const;
    const step = fc.record({
      name: fc.constantFrom(...names),
      outcome: fc.constantFrom("ok" as const, ...failureReasons),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 10 * hour }), { nil: undefined }),
      pauseMs: fc.integer({ min: 0, max: 2 * hour }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const clock = new FakeClock();
        const world = openDeskWorld({ logins, clock });
        await world.desk.explain({
          agentId: "main",
          sessionKey: "s",
          text: "",
          needsVision: false,
          estimatedTokens: 0,
        });
        for (const { name, outcome, retryAfterMs, pauseMs } of steps) {
          world.report(name, outcome, retryAfterMs === undefined ? {} : { retryAfterMs });
          await clock.advance(pauseMs);
        }
        await world.desk.close();
        const again = openDeskWorld({ logins, clock, documents: world.documents });
        await again.desk.explain({
          agentId: "main",
          sessionKey: "s",
          text: "",
          needsVision: false,
          estimatedTokens: 0,
        });
        expect(names.map((name) => again.usable(name))).toEqual(names.map((name) => world.usable(name)));
      }),
      { numRuns: 60 },
    );
  });
});
