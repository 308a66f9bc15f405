import { describe, expect, it } from "vitest";
import { modelInfo, modelRequest, userSays } from "../conformance.ts";
import type { ModelRequest } from "../contract.ts";
import { traitsOf } from "./model-traits.ts";
import { bodyOf, pathOf } from "./request.ts";

const tool = { name: "time", description: "", inputSchema: { type: "object" } };

function body(id: string, more: Partial<ModelRequest> = {}): Record<string, unknown> {
  const model = modelInfo({ id, name: id, reasoning: true });
  return bodyOf(modelRequest("hello", { model, ...more })) as Record<string, unknown>;
}

const fieldsOf = (id: string, thinking: string, more: Partial<ModelRequest> = {}): unknown =>
  body(id, { thinking, ...more })["additionalModelRequestFields"];

describe("a request to Bedrock", () => {
  it("models are known by their names, behind any profile", () => {
    const of = (id: string, name = id): unknown => {
      const { family, thinks, caches } = traitsOf({ id, name });
      return [family, thinks, caches];
    };
    expect(of("us.anthropic.claude-sonnet-4-5-20250929-v1:0")).toEqual(["claude", "budget", true]);
    expect(of("anthropic.claude-sonnet-4-20250514-v1:0")).toEqual(["claude", "budget", true]);
    expect(of("global.anthropic.claude-opus-4-6-v1")).toEqual(["claude", "adaptive", true]);
    expect(of("jp.anthropic.claude-opus-5-5")).toEqual(["claude", "adaptive", true]);
    expect(of("us.anthropic.claude-3-7-sonnet-20250219-v1:0")).toEqual(["claude", "budget", true]);
    expect(of("anthropic.claude-3-5-haiku-20241022-v1:0")).toEqual(["claude", "no", true]);
    expect(of("anthropic.claude-3-5-sonnet-20240620-v1:0")).toEqual(["claude", "no", false]);
    expect(of("anthropic.claude-3-haiku-20240307-v1:0")).toEqual(["claude", "no", false]);
    expect(of("anthropic.claude-v2:1")).toEqual(["claude", "no", false]);
    expect(of("us.amazon.nova-pro-v1:0")).toEqual(["nova", "no", true]);
    expect(of("us.amazon.nova-2-lite-v1:0")).toEqual(["nova", "effort", true]);
    expect(of("openai.gpt-oss-120b-1:0")).toEqual(["gpt-oss", "effort", false]);
    expect(of("meta.llama3-3-70b-instruct-v1:0")).toEqual(["other", "no", false]);
    const arn = "arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/abcdefghijkl";
    expect(of(arn)).toEqual(["other", "no", false]);
    expect(of(arn, "claude-sonnet-4-5")).toEqual(["claude", "budget", true]);
    expect(pathOf(arn)).toContain("application-inference-profile%2Fabcdefghijkl/converse-stream");
  });

  it("H3: thinking is asked for in each model's own way", () => {
    const budget = { thinking: { type: "enabled", budget_tokens: 24_576 } };
    expect(fieldsOf("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "high")).toEqual(budget);
    expect(fieldsOf("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "none")).toBeUndefined();
    expect(fieldsOf("us.anthropic.claude-opus-4-6-v1", "xhigh")).toEqual({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
    expect(fieldsOf("us.anthropic.claude-opus-5", "xhigh")).toMatchObject({ output_config: { effort: "xhigh" } });
    expect(fieldsOf("us.anthropic.claude-opus-5", "off")).toEqual({ thinking: { type: "disabled" } });
    expect(fieldsOf("global.anthropic.claude-opus-5-5", "off")).toMatchObject({ output_config: { effort: "low" } });
    expect(fieldsOf("global.anthropic.claude-sonnet-5-5", "off")).toEqual({ thinking: { type: "between_tools" } });
    expect(fieldsOf("openai.gpt-oss-120b-1:0", "max")).toEqual({ reasoning_effort: "high" });
    expect(fieldsOf("us.amazon.nova-2-lite-v1:0", "low")).toEqual({
      reasoningConfig: { type: "enabled", maxReasoningEffort: "low" },
    });
    expect(fieldsOf("meta.llama3-3-70b-instruct-v1:0", "high")).toBeUndefined();
    expect(fieldsOf("us.anthropic.claude-sonnet-4-5", "high", { maxOutputTokens: 1_024 })).toBeUndefined();
    expect(fieldsOf("us.anthropic.claude-sonnet-4-5", "minimal", { maxOutputTokens: 4_000 })).toEqual({
      thinking: { type: "enabled", budget_tokens: 1_024 },
    });
  });

  it("a thinking or a newer Claude gets no temperature and no forced tool; others do", () => {
    const asked = { temperature: 0.5, topP: 0.9, tools: [tool], toolChoice: "required" } as const;
    const old = body("us.anthropic.claude-sonnet-4-5", asked);
    expect(old["inferenceConfig"]).toEqual({ temperature: 0.5, topP: 0.9 });
    expect(old["toolConfig"]).toMatchObject({ toolChoice: { any: {} } });
    const thinking = body("us.anthropic.claude-sonnet-4-5", { ...asked, thinking: "low" });
    expect(thinking["inferenceConfig"]).toEqual({ maxTokens: 36_096 });
    expect(thinking["toolConfig"]).not.toHaveProperty("toolChoice");
    const newest = body("global.anthropic.claude-opus-5-5", asked);
    expect(newest["inferenceConfig"]).toBeUndefined();
    expect(newest["toolConfig"]).not.toHaveProperty("toolChoice");
    expect(body("meta.llama3-3-70b-instruct-v1:0", asked)["toolConfig"]).not.toHaveProperty("toolChoice");
    const named = body("us.amazon.nova-pro-v1:0", { tools: [tool], toolChoice: { tool: "time" } });
    expect(named["toolConfig"]).toMatchObject({ toolChoice: { tool: { name: "time" } } });
    const most = body("us.amazon.nova-2-lite-v1:0", { thinking: "high", temperature: 1, maxOutputTokens: 9 });
    expect(most["inferenceConfig"]).toBeUndefined();
  });

  it("H3: the prompt is cached where the model can, and no marker goes to one that cannot", () => {
    const marker = { cachePoint: { type: "default" } };
    const claude = body("us.anthropic.claude-sonnet-4-5", { system: "Be brief." });
    expect(claude["system"]).toEqual([{ text: "Be brief." }, marker]);
    expect(claude["messages"]).toEqual([{ role: "user", content: [{ text: "hello" }, marker] }]);
    const nova = body("us.amazon.nova-pro-v1:0");
    expect(JSON.stringify(nova["system"])).toContain("cachePoint");
    expect(JSON.stringify(nova["messages"])).not.toContain("cachePoint");
    expect(JSON.stringify(body("anthropic.claude-3-haiku-20240307-v1:0"))).not.toContain("cachePoint");
    expect(JSON.stringify(body("meta.llama3-3-70b-instruct-v1:0"))).not.toContain("cachePoint");
  });

  it("a history of tool calls without a tool is told in words, for the shape is refused", () => {
    const messages = [
      userSays("how late?"),
      {
        role: "assistant",
        content: [{ type: "tool-call", callId: "c1", tool: "time", input: { zone: "UTC" } }],
      },
      { role: "tool", results: [{ callId: "c1", tool: "time", output: "noon", isError: false }] },
      userSays("thanks"),
    ] as const;
    for (const more of [{}, { tools: [tool], toolChoice: "none" }] as const) {
      const sent = body("meta.llama3-3-70b-instruct-v1:0", { messages, ...more });
      expect(sent["toolConfig"]).toBeUndefined();
      expect(sent["messages"]).toEqual([
        { role: "user", content: [{ text: "how late?" }] },
        { role: "assistant", content: [{ text: '[Called time with {"zone":"UTC"}]' }] },
        { role: "user", content: [{ text: "[time answered: noon]" }, { text: "thanks" }] },
      ]);
    }
  });

  it("a schema binds where the model can be bound, and is told in words where it cannot", () => {
    const schema = {
      type: "object",
      properties: { mood: { type: "string" } },
      required: ["mood"],
      additionalProperties: false,
    };
    const responseFormat = { type: "json", schema, name: "mood" } as const;
    const bound = body("global.anthropic.claude-opus-5-5", { responseFormat });
    expect(bound["outputConfig"]).toEqual({
      textFormat: { type: "json_schema", structure: { jsonSchema: { name: "mood", schema: JSON.stringify(schema) } } },
    });
    expect(JSON.stringify(bound["system"])).not.toContain("JSON");
    for (const id of ["global.anthropic.claude-haiku-5-5", "us.amazon.nova-pro-v1:0"]) {
      const told = body(id, { responseFormat });
      expect(told["outputConfig"]).toBeUndefined();
      expect(JSON.stringify(told["system"])).toContain("mood");
    }
    expect(JSON.stringify(body("m", { responseFormat: { type: "json" } })["system"])).toContain("one JSON object");
  });

  it("blank and empty pieces, which are refused, are left out", () => {
    const messages = [
      { role: "user", content: [{ type: "text", text: " " }] },
      { role: "assistant", content: [{ type: "text", text: "" }] },
      { role: "assistant", content: [{ type: "thinking", text: "hm", signature: "bedrock/m:s" }] },
      userSays("again"),
    ] as const;
    expect(body("m", { messages, system: " " })).toEqual({
      messages: [{ role: "user", content: [{ text: "(empty message)" }, { text: "again" }] }],
    });
  });
});
