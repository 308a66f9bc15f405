import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import type { AssistantContent } from "../../domain/conversation.ts";
import {
  collect,
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
import { baseUrlOf, optionsOf } from "./request.ts";

providerConformance(provider, {
  row: "H2",
  path: "",
  mockUsage: { input_tokens: 21, output_tokens: 9 },
  lengthFinish: "max_tokens",
});

const endpoint = { id: "anthropic", api: "anthropic-messages", baseUrl: null, apiKey: "k", headers: {} } as const;

describe("anthropic-messages", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(script: Script, request: ModelRequest = modelRequest("x")): Promise<ModelEvent[]> {
    emulator.play(script);
    return collect(
      provider
        .open({ ...endpoint, baseUrl: emulator.url }, providerDeps())
        .stream(request, new AbortController().signal),
    );
  }

  const model = modelInfo({ id: "claude-sonnet-4-5", reasoning: true });

  function afterTool(content: readonly AssistantContent[]): ModelRequest {
    return modelRequest("", {
      model,
      thinking: "low",
      messages: [
        userSays("how late?"),
        { role: "assistant", content: [...content, { type: "tool-call", callId: "toolu_1", tool: "time", input: {} }] },
        { role: "tool", results: [{ callId: "toolu_1", tool: "time", output: "noon", isError: false }] },
      ],
    });
  }

  function assistantOf(body: Readonly<Record<string, unknown>> | undefined): unknown {
    const messages = body?.["messages"] as { role: string; content: unknown }[];
    return messages.find(({ role }) => role === "assistant")?.content;
  }

  it("H2: signed thoughts go back as they came", async () => {
    const script = {
      thinking: { text: "the user wants the time", signature: "c2lnbmF0dXJl==" },
      toolCalls: [{ name: "time", input: {}, id: "toolu_1" }],
    };
    const events = await ask(script, modelRequest("how late?", { model, thinking: "low" }));
    expect(emulator.requests[0]?.body["thinking"]).toMatchObject({ type: "enabled" });
    expect(events.slice(0, 2)).toEqual([
      { type: "thinking", text: "the user wants the time" },
      { type: "thinking", text: "", signature: "anthropic/claude-sonnet-4-5:c2lnbmF0dXJl==" },
    ]);
    await ask(
      {},
      afterTool([
        { type: "thinking", text: "the user wants the time", signature: "anthropic/claude-sonnet-4-5:c2lnbmF0dXJl==" },
      ]),
    );
    expect(assistantOf(emulator.requests[1]?.body)).toEqual([
      { type: "thinking", thinking: "the user wants the time", signature: "c2lnbmF0dXJl==" },
      { type: "tool_use", id: "toolu_1", name: "time", input: {} },
    ]);
  });

  it("H2: thoughts that are encrypted whole go back as they came", async () => {
    const events = await ask(
      { thinking: { text: "", redacted: "RU5DUllQVEVE" }, text: "noon" },
      modelRequest("x", { model, thinking: "low" }),
    );
    expect(events[0]).toEqual({
      type: "thinking",
      text: "",
      signature: "anthropic-redacted/claude-sonnet-4-5:RU5DUllQVEVE",
    });
    await ask(
      {},
      afterTool([{ type: "thinking", text: "", signature: "anthropic-redacted/claude-sonnet-4-5:RU5DUllQVEVE" }]),
    );
    expect(assistantOf(emulator.requests[1]?.body)).toMatchObject([
      { type: "redacted_thinking", data: "RU5DUllQVEVE" },
      { type: "tool_use" },
    ]);
  });

  it("H2: thoughts without a signature, or with another provider's, stay at home", async () => {
    await ask(
      {},
      afterTool([
        { type: "thinking", text: "unsigned" },
        { type: "thinking", text: "of another model", signature: "anthropic/claude-opus-5-5:abc" },
        { type: "thinking", text: "foreign", signature: "google/gemini:abc" },
      ]),
    );
    expect(assistantOf(emulator.requests[0]?.body)).toMatchObject([{ type: "tool_use" }]);
  });

  it("H2: overload in the middle of an answer is a failure that may be tried again", async () => {
    const events = await ask({
      text: ["so ", "far"],
      fault: { kind: "error", afterDeltas: 1 },
      error: { type: "overloaded_error" },
    });
    expect(textOf(events)).toBe("so ");
    expect(failureOf(events)).toMatchObject({ code: "MODEL_004", retry: "later" });
  });

  it("an overflow is known by its words, for the protocol gives nothing else", async () => {
    const script = {
      status: 400,
      error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
    };
    expect(failureOf(await ask(script)).code).toBe("MODEL_007");
  });

  it("a failing tool is told as an error, and ids of other providers are made fit", async () => {
    await ask(
      {},
      modelRequest("", {
        messages: [
          userSays("x"),
          {
            role: "assistant",
            content: [{ type: "tool-call", callId: "call|1:a", tool: "time", input: "not an object" }],
          },
          { role: "tool", results: [{ callId: "call|1:a", tool: "time", output: "no such zone", isError: true }] },
        ],
      }),
    );
    const messages = JSON.stringify(emulator.requests[0]?.body["messages"]);
    expect(messages).toContain('"tool_use_id":"call_1_a"');
    expect(messages).toContain('"is_error":true');
    expect(messages).toContain('"input":{"unreadable":"not an object"}');
  });

  it("the answer's room is what the model has, within reason", () => {
    const limit = (maxTokens: number | null): number | undefined =>
      optionsOf(modelRequest("x", { model: modelInfo({ maxTokens }) }), endpoint).maxOutputTokens;
    expect([limit(null), limit(8_000), limit(128_000)]).toEqual([undefined, 8_000, 32_000]);
  });

  it("a JSON answer without a schema is asked for in words", () => {
    const [system] = optionsOf(modelRequest("x", { responseFormat: { type: "json" } }), endpoint).prompt;
    expect(system?.content).toContain("one JSON object");
  });

  it("takes its address with and without the version", () => {
    expect(baseUrlOf(endpoint)).toBe("https://api.anthropic.com/v1");
    expect(baseUrlOf({ ...endpoint, baseUrl: "http://localhost:1/" })).toBe("http://localhost:1/v1");
    expect(baseUrlOf({ ...endpoint, baseUrl: "http://localhost:1/v1" })).toBe("http://localhost:1/v1");
  });
});
