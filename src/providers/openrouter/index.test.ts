import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
import type { ModelEvent, ModelRequest, ProviderEndpoint } from "../contract.ts";
import { provider } from "./index.ts";

providerConformance(provider, {
  row: "H6",
  path: "/api/v1",
  mockUsage: { prompt_tokens: 21, completion_tokens: 9 },
  lengthFinish: "length",
});

const forever = new AbortController().signal;
const endpoint: ProviderEndpoint = {
  id: "openrouter",
  api: "openrouter",
  baseUrl: "http://127.0.0.1:1/api/v1",
  apiKey: "sk-or-secret-0123456789",
  headers: {},
};
const model = modelInfo({ id: "anthropic/claude-sonnet-5", reasoning: true });

/** What no emulator writes, chunk by chunk. */
function played(
  chunks: readonly unknown[],
  request: ModelRequest = modelRequest("x", { model }),
): Promise<ModelEvent[]> {
  const body = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  return collect(provider.open(endpoint, providerDeps({ fetch })).stream(request, forever));
}

function refused(status: number, body: unknown): Promise<ModelEvent[]> {
  const fetch = (): Promise<Response> => Promise.resolve(Response.json(body, { status }));
  return collect(provider.open(endpoint, providerDeps({ fetch })).stream(modelRequest("x", { model }), forever));
}

const chunk = (delta: object, finish_reason: string | null = null): object => ({
  id: "gen-1",
  choices: [{ index: 0, delta, finish_reason }],
});
const usage = (more: object): object => ({
  id: "gen-1",
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 4, ...more },
});

