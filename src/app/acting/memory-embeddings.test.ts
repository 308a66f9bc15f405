import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import type { Credential } from "../../credentials/contract.ts";
import type { ModelPrice } from "../../domain/money.ts";
import type { CallBeside, PayBeside } from "../../domain/call-beside.ts";
import { createEmbedder } from "../../memory/embeddings/embedder.ts";
import { systemClock } from "../../platform/clock.ts";
import { createEgress } from "../../platform/egress.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import { silentLog } from "../../platform/log.ts";
import type { ProviderEndpoint } from "../../providers/contract.ts";
import { vectorPrice } from "../../providers/prices.ts";
import { createEmbeddingSource, type EmbeddingSourceDeps } from "./memory-embeddings.ts";

const egress = createEgress({ allowPrivate: () => false, log: silentLog() });

function sourceOf(
  search: Partial<Config["memory"]["search"]>,
  endpoint: Partial<ProviderEndpoint> = {},
  credential: Credential = { kind: "key", apiKey: "secret" },
  money: Partial<Pick<EmbeddingSourceDeps, "pay" | "priceOf">> = {},
) {
  const config = structuredClone(defaultConfig()) as Config;
  Object.assign(config.memory.search, search);
  return createEmbeddingSource({
    config: () => config,
    endpointOf: (id) =>
      id === "nobody"
        ? undefined
        : { id, api: "openai-completions", baseUrl: null, apiKey: null, headers: {}, ...endpoint },
    profiles: {
      of: (provider) => [
        {
          id: `${provider}:x`,
          provider,
          kind: "api-key",
          source: "config",
          expiresMs: null,
          revision: "1",
          state: "usable",
        },
      ],
      credential: () => Promise.resolve(credential),
    },
    egress,
    priceOf: vectorPrice,
    pay: (_call, ask) => ask(),
    ...money,
  });
}

