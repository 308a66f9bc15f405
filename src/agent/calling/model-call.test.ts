import { describe, expect, it } from "vitest";
import { mintBudgetHold } from "../../domain/authority-mint.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { ModelEvent, ModelProvider, ModelRequest } from "../../providers/contract.ts";
import { callModel } from "./model-call.ts";

const request = { model: { id: "one" } as ModelInfo, system: "", messages: [], tools: [] } as ModelRequest;

async function answerOf(stream: () => AsyncGenerator<ModelEvent>, asked = request) {
  const provider = { stream } as unknown as ModelProvider;
  const ignored = { text: () => undefined, thinking: () => undefined, quota: () => undefined };
  const hold = mintBudgetHold({ id: "call", reservedMicros: 0 });
  const signal = new AbortController().signal;
  return callModel(asked, ignored, { hold, provider, signal, clock: new FakeClock() });
}

describe("an answer", () => {
  it("R106: has a longest text; an endpoint that goes on is left, and what it said before is kept", async () => {
    const piece = "x".repeat(limits.modelAnswerChars / 16);
    let pieces = 0;
    let left = false;
    async function* endless(): AsyncGenerator<ModelEvent> {
      try {
        for (;;) {
          pieces += 1;
          yield pieces % 2 === 0 ? { type: "thinking", text: piece } : { type: "text", text: piece };
        }
      } finally {
        left = true;
      }
    }
    const answer = await answerOf(endless);
    expect(answer).toMatchObject({ stopReason: "error", error: { code: "MODEL_005" } });
    expect([pieces, left]).toEqual([17, true]);
    expect(answer.text).toHaveLength(piece.length * 8);
  });

  it("that broke off has read the tools too, as far as anybody can tell", async () => {
    const offered = Array.from({ length: 20 }, (_, index) => ({
      name: `tool_${index}`,
      description: "Looks for something in the files of a folder and tells where it was found.",
      inputSchema: { type: "object", properties: { pattern: { type: "string" } } },
    }));
    const breaksOff = (tools: ModelRequest["tools"]) =>
      answerOf(
        async function* () {
          yield { type: "text", text: "so f" };
        },
        { ...request, tools },
      );
    const [without, withTools] = [await breaksOff([]), await breaksOff(offered)];
    expect(withTools).toMatchObject({ estimated: true, error: { code: "MODEL_005" } });
    expect(withTools.usage.input - without.usage.input).toBeGreaterThan(20 * 30);
  });

  it("R106: may be as long as that", async () => {
    const answer = await answerOf(async function* () {
      yield { type: "text", text: "x".repeat(limits.modelAnswerChars) };
      yield { type: "end", reason: "stop", usage: null };
    });
    expect(answer).toMatchObject({ stopReason: "stop", error: null });
  });
});
