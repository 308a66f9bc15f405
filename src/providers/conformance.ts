/**
 * What every provider must do, whatever its wire: run against an emulator that fails in every way, and against an
 * independent mock of the real services. Only tests import this; a provider's own test calls `providerConformance` once.
 *
 * One file a theme in `conformance/`: answers and failures are here; `streams.ts` cuts, drips and garbles a recorded
 * answer; `requests.ts` looks at what is sent (odd characters, call ids, a conversation another protocol began);
 * `oddities.ts` answers in ways that no page describes; `aborts.ts` stops; `mock.ts` is the independent mock.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reply } from "../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../drill/model-emulator/server.ts";
import type { ErrorCode } from "../domain/error-codes.ts";
import type { ModelMessage } from "../domain/conversation.ts";
import { stopping } from "./conformance/aborts.ts";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  forever,
  key,
  modelInfo,
  modelRequest,
  played,
  providerDeps,
  textOf,
  timeTool,
  tinyPng,
  userSays,
  type Bench,
  type ConformanceHarness,
} from "./conformance/bench.ts";
import { againstMock } from "./conformance/mock.ts";
import { oddities } from "./conformance/oddities.ts";
import { requesting } from "./conformance/requests.ts";
import { streaming } from "./conformance/streams.ts";
import type { ProviderModule } from "./contract.ts";

export {
  callsOf,
  collect,
  endOf,
  failureOf,
  modelInfo,
  modelRequest,
  providerDeps,
  textOf,
  tinyPng,
  userSays,
} from "./conformance/bench.ts";

export function providerConformance(module: ProviderModule, harness: ConformanceHarness): void {
  describe(`${module.api} keeps the provider contract`, () => {
    let emulator: ModelEmulator;
    beforeEach(async () => {
      emulator = await startModelEmulator();
    });
    afterEach(() => emulator.close());
    const bench: Bench = {
      emulator: () => emulator,
      open: (deps, baseUrl) =>
        module.open(
          { id: "mock", api: module.api, baseUrl: (baseUrl ?? emulator.url) + harness.path, apiKey: key, headers: {} },
          providerDeps(deps),
        ),
    };
    answering(bench, harness);
    calling(bench, harness);
    failing(bench, harness);
    stopping(bench, harness);
    oddities(bench, harness);
    requesting(bench, harness);
    streaming(bench, harness);
  });
  describe(`${module.api} against an independent mock`, () => {
    againstMock(module, harness);
  });
}

function answering(bench: Bench, { row, lengthFinish }: ConformanceHarness): void {
  it(`${row}: text arrives in pieces, with the tokens it cost`, async () => {
    const events = await played(bench, { text: ["Good ", "morning", " 🌞\n"], usage: { input: 11, output: 7 } });
    expect(events.slice(0, -1)).toEqual([
      { type: "text", text: "Good " },
      { type: "text", text: "morning" },
      { type: "text", text: " 🌞\n" },
    ]);
    expect(endOf(events)).toEqual({
      type: "end",
      reason: "stop",
      usage: { input: 11, output: 7, cacheRead: 0, cacheWrite: 0 },
    });
  });

  it("the request carries system prompt, history, settings and the key", async () => {
    const messages: ModelMessage[] = [
      userSays("first question"),
      { role: "assistant", content: [{ type: "text", text: "first answer" }] },
      userSays("second question"),
    ];
    await played(bench, {}, modelRequest("", { messages, temperature: 0.25, maxOutputTokens: 77 }));
    const [seen] = bench.emulator().requests;
    const body = JSON.stringify(seen?.body);
    for (const text of ["You are brief.", "first question", "first answer", "second question", "0.25", "77"])
      expect(body).toContain(text);
    expect(JSON.stringify(seen?.headers)).toContain(key);
    expect(seen?.lastText).toBe("second question");
    expect(seen?.model).toBe("m-1");
  });

  it("an empty answer is an answer", async () => {
    const events = await played(bench, { text: "" });
    expect(textOf(events)).toBe("");
    expect(endOf(events).reason).toBe("stop");
  });

  it("an answer that ran out of tokens says so", async () => {
    expect(endOf(await played(bench, { text: "cut of", finish: lengthFinish })).reason).toBe("length");
  });

  it("missing usage is null and never zero", async () => {
    const events = await played(bench, { text: "hi", usage: null });
    expect(endOf(events).usage).toBeNull();
  });

  it(`${row}: an image reaches the model as its bytes; a model that cannot see is told of it`, async () => {
    const attachment = { type: "image", mimeType: "image/png", data: tinyPng, fileName: "dot.png" } as const;
    const messages: ModelMessage[] = [
      {
        role: "user",
        content: [
          { type: "text", text: "what is this?" },
          { type: "file", attachment },
        ],
      },
    ];
    await played(bench, {}, modelRequest("", { messages }));
    await played(bench, {}, modelRequest("", { messages, model: modelInfo({ input: ["text"] }) }));
    const [seeing, blind] = bench.emulator().requests.map(({ body }) => JSON.stringify(body));
    expect(seeing).toContain(tinyPng);
    expect(blind).not.toContain(tinyPng);
    expect(blind).toContain("dot.png");
  });

  it("twenty calls at once do not mix", async () => {
    bench.emulator().play((request) => ({ text: [...request.lastText].map((digit) => `${digit} `), deltaDelayMs: 1 }));
    const provider = bench.open();
    const numbers = Array.from({ length: 20 }, (_, index) => String(1000 + index));
    const answers = await Promise.all(
      numbers.map(async (number) => textOf(await collect(provider.stream(modelRequest(number), forever)))),
    );
    expect(answers).toEqual(numbers.map((number) => `${[...number].join(" ")} `));
  });
}

function calling(bench: Bench, { row }: ConformanceHarness): void {
  const call: Reply = { toolCalls: [{ name: "time", input: { zone: "Europe/Vienna" } }] };

  it(`${row}: a tool call comes whole, with an id, and its result goes back`, async () => {
    const asked = modelRequest("how late is it?", { tools: [timeTool] });
    const events = await played(bench, call, asked);
    const [first] = callsOf(events);
    expect(first).toMatchObject({ tool: "time", input: { zone: "Europe/Vienna" } });
    expect(first?.callId).not.toBe("");
    expect(endOf(events).reason).toBe("tool-calls");
    const messages: ModelMessage[] = [
      ...asked.messages,
      { role: "assistant", content: [{ type: "tool-call", callId: first!.callId, tool: "time", input: first!.input }] },
      { role: "tool", results: [{ callId: first!.callId, tool: "time", output: "12:34", isError: false }] },
    ];
    const answer = await played(bench, {}, { ...asked, messages });
    expect(textOf(answer)).toContain("12:34");
    const [, second] = bench.emulator().requests;
    expect(second?.lastRole).toBe("tool");
    expect(JSON.stringify(second?.body)).toContain("Tells the time.");
  });

  it("calls without an id, or with one that is taken, get one of ours", async () => {
    const two: Reply = { toolCalls: [call.toolCalls![0]!, { name: "time", input: { zone: "UTC" } }] };
    const nameless = callsOf(
      await played(bench, { ...two, noCallIds: true }, modelRequest("x", { tools: [timeTool] })),
    );
    expect(new Set(nameless.map(({ callId }) => callId)).size).toBe(2);
    expect(nameless.every(({ callId }) => callId !== "")).toBe(true);
    const messages: ModelMessage[] = [
      userSays("x"),
      { role: "assistant", content: [{ type: "tool-call", callId: "call_0", tool: "time", input: { zone: "UTC" } }] },
      { role: "tool", results: [{ callId: "call_0", tool: "time", output: "now", isError: false }] },
    ];
    const again: Reply = { toolCalls: [{ name: "time", input: { zone: "UTC" }, id: "call_0" }] };
    const [repeated] = callsOf(await played(bench, again, modelRequest("", { messages, tools: [timeTool] })));
    expect(repeated?.callId).not.toBe("call_0");
  });

  it("a call without arguments has an empty object as its input", async () => {
    const [bare] = callsOf(
      await played(bench, { toolCalls: [{ name: "time", input: {} }] }, modelRequest("x", { tools: [timeTool] })),
    );
    expect(bare?.input).toEqual({});
  });

  it("text in front of a call is kept, in order", async () => {
    const events = await played(
      bench,
      { text: ["Let me ", "look."], ...call },
      modelRequest("x", { tools: [timeTool] }),
    );
    expect(events.map(({ type }) => type)).toEqual(["text", "text", "tool-call", "end"]);
  });

  it("a JSON answer is asked for with its schema", async () => {
    const schema = {
      type: "object",
      properties: { mood: { type: "string" } },
      required: ["mood"],
      additionalProperties: false,
    };
    const text = '{"mood":"good"}';
    // Anthropic's older models answer a schema through a tool; either way it is text that comes out.
    const events = await played(
      bench,
      { text: [text] },
      modelRequest("x", { responseFormat: { type: "json", schema, name: "mood" } }),
    );
    expect(textOf(events)).toBe(text);
    expect(JSON.stringify(bench.emulator().requests[0]?.body)).toContain("mood");
  });
}

function failing(bench: Bench, { row, renewsToken = false }: ConformanceHarness): void {
  const refusals: readonly (readonly [number, ErrorCode])[] = [
    [400, "MODEL_008"],
    [401, "MODEL_002"],
    [403, "MODEL_002"],
    [404, "MODEL_001"],
    [413, "MODEL_007"],
    [422, "MODEL_008"],
    [429, "MODEL_003"],
    [500, "MODEL_004"],
    [503, "MODEL_004"],
    [529, "MODEL_004"],
  ];

  it.each(refusals)(`${row}: status %i is %s, after one request, and the key is not told`, async (status, code) => {
    const error = failureOf(await played(bench, { status, error: { message: `no, ${key} will not do` } }));
    expect(error.code).toBe(code);
    expect(error.details).toMatchObject({ provider: "mock", model: "m-1", status });
    expect(error.message).toContain("will not do");
    expect(JSON.stringify(error)).not.toContain(key);
    // Retries are the caller's: one call, one request.
    expect(bench.emulator().count()).toBe(renewsToken && status === 401 ? 2 : 1);
  });

  it("a wait that the provider names is passed on", async () => {
    const error = failureOf(await played(bench, { status: 429, retryAfterS: 17 }));
    expect(error).toMatchObject({ code: "MODEL_003", retry: "later", retryAfterMs: 17_000 });
  });

  const breaks: readonly (readonly [NonNullable<Reply["fault"]>, ErrorCode])[] = [
    [{ kind: "cut", afterDeltas: 2 }, "MODEL_005"],
    [{ kind: "cut", afterDeltas: 0 }, "MODEL_005"],
    [{ kind: "end", afterDeltas: 2 }, "MODEL_005"],
    [{ kind: "end", afterDeltas: 0 }, "MODEL_005"],
    [{ kind: "garbage", afterDeltas: 1 }, "MODEL_005"],
    [{ kind: "garbage", afterDeltas: 0 }, "MODEL_005"],
    [{ kind: "error", afterDeltas: 1 }, "MODEL_004"],
    [{ kind: "error", afterDeltas: 0 }, "MODEL_004"],
    [{ kind: "hang-up" }, "MODEL_004"],
  ];

  it.each(breaks)(`${row}: %o in a good answer is %s, and what came before it is kept`, async (fault, code) => {
    const events = await played(bench, { text: ["one ", "two ", "three "], fault });
    expect(failureOf(events).code).toBe(code);
    expect(textOf(events)).toBe(["one ", "two ", "three "].slice(0, fault.afterDeltas ?? 0).join(""));
    expect(bench.emulator().count()).toBe(1);
  });

  it("an answer that is a web page is unreadable", async () => {
    const page = (): Promise<Response> =>
      Promise.resolve(new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } }));
    const events = await collect(bench.open({ fetch: page }).stream(modelRequest("x"), forever));
    expect(failureOf(events).code).toBe("MODEL_005");
  });

  it(`${row}: a server that is not there fails at once`, async () => {
    const url = bench.emulator().url;
    await bench.emulator().close();
    const startedMs = performance.now();
    const error = failureOf(await collect(bench.open({}, url).stream(modelRequest("x"), forever)));
    expect(error).toMatchObject({ code: "MODEL_004", details: { reason: "network", networkCode: "ECONNREFUSED" } });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
}
