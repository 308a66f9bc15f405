import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { ledgerOf, createNames, resultOf } from "../store/conformance/samples.ts";
import type { CallToPay, HoldResult } from "./contract.ts";
import { model, openWorld } from "./world.fixture.ts";

const granted = (result: HoldResult) => {
  if (!result.granted) throw new Error(result.error.message);
  return result;
};
const refused = (result: HoldResult) => {
  if (result.granted) throw new Error("it was granted");
  return result;
};

describe("the gate", () => {
  it("costs no transaction where nobody has a limit that concerns the call", async () => {
    const world = openWorld({ agents: { other: { day: 1 } }, users: { "telegram:8": { day: 0 } }, warnAt: 0.5 });
    const result = granted(await world.gate.hold(world.call()));
    expect(result).toMatchObject({ hold: { reservedMicros: 0 }, maxOutputTokens: null, warnings: [] });
    await world.gate.release(result.hold);
    // What has no price is nobody's concern either.
    granted(await world.gate.hold(world.call({ model: { ...model, price: undefined } })));
    expect(world.writes).toEqual([]);
  });

  it("holds the worst case of a call in every purse that pays for it, and gives it back", async () => {
    const purse = { day: 1, month: 10 };
    const world = openWorld({
      global: purse,
      agents: { main: purse },
      users: { "*": purse },
      chats: { "*": purse },
      jobs: { nightly: purse },
    });
    const result = granted(await world.gate.hold(world.call({ jobId: "nightly" })));
    // The dearest way of reading, and all that may be written.
    expect(result).toMatchObject({ hold: { reservedMicros: 100 * 2 + 1_000 * 10 }, maxOutputTokens: 1_000 });
    const balances = () => world.store.budgets.balances({ atMs: world.clock.nowMs(), asked: [] });
    expect((await balances()).map(({ kind, id, period }) => `${kind}:${id}/${period}`)).toEqual([
      "agent:main/day",
      "agent:main/month",
      "chat:s/day",
      "chat:s/month",
      "global:/day",
      "global:/month",
      "job:nightly/day",
      "job:nightly/month",
      "user:telegram:7/day",
      "user:telegram:7/month",
    ]);
    expect((await balances()).every(({ heldMicros }) => heldMicros === 10_200)).toBe(true);
    await world.gate.release(result.hold);
    await world.gate.release(result.hold);
    expect((await balances()).every(({ heldMicros }) => heldMicros === 0)).toBe(true);
    expect(world.writes.filter((name) => name === "releaseHold")).toHaveLength(1);
  });

  it("refuses with the purse, its sums and a sentence when it is empty", async () => {
    const world = openWorld({ users: { "telegram:7": { month: 0.0102 } } });
    granted(await world.gate.hold(world.call()));
    const { error, purse } = refused(await holdAfterWaiting(world));
    expect(purse).toMatchObject({
      kind: "user",
      id: "telegram:7",
      period: "month",
      limitMicros: 10_200,
      heldMicros: 10_200,
    });
    expect(error).toMatchObject({ code: "BUDGET_001", retry: "later", details: { purse, neededMicros: 10_200 } });
    expect(error.message).toBe(
      "The monthly budget of $0.0102 of this person is used up ($0.00 spent, $0.0102 set aside for other calls).",
    );
  });

  it("shortens the answer to what is left, and says so", async () => {
    const world = openWorld({ global: { day: 0.02 } });
    const call = world.call({ outputTokens: null });
    expect(granted(await world.gate.hold(call))).toMatchObject({
      hold: { reservedMicros: 20_000 },
      maxOutputTokens: 1_980,
    });
  });

  it.each<[Partial<CallToPay>, number, string]>([
    [{ outputTokens: null }, 10_000, "what the model may write"],
    [{ outputTokens: 50_000 }, 10_000, "no more than the model may"],
    [{ outputTokens: 7, model: { ...model, maxTokens: null } }, 7, "what the caller asks for"],
    [{ outputTokens: null, model: { ...model, maxTokens: null } }, limits.budgetOutputTokens, "a named limit"],
  ])("holds for %j an answer of %i tokens: %s", async (changes, tokens) => {
    const world = openWorld({ global: { day: 100 } });
    expect(granted(await world.gate.hold(world.call(changes))).maxOutputTokens).toBe(tokens);
  });

  it("H24: refuses a model of unknown price where a budget applies, unless it was allowed by name", async () => {
    const unknown = { ...model, price: undefined };
    const world = openWorld({ agents: { main: { day: 1 } } });
    const { error } = refused(await world.gate.hold(world.call({ model: unknown })));
    expect(error).toMatchObject({ code: "BUDGET_002", retry: "never", details: { model: "mock/one" } });
    expect(world.writes).toEqual([]);
    for (const change of [
      { unpriced: "allow" as const },
      { allowUnpriced: ["mock/one"] },
      { allowUnpriced: ["mock/*"] },
    ]) {
      world.configure({ agents: { main: { day: 1 } }, ...change });
      expect(granted(await world.gate.hold(world.call({ model: unknown }))).hold.reservedMicros).toBe(0);
    }
    world.configure({ agents: { main: { day: 1 } }, allowUnpriced: ["mock/two", "other/*"] });
    refused(await world.gate.hold(world.call({ model: unknown })));
    // Known to cost nothing is not unknown.
    const free = { ...model, price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };
    world.configure({ global: { day: 0 } });
    granted(await world.gate.hold(world.call({ model: free })));
  });

  it("lets nobody spend while paused, limited or not, from the moment it is told", async () => {
    const world = openWorld();
    await world.gate.start();
    const other = () => world.gate.hold(world.call({ agentId: "other" }));
    granted(await world.gate.hold(world.call()));
    await world.store.budgets.pause({ agentId: "main", atMs: 1, by: "owner", reason: "a loop" });
    await world.gate.pausesChanged();
    const { error } = refused(await world.gate.hold(world.call()));
    expect(error).toMatchObject({ code: "BUDGET_003", retry: "later", details: { agentId: "main" } });
    expect(error.message).toBe("The agent main is paused by an owner (a loop).");
    granted(await other());
    await world.store.budgets.pause({ agentId: null, atMs: 1, by: "owner", reason: null });
    await world.gate.pausesChanged();
    expect(refused(await other()).error.message).toBe("The assistant is paused by an owner.");
    world.gate.close();
  });

  it("waits for money that calls under way hold, and for no longer than its time or its turn", async () => {
    const world = openWorld({ global: { day: 0.0102 } });
    const first = granted(await world.gate.hold(world.call()));
    const waiting = [world.gate.hold(world.call()), world.gate.hold(world.call())];
    const stop = new AbortController();
    const aborted = world.gate.hold(world.call(), stop.signal);
    await world.clock.advance(3_000);
    stop.abort();
    expect(refused(await aborted).error.code).toBe("BUDGET_001");
    await world.gate.release(first.hold);
    await world.clock.advance(2 * limits.budgetWaitMs);
    expect((await Promise.all(waiting)).filter((result) => result.granted)).toHaveLength(1);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("does not wait for what is spent or lost", async () => {
    const world = openWorld({ global: { day: 0.0102 } });
    const { lease, runId } = await world.turn("s");
    granted(await world.gate.hold(world.call({ runId })));
    await world.store.turns.finish(lease, resultOf());
    refused(await world.gate.hold(world.call()));
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("warns once per period when a purse has gone over its share", async () => {
    const world = openWorld({ global: { day: 0.05 }, warnAt: 0.4 });
    const warnings = async () => granted(await world.gate.hold(world.call())).warnings.map((state) => state.heldMicros);
    expect([await warnings(), await warnings(), await warnings()]).toEqual([[], [20_400], []]);
    expect(world.warned).toMatchObject([{ kind: "global", period: "day", limitMicros: 50_000, heldMicros: 20_400 }]);
    await world.clock.advance(24 * 3_600_000);
    expect([await warnings(), await warnings()]).toEqual([[], [20_400]]);
  });

  it("settles with the ledger: a dear call is counted as it was, and the next one has to do with the rest", async () => {
    const world = openWorld({ chats: { "telegram:default:9": { day: 0.03 } } });
    const { lease, runId } = await world.turn("s");
    const names = createNames("gate");
    const call = world.call({ runId, chat: "telegram:default:9" });
    granted(await world.gate.hold(call));
    const paid = ledgerOf(names, "s", { id: call.callId, costMicros: 40_000, atMs: world.clock.nowMs() });
    await world.store.turns.finish(lease, resultOf({ ledger: [paid] }));
    const { error, purse } = refused(await world.gate.hold(world.call({ chat: "telegram:default:9" })));
    expect(purse).toMatchObject({ kind: "chat", id: "telegram:default:9", spentMicros: 40_000, heldMicros: 0 });
    expect(error.message).toBe("The daily budget of $0.0300 of this chat is used up ($0.0400 spent).");
    granted(await world.gate.hold(world.call({ chat: "telegram:default:10" })));
  });

  it("begins a new day where the time zone does, by the configuration in force", async () => {
    const world = openWorld({ global: { day: 0.0102 }, timezone: "Asia/Kolkata" });
    const since = async () => {
      const held = await world.gate.hold(world.call());
      const [purse] = await world.store.budgets.balances({ atMs: world.clock.nowMs(), asked: [] });
      if (held.granted) await world.gate.release(held.hold);
      return new Date(purse?.sinceMs ?? 0).toISOString();
    };
    expect(await since()).toBe("2026-11-19T18:30:00.000Z");
    world.configure({ global: { day: 0.0102 } });
    await world.clock.advance(24 * 3_600_000);
    expect(await since()).toBe("2026-11-21T00:00:00.000Z");
  });

  it("at the start finds the calls of a run that is over, and counts them", async () => {
    const world = openWorld({ global: { day: 1 } });
    const call = world.call();
    granted(await world.gate.hold(call));
    await world.clock.advance(1);
    await world.gate.start();
    expect(await world.store.budgets.lost(9)).toMatchObject([{ id: call.callId, reservedMicros: 10_200 }]);
    world.gate.close();
    expect(world.clock.pendingTimers).toBe(0);
  });
});

async function holdAfterWaiting(world: ReturnType<typeof openWorld>): Promise<HoldResult> {
  const asked = world.gate.hold(world.call());
  await world.clock.advance(2 * limits.budgetWaitMs);
  return asked;
}
