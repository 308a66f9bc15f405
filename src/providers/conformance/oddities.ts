/** Answers that no page describes: counts that cannot be, calls that are no JSON, an error where an answer should be. */
import { expect, it } from "vitest";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  forever,
  modelRequest,
  played,
  textOf,
  timeTool,
  type Bench,
  type ConformanceHarness,
} from "./bench.ts";

export function oddities(bench: Bench, { row }: ConformanceHarness): void {
  it.each([
    { input: -5, output: 7 },
    { input: 2.5, output: 7.25 },
    { input: 0, output: 0 },
    { input: 1e15, output: 1 },
    { input: 3, output: 4, cacheRead: -90 },
  ])(`${row}: a count of %j is told as whole tokens, or as none`, async (usage) => {
    const events = await played(bench, { text: "hi", usage });
    expect(textOf(events)).toBe("hi");
    const told = endOf(events).usage;
    for (const count of Object.values(told ?? {}))
      expect(Number.isSafeInteger(count) && count >= 0, JSON.stringify(told)).toBe(true);
  });

  it.each(['{"zone":', '{"zone":"Eur', "zone=Europe/Vienna", '{"zone":"x"}}', "[1,2", "\u0000"])(
    `${row}: a call whose input is %j reaches the loop as it is, or is a clear failure`,
    async (input) => {
      const asked = modelRequest("x", { tools: [timeTool] });
      const events = await played(bench, { text: ["so "], toolCalls: [{ name: "time", input }] }, asked);
      const last = events.at(-1);
      if (last?.type === "failure") expect(last.error.code).toBe("MODEL_005");
      else {
        // The loop can tell the model what it wrote.
        expect(callsOf(events)).toMatchObject([{ tool: "time" }]);
        expect(JSON.stringify(callsOf(events)[0]?.input)).toContain(JSON.stringify(input).slice(1, -1));
        expect(endOf(events).reason).toBe("tool-calls");
      }
      expect(textOf(events)).toBe("so ");
    },
  );

  it.each([
    "prompt is too long: 215000 tokens > 200000 maximum",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).",
    "Input is too long for requested model.",
  ])(`${row}: a window that is full is told as that, before the answer and in it: %s`, async (message) => {
    const before = failureOf(await played(bench, { status: 400, error: { message } }));
    expect(before).toMatchObject({ code: "MODEL_007", details: { reason: "context_overflow" } });
    const fault = { kind: "error", afterDeltas: 0 } as const;
    const within = failureOf(await played(bench, { status: 200, text: "x", fault, error: { message } }));
    expect(within.code).toMatch(/^MODEL_00[47]$/);
  });

  it.each([
    ["an empty body", "", "application/json"],
    ["an error as JSON", '{"error":{"message":"quota of the proxy","code":"insufficient_quota"}}', "application/json"],
    ["a list", "[]", "application/json"],
    ["null", "null", "application/json"],
    ["a word", "ok", "text/plain"],
  ])(`${row}: %s where an answer should be is a failure`, async (_name, body, type) => {
    const fetch = (): Promise<Response> => Promise.resolve(new Response(body, { headers: { "content-type": type } }));
    const events = await collect(bench.open({ fetch }).stream(modelRequest("x"), forever));
    expect(failureOf(events).code).toMatch(/^MODEL_00[345]$/);
    expect(events).toHaveLength(1);
  });

  it("a body that is missing, and a status that is none of any kind, are failures", async () => {
    for (const status of [204, 205, 304]) {
      const fetch = (): Promise<Response> => Promise.resolve(new Response(null, { status }));
      const events = await collect(bench.open({ fetch }).stream(modelRequest("x"), forever));
      expect(failureOf(events).code, String(status)).toMatch(/^MODEL_00[1458]$/);
    }
  });

  it("a fetch that throws what is no error is a failure", async () => {
    for (const thrown of [undefined, null, "no", 7, {}, Object.create(null)]) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is what is tested.
      const fetch = (): Promise<Response> => Promise.reject(thrown);
      const events = await collect(bench.open({ fetch }).stream(modelRequest("x"), forever));
      expect(failureOf(events).code).toMatch(/^MODEL_00[45]$/);
    }
  });
}