describe("openrouter", () => {
  it("H6: what the call cost comes with its end, in micro-dollars", async () => {
    const cost = async (more: object): Promise<number | undefined> =>
      endOf(await played([chunk({ content: "hi" }, "stop"), usage(more)])).costMicros;
    expect(await cost({ cost: 0.00014 })).toBe(140);
    expect(await cost({ cost: 0.0000001 })).toBe(1);
    expect(await cost({ cost: 0 })).toBe(0);
    // With the person's own key the maker charges besides.
    expect(await cost({ cost: 0.95, is_byok: true, cost_details: { upstream_inference_cost: 19 } })).toBe(19_950_000);
    expect(await cost({ cost: 0.00014, is_byok: false, cost_details: { upstream_inference_cost: 0.00014 } })).toBe(140);
    for (const junk of [{}, { cost: -1 }, { cost: null }, { cost: "0.1" }, { cost: 1e12 }])
      expect(await cost(junk)).toBeUndefined();
    expect(endOf(await played([chunk({ content: "hi" }, "stop"), usage({ cost: 0.00014 })])).usage).toEqual({
      input: 10,
      output: 4,
      cacheRead: 0,
      cacheWrite: 0,
    });
  });

  describe("over the wire", () => {
    let emulator: ModelEmulator;
    beforeEach(async () => {
      emulator = await startModelEmulator();
    });
    afterEach(() => emulator.close());

    async function sent(request: ModelRequest, more: Partial<ProviderEndpoint> = {}): Promise<Record<string, unknown>> {
      const at = { ...endpoint, baseUrl: `${emulator.url}/api/v1/`, ...more };
      await collect(provider.open(at, providerDeps()).stream(request, forever));
      return emulator.requests.at(-1) as unknown as Record<string, unknown>;
    }

    it("H6: asks for the cost, says which program it is and nothing of who runs it", async () => {
      const seen = await sent(modelRequest("x", { model, thinking: "max" }));
      expect(seen["path"]).toBe("/api/v1/chat/completions");
      expect(seen["body"]).toMatchObject({ usage: { include: true }, reasoning: { effort: "max" } });
      expect(seen["body"]).not.toHaveProperty("reasoning_effort");
      expect(seen["headers"]).toMatchObject({
        authorization: `Bearer ${endpoint.apiKey}`,
        "x-title": "OpenClaw",
      });
      const named = await sent(modelRequest("x", { model }), { headers: { "X-Title": "Ours" } });
      expect(named["headers"]).toMatchObject({ "x-title": "Ours" });
      expect(named["body"]).not.toHaveProperty("reasoning");
    });

    it("H6: the details of thoughts go back whole and in order while the turn lasts, and to the same model alone", async () => {
      const text = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
      const events = await played([
        chunk({ reasoning: "the time ", reasoning_details: [{ ...text, text: "the time " }] }),
        chunk({ reasoning: "is wanted", reasoning_details: [{ ...text, text: "is wanted" }] }),
        chunk({ reasoning: "", reasoning_details: [{ ...text, text: "", signature: "c2ln" }] }),
        chunk({
          tool_calls: [{ index: 0, id: "call_1", function: { name: "time", arguments: "{}" } }],
          reasoning_details: [{ type: "reasoning.encrypted", data: "RU5D", id: "call_1", index: 1 }],
        }),
        chunk({}, "tool_calls"),
        usage({ cost: 0.01 }),
      ]);
      expect(events.map(({ type }) => type)).toEqual(["thinking", "thinking", "thinking", "tool-call", "end"]);
      const seal = events[2]?.type === "thinking" ? (events[2].signature ?? "") : "";
      expect(seal).toMatch(/^openrouter\/anthropic\/claude-sonnet-5:/);
      const turn: ModelMessage[] = [
        userSays("how late?"),
        {
          role: "assistant",
          content: [
            { type: "thinking", text: "the time is wanted", signature: seal },
            { type: "tool-call", callId: "call_1", tool: "time", input: {} },
          ],
        },
        { role: "tool", results: [{ callId: "call_1", tool: "time", output: "noon", isError: false }] },
      ];
      const assistant = async (messages: readonly ModelMessage[], id = model.id): Promise<unknown> => {
        const { body } = await sent(modelRequest("", { model: { ...model, id }, messages }));
        return (body as { messages: { role: string }[] }).messages.find(({ role }) => role === "assistant");
      };
      const back = await assistant(turn);
      expect(back).toMatchObject({
        reasoning_details: [
          { ...text, text: "the time is wanted", signature: "c2ln" },
          { type: "reasoning.encrypted", data: "RU5D", id: "call_1", index: 1 },
        ],
        tool_calls: [{ id: "call_1" }],
      });
      expect(back).not.toHaveProperty("reasoning_content");
      for (const other of [
        await assistant([...turn, userSays("thanks")]),
        await assistant(turn, "openai/gpt-5"),
        await assistant(turn, "openrouter/auto"),
      ])
        expect(JSON.stringify(other)).not.toContain("reasoning");
    });
  });

  it("thoughts that are sealed whole stand before the call they led to", async () => {
    const events = await played([
      chunk({
        reasoning_details: [{ type: "reasoning.encrypted", data: "RU5D", index: 0 }],
        tool_calls: [{ index: 0, id: "call_1", function: { name: "time", arguments: "{}" } }],
      }),
      chunk({}, "tool_calls"),
    ]);
    expect(events.map(({ type }) => type)).toEqual(["thinking", "tool-call", "end"]);
    expect(callsOf(events)[0]?.callId).toBe("call_1");
  });

  it.each([
    [
      { code: 502, message: "Provider returned error", metadata: { provider_name: "Acme", raw: "upstream died" } },
      "MODEL_004",
    ],
    [
      {
        code: 429,
        message: "Provider returned error",
        metadata: { provider_name: "Acme", raw: { detail: "slow down" } },
      },
      "MODEL_003",
    ],
    [{ code: "server_error", message: "Provider disconnected" }, "MODEL_004"],
  ])("H6: an error in the middle of a 200 says who failed: %j", async (error, code) => {
    const events = await played([
      chunk({ content: "so far" }),
      { id: "gen-1", error, choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }] },
    ]);
    expect(textOf(events)).toBe("so far");
    const failure = failureOf(events);
    expect(failure.code).toBe(code);
    const metadata = "metadata" in error ? error.metadata : undefined;
    if (metadata !== undefined) expect(failure.message).toMatch(/Acme: .*(upstream died|slow down)/);
  });

  it.each([
    [
      400,
      {
        code: 400,
        message: "Provider returned error",
        metadata: { provider_name: "Acme", raw: "This model's maximum context length is 8192 tokens" },
      },
      "context_overflow",
    ],
    [
      403,
      { code: 403, message: "Your input was flagged", metadata: { reasons: ["violence"], flagged_input: "…" } },
      "content_filter",
    ],
    [403, { code: 403, message: "Key limit exceeded (monthly limit)." }, "billing"],
    [401, { code: 401, message: "No auth credentials found" }, "auth"],
    [402, { code: 402, message: "Insufficient credits" }, "billing"],
    [
      402,
      { code: 402, message: "Too much under way", metadata: { limit_source: "openrouter_in_flight_budget" } },
      "rate_limit",
    ],
    [404, { code: 404, message: "No endpoints found for nobody/knows." }, "model_not_found"],
    [
      429,
      {
        code: 429,
        message: "Provider returned error",
        metadata: { raw: "rate-limited upstream", provider_name: "Acme" },
      },
      "rate_limit",
    ],
    [503, { code: 503, message: "No provider meets your routing requirements" }, "overloaded"],
  ])("H6: %i %j is %s", async (status, error, reason) => {
    const failure = failureOf(await refused(status, { error }));
    expect(failure.details).toMatchObject({ reason, status, provider: "openrouter" });
    expect(JSON.stringify(failure)).not.toContain(endpoint.apiKey);
  });
});

