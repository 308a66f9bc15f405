import { describe, expect, it } from "vitest";
import { builtInTools } from "../../tools/registry.ts";
import { toolSpecs } from "../../tools/run-tool.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  modelInfo,
  modelRequest,
  providerDeps,
  textOf,
  userSays,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest } from "../contract.ts";
import { provider } from "./index.ts";

const endpoint = { id: "demo", api: "demo", baseUrl: null, apiKey: null, headers: {} } as const;
const forever = new AbortController().signal;
const tools = toolSpecs(builtInTools());

function ask(text: string, more: Partial<ModelRequest> = {}, signal = forever): Promise<ModelEvent[]> {
  const nowhere = (): Promise<Response> => Promise.reject(new Error("the demo model has no network"));
  return collect(
    provider
      .open(endpoint, providerDeps({ fetch: nowhere }))
      .stream(modelRequest(text, { model: modelInfo(), tools, ...more }), signal),
  );
}

describe("the demo model", () => {
  it("says what it is in the first answer of a conversation, and only there", async () => {
    const first = textOf(await ask("hello"));
    expect(first).toMatch(/^\*Demo model: no provider is configured/);
    const messages: ModelMessage[] = [
      userSays("hello"),
      { role: "assistant", content: [{ type: "text", text: first }] },
      userSays("hello"),
    ];
    expect(textOf(await ask("", { messages }))).not.toContain("Demo model:");
  });

  it("names every way to a real model in one line", async () => {
    const line = textOf(await ask("how do I configure you?"))
      .split("\n")
      .at(-1);
    for (const word of ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "Ollama"])
      expect(line).toContain(word);
  });

  it("shows a tool at work, then says what it found", async () => {
    const asked = await ask("What time is it in Europe/Vienna?");
    const [call] = callsOf(asked);
    expect(call).toMatchObject({ tool: "time", input: { zone: "Europe/Vienna" } });
    expect(endOf(asked).reason).toBe("tool-calls");
    const messages: ModelMessage[] = [
      userSays("What time is it in Europe/Vienna?"),
      {
        role: "assistant",
        content: [
          { type: "text", text: textOf(asked) },
          { type: "tool-call", callId: call!.callId, tool: "time", input: call!.input },
        ],
      },
      { role: "tool", results: [{ callId: call!.callId, tool: "time", output: "Thursday, 12:00", isError: false }] },
    ];
    const answer = await ask("", { messages });
    expect(textOf(answer)).toBe("It is Thursday, 12:00.");
    expect(callsOf(answer)).toEqual([]);
  });

  it("calls no tool that it was not given", async () => {
    for (const more of [{ tools: [] }, { toolChoice: "none" as const }]) {
      const events = await ask("what time is it?", more);
      expect(callsOf(events)).toEqual([]);
      expect(endOf(events).reason).toBe("stop");
    }
  });

  it("echoes, streams in small pieces, answers the same again, and counts tokens", async () => {
    const long = "echo The quick brown fox jumps over the lazy dog,\nand then — once more — over it. 🦊";
    const [once, again] = [await ask(long), await ask(long)];
    expect(textOf(once)).toContain("jumps over the lazy dog,\nand then — once more — over it. 🦊");
    expect(once.length).toBeGreaterThan(5);
    expect(again).toEqual(once);
    expect(endOf(once).usage?.output).toBeGreaterThan(10);
  });

  it.each(["", "   ", "\u0000", "x".repeat(100_000), "🤷"])("has an answer to anything: %#", async (text) => {
    expect(endOf(await ask(text)).reason).toBe("stop");
  });

  it("stops at the length it was given, and when it is told to", async () => {
    const short = await ask("help", { maxOutputTokens: 5 });
    expect(textOf(short)).toHaveLength(20);
    expect(endOf(short).reason).toBe("length");
    expect(failureOf(await ask("hello", {}, AbortSignal.abort())).code).toBe("RUN_001");
  });
});
