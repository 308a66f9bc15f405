/** The contract of `/v1/*` on a gateway as it is started for people, with a provider on the wire behind it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { startGatewayServer, type RunningGateway } from "../../src/app/compose.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { startModelServer, type ModelServer } from "./model-server.ts";

const token = "a-token-that-is-long-enough-to-be-one";
const hello = { model: "openclaw", messages: [{ role: "user" as const, content: "hello" }] };

let folder: string;
let model: ModelServer;
let gateway: RunningGateway;
let client: OpenAI;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-e2e-"));
  model = await startModelServer();
  const cost = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 };
  const config = {
    gateway: {
      auth: { mode: "token", token },
      http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
    },
    models: {
      providers: {
        mock: {
          baseUrl: model.baseUrl,
          apiKey: "k",
          api: "openai-completions",
          models: [
            { id: "mock-1", name: "mock", input: ["text", "image"], contextWindow: 128_000, maxTokens: 4_096, cost },
          ],
        },
      },
    },
    agents: { defaults: { model: { primary: "mock/mock-1", fallbacks: [] } } },
  };
  await writeFile(path.join(folder, "openclaw.json"), JSON.stringify(config));
  const environment = readEnvironment({ OPENCLAW_STATE_DIR: folder, HOME: folder });
  gateway = await startGatewayServer(0, { environment });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, maxRetries: 0 });
}, 30_000);
afterAll(async () => {
  await gateway.close();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  model.calls.length = 0;
  model.answer(({ say, end }) => {
    say("Hello from the model.");
    end();
  });
});

it("D1: is alive and ready, and shows metrics to those who may see them", async () => {
  for (const where of ["health", "healthz", "livez", "ready", "readyz"]) {
    expect((await fetch(`${gateway.url}/${where}`)).status, where).toBe(200);
  }
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(401);
  const metrics = await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(await metrics.text()).toContain("openclaw_uptime_seconds");
});

it("D2: chat, whole and streamed, with the provider's own count of tokens", async () => {
  const whole = await client.chat.completions.create(hello);
  expect(whole.choices[0]?.message.content).toBe("Hello from the model.");
  expect(whole.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 });
  const stream = await client.chat.completions.create({ ...hello, stream: true });
  let said = "";
  for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? "";
  expect(said).toBe("Hello from the model.");
});

it("D2: sampling fields and tools of the caller reach the provider", async () => {
  const tools = [
    {
      type: "function" as const,
      function: { name: "weather", description: "w", parameters: { type: "object", properties: {} } },
    },
  ];
  await client.chat.completions.create({ ...hello, temperature: 0.3, max_tokens: 50, seed: 7, stop: ["END"], tools });
  expect(model.calls[0]).toMatchObject({ temperature: 0.3, max_tokens: 50, seed: 7, stop: ["END"] });
  expect(JSON.stringify(model.calls[0]?.["tools"])).toContain('"weather"');
});

it("D2: an image goes to the provider as it came", async () => {
  const url = "data:image/png;base64,iVBORw0KGgo=";
  const content = [
    { type: "text" as const, text: "what?" },
    { type: "image_url" as const, image_url: { url } },
  ];
  await client.chat.completions.create({ model: "openclaw", messages: [{ role: "user", content }] });
  expect(JSON.stringify(model.calls[0]?.["messages"])).toContain("iVBORw0KGgo=");
});

it("D2: a caller that hangs up ends the provider's call", async () => {
  for (const stream of [false, true]) {
    const before = model.dropped();
    const hangUp = new AbortController();
    model.answer(({ say }) => {
      say("Once upon a time");
      hangUp.abort();
    });
    await expect(client.chat.completions.create({ ...hello, stream }, { signal: hangUp.signal })).rejects.toThrow(
      /abort/i,
    );
    await vi.waitFor(() => expect(model.dropped()).toBe(before + 1), { timeout: 5_000 });
  }
});

it("D3: responses, chained and streamed", async () => {
  const first = await client.responses.create({ model: "openclaw", input: "one" });
  expect(first.output_text).toBe("Hello from the model.");
  expect(first.usage).toMatchObject({ input_tokens: 12, output_tokens: 5 });
  const second = await client.responses
    .stream({ model: "openclaw", input: "two", previous_response_id: first.id })
    .finalResponse();
  expect(second.status).toBe("completed");
  const seen = ((model.calls[1]?.["messages"] ?? []) as { role: string }[])
    .map(({ role }) => role)
    .filter((role) => role !== "system");
  expect(seen).toEqual(["user", "assistant", "user"]);
});

// The last one: a key that was refused is not asked again until somebody changes it.
it("D2: a provider that fails is an error answer in time, not a hang", async () => {
  for (const status of [400, 500, 401]) {
    model.answer(({ res }) => {
      res.writeHead(status, { "content-type": "application/json" });
      res.end('{"error":{"message":"no"}}');
    });
    const error: unknown = await client.chat.completions.create(hello).catch((thrown: unknown) => thrown);
    expect(error, String(status)).toBeInstanceOf(OpenAI.APIError);
  }
}, 50_000);
