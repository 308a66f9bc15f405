/** Where models come from without being named: lists of providers, and what the environment has. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testHome } from "../config/fixtures/home.ts";
import { memoryVault } from "../credentials/memory-vault.fixture.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { noModelLists } from "./model-list-file.ts";
import { createModels, type Models } from "./models.ts";

const quiet = (): void => undefined;
const log: Log = {
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  fatal: quiet,
  child: () => log,
};

describe("the models in force", () => {
  let server: Server;
  let asked: number;
  const clock = new FakeClock();
  const opened: Models[] = [];
  beforeEach(async () => {
    asked = 0;
    server = createServer((_request, response) => {
      asked += 1;
      const pricing = { prompt: "0.000003", completion: "0.000015" };
      const data = Array.from({ length: 240 }, (_, index) => ({
        id: `maker/m-${index}`,
        context_length: 64_000,
        pricing,
      }));
      response.end(JSON.stringify({ data }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    for (const models of opened.splice(0)) await models.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function start(providers: object, variables: Record<string, string> = {}): Promise<Models> {
    const home = await testHome(JSON.stringify({ models: { providers } }));
    const { config } = await home.load();
    const models = createModels({
      environment: () => home.environment({ OLLAMA_HOST: "http://127.0.0.1:1", ...variables }),
      config: () => config,
      vault: memoryVault(clock),
      bus: { emit: quiet },
      redact: quiet,
      missingSecrets: () => [],
      listStore: noModelLists,
      clock,
      ids: systemIds(),
      log,
    });
    opened.push(models);
    models.start();
    await clock.advance(limits.modelLookDelayMs);
    return models;
  }

  it("H6: the prices of hundreds of models come by themselves, long after the start", async () => {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
    const router = {
      api: "openrouter",
      baseUrl,
      apiKey: "k",
      headers: {},
      models: [{ id: "maker/m-7", input: ["text"], reasoning: false }],
    };
    const models = await start({ router });
    await models.looked;
    expect(asked).toBe(0);
    expect(models.catalogue().find("router/maker/m-7")?.price).toBeUndefined();
    await clock.advance(limits.modelListDelayMs);
    await expect.poll(() => models.catalogue().list().length).toBe(240);
    expect(asked).toBe(1);
    expect(models.catalogue().list()[0]).toMatchObject({ ref: "router/maker/m-7", price: { input: 3, output: 15 } });
    expect(models.catalogue().find("router/maker/m-200")).toMatchObject({ contextWindow: 64_000 });
  });

  it("H3: a provider behind AWS's keys is opened for its region's address alone", async () => {
    const models = await start(
      {},
      { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "secret-0123", AWS_REGION: "eu-west-1" },
    );
    const provider = await models.provider("amazon-bedrock");
    expect(provider.endpoint).toMatchObject({
      baseUrl: "https://bedrock-runtime.eu-west-1.amazonaws.com",
      aws: { accessKeyId: "AKID" },
    });
    expect(models.demoOnly()).toBe(false);
    await expect(models.provider("nobody")).rejects.toMatchObject({ code: "MODEL_001" });
  });
});
