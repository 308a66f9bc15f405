/** Calls that no turn makes: held before they are asked, booked after, whatever becomes of them. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import type { CallBeside } from "../domain/call-beside.ts";
import { tellingUnsent } from "../platform/egress/unsent.ts";
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
    rows: () => world.store.ledger.calls("memory:main", { limit: 10 }),
    async purse() {
      const [one] = await world.store.budgets.balances({ atMs: world.clock.nowMs(), asked: [] });
      return [one?.spentMicros, one?.heldMicros];
    },
  };
}

const counted = ({ inputTokens }: { readonly inputTokens: number | null }): number | null => inputTokens;
const limited = { global: { day: 1 } };

function neverConnected(): Error {
  let told: Error | null = null;
  const refusing = tellingUnsent((_options, callback) => callback(new Error("refused"), null));
  refusing({} as Parameters<typeof refusing>[0], (...[error]) => void (told = error));
  return told ?? expect.fail("it connected");
}

describe("a call beside the turns", () => {
  it("T5: is held at its worst case while it is under way, and booked at what the provider counted", async () => {
    const { pay, rows, purse } = scene(limited);
    const during: unknown[] = [];
    const answer = await pay(
      call,
      async () => {
        during.push(...(await purse()));
        return { inputTokens: 90, vectors: 7 };
      },
      counted,
    );
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
      const outcome = pay({ ...call, ...changes }, () => Promise.resolve({ inputTokens: asked.push(1) }), counted);
      await expect(outcome).rejects.toMatchObject({ code: expect.stringMatching(/^BUDGET_/) as string });
      expect([asked, await rows()]).toEqual([[], []]);
      return outcome.catch((thrown: unknown) => AppError.from(thrown).code);
    };
    expect(await refused({ global: { day: 0.0007 } })).toBe("BUDGET_001");
    expect(await refused(limited, { model: { ...model, price: undefined } })).toBe("BUDGET_002");
    expect(await refused({})).toBe("BUDGET_003");
  });

  it("T5: does not wait for money that calls under way may give back", async () => {
    const { pay, gate, call: asked } = scene({ global: { day: 0.0105 } });
    expect(await gate.hold(asked())).toMatchObject({ granted: true });
    await expect(pay(call, () => Promise.resolve({ inputTokens: 1 }))).rejects.toMatchObject({ code: "BUDGET_001" });
  });

  it.each([
    ["told nothing", null, 134, true],
    ["told of more tokens than there are bytes", 401, 134, true],
    ["told of none", 0, 0, false],
  ])("T5: of a provider that %s is booked what there is to know", async (_how, inputTokens, input, estimated) => {
    const { pay, rows } = scene();
    await pay(call, () => Promise.resolve({ inputTokens }), counted);
    expect(await rows()).toEqual([
      expect.objectContaining({
        usage: expect.objectContaining({ input }) as object,
        costMicros: input * 2,
        estimated,
      }),
    ]);
  });

  it("C16: a service that does not count in tokens is booked with none, and without a price is free nowhere", async () => {
    const { pay, store } = scene();
    await pay({ ...call, purpose: "speech", model: { ...model, price: undefined } }, () => Promise.resolve("sound"));
    const [row] = await store.ledger.calls("speech:main", { limit: 2 });
    expect(row).toMatchObject({ origin: "speech", usage: { input: 0 }, costMicros: null, estimated: false });
  });

  const unsent = new AppError("CONN_001", "no", { cause: { cause: neverConnected() } });
  it.each([
    ["refused", new AppError("MODEL_002", "no", { details: { status: 401 } }), 0],
    ["failed", new AppError("MODEL_004", "no", { details: { status: 503 } }), 0],
    ["kept from leaving", new AppError("SEC_005", "no"), 0],
    ["never connected", unsent, 0],
    ["broken off", new AppError("CONN_001", "no"), 1],
    ["unreadable", new AppError("MODEL_005", "no", { details: { status: 200 } }), 1],
    ["stopped", new AppError("SYS_007", "no"), 1],
    ["too slow", new AppError("MODEL_006", "no"), 1],
    ["odd", new TypeError("no"), 1],
  ])(
    "T5: one that was %s gives its hold back, and is booked where it may have been billed",
    async (_how, error, booked) => {
      const { pay, rows, purse } = scene(limited);
      await expect(pay(call, () => Promise.reject(error), counted)).rejects.toBe(error);
      expect(await purse()).toEqual([booked * 268, 0]);
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
