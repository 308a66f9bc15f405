/** What the ledger says was spent is what the model's own bill says, to the last micro-dollar, over any conversations. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import type { Tool } from "../tools/contract.ts";
import { chatRequest, openTestWay, type Script } from "./way.fixture.ts";

const call = fc.record({
  input: fc.nat(200_000),
  output: fc.nat(8_000),
  cacheRead: fc.nat(50_000),
  cacheWrite: fc.nat(9_000),
  end: fc.constantFrom("stop", "stop", "stop", "tool", "breaks off", "fails at once", "sends no usage"),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

it("X4: what the provider says it charges is booked before any price, flagged as told, and shared out by kind", async () => {
  const script: Script = async function* (_request, index) {
    yield { type: "text", text: "words" };
    const usage = { input: 1_000, output: 500, cacheRead: 7, cacheWrite: 0 };
    yield { type: "end", reason: "stop", usage, ...(index === 0 ? { costMicros: 5_001 } : {}) };
  };
  const house = await openTestWay({ script });
  await house.way.start();
  for (const runId of ["told", "computed"]) {
    await house.way.admit(chatRequest("hello", { runId }));
    await house.next("run.ended", (event) => event.runId === runId);
  }
  expect(await house.store.ledger.calls("agent:main:main", { limit: 5 })).toMatchObject([
    {
      costMicros: 5_001,
      costFrom: "provider",
      costs: { input: 2_501, output: 2_500, cacheRead: 0, cacheWrite: 0 },
      firstTokenMs: expect.any(Number),
    },
    { costMicros: 2_000, costFrom: "price", costs: { input: 1_000, output: 1_000, cacheRead: 0, cacheWrite: 0 } },
  ]);
  expect(await house.store.ledger.totals({})).toMatchObject({
    reported: 1,
    costMicros: 7_001,
    costs: { input: 3_501 },
  });
  await house.close();
});

const clock: Tool<Record<string, never>> = {
  name: "time",
  description: "Tells the time.",
  inputSchema: z.strictObject({}),
  effect: "pure",
  run: () => Promise.resolve("noon"),
};

it("X1: totals of every session and of all add up to the model's bill, over tools, failures and missing counts", async () => {
  let billed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), call), { minLength: 1, maxLength: 8 }), async (messages) => {
      const bill = { micros: 0, calls: 0, unmetered: 0, input: 0, cacheRead: 0 };
      let now: Call = messages[0]?.[1] as Call;
      const script: Script = async function* (request) {
        const afterTool = request.messages.at(-1)?.role === "tool";
        if (now.end === "fails at once") {
          yield { type: "failure", error: { code: "MODEL_005", message: "no", retry: "never", details: {} } };
          return;
        }
        bill.calls += 1;
        if (now.end === "tool" && !afterTool) yield { type: "tool-call", callId: "c1", tool: "time", input: {} };
        else yield { type: "text", text: "words" };
        if (now.end === "breaks off" || now.end === "sends no usage") bill.unmetered += 1;
        if (now.end === "breaks off") {
          yield { type: "failure", error: { code: "MODEL_005", message: "cut", retry: "never", details: {} } };
          return;
        }
        const { input, output, cacheRead, cacheWrite } = now;
        const usage = now.end === "sends no usage" ? null : { input, output, cacheRead, cacheWrite };
        // The house's price list says 1 and 2 dollars a million, and nothing for the cache.
        if (usage !== null) {
          bill.micros += input + 2 * output;
          bill.input += input;
          bill.cacheRead += cacheRead;
        }
        yield { type: "end", reason: now.end === "tool" && !afterTool ? "tool-calls" : "stop", usage };
      };
      const house = await openTestWay({ script, tools: [clock as Tool] });
      await house.way.start();
      for (const [index, [session, one]] of messages.entries()) {
        now = one;
        const runId = `run-${index}`;
        const sessionKey = `agent:main:talk-${session}`;
        await house.way.admit(chatRequest(`message ${index}`, { runId, sessionKey }));
        await house.next("run.ended", (event) => event.runId === runId);
      }
      const { ledger, sessions } = house.store;
      const total = await ledger.totals({});
      expect([total.calls, total.estimated]).toEqual([bill.calls, bill.unmetered]);
      const keys = (await ledger.by("session", {})).map(({ key }) => key);
      const booked = (await Promise.all(keys.map((key) => ledger.calls(key, { limit: 1_000 })))).flat();
      const metered = booked.filter(({ estimated }) => !estimated);
      expect(metered.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0)).toBe(bill.micros);
      expect(metered.reduce((sum, { usage }) => sum + usage.input, 0)).toBe(bill.input);
      expect(metered.reduce((sum, { usage }) => sum + usage.cacheRead, 0)).toBe(bill.cacheRead);
      expect(booked.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0)).toBe(total.costMicros);
      for (const key of keys) {
        const { usage, costMicros } = await ledger.totals({ sessionKey: key });
        expect(await sessions.get(key)).toMatchObject({ usage, costMicros });
      }
      expect((await ledger.recount()).filter(({ differing }) => differing > 0)).toEqual([]);
      billed += bill.micros;
      await house.close();
    }),
    { numRuns: 8 },
  );
  expect(billed).toBeGreaterThan(0);
}, 60_000);
