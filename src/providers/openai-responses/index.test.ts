import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import {
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

providerConformance(provider, {
  row: "H1",
  path: "/v1",
  mockUsage: { input_tokens: 21, output_tokens: 9 },
  lengthFinish: "max_output_tokens",
});

describe("openai-responses", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(request: ModelRequest): Promise<ModelEvent[]> {
    const endpoint = {
      id: "openai",
      api: "openai-responses",
      baseUrl: `${emulator.url}/v1`,
      apiKey: "k",
      headers: {},
    } as const;
    return collect(provider.open(endpoint, providerDeps()).stream(request, new AbortController().signal));
  }

  it("H1: encrypted reasoning goes back with the tool call it led to", async () => {
    const model = modelInfo({ id: "o3", reasoning: true });
    emulator.play({
      thinking: { text: "weighing", signature: "ENCRYPTED" },
      toolCalls: [{ name: "time", input: {}, id: "call_a" }],
    });
    const events = await ask(modelRequest("x", { model, thinking: "low" }));
    expect(events.slice(0, 2)).toEqual([
      { type: "thinking", text: "weighing" },
      { type: "thinking", text: "", signature: "openai-reasoning/o3:rs_0|ENCRYPTED" },
    ]);
    emulator.play({});
    await ask(
      modelRequest("", {
        model,
        messages: [
          userSays("x"),
          {
            role: "assistant",
            content: [
              { type: "thinking", text: "weighing", signature: "openai-reasoning/o3:rs_0|ENCRYPTED" },
              { type: "thinking", text: "someone else's", signature: "openai-reasoning/o1:rs_0|OTHER" },
              { type: "tool-call", callId: "call_a", tool: "time", input: {} },
            ],
          },
          { role: "tool", results: [{ callId: "call_a", tool: "time", output: "noon", isError: false }] },
        ],
      }),
    );
    const [first, second] = emulator.requests.map(({ body }) => body);
    expect(first).toMatchObject({
      store: false,
      include: ["reasoning.encrypted_content"],
      reasoning: { effort: "low" },
    });
    const input = JSON.stringify(second?.["input"]);
    expect(input).toContain('"encrypted_content":"ENCRYPTED"');
    expect(input).not.toContain("someone else");
  });

  it.each([
    ["rate_limit_exceeded", "MODEL_003"],
    ["insufficient_quota", "MODEL_003"],
    ["server_error", "MODEL_004"],
    ["context_length_exceeded", "MODEL_007"],
  ])("H1: a stream that fails with %s is %s", async (code, expected) => {
    emulator.play({
      text: ["so ", "far"],
      fault: { kind: "error", afterDeltas: 1 },
      error: { code, message: "it failed" },
    });
    const events = await ask(modelRequest("x"));
    expect(textOf(events)).toBe("so ");
    expect(failureOf(events)).toMatchObject({ code: expected, details: { providerCode: code } });
  });

  it("an answer that the filter ended keeps what was said", async () => {
    emulator.play({ text: "half of", finish: "content_filter" });
    expect(endOf(await ask(modelRequest("x"))).reason).toBe("content-filter");
  });
});
