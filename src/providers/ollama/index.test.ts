import { describe, expect, it } from "vitest";
import { startModelEmulator } from "../../drill/model-emulator/server.ts";
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
  tinyPng,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest } from "../contract.ts";
import { provider } from "./index.ts";
import { baseUrlOf, bodyOf } from "./request.ts";

providerConformance(provider, { row: "H7", path: "", mockUsage: null, lengthFinish: "length" });

const endpoint = { id: "ollama", api: "ollama", baseUrl: "http://127.0.0.1:1", apiKey: null, headers: {} } as const;
const forever = new AbortController().signal;

function askRaw(chunks: readonly Uint8Array[]): Promise<ModelEvent[]> {
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(ReadableStream.from(chunks) as ReadableStream<Uint8Array>));
  return collect(provider.open(endpoint, providerDeps({ fetch })).stream(modelRequest("x"), forever));
}

describe("ollama", () => {
  it("H7: lines are decoded whatever the network cuts them into, a character in two included", async () => {
    const lines = [
      { message: { content: "Grüße " }, done: false },
      { message: { content: "🌍" }, done: false },
      {
        message: { content: "", tool_calls: [{ function: { name: "time", arguments: { zone: "UTC" } } }] },
        done: false,
      },
      { message: { content: "" }, done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 4 },
    ];
    // CR LF, an empty line between, and no line end behind the last.
    const bytes = new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\r\n\n"));
    const events = await askRaw([...bytes].map((byte) => Uint8Array.of(byte)));
    expect(textOf(events)).toBe("Grüße 🌍");
    expect(callsOf(events)).toMatchObject([{ tool: "time", input: { zone: "UTC" } }]);
    expect(endOf(events)).toEqual({
      type: "end",
      reason: "tool-calls",
      usage: { input: 3, output: 4, cacheRead: 0, cacheWrite: 0 },
    });
  });

  it("H7: an error line ends the answer", async () => {
    const events = await askRaw([
      new TextEncoder().encode('{"message":{"content":"so far"},"done":false}\n{"error":"model runner has stopped"}\n'),
    ]);
    expect(textOf(events)).toBe("so far");
    expect(failureOf(events)).toMatchObject({ code: "MODEL_004" });
    expect(failureOf(events).message).toContain("model runner has stopped");
  });

  it("a model that is not installed is not known", async () => {
    const fetch = (): Promise<Response> =>
      Promise.resolve(Response.json({ error: "model 'm-1' not found" }, { status: 404 }));
    const events = await collect(provider.open(endpoint, providerDeps({ fetch })).stream(modelRequest("x"), forever));
    expect(failureOf(events)).toMatchObject({ code: "MODEL_001" });
  });

  it("the server is told how long the conversation may be, how to think, and when to offer no tools", () => {
    const tools = [{ name: "time", description: "t", inputSchema: { type: "object" } }];
    const body = (more: Partial<ModelRequest>): Readonly<Record<string, unknown>> => bodyOf(modelRequest("x", more));
    expect(body({ model: modelInfo({ contextWindow: 16_384 }), maxOutputTokens: 9 })["options"]).toEqual({
      num_ctx: 16_384,
      num_predict: 9,
    });
    expect(body({})["options"]).toEqual({});
    expect(body({ tools })["tools"]).toHaveLength(1);
    expect(body({ tools, toolChoice: "none" })["tools"]).toBeUndefined();
    const think = (id: string, thinking: string): unknown =>
      body({ model: modelInfo({ id, reasoning: true }), thinking })["think"];
    expect([
      think("qwen3:8b", "high"),
      think("qwen3:8b", "off"),
      think("gpt-oss:20b", "off"),
      think("gpt-oss:20b", "max"),
    ]).toEqual([true, false, "low", "high"]);
  });

  it("an image goes as bytes, a link as a word about it", () => {
    const file = (more: object): ModelRequest["messages"][number] => ({
      role: "user",
      content: [{ type: "file", attachment: { type: "image", mimeType: "image/png", ...more } }],
    });
    const sent = bodyOf(
      modelRequest("", { system: "", messages: [file({ data: tinyPng }), file({ url: "https://example.org/a.png" })] }),
    );
    expect(sent["messages"]).toMatchObject([
      { content: "", images: [tinyPng] },
      { content: expect.stringContaining("[The user sent a file") },
    ]);
  });

  it("takes the address of either of its protocols", () => {
    for (const baseUrl of ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/api/"])
      expect(baseUrlOf({ baseUrl })).toBe("http://h:1");
    expect(baseUrlOf({ baseUrl: null })).toBe("http://127.0.0.1:11434");
  });

  it("lists what is installed; only what runs here is free", async () => {
    const emulator = await startModelEmulator({ models: ["llama3.2:latest", "gpt-oss:120b-cloud"] });
    const models = await provider.open({ ...endpoint, baseUrl: emulator.url }, providerDeps()).listModels?.(forever);
    expect(models?.map(({ ref, price }) => [ref, price?.input])).toEqual([
      ["ollama/llama3.2:latest", 0],
      ["ollama/gpt-oss:120b-cloud", undefined],
    ]);
    await emulator.close();
    await expect(
      provider.open({ ...endpoint, baseUrl: emulator.url }, providerDeps()).listModels?.(forever),
    ).rejects.toMatchObject({ code: "MODEL_004" });
  });
});
