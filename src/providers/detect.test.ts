import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../drill/model-emulator/server.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { providerDeps } from "./conformance.ts";
import { detectProviders, ollamaEndpoint } from "./detect.ts";

const noKeys = { openai: null, anthropic: null, gemini: null, openrouter: null };

describe("what a first start finds", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator({ models: ["llama3.2:latest", "qwen3:8b"] });
  });
  afterEach(() => emulator.close());

  it("keys are providers at once, each with models and its key", () => {
    const keys = { openai: "sk-o", anthropic: " sk-a\n", gemini: "g", openrouter: "or" };
    const found = detectProviders({ keys, ollamaHost: null }, providerDeps()).current();
    expect(found.map(({ endpoint }) => [endpoint.id, endpoint.api, endpoint.apiKey])).toEqual([
      ["anthropic", "anthropic-messages", "sk-a"],
      ["openai", "openai-responses", "sk-o"],
      ["google", "google-generative-ai", "g"],
      ["openrouter", "openai-completions", "or"],
    ]);
    for (const { models } of found) expect(models.length).toBeGreaterThan(0);
    expect(found[0]?.models[0]?.price).toBeDefined();
    expect(found[3]?.models[0]?.price).toBeUndefined();
  });

  it("an empty key is none", () => {
    const detection = detectProviders({ keys: { ...noKeys, openai: "  " }, ollamaHost: null }, providerDeps());
    expect(detection.current()).toEqual([]);
  });

  it("Ollama is found when asked, and gone when it is", async () => {
    const detection = detectProviders({ keys: noKeys, ollamaHost: emulator.url }, providerDeps());
    expect(detection.current()).toEqual([]);
    expect(await detection.refresh()).toBe(true);
    expect(detection.current()[0]?.models.map(({ ref }) => ref)).toEqual(["ollama/llama3.2:latest", "ollama/qwen3:8b"]);
    expect(await detection.refresh()).toBe(false);
    await emulator.close();
    expect(await detection.refresh()).toBe(true);
    expect(detection.current()).toEqual([]);
  });

  it("an Ollama that does not answer costs 300 ms, even with a fetch that cannot be stopped", async () => {
    const clock = new FakeClock();
    const fetch = (): Promise<Response> => new Promise(() => undefined);
    const looking = detectProviders({ keys: noKeys, ollamaHost: null }, providerDeps({ clock, fetch })).refresh();
    await clock.advance(299);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1);
    expect(await looking).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it("whatever else listens there is no Ollama", async () => {
    const answers = [
      new Response("hello"),
      Response.json(null),
      Response.json({ models: 7 }),
      Response.json({ models: [null, {}, { name: 3 }] }),
      new Response("", { status: 404 }),
    ];
    for (const answer of answers) {
      const detection = detectProviders(
        { keys: noKeys, ollamaHost: null },
        providerDeps({ fetch: () => Promise.resolve(answer) }),
      );
      expect(await detection.refresh()).toBe(false);
    }
  });

  it.each([
    [null, "http://127.0.0.1:11434"],
    ["", "http://127.0.0.1:11434"],
    ["gpu-box", "http://gpu-box:11434"],
    ["10.0.0.5:8080", "http://10.0.0.5:8080"],
    ["http://0.0.0.0:11434", "http://127.0.0.1:11434"],
    ["https://ollama.example.org", "https://ollama.example.org"],
    ["http://[::]:1", "http://127.0.0.1:1"],
    ["::::", "http://127.0.0.1:11434"],
  ])("OLLAMA_HOST %j is called at %s", (host, baseUrl) => {
    expect(ollamaEndpoint(host).baseUrl).toBe(baseUrl);
  });
});
