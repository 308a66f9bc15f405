/**
 * What every provider must do, whatever its wire: run against an emulator that fails in every way, and against an
 * independent mock of the real services. Only tests import this.
 */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Reply, Script } from "../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../drill/model-emulator/server.ts";
import type { ErrorCode } from "../domain/error-codes.ts";
import type { ModelInfo, ModelMessage } from "../domain/conversation.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import type { ModelEvent, ModelProvider, ModelRequest, ProviderDeps, ProviderModule } from "./contract.ts";

export interface ConformanceHarness {
  /** The matrix row that this wire proves. */
  readonly row: string;
  /** What stands behind the root address in the configuration. */
  readonly path: string;
  /** How the mock's fixtures name token counts for this wire; null where it sends zeros, come what may. */
  readonly mockUsage: Readonly<Record<string, number>> | null;
  /** The word with which this wire says that the answer ran out of tokens. */
  readonly lengthFinish: string;
  /** True where a refused token is exchanged and the call sent once more. */
  readonly renewsToken?: boolean;
}

/** A red pixel. */
export const tinyPng =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

const key = "sk-very-secret-key-0123456789";

const timeTool = {
  name: "time",
  description: "Tells the time.",
  inputSchema: {
    type: "object",
    properties: { zone: { type: "string" } },
    required: ["zone"],
    additionalProperties: false,
  },
};

export function modelInfo(more: Partial<ModelInfo> = {}): ModelInfo {
  return {
    ref: "mock/m-1",
    provider: "mock",
    id: "m-1",
    name: "m-1",
    contextWindow: null,
    maxTokens: null,
    reasoning: false,
    input: ["text", "image"],
    price: undefined,
    ...more,
  };
}

export function userSays(text: string): ModelMessage {
  return { role: "user", content: [{ type: "text", text }] };
}

export function modelRequest(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return { model: modelInfo(), system: "You are brief.", messages: [userSays(text)], tools: [], ...more };
}

export function providerDeps(more: Partial<ProviderDeps> = {}): ProviderDeps {
  return { fetch: (input, init) => fetch(input, init), clock: systemClock(), ids: systemIds(), ...more };
}

/** Everything a call yields; asserts the shape that the contract promises for every call. */
export async function collect(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of stream) events.push(event);
  const terminal = events.filter(({ type }) => type === "end" || type === "failure");
  expect(terminal, "exactly one end or failure").toHaveLength(1);
  expect(events.at(-1), "and it comes last").toBe(terminal[0]);
  return events;
}

export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

export function endOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "end" }> {
  const last = events.at(-1);
  if (last?.type !== "end") expect.fail(`expected an end, got ${JSON.stringify(last)}`);
  return last;
}

export function failureOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "failure" }>["error"] {
  const last = events.at(-1);
  if (last?.type !== "failure") expect.fail(`expected a failure, got ${JSON.stringify(last)}`);
  return last.error;
}

export function callsOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "tool-call" }>[] {
  return events.filter((event): event is Extract<ModelEvent, { type: "tool-call" }> => event.type === "tool-call");
}

const forever = new AbortController().signal;

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
  });
  describe(`${module.api} against an independent mock`, () => {
    againstMock(module, harness);
  });
}

interface Bench {
  emulator(): ModelEmulator;
  open(deps?: Partial<ProviderDeps>, baseUrl?: string): ModelProvider;
}

