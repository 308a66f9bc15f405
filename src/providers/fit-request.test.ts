import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelMessage } from "../domain/conversation.ts";
import { modelInfo, modelRequest, userSays } from "./conformance.ts";
import { fitRequest } from "./fit-request.ts";

const anywhere = { baseUrl: null };

function calling(...ids: readonly string[]): ModelMessage[] {
  return ids.flatMap((callId): ModelMessage[] => [
    { role: "assistant", content: [{ type: "tool-call", callId, tool: "time", input: {} }] },
    { role: "tool", results: [{ callId, tool: "time", output: "noon", isError: false }] },
  ]);
}

function idsOf(messages: readonly ModelMessage[]): string[] {
  return messages.flatMap((message) => {
    if (message.role === "tool") return message.results.map(({ callId }) => callId);
    return message.content.flatMap((part) => (part.type === "tool-call" ? [part.callId] : []));
  });
}

describe("a request before it meets a wire", () => {
  it("is the same one where there is nothing to mend", () => {
    const request = modelRequest("x", { messages: [userSays("x"), ...calling("a", "b"), userSays("🌞")] });
    expect(fitRequest(request, anywhere)).toBe(request);
  });

  it("is left alone the second time, whatever it was", () => {
    const id = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.constantFrom("call_0", "call|0", "", "call_0_2"),
    );
    const model = fc.constantFrom("m-1", "mistral-small");
    fc.assert(
      fc.property(fc.array(id, { maxLength: 8 }), fc.string({ unit: "binary" }), model, (ids, text, name) => {
        const messages = [userSays(text), ...calling(...ids)];
        const once = fitRequest(modelRequest("", { messages, model: modelInfo({ id: name }) }), anywhere);
        expect(fitRequest(once, anywhere)).toBe(once);
        const names = idsOf(once.messages);
        expect(new Set(names).size).toBe(ids.length);
      }),
    );
  });

  it("H8: has the nine letters and digits that Mistral wants, by its address or by its models' names", () => {
    const messages = calling("call_0", "toolu_01ABC", "abcDEF123");
    const byName = fitRequest(
      modelRequest("", { messages, model: modelInfo({ id: "mistralai/mistral-large" }) }),
      anywhere,
    );
    const byAddress = fitRequest(modelRequest("", { messages }), { baseUrl: "https://api.mistral.ai/v1" });
    for (const { messages: sent } of [byName, byAddress]) {
      for (const id of idsOf(sent)) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
      expect(idsOf(sent).slice(-2)).toEqual(["abcDEF123", "abcDEF123"]);
    }
  });

  it("keeps a result whose call is gone, and a second result beside the first", () => {
    const result = { callId: "call|1", tool: "time", output: "noon", isError: false };
    const { messages } = fitRequest(modelRequest("", { messages: [{ role: "tool", results: [result] }] }), anywhere);
    expect(idsOf(messages)).toEqual(["call_1"]);
    const twice: ModelMessage[] = [...calling("call|1"), { role: "tool", results: [result] }];
    expect(idsOf(fitRequest(modelRequest("", { messages: twice }), anywhere).messages)).toEqual([
      "call_1",
      "call_1",
      "call_1",
    ]);
  });

  it("mends half characters in keys and values, and survives what is nested without end", () => {
    const input = { "\ud800": ["\udc00", { deep: "ok" }] };
    const messages: ModelMessage[] = [
      { role: "assistant", content: [{ type: "tool-call", callId: "a", tool: "time", input }] },
    ];
    const fitted = fitRequest(modelRequest("", { messages }), anywhere);
    expect(JSON.stringify(fitted.messages)).not.toMatch(/\\ud[89a-f]/);
    let nested: unknown = "\ud800";
    for (let depth = 0; depth < 50_000; depth += 1) nested = [nested];
    const endless: ModelMessage[] = [
      { role: "assistant", content: [{ type: "tool-call", callId: "a", tool: "time", input: nested }] },
    ];
    expect(() => fitRequest(modelRequest("", { messages: endless }), anywhere)).not.toThrow();
  });
});
