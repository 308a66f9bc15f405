/** Calls that no turn makes: held before they are asked, booked after, whatever becomes of them. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import type { CallBeside } from "../domain/paid-call.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { silentLog, type Log } from "../platform/log.ts";
import { createPayBeside } from "./pay-beside.ts";
import { openWorld } from "./world.fixture.ts";

const model = {
  ref: "p/vectors",
  provider: "p",
  id: "vectors",
  maxTokens: null,
  price: { input: 2, output: 0, cacheRead: 0, cacheWrite: 0 },
};
const call: CallBeside = { purpose: "memory", agentId: "main", model, inputBytes: 400 };

function scene(budgets: Parameters<typeof openWorld>[0] = {}) {
  const world = openWorld(budgets);
  const warnings: string[] = [];
  const log: Log = { ...silentLog(), warn: (message) => void warnings.push(message) };
  const pay = createPayBeside({ ...world, ledger: world.store.ledger, ids: seededIds(3), log });
  return {
    ...world,
    pay,
    warnings,
    rows: () => world.store.ledger.calls("agent:main:memory", { limit: 10 }),
    async purse() {
      const [one] = await world.store.budgets.balances({ atMs: world.clock.nowMs(), asked: [] });
      return [one?.spentMicros, one?.heldMicros];
    },
  };
}

const limited = { global: { day: 1 } };

describe("a call beside the turns", () => {
  it("T5: is held at its worst case while it is under way, and booked at what the provider counted", async () => {
    const { pay, rows, purse } = scene(limited);
    const during: unknown[] = [];
    const answer = await pay(call, async () => {
      during.push(...(await purse()));
      return { inputTokens: 90, vectors: 7 };
    });
    expect(answer.vectors).toBe(7);
    expect(during).toEqual([0, 800]);
    expect(await purse()).toEqual([180, 0]);
    expect(await rows()).toEqual([
      expect.objectContaining({
        model: "p/vectors",
        origin: "memory",
        usage: { input: 90, output: 0, cacheRead: 0, cacheWrite: 0 },
        costMicros: 180,
        costFrom: "price",
        estimated: false,
      }),
    ]);
  });

  it("T5: is not asked where its purse is short, where no price is known, and while all spending is paused", async () => {
    const refused = async (budgets: Parameters<typeof openWorld>[0], changes: Partial<CallBeside> = {}) => {
      const { pay, rows, store, gate, clock } = scene(budgets);
      if (budgets?.global === undefined) {
        await store.budgets.pause({ agentId: null, reason: null, by: "ann", atMs: clock.nowMs() });
        await gate.pausesChanged();
      }
      const asked: number[] = [];
      const outcome = pay({ ...call, ...changes }, () => Promise.resolve({ inputTokens: asked.push(1) }));
      await expect(outcome).rejects.toMatchObject({ code: expect.stringMatching(/^BUDGET_/) as string });
      expect([asked, await rows()]).toEqual([[], []]);
      return outcome.catch((thrown: unknown) => AppError.from(thrown).code);
    };
    expect(await refused({ global: { day: 0.0007 } })).toBe("BUDGET_001");
    expect(await refused(limited, { model: { ...model, price: undefined } })).toBe("BUDGET_002");
    expect(await refused({})).toBe("BUDGET_003");
  });

  it("T5: what nobody counted is booked by estimate, and what has no price is free nowhere", async () => {
    const { pay, rows } = scene();
    await pay({ ...call, model: { ...model, price: undefined } }, () => Promise.resolve({ inputTokens: null }));
    expect(await rows()).toEqual([
      expect.objectContaining({
        usage: expect.objectContaining({ input: 100 }) as object,
        estimated: true,
        costMicros: null,
      }),
    ]);
  });

  it.each([
    ["refused", new AppError("MODEL_002", "no"), 0],
    ["failed", new AppError("MODEL_004", "no"), 0],
    ["never reached", new AppError("CONN_001", "no"), 0],
    ["silent", new AppError("CONN_001", "no", { details: { silent: true } }), 1],
    ["unreadable", new AppError("MODEL_005", "no"), 1],
    ["stopped", new AppError("SYS_007", "no"), 1],
    ["too slow", new AppError("MODEL_006", "no"), 1],
  ])(
    "T5: one that is %s gives its hold back, and is booked where it may have been billed",
    async (_how, error, booked) => {
      const { pay, rows, purse } = scene(limited);
      await expect(pay(call, () => Promise.reject(error))).rejects.toBe(error);
      expect(await purse()).toEqual([booked * 200, 0]);
      expect((await rows()).map(({ estimated }) => estimated)).toEqual(Array.from({ length: booked }, () => true));
    },
  );

  it("T5: an answer is given also where it cannot be booked, which is told", async () => {
    const { pay, gate, clock, warnings } = scene();
    const ledger = { book: () => Promise.reject(new AppError("STORE_001", "full")) };
    const log: Log = { ...silentLog(), warn: (message) => void warnings.push(message) };
    const broken = createPayBeside({ gate, clock, ledger, ids: seededIds(4), log });
    expect(await broken(call, () => Promise.resolve({ inputTokens: 1 }))).toEqual({ inputTokens: 1 });
    expect(warnings).toHaveLength(1);
    expect(await pay(call, () => Promise.resolve({ inputTokens: 1 }))).toEqual({ inputTokens: 1 });
    expect(warnings).toHaveLength(1);
  });
});
