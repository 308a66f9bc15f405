import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import { openDeskWorld } from "./desk-world.fixture.ts";

type Agents = Config["agents"];

const models = { a: ["one", "big"], b: ["two"], c: ["three"] };

function withDefaults(part: Partial<Agents["defaults"]>): (agents: Agents) => Agents {
  return (agents) => ({ ...agents, defaults: { ...agents.defaults, ...part } });
}

function listed(names: Readonly<Record<string, string | undefined>>): Agents["defaults"]["models"] {
  return Object.fromEntries(Object.entries(names).map(([ref, alias]) => [ref, alias === undefined ? {} : { alias }]));
}

const only = (primary: string, ...fallbacks: string[]): Partial<Agents["defaults"]> => ({
  model: { primary, fallbacks, fallbackOn: ["rate-limit", "on-error", "auth", "context-overflow"] },
});

describe("what is wanted", () => {
  it("H9: an alias of an alias leads to its model, in any case; a model by its own name is no alias", async () => {
    const aliases = listed({ "a/one": "fast", fast: "cheap", cheap: "default", "b/two": "a/big" });
    const world = openDeskWorld({
      models,
      agents: withDefaults({ ...only("default"), models: { ...aliases, "a/big": {} } }),
    });
    expect(await world.order()).toEqual(["a/one"]);
    expect(await world.order({ requested: "CHEAP" })).toEqual(["a/one"]);
    expect(await world.order({ requested: "a/big" })).toEqual(["a/big"]);
  });

  it("H9: aliases that lead back to themselves are refused, with the circle in words", async () => {
    const aliases = listed({ x: "y", y: "z", z: "x", "a/one": undefined });
    const world = openDeskWorld({ models, agents: withDefaults({ ...only("a/one"), models: aliases }) });
    await expect(world.choose({ requested: "y" })).rejects.toMatchObject({
      code: "MODEL_001",
      message: 'The alias "y" leads back to itself: y → x → z → y.',
    });
    expect(await world.order()).toEqual(["a/one"]);
  });

  it("H9: any table of aliases either leads to one model or is refused; it never hangs", async () => {
    const name = fc.constantFrom("p", "q", "r", "s", "t", "a/one", "b/two");
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, name, { noNullPrototype: true }), name, async (table, wanted) => {
        const world = openDeskWorld({ models, agents: withDefaults({ ...only("a/one"), models: listed(table) }) });
        const { error, model } = await world.desk.explain({
          agentId: "main",
          sessionKey: "s",
          requested: wanted,
          text: "",
          needsVision: false,
          estimatedTokens: 0,
        });
        expect(error === null ? model : error.code).toMatch(/^(a\/one|b\/two|MODEL_001)$/);
      }),
      { numRuns: 200 },
    );
  });

  it("H9: with a list, only its models may be chosen, and those the configuration itself gives to agents; the refusal names them", async () => {
    const agents = withDefaults({ ...only("a/one", "b/two"), models: listed({ "a/big": "large" }) });
    const world = openDeskWorld({ models, agents });
    for (const fine of ["a/big", "large", "a/one", "b/two"]) expect(world.desk.refusal(fine)).toBeNull();
    for (const part of [{ requested: "c/three" }, { sessionModel: "three" }]) {
      await expect(world.choose(part)).rejects.toMatchObject({
        code: "MODEL_001",
        message: "The model c/three may not be chosen here; these may: a/big, a/one, b/two.",
        details: { allowed: ["a/big", "a/one", "b/two"] },
      });
    }
    expect(world.desk.refusal("nobody/knows")).toMatchObject({ code: "MODEL_001" });
    expect(openDeskWorld({ models }).desk.refusal("c/three")).toBeNull();
  });

  it("H9: an agent has its own model and its own fallbacks; what the caller chose stands before both, what the session was set to between", async () => {
    const agents = (base: Agents): Agents => ({
      ...withDefaults(only("a/one", "b/two"))(base),
      list: [{ id: "coder", model: "c/three", fallbacks: ["a/big"] }],
    });
    const world = openDeskWorld({ models, agents });
    expect(await world.order()).toEqual(["a/one", "b/two"]);
    expect(await world.order({ agentId: "coder" })).toEqual(["c/three", "a/big"]);
    expect(await world.order({ sessionModel: "a/big" })).toEqual(["a/big", "b/two"]);
    expect(await world.order({ sessionModel: "a/big", requested: "two" })).toEqual(["b/two"]);
  });

  it("a configured model that does not exist is never replaced in silence; a fallback that does not is skipped and named", async () => {
    const lost = openDeskWorld({ models, agents: withDefaults(only("gone/model", "b/two")) });
    await expect(lost.choose()).rejects.toMatchObject({ code: "MODEL_001" });
    const world = openDeskWorld({ models, agents: withDefaults(only("a/one", "gone/model", "b/two")) });
    expect((await world.choose()).considered).toEqual([
      { model: "a/one", profileId: null, verdict: "used", step: "lookup", why: "the common model" },
      { model: "gone/model", profileId: null, verdict: "skipped", step: "lookup", why: "there is no such model" },
      { model: "b/two", profileId: null, verdict: "next", step: "fallback", why: "fallback 2" },
    ]);
  });

  it("a picture goes to the model for pictures where the first one cannot see", async () => {
    const agents = withDefaults({ ...only("a/one", "b/two"), imageModel: "c/three" });
    const world = openDeskWorld({ models, agents, blind: ["a/one"] });
    expect(await world.order({ needsVision: true })).toEqual(["c/three", "a/one", "b/two"]);
    expect(await world.order()).toEqual(["a/one", "b/two"]);
    expect(await openDeskWorld({ models, agents }).order({ needsVision: true })).toEqual(["a/one", "b/two"]);
  });

  it("H11: what the router chose stands before the agent's own model, and not before what a person chose", async () => {
    const route = (_: unknown, { catalogue }: { catalogue: { find(name: string): unknown } }) => ({
      model: catalogue.find("c/three") as never,
      tier: "fast" as const,
      score: 0.1,
      why: "fast at 0.10",
    });
    const world = openDeskWorld({ models, agents: withDefaults(only("a/one", "b/two")), route });
    expect(await world.order()).toEqual(["c/three", "a/one", "b/two"]);
    expect(await world.choose()).toMatchObject({ tier: "fast", score: 0.1 });
    expect(await world.order({ sessionModel: "a/big" })).toEqual(["a/big", "b/two"]);
  });
});

