/** Against an independent mock of the real services: what we think of a wire is compared with what others think of it. */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ModelMessage } from "../../domain/conversation.ts";
import type { ModelProvider, ProviderModule } from "../contract.ts";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  forever,
  key,
  modelRequest,
  providerDeps,
  textOf,
  timeTool,
  tinyPng,
  userSays,
  type ConformanceHarness,
} from "./bench.ts";

const odd = '🌞👩‍👩‍👧 \u202eשלום\u202c e\u0301 \u2028 \\ "';

export function againstMock(module: ProviderModule, { row, path, mockUsage }: ConformanceHarness): void {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  let provider: ModelProvider;
  beforeAll(async () => {
    mock.onMessage("hello", {
      content: "Hi there, how are you today?",
      ...(mockUsage === null ? {} : { usage: mockUsage }),
    });
    mock.onMessage("weather", { toolCalls: [{ name: "time", arguments: '{"zone":"UTC"}' }] });
    mock.onMessage("picture", { content: "A red dot." });
    mock.onMessage("odd", { content: odd });
    mock.onMessage("nothing", { content: "" });
    mock.onMessage("truncated", { content: "Hi there, how are you today?" }, { truncateAfterChunks: 2, chunkSize: 6 });
    mock.onMessage("malformed", { content: "Hi there" }, { chaos: { malformedRate: 1 } });
    mock.onMessage("dropped", { content: "Hi there" }, { chaos: { disconnectRate: 1 } });
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

  it(`${row}: odd characters come through, and an empty answer is one`, async () => {
    expect(textOf(await collect(provider.stream(modelRequest("odd"), forever)))).toBe(odd);
    const events = await collect(provider.stream(modelRequest("nothing"), forever));
    expect(textOf(events)).toBe("");
    // A stream without a word and without an end is no answer; which of the two it sends is the mock's affair.
    if (events.at(-1)?.type === "failure") expect(failureOf(events).code).toBe("MODEL_005");
  });

  it.each(["truncated", "malformed", "dropped"])(`${row}: an answer that is %s is a failure`, async (fault) => {
    const events = await collect(provider.stream(modelRequest(fault), forever));
    expect(failureOf(events).code).toMatch(/^MODEL_00[45]$/);
    expect("Hi there, how are you today?".startsWith(textOf(events))).toBe(true);
  });

  it(`${row}: a conversation with a tool's result and foreign ids is taken`, async () => {
    const messages: ModelMessage[] = [
      userSays("weather"),
      {
        role: "assistant",
        content: [
          { type: "thinking", text: "hm", signature: "other/m:SEALED" },
          { type: "tool-call", callId: "call|1:a", tool: "time", input: { zone: "UTC" } },
        ],
      },
      { role: "tool", results: [{ callId: "call|1:a", tool: "time", output: "12:34", isError: false }] },
      userSays("hello"),
    ];
    const events = await collect(provider.stream(modelRequest("", { messages, tools: [timeTool] }), forever));
    expect(textOf(events)).toBe("Hi there, how are you today?");
  });
}
