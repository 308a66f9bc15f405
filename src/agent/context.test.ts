import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AssistantContent, ModelMessage, ToolResult } from "../domain/conversation.ts";
import { fitHistory, pairToolCalls } from "./context.ts";

const callId = fc.constantFrom("a", "b", "c", "d");
const assistantPart: fc.Arbitrary<AssistantContent> = fc.oneof(
  fc.string().map((text) => ({ type: "text", text }) as const),
  callId.map((id) => ({ type: "tool-call", callId: id, tool: "time", input: {} }) as const),
  fc.string().map((text) => ({ type: "thinking", text }) as const),
);
const result: fc.Arbitrary<ToolResult> = callId.map((id) => ({
  callId: id,
  tool: "time",
  output: "x",
  isError: false,
}));
const anyMessage: fc.Arbitrary<ModelMessage> = fc.oneof(
  fc.string().map((text) => ({ role: "user", content: [{ type: "text", text }] }) as const),
  fc.array(assistantPart, { maxLength: 4 }).map((content) => ({ role: "assistant", content }) as const),
  fc.array(result, { maxLength: 4 }).map((results) => ({ role: "tool", results }) as const),
);

/** What every provider asks of a conversation. */
function faults(messages: readonly ModelMessage[]): string[] {
  const found: string[] = [];
  messages.forEach((message, index) => {
    const next = messages[index + 1];
    if (message.role === "assistant") {
      const calls = message.content.flatMap((part) => (part.type === "tool-call" ? [part.callId] : []));
      const answered = new Set(next?.role === "tool" ? next.results.map((one) => one.callId) : []);
      if (calls.some((id) => !answered.has(id))) found.push(`call without result at ${index}`);
      if (message.content.every((part) => part.type === "thinking")) found.push(`nothing said at ${index}`);
    }
    if (message.role === "tool") {
      const before = messages[index - 1];
      const calls = new Set(
        before?.role === "assistant"
          ? before.content.flatMap((part) => (part.type === "tool-call" ? [part.callId] : []))
          : [],
      );
      if (message.results.length === 0 || message.results.some((one) => !calls.has(one.callId))) {
        found.push(`result without call at ${index}`);
      }
    }
  });
  return found;
}

describe("history, put together for a model", () => {
  it("is valid whatever an interrupted turn left behind", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 12 }), (messages) => {
        expect(faults(pairToolCalls(messages))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps what was valid as it was", () => {
    const valid: ModelMessage[] = [
      { role: "user", content: [{ type: "text", text: "what time is it?" }] },
      { role: "assistant", content: [{ type: "tool-call", callId: "a", tool: "time", input: {} }] },
      { role: "tool", results: [{ callId: "a", tool: "time", output: "noon", isError: false }] },
      { role: "assistant", content: [{ type: "text", text: "Noon." }] },
    ];
    expect(fitHistory(valid, null)).toEqual(valid);
  });

  it("fits the window, begins with the user and keeps the newest", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), (messages, window) => {
        const fitted = fitHistory(messages, window);
        expect(faults(fitted)).toEqual([]);
        if (fitted.length > 0) expect(fitted[0]?.role).toBe("user");
        expect(fitted).toEqual(pairToolCalls(messages).slice(-fitted.length || messages.length + 1));
      }),
    );
  });
});