describe("why a candidate is skipped", () => {
  it("H10: each of the six steps says so in a sentence", async () => {
    const world = openDeskWorld({
      models: { a: ["one"], b: ["two"], c: ["three"], d: ["four"], e: ["five"] },
      agents: withDefaults(only("a/one", "gone/model", "b/two", "c/three", "d/four", "e/five")),
      windows: { "a/one": 5 },
      logins: { c: [{ id: "c:old", state: "expired" }], d: ["d:key"] },
      needsLogin: (provider) => provider === "b",
    });
    world.report("d/four@d:key", "rate_limit");
    const { considered } = await world.choose();
    expect(considered).toEqual([
      {
        model: "a/one",
        profileId: null,
        verdict: "skipped",
        step: "window",
        why: "at least 10 tokens are to be read, its window has 5",
      },
      { model: "gone/model", profileId: null, verdict: "skipped", step: "lookup", why: "there is no such model" },
      { model: "b/two", profileId: null, verdict: "skipped", step: "key", why: "there is no key for b" },
      {
        model: "c/three",
        profileId: "c:old",
        verdict: "skipped",
        step: "key",
        why: "the login c:old has expired; log in again",
      },
      {
        model: "d/four",
        profileId: "d:key",
        verdict: "skipped",
        step: "attempt",
        why: "too many requests; left alone until 00:01:00 UTC",
      },
      { model: "e/five", profileId: null, verdict: "used", step: "fallback", why: "fallback 5" },
    ]);
  });

  it("H10: a login that may not pay for another one is skipped at the profile, and a model that no failure leads to at the fallback", async () => {
    const world = openDeskWorld({ logins: { a: ["a:work", "a:private"] } });
    world.report("a/one@a:work", "billing");
    const lines = (await world.choose()).considered;
    expect(lines.map(({ step, verdict }) => `${verdict} ${step}`)).toEqual([
      "skipped attempt",
      "skipped profile",
      "used fallback",
    ]);
    expect(lines[1]?.why).toContain("auth.cooldowns.billingFallback");
    const strict = openDeskWorld({
      agents: (agents) => withDefaults({ model: { ...agents.defaults.model, fallbackOn: ["auth"] } })(agents),
    });
    strict.report("a/one", "rate_limit");
    await expect(strict.choose()).rejects.toMatchObject({ code: "MODEL_009", retryAfterMs: 60_000 });
    const closed = await strict.desk.explain({
      agentId: "main",
      sessionKey: "s",
      text: "",
      needsVision: false,
      estimatedTokens: 1,
    });
    expect(closed.considered[1]).toMatchObject({
      verdict: "skipped",
      step: "fallback",
      why: "agents.defaults.model.fallbackOn does not lead here after rate_limit",
    });
  });

  it("H10: where nobody can answer the error holds every line, and says when it is worth another try, if it is", async () => {
    const world = openDeskWorld({ logins: { a: ["a:key"] } });
    world.report("a/one@a:key", "auth", { status: 401 });
    world.report("b/two", "rate_limit", { retryAfterMs: 30_000 });
    await expect(world.choose()).rejects.toMatchObject({
      code: "MODEL_009",
      retryAfterMs: 30_000,
      details: {
        considered: [{ model: "a/one" }, { model: "b/two" }],
        skipped: [
          { model: "a/one", reason: "auth", untilMs: null },
          { model: "b/two", reason: "rate_limit" },
        ],
      },
    });
    const lost = openDeskWorld({ models: { a: ["one"] }, logins: { a: ["a:key"] } });
    lost.report("a/one@a:key", "auth", { status: 401 });
    await expect(lost.choose()).rejects.toMatchObject({ code: "MODEL_009", retry: "never", retryAfterMs: undefined });
  });
});