describe("openrouter's list of models", () => {
  let server: Server;
  let pages: (url: URL) => { status?: number; body: unknown };
  let asked: string[];
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`);
      const { status = 200, body } = pages(new URL(request.url ?? "/", "http://local"));
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  const list = () => provider.open({ ...endpoint, baseUrl: base() }, providerDeps()).listModels!(forever);
  const entry = (id: string, more: object = {}): object => ({
    id,
    name: `Name of ${id}`,
    context_length: 200_000,
    architecture: { input_modalities: ["text", "image", "file"] },
    top_provider: { max_completion_tokens: 64_000 },
    supported_parameters: ["tools", "reasoning"],
    pricing: {
      prompt: "0.000003",
      completion: "0.000015",
      input_cache_read: "0.0000003",
      input_cache_write: "0.00000375",
      request: "0",
      image: "0.0048",
    },
    ...more,
  });

  it("H6: two hundred and more models come with price, window and abilities", async () => {
    const ids = Array.from({ length: 240 }, (_, index) => `maker-${index % 7}/model-${index}:free`);
    pages = () => ({ body: { data: ids.map((id) => entry(id)) } });
    const models = await list();
    expect(models.map(({ id }) => id)).toEqual(ids);
    expect(models[0]).toEqual({
      ref: "openrouter/maker-0/model-0:free",
      provider: "openrouter",
      id: "maker-0/model-0:free",
      name: "Name of maker-0/model-0:free",
      contextWindow: 200_000,
      maxTokens: 64_000,
      reasoning: true,
      input: ["text", "image", "document"],
      price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    });
    expect(asked).toEqual([`/api/v1/models Bearer ${endpoint.apiKey}`]);
  });

  it("H6: a list in pages is read to its end, each model once", async () => {
    const page = (start: number): object[] =>
      Array.from({ length: 100 }, (_, index) => entry(`maker/model-${start + index}`));
    const linked: Record<string, unknown> = {
      "": { data: page(0), links: { next: `${"/api/v1/models"}?offset=90` } },
      "?offset=90": { data: page(90), next: `${base()}/models?offset=190` },
      "?offset=190": { data: page(190), has_more: true, last_id: "maker/model-289" },
      "?offset=190&after=maker%2Fmodel-289": { data: page(290), next_cursor: "abc" },
      "?offset=190&after=maker%2Fmodel-289&cursor=abc": { data: page(390), next: null },
    };
    pages = (url) => ({ body: linked[url.search] ?? { data: [] } });
    const models = await list();
    expect(models).toHaveLength(490);
    expect(new Set(models.map(({ id }) => id)).size).toBe(490);
    expect(asked).toHaveLength(5);
  });

  it("H6: a next page elsewhere, or one that was read, is not followed: the key stays here", async () => {
    for (const next of [
      "https://evil.example.org/api/v1/models",
      "/api/v1/keys",
      "/api/v1/models",
      "file:///x",
      7,
      "",
    ]) {
      asked = [];
      pages = () => ({ body: { data: [entry("maker/a")], next } });
      expect(await list()).toHaveLength(1);
      expect(asked).toHaveLength(1);
    }
    let number = 0;
    pages = () => ({ body: { data: [entry(`maker/m-${number++}`)], next: `/api/v1/models?page=${number}` } });
    expect(await list()).toHaveLength(20);
  });

  it.each([
    { prompt: "-1", completion: "-1" },
    { prompt: "0.000003", completion: "-0.000001" },
    { prompt: -1, completion: -0.000_001 },
    { prompt: Number.MAX_VALUE, completion: 0 },
    { prompt: "", completion: "" },
    { prompt: " ", completion: "0.1e-5" },
    { prompt: null, completion: null },
    { prompt: true, completion: true },
    { prompt: [], completion: {} },
    { prompt: "NaN", completion: "Infinity" },
    { prompt: "3", completion: "15" },
    { prompt: "0x10", completion: "0b1" },
    { prompt: "0.000003" },
    { prompt: "0.000003", completion: "0.000015", request: "0.005" },
    { prompt: "0.000003", completion: "0.000015", request: "-1" },
    null,
    "free",
  ])("H6: a price of %j is unknown, never free", async (pricing) => {
    pages = () => ({ body: { data: [entry("maker/a", { pricing })] } });
    expect((await list())[0]?.price).toBeUndefined();
  });

  it("a model that is free says so in numbers; what is not said of the cache costs what reading costs", async () => {
    const prices = [
      { prompt: "0", completion: "0" },
      { prompt: 0.000_001, completion: "2e-6", internal_reasoning: "0.000004", input_cache_read: "-1" },
    ];
    pages = () => ({ body: { data: prices.map((pricing, index) => entry(`maker/m-${index}`, { pricing })) } });
    expect((await list()).map(({ price }) => price)).toEqual([
      { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      { input: 1, output: 4, cacheRead: 1, cacheWrite: 1 },
    ]);
  });

  it("H6: junk entries are left out, junk fields are unknown", async () => {
    const junk = [
      null,
      7,
      "x",
      [],
      {},
      { id: 3 },
      { id: "" },
      { id: "no-maker" },
      { id: "a/b c" },
      { id: `a/${"b".repeat(300)}` },
    ];
    const odd = {
      id: "maker/odd",
      name: 7,
      context_length: -5,
      architecture: [],
      top_provider: null,
      supported_parameters: "all",
    };
    pages = () => ({ body: { data: [...junk, odd, entry("maker/a"), entry("maker/a")] } });
    const models = await list();
    expect(models.map(({ id }) => id)).toEqual(["maker/odd", "maker/a"]);
    expect(models[0]).toMatchObject({
      name: "maker/odd",
      contextWindow: null,
      maxTokens: null,
      reasoning: false,
      input: ["text"],
      price: undefined,
    });
  });

  it.each([
    [200, "<html>Sign in</html>", "MODEL_005"],
    [200, { data: "none" }, "MODEL_005"],
    [200, null, "MODEL_005"],
    [401, { error: { message: "no" } }, "MODEL_002"],
    [503, "busy", "MODEL_004"],
    [200, "x".repeat(16 * 1024 * 1024 + 1), "MODEL_005"],
  ])("a list that cannot be had is a typed error: %i", async (status, body, code) => {
    pages = () => ({ status, body });
    await expect(list()).rejects.toMatchObject({ code });
  });

  it("a server that is not there, and an abort, are told", async () => {
    const gone = provider.open({ ...endpoint, baseUrl: "http://127.0.0.1:1/api/v1" }, providerDeps());
    await expect(gone.listModels!(forever)).rejects.toMatchObject({ code: "MODEL_004" });
    await expect(gone.listModels!(AbortSignal.abort())).rejects.toMatchObject({ code: "RUN_001" });
  });
});