async function played(
  bench: Bench,
  script: Script,
  request: ModelRequest = modelRequest("hello"),
): Promise<ModelEvent[]> {
  bench.emulator().play(script);
  return collect(bench.open().stream(request, forever));
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

function stopping(bench: Bench, { row }: ConformanceHarness): void {
  const silences: readonly Reply[] = [
    { fault: { kind: "silence" } },
    { text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 1 } },
    { text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 0 } },
  ];

  it.each(silences)(`${row}: an abort ends %o within 200 ms`, async (reply) => {
    bench.emulator().play(reply);
    const controller = new AbortController();
    const running = collect(bench.open().stream(modelRequest("x"), controller.signal));
    const seen = await bench.emulator().arrived();
    const startedMs = performance.now();
    controller.abort(new Error("the user said stop"));
    expect(failureOf(await running)).toMatchObject({ code: "RUN_001" });
    expect(performance.now() - startedMs).toBeLessThan(200);
    await expect.poll(() => seen.abandoned).toBe(true);
  });

  it("a fetch that ignores the abort holds nobody up", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const deaf = (): Promise<Response> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const running = collect(bench.open({ fetch: deaf }).stream(modelRequest("x"), controller.signal));
    await asked.promise;
    controller.abort();
    expect(failureOf(await running).code).toBe("RUN_001");
  });

  it("an abort before the start sends nothing", async () => {
    const events = await collect(bench.open().stream(modelRequest("x"), AbortSignal.abort()));
    expect(failureOf(events).code).toBe("RUN_001");
    expect(bench.emulator().count()).toBe(0);
  });

  it("a listener who leaves frees the connection", async () => {
    bench.emulator().play({ text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 1 } });
    const arrived = bench.emulator().arrived();
    for await (const event of bench.open().stream(modelRequest("x"), forever)) {
      expect(event).toEqual({ type: "text", text: "one " });
      break;
    }
    const seen = await arrived;
    await expect.poll(() => seen.abandoned).toBe(true);
  });

  it("an endpoint that is silent for two minutes is given up, one that trickles is not", async () => {
    const clock = new FakeClock();
    bench.emulator().play({ fault: { kind: "silence" } });
    const running = collect(bench.open({ clock }).stream(modelRequest("x"), forever));
    await bench.emulator().arrived();
    await clock.advance(119_000);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(failureOf(await running)).toMatchObject({ code: "MODEL_006", retry: "later" });
    expect(clock.pendingTimers).toBe(0);
    await trickle(bench);
  });
}

/** Three deltas a minute and a half apart: longer than the limit as a whole, never as a silence. */
async function trickle(bench: Bench): Promise<void> {
  const clock = new FakeClock();
  const waits: (() => void)[] = [];
  const paced: Clock = { ...systemClock(), sleep: () => new Promise((resolve) => waits.push(resolve)) };
  const slow = await startModelEmulator({
    clock: paced,
    script: { text: ["one ", "two ", "three "], deltaDelayMs: 90_000 },
  });
  const texts: string[] = [];
  const stream = bench.open({ clock }, slow.url).stream(modelRequest("x"), forever);
  const running = (async () => {
    for await (const event of stream) texts.push(event.type === "text" ? event.text : event.type);
  })();
  for (const expected of [0, 1, 2]) {
    await expect.poll(() => [texts.length, waits.length]).toEqual([expected, 1]);
    await clock.advance(90_000);
    waits.pop()?.();
  }
  await running;
  expect(texts).toEqual(["one ", "two ", "three ", "end"]);
  await slow.close();
}

function againstMock(module: ProviderModule, { row, path, mockUsage }: ConformanceHarness): void {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  let provider: ModelProvider;
  beforeAll(async () => {
    mock.onMessage("hello", {
      content: "Hi there, how are you today?",
      ...(mockUsage === null ? {} : { usage: mockUsage }),
    });
    mock.onMessage("weather", { toolCalls: [{ name: "time", arguments: '{"zone":"UTC"}' }] });
    mock.onMessage("picture", { content: "A red dot." });
    await mock.start();
    provider = module.open(
      { id: "mock", api: module.api, baseUrl: mock.url + path, apiKey: key, headers: {} },
      providerDeps(),
    );
  });
  afterAll(() => mock.stop());

  it(`${row}: text is streamed, with usage`, async () => {
    const events = await collect(provider.stream(modelRequest("hello"), forever));
    expect(textOf(events)).toBe("Hi there, how are you today?");
    expect(events.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
    const usage = mockUsage === null ? null : { input: 21, output: 9, cacheRead: 0, cacheWrite: 0 };
    expect(endOf(events)).toEqual({ type: "end", reason: "stop", usage });
  });

  it(`${row}: a tool is called`, async () => {
    const events = await collect(provider.stream(modelRequest("weather", { tools: [timeTool] }), forever));
    expect(callsOf(events)).toMatchObject([{ tool: "time", input: { zone: "UTC" } }]);
    expect(endOf(events).reason).toBe("tool-calls");
  });

  it(`${row}: an image is taken`, async () => {
    const attachment = { type: "image", mimeType: "image/png", data: tinyPng } as const;
    const content = [
      { type: "text", text: "picture" },
      { type: "file", attachment },
    ] as const;
    const events = await collect(provider.stream(modelRequest("", { messages: [{ role: "user", content }] }), forever));
    expect(textOf(events)).toBe("A red dot.");
  });

  it(`${row}: a refusal is an error`, async () => {
    mock.nextRequestError(429, { message: "slow down", type: "rate_limit_error" });
    expect(failureOf(await collect(provider.stream(modelRequest("hello"), forever))).code).toBe("MODEL_003");
  });
}
