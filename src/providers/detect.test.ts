import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../drill/model-emulator/server.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { providerDeps } from "./conformance.ts";
import { detectProviders, ollamaEndpoint, type FoundAws } from "./detect.ts";

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
      ["openrouter", "openrouter", "or"],
    ]);
    for (const { models } of found) expect(models.length).toBeGreaterThan(0);
    expect(found[0]?.models[0]?.price).toBeDefined();
    expect(found[3]?.models[0]?.price).toBeUndefined();
  });

  const noAws = { accessKeyId: null, secretAccessKey: null, sessionToken: null, bearerToken: null, region: null };
  const awsKeys = { ...noAws, accessKeyId: "AKID", secretAccessKey: "secret", region: "eu-west-1" };
  const asked = (): Promise<never> => expect.fail("nobody may be asked");

  it("H3: AWS's keys and a region are a provider, and nobody is asked", () => {
    const found = (aws: Partial<FoundAws>) =>
      detectProviders(
        { keys: { ...noKeys, openai: "sk-o" }, ollamaHost: null, aws: { ...noAws, ...aws } },
        providerDeps({ fetch: asked }),
      ).current();
    const [, signed] = found({ ...awsKeys, sessionToken: "session" });
    expect(signed?.endpoint).toEqual({
      id: "amazon-bedrock",
      api: "bedrock-converse-stream",
      baseUrl: "https://bedrock-runtime.eu-west-1.amazonaws.com",
      apiKey: null,
      headers: {},
      aws: { region: "eu-west-1", accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" },
    });
    expect(signed?.models[0]).toMatchObject({
      ref: "amazon-bedrock/global.anthropic.claude-sonnet-5-5",
      contextWindow: 1_000_000,
      price: { input: 2, output: 10 },
    });
    const [, keyed] = found({ ...noAws, bearerToken: "key", region: "us-east-1" });
    expect(keyed?.endpoint).toMatchObject({
      apiKey: "key",
      baseUrl: "https://bedrock-runtime.us-east-1.amazonaws.com",
    });
    expect(keyed?.endpoint).not.toHaveProperty("aws");
    for (const half of [
      { ...awsKeys, region: null },
      { ...awsKeys, secretAccessKey: null },
      { ...awsKeys, accessKeyId: null },
      { ...noAws, bearerToken: "key" },
      noAws,
    ])
      expect(found(half)).toHaveLength(1);
    expect(found({ ...awsKeys, region: "us-gov-west-1" })[1]?.models).toEqual([]);
  });

  it("AWS's keys may be there for anything: a model on this machine goes first, one that was meant does not", async () => {
    const order = async (aws: object): Promise<string[]> => {
      const found = { keys: noKeys, ollamaHost: emulator.url, aws: { ...noAws, ...aws } };
      const detection = detectProviders(found, providerDeps());
      await detection.refresh();
      return detection.current().map(({ endpoint }) => endpoint.id);
    };
    expect(await order(awsKeys)).toEqual(["ollama", "amazon-bedrock"]);
    expect(await order({ ...awsKeys, bearerToken: "key" })).toEqual(["amazon-bedrock", "ollama"]);
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
