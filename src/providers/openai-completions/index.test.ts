import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  modelInfo,
  modelRequest,
  providerConformance,
  providerDeps,
  textOf,
  userSays,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest } from "../contract.ts";
import { provider } from "./index.ts";
import { bodyOf, optionsOf } from "../ai-sdk/completions.ts";

providerConformance(provider, {
  row: "H1",
  path: "/v1",
  mockUsage: { prompt_tokens: 21, completion_tokens: 9 },
  lengthFinish: "length",
});

const forever = new AbortController().signal;
const endpoint = {
  id: "mock",
  api: "openai-completions",
  baseUrl: "http://127.0.0.1:1/v1",
  apiKey: "k",
  headers: {},
} as const;

describe("openai-completions and its dialects", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(script: Script, request: ModelRequest = modelRequest("hello")): Promise<ModelEvent[]> {
    emulator.play(script);
    return collect(
      provider.open({ ...endpoint, baseUrl: `${emulator.url}/v1` }, providerDeps()).stream(request, forever),
    );
  }

  /** What no emulator writes, word by word. */
  function askRaw(body: string): Promise<ModelEvent[]> {
    const fetch = (): Promise<Response> =>
      Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    return collect(provider.open(endpoint, providerDeps({ fetch })).stream(modelRequest("x"), forever));
  }

  it("H8: a server that does not count tokens is asked for them and believed when it sends none", async () => {
    expect(endOf(await ask({ text: "hi", usage: null }))).toEqual({ type: "end", reason: "stop", usage: null });
    expect(emulator.requests[0]?.body["stream_options"]).toEqual({ include_usage: true });
  });

  it.each(["stop", "", "eos", "end_turn", null])(
    "H8: an answer that ends with finish_reason %j is an answer",
    async (finish) => {
      const events = await ask({ text: "all of it", finish });
      expect(textOf(events)).toBe("all of it");
      expect(endOf(events).reason).toBe("stop");
    },
  );

  it.each(["stop", "function_call", "", null])(
    "H8: a tool call that ends with finish_reason %j is a tool call",
    async (finish) => {
      const events = await ask({ toolCalls: [{ name: "time", input: { zone: "UTC" } }], finish });
      expect(callsOf(events)).toHaveLength(1);
      expect(endOf(events).reason).toBe("tool-calls");
    },
  );

  it("H8: finish_reason tool_calls without a call is the end of a text", async () => {
    expect(endOf(await ask({ text: "no call", finish: "tool_calls" })).reason).toBe("stop");
  });

  it.each([
    ['{"error":{"code":502,"message":"upstream is down"}}', "MODEL_004"],
    ['{"error":{"code":429,"message":"slow down"}}', "MODEL_003"],
    ['{"error":{"message":"no credit","code":"insufficient_quota","type":"insufficient_quota"}}', "MODEL_003"],
    ['{"error":"the worker died"}', "MODEL_004"],
    [
      '{"id":"1","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":"server_error","message":"gone"}}',
      "MODEL_004",
    ],
  ])("H8: an error in the middle of a 200 is a failure: %s", async (frame, code) => {
    const events = await askRaw(
      `data: {"id":"1","choices":[{"delta":{"content":"so far"}}]}\n\ndata: ${frame}\n\ndata: [DONE]\n\n`,
    );
    expect(textOf(events)).toBe("so far");
    expect(failureOf(events).code).toBe(code);
  });

  it("H8: comments that keep the line open are no part of the answer", async () => {
    const events = await askRaw(
      ': PROCESSING\n\n: PROCESSING\n\ndata: {"id":"1","choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    );
    expect(events).toEqual([
      { type: "text", text: "hi" },
      { type: "end", reason: "stop", usage: null },
    ]);
  });

  it("arguments that break off with the tokens are no call; other broken arguments reach the tool as they are", async () => {
    const broken = { toolCalls: [{ name: "time", input: '{"zone":"Eur' }] };
    expect(endOf(await ask({ ...broken, finish: "length" }))).toMatchObject({ reason: "length" });
    const events = await ask({ ...broken, finish: "tool_calls" });
    expect(callsOf(events)).toMatchObject([{ tool: "time", input: '{"zone":"Eur' }]);
  });

  it("cached tokens are counted apart from the input", async () => {
    const events = await ask({ text: "hi", usage: { input: 10, cacheRead: 90, output: 5 } });
    expect(endOf(events).usage).toEqual({ input: 10, output: 5, cacheRead: 90, cacheWrite: 0 });
  });

  it("an overflow is told by its code, or by its words", async () => {
    const coded = failureOf(
      await ask({ status: 400, error: { code: "context_length_exceeded", message: "too long" } }),
    );
    expect(coded).toMatchObject({
      code: "MODEL_007",
      details: { reason: "context_overflow", providerCode: "context_length_exceeded" },
    });
    const said = failureOf(
      await ask({ status: 400, error: { message: "This model's maximum context length is 8192 tokens." } }),
    );
    expect(said.code).toBe("MODEL_007");
  });

  it("an empty account is not asked again", async () => {
    expect(failureOf(await ask({ status: 429, error: { code: "insufficient_quota" } }))).toMatchObject({
      code: "MODEL_003",
      retry: "never",
    });
    expect(failureOf(await ask({ status: 402 }))).toMatchObject({
      code: "MODEL_003",
      retry: "never",
      details: { reason: "billing" },
    });
  });

  it("thoughts go back to the server that sent them, while it works with tools, and to no other", async () => {
    const asked = modelRequest("how late?", { model: modelInfo({ reasoning: true }) });
    const events = await ask({ thinking: { text: "hm, the time" }, toolCalls: [{ name: "time", input: {} }] }, asked);
    const seal = events.find((event) => event.type === "thinking" && event.signature !== undefined);
    const signature = seal?.type === "thinking" ? seal.signature : undefined;
    expect(signature).toBeDefined();
    const turn: ModelMessage[] = [
      ...asked.messages,
      {
        role: "assistant",
        content: [
          { type: "thinking", text: "hm, the time", signature: signature! },
          { type: "tool-call", callId: "c1", tool: "time", input: {} },
        ],
      },
      { role: "tool", results: [{ callId: "c1", tool: "time", output: "noon", isError: false }] },
    ];
    const sent = (messages: readonly ModelMessage[], id = "mock"): string =>
      JSON.stringify(optionsOf({ ...asked, messages }, { ...endpoint, id }).prompt);
    expect(sent(turn)).toContain("hm, the time");
    expect(sent(turn, "another")).not.toContain("hm, the time");
    expect(sent([...turn, userSays("thanks")])).not.toContain("hm, the time");
  });

  it("H1: a reasoning model of OpenAI gets its own parameters", () => {
    const o3 = modelInfo({ id: "o3", reasoning: true });
    const options = optionsOf(modelRequest("x", { model: o3, thinking: "max", temperature: 0.5 }), endpoint);
    expect(options.providerOptions?.["openaiCompatible"]).toEqual({ reasoningEffort: "high" });
    const body = { model: "o3", max_tokens: 100, temperature: 0.5, top_p: 1, messages: [] };
    expect(bodyOf(body, o3, "https://api.openai.com/v1")).toEqual({
      model: "o3",
      max_completion_tokens: 100,
      messages: [],
    });
    expect(bodyOf(body, o3, "http://127.0.0.1:8000/v1")).toMatchObject({
      max_completion_tokens: 100,
      temperature: 0.5,
    });
    expect(bodyOf(body, modelInfo(), "http://127.0.0.1:8000/v1")).toBe(body);
    const thoughtless = optionsOf(modelRequest("x", { thinking: "high" }), endpoint);
    expect(thoughtless.providerOptions?.["openaiCompatible"]).toEqual({});
  });

  it("a schema is sent as strict only where it is", async () => {
    const open = { type: "object", properties: { mood: { type: "string" } } };
    const format = { type: "json", schema: open, name: "mood" } as const;
    await ask({}, modelRequest("x", { responseFormat: format }));
    await ask(
      {},
      modelRequest("x", {
        responseFormat: { ...format, schema: { ...open, required: ["mood"], additionalProperties: false } },
      }),
    );
    const strict = emulator.requests.map(
      ({ body }) => (body["response_format"] as { json_schema: { strict: boolean } }).json_schema.strict,
    );
    expect(strict).toEqual([false, true]);
  });
});