describe("which login", () => {
  const logins = { a: ["a:first", "a:second", "a:third"] };

  it("H17: the one that answered a session is first while it is healthy, behind a restart too; without a choice nothing is kept", async () => {
    const world = openDeskWorld({ logins });
    const { candidates } = await world.choose();
    world.desk.pin("agent:main:main", candidates[1] as never);
    expect((await world.order())[0]).toBe("a/one@a:second");
    expect((await world.order({ sessionKey: "another" }))[0]).toBe("a/one@a:first");
    await world.desk.close();
    const again = openDeskWorld({ logins, documents: world.documents, clock: world.clock });
    expect((await again.order())[0]).toBe("a/one@a:second");
    again.report("a/one@a:second", "rate_limit");
    expect(await again.order()).toEqual(["a/one@a:first", "a/one@a:third", "b/two"]);
    await again.clock.advance(60_000);
    expect((await again.order())[0]).toBe("a/one@a:second");
    again.desk.forgetSession("agent:main:main");
    await again.desk.close();
    expect(await again.documents.list("model-pin")).toEqual([]);
    const single = openDeskWorld({ logins: { a: ["a:only"] } });
    single.desk.pin("agent:main:main", (await single.choose()).candidates[0]);
    await single.desk.close();
    expect(await single.documents.list("model-pin")).toEqual([]);
  });

  it("H17: one that a person set is the only one of its provider; one that is gone is as if it had not been set", async () => {
    const world = openDeskWorld({ logins });
    expect(await world.order({ sessionProfile: "a:third" })).toEqual(["a/one@a:third", "b/two"]);
    expect(await world.order({ sessionProfile: "a:gone" })).toHaveLength(4);
  });

  it("C11: the best login speaks for the state of a model", async () => {
    const world = openDeskWorld({
      logins: { a: ["a:first", "a:second"] },
      needsLogin: (provider) => provider === "c",
      models,
    });
    const stateOf = async (ref: string): Promise<string> => {
      const { candidates } = await world.choose({ requested: "b/two" });
      return world.desk.authState({
        ...candidates[0].model,
        ref,
        provider: ref.split("/")[0] as string,
        id: ref.split("/")[1] as string,
      });
    };
    expect([await stateOf("a/one"), await stateOf("b/two"), await stateOf("c/three")]).toEqual([
      "ok",
      "not-needed",
      "missing",
    ]);
    world.report("a/one@a:first", "auth", { status: 401 });
    expect(await stateOf("a/one")).toBe("ok");
    world.report("a/one@a:second", "rate_limit");
    expect(await stateOf("a/one")).toBe("cooling-down");
    world.report("a/one@a:second", "billing");
    expect(await stateOf("a/big")).toBe("no-credit");
    await world.clock.advance(24 * 3_600_000);
    world.report("a/one@a:second", "auth", { status: 401 });
    expect(await stateOf("a/one")).toBe("refused");
  });
});

describe("the order", () => {
  it("is the same for the same settings and standings, names everything that was looked at, and never a skipped one", async () => {
    const reason = fc.constantFrom(
      "auth",
      "billing",
      "rate_limit",
      "overloaded",
      "timeout",
      "model_not_found",
      "empty",
    );
    const name = fc.constantFrom("a/one@a:x", "a/one@a:y", "a/big@a:x", "b/two", "c/three");
    const failures = fc.array(fc.record({ name, reason }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(failures, fc.boolean(), async (told, billingFallback) => {
        const worlds = [1, 2].map(() =>
          openDeskWorld({ models, logins: { a: ["a:x", "a:y"] }, auth: { billingFallback } }),
        );
        const orders = [];
        for (const world of worlds) {
          for (const failure of told) world.report(failure.name, failure.reason as never, { status: 401 });
          orders.push(
            await world.desk.explain({
              agentId: "main",
              sessionKey: "s",
              text: "",
              needsVision: false,
              estimatedTokens: 1,
            }),
          );
        }
        expect(orders[0]).toEqual(orders[1]);
        const { considered, model, error } = orders[0] as (typeof orders)[0];
        expect(new Set(considered.map(({ model: ref }) => ref)).size).toBe(4);
        const usable = considered.filter(({ verdict }) => verdict !== "skipped");
        expect(usable[0]?.model ?? null).toBe(model);
        expect(error === null).toBe(usable.length > 0);
        for (const { model: ref, profileId } of usable) {
          expect(worlds[0]?.usable(profileId === null ? ref : `${ref}@${profileId}`)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});