describe("the model of the memory's vectors", () => {
  it.each([
    [{}, null],
    [{ model: "openai/text-embedding-3-large" }, { provider: "openai", model: "text-embedding-3-large" }],
    [{ provider: "openai" }, { provider: "openai", model: "text-embedding-3-small" }],
    [
      { provider: "local", model: "baai/bge-m3" },
      { provider: "local", model: "baai/bge-m3" },
    ],
    [
      { provider: "local", model: "local/baai/bge-m3" },
      { provider: "local", model: "baai/bge-m3" },
    ],
    [{ model: "alone" }, null],
  ])("T5: of the settings %j is %j", (search, wanted) => {
    expect(sourceOf(search).wanted()).toEqual(wanted);
  });

  it.each([
    ["openai-completions", null, "openai", "https://api.openai.com/v1"],
    ["openai-responses", "https://h/v1/", "openai", "https://h/v1"],
    ["openrouter", "https://openrouter.ai/api/v1", "openai", "https://openrouter.ai/api/v1"],
    ["google-generative-ai", null, "google", "https://generativelanguage.googleapis.com/v1beta"],
    ["google-generative-ai", "http://h/v1", "google", "http://h/v1"],
    ["ollama", "http://127.0.0.1:11434/v1", "ollama", "http://127.0.0.1:11434"],
  ] as const)("T5: of %s at %s is reached as %s at %s", (api, baseUrl, protocol, url) => {
    expect(sourceOf({}, { api, baseUrl }).open({ provider: "p", model: "m" })).toMatchObject({ api: protocol, url });
  });

  it("T5: the login goes where its protocol has it", async () => {
    const headers = (api: ProviderEndpoint["api"], credential?: Credential) =>
      sourceOf({}, { api, headers: { "x-own": "1" } }, credential)
        .open({ provider: "p", model: "m" })
        .headers();
    expect(await headers("openai-completions")).toEqual({ "x-own": "1", authorization: "Bearer secret" });
    expect(await headers("google-generative-ai")).toEqual({ "x-own": "1", "x-goog-api-key": "secret" });
    expect(await headers("google-generative-ai", { kind: "bearer", token: "t" })).toEqual({
      "x-own": "1",
      authorization: "Bearer t",
    });
    expect(await headers("ollama", { kind: "none" })).toEqual({ "x-own": "1" });
  });

  it("T5: a provider that is not there, or makes no vectors, is refused with its name", () => {
    const open = (provider: string, api: ProviderEndpoint["api"]) => () =>
      sourceOf({}, { api }).open({ provider, model: "m" });
    expect(open("nobody", "ollama")).toThrow(expect.objectContaining({ code: "MODEL_001" }));
    for (const api of ["anthropic-messages", "bedrock-converse-stream", "demo", "github-copilot"] as const) {
      expect(open("p", api)).toThrow(expect.objectContaining({ code: "MODEL_008" }));
    }
  });

  it("T5: a server on this machine that is configured is asked, and sends nobody elsewhere", async () => {
    let location = "";
    const server = createServer((request, response) => {
      if (location !== "") response.writeHead(307, { location }).end();
      else response.end(JSON.stringify({ embeddings: [[3, request.url === "/api/embed" ? 4 : 0]] }));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const source = sourceOf({}, { api: "ollama", baseUrl }, { kind: "none" });
    const embedder = createEmbedder(source.open({ provider: "p", model: "m" }), {
      clock: systemClock(),
      ids: seededIds(1),
    });
    const never = { agentId: "main", signal: new AbortController().signal };
    const { values } = await embedder.question("x", never);
    expect([...values].map((value) => value.toFixed(1))).toEqual(["0.6", "0.8"]);
    location = "http://127.0.0.1:1/api/embed";
    await expect(embedder.question("x", never)).rejects.toMatchObject({ code: "SEC_005" });
    await egress.close();
    server.close();
  });

  it.each([
    [{}, "text-embedding-3-small", 0.02],
    [{}, "text-embedding-9", undefined],
    [{ baseUrl: "https://elsewhere.example/v1" }, "text-embedding-3-small", undefined],
    [{ api: "google-generative-ai" as const }, "models/gemini-embedding-001", 0.15],
    [{ api: "ollama" as const }, "nomic-embed-text", 0],
    [{ api: "ollama" as const }, "big:cloud", undefined],
    [{}, "constructor", undefined],
  ])("T5: each call of %j for %s is paid by the agent, at %j", async (endpoint, model, input) => {
    const calls: CallBeside[] = [];
    const pay: PayBeside = (call, ask) => {
      calls.push(call);
      return ask();
    };
    const opened = sourceOf({}, endpoint, { kind: "none" }, { pay }).open({ provider: "p", model });
    await opened.paid({ agentId: "main", inputBytes: 3 }, () => Promise.resolve({ inputTokens: 1 }));
    const price = input === undefined ? undefined : { input, output: 0, cacheRead: 0, cacheWrite: 0 };
    expect(calls).toEqual([
      {
        purpose: "memory",
        agentId: "main",
        inputBytes: 3,
        model: { ref: `p/${model}`, provider: "p", id: model, maxTokens: null, price },
      },
    ]);
  });

  it("T5: a price that is told later is the price from then on", async () => {
    const prices: unknown[] = [];
    const told: ModelPrice = { input: 1, output: 0, cacheRead: 0, cacheWrite: 0 };
    const known: ModelPrice[] = [];
    const pay: PayBeside = ({ model }, ask) => (prices.push(model.price), ask());
    const source = sourceOf({}, {}, { kind: "none" }, { pay, priceOf: () => known[0] });
    const opened = source.open({ provider: "p", model: "m" });
    const call = () => opened.paid({ agentId: "main", inputBytes: 3 }, () => Promise.resolve({ inputTokens: 1 }));
    await call();
    known.push(told);
    await call();
    expect(prices).toEqual([undefined, told]);
  });
});
