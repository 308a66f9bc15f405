import { describe, expect, it } from "vitest";
import type { ModelMessage } from "../domain/conversation.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { capturedBody, thinker, type Body } from "./captured-body.fixture.ts";
import { collect, endOf } from "./conformance.ts";
import type { ModelApi, ModelRequest } from "./contract.ts";
import { providerModule } from "./registry.ts";

const model = thinker("m-1", { reasoning: false });
const says = (text: string): ModelMessage => ({ role: "user", content: [{ type: "text", text }] });
const answers = (text: string): ModelMessage => ({ role: "assistant", content: [{ type: "text", text }] });
const tool = (name: string): ModelRequest["tools"][number] => ({
  name,
  description: name,
  inputSchema: { type: "object" },
});

function asks(messages: readonly ModelMessage[], more: Partial<ModelRequest> = {}): ModelRequest {
  return { model, system: "You are brief.", messages, tools: [tool("time"), tool("weather")], ...more };
}

/** Every text or block that carries a mark, in the order of the wire. */
function marks(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "cache_control" in value ? [path] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, part]) => (key === "cache_control" ? [] : marks(part, `${path}/${key}`))),
  ];
}

describe("the prompt cache of Anthropic", () => {
  const sent = (messages: readonly ModelMessage[], more: Partial<ModelRequest> = {}): Promise<Body> =>
    capturedBody("anthropic-messages", asks(messages, more));

  it("H2: is marked behind tools, system and the last two turns of the person", async () => {
    const body = await sent([says("one"), answers("1"), says("two"), answers("2"), says("three")]);
    expect(marks(body).toSorted()).toEqual(["/messages/2/content/0", "/messages/4/content/0", "/system/0", "/tools/1"]);
    expect(JSON.stringify(body)).toContain('"cache_control":{"type":"ephemeral"}');
  });

  it("H2: tool results are such a turn; those that stand together are one", async () => {
    const call = (id: string): ModelMessage => ({
      role: "assistant",
      content: [{ type: "tool-call", callId: id, tool: "time", input: {} }],
    });
    const result = (id: string): ModelMessage => ({
      role: "tool",
      results: [{ callId: id, tool: "time", output: "noon", isError: false }],
    });
    const body = await sent([says("how late?"), call("a"), result("a"), says("well?")]);
    expect(marks(body["messages"])).toEqual(["/0/content/0", "/2/content/1"]);
    expect(marks(await sent([says("x"), call("a"), result("a"), call("b"), result("b")]))).toHaveLength(4);
  });

  it("H2: the second of two calls finds what the first one left", async () => {
    const first = await sent([says("one")]);
    const second = await sent([says("one"), answers("1"), says("two")]);
    const kept = (body: Body, turns: number): string =>
      JSON.stringify([body["system"], body["tools"], (body["messages"] as unknown[]).slice(0, turns)]);
    expect(kept(second, 1)).toBe(kept(first, 1));
    expect(marks(second["messages"])).toEqual(["/0/content/0", "/2/content/0"]);
  });

  it("H2: there are never more marks than four, nor one on nothing", async () => {
    expect(marks(await sent([says("x")], { system: "", tools: [] }))).toEqual(["/messages/0/content/0"]);
    const long = Array.from({ length: 41 }, (_, index) => (index % 2 === 0 ? says(`${index}`) : answers(`${index}`)));
    expect(marks(await sent(long))).toHaveLength(4);
  });
});

describe("the prompt cache of OpenAI", () => {
  it("H1: gets a name that is the conversation's and nobody's", async () => {
    const cacheKey = "agent:main:signal:+4912345";
    const named = async (api: ModelApi, baseUrl: string, key = cacheKey): Promise<unknown> =>
      (await capturedBody(api, asks([says("x")], { cacheKey: key }), baseUrl))["prompt_cache_key"];
    const name = await named("openai-responses", "https://api.openai.com/v1");
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    expect(await named("openai-completions", "https://api.openai.com/v1")).toBe(name);
    expect(await named("openai-responses", "https://api.openai.com/v1", "another")).not.toBe(name);
    // Others refuse a field that they do not know.
    expect(await named("openai-completions", "http://127.0.0.1:9/v1")).toBeUndefined();
    expect((await capturedBody("openai-responses", asks([says("x")])))["prompt_cache_key"]).toBeUndefined();
  });
});

const sse = (...frames: readonly unknown[]): string =>
  frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("");

async function usageOf(api: ModelApi, body: string): Promise<unknown> {
  const provider = (await providerModule(api)).open(
    { id: "acme", api, baseUrl: "http://127.0.0.1:9", apiKey: "k", headers: {} },
    {
      fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
      clock: systemClock(),
      ids: systemIds(),
    },
  );
  return endOf(await collect(provider.stream(asks([says("x")]), new AbortController().signal))).usage;
}

describe("tokens by kind", () => {
  const completions = (usage: object): Promise<unknown> =>
    usageOf(
      "openai-completions",
      `${sse({ id: "1", choices: [{ delta: { content: "hi" }, finish_reason: "stop" }], usage })}data: [DONE]\n\n`,
    );

  it.each([
    [
      "OpenAI",
      { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 90 } },
      [10, 5, 90, 0],
    ],
    [
      "OpenRouter",
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      },
      [10, 5, 60, 30],
    ],
    [
      "DeepSeek",
      { prompt_tokens: 100, completion_tokens: 5, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
      [36, 5, 64, 0],
    ],
    ["Moonshot", { prompt_tokens: 100, completion_tokens: 5, cached_tokens: 40 }, [60, 5, 40, 0]],
    [
      "LiteLLM",
      { prompt_tokens: 100, completion_tokens: 5, cache_read_input_tokens: 70, cache_creation_input_tokens: 20 },
      [10, 5, 70, 20],
    ],
    [
      "a server that counts its cache on top",
      { prompt_tokens: 10, completion_tokens: 5, cache_read_input_tokens: 70, cache_creation_input_tokens: 20 },
      [10, 5, 70, 20],
    ],
    ["a server that counts in fractions", { prompt_tokens: 10.6, completion_tokens: 4.4 }, [11, 4, 0, 0]],
    ["a server that counts below zero", { prompt_tokens: 10, completion_tokens: -4 }, [10, 0, 0, 0]],
  ])("X4: %s is read without counting a token twice", async (_name, usage, [input, output, cacheRead, cacheWrite]) => {
    expect(await completions(usage)).toEqual({ input, output, cacheRead, cacheWrite });
  });

  it("X4: what nobody can have counted is no usage", async () => {
    expect(await completions({ prompt_tokens: 1e12, completion_tokens: 1 })).toBeNull();
  });

  it("X4: Anthropic's cache is apart from its input", async () => {
    const body = sse(
      {
        type: "message_start",
        message: {
          id: "m",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          usage: { input_tokens: 7, cache_read_input_tokens: 100, cache_creation_input_tokens: 50, output_tokens: 1 },
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    );
    expect(await usageOf("anthropic-messages", body)).toEqual({ input: 7, output: 5, cacheRead: 100, cacheWrite: 50 });
  });

  it("X4: Gemini's implicit cache comes off its prompt, its thoughts are output", async () => {
    const body = sse({
      candidates: [{ content: { role: "model", parts: [{ text: "hi" }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 80,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 9,
      },
    });
    expect(await usageOf("google-generative-ai", body)).toEqual({
      input: 20,
      output: 14,
      cacheRead: 80,
      cacheWrite: 0,
    });
  });
});
