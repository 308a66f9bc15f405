/** Models opened by their logins: what goes over the wire, to whom, and what never does. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import { readEnvironment } from "../config/environment.ts";
import type { MissingSecret } from "../config/contract.ts";
import type { Config } from "../config/schema/root.ts";
import { memoryVault } from "../credentials/memory-vault.fixture.ts";
import type { ProfileDocument } from "../credentials/profiles/profile-document.ts";
import { startModelEmulator } from "../drill/model-emulator/server.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import type { ModelEvent, ModelProvider } from "../providers/contract.ts";
import { noModelLists } from "./model-list-file.ts";
import { createModels, type Models } from "./models.ts";

type Provider = Config["models"]["providers"][string];

const provider = (api: Provider["api"], baseUrl: string, more: Partial<Provider> = {}): Provider => ({
  api,
  baseUrl,
  headers: {},
  models: [{ id: "mock-model", reasoning: false, input: ["text"] }],
  ...more,
});

interface World {
  readonly providers?: Config["models"]["providers"];
  readonly stored?: Readonly<Record<string, ProfileDocument>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly missing?: readonly MissingSecret[];
}

async function house({ providers = {}, stored = {}, variables = {}, missing = [] }: World) {
  const clock = systemClock();
  const vault = memoryVault(clock);
  const store = (id: string, document: ProfileDocument): Promise<void> =>
    vault.scoped(`profile:${id}`).write(document.kind, JSON.stringify(document));
  for (const [id, document] of Object.entries(stored)) await store(id, document);
  const config = { ...defaultConfig(), models: { ...defaultConfig().models, providers } };
  const environment = readEnvironment({ HOME: "/nonexistent", OLLAMA_HOST: "http://127.0.0.1:9", ...variables });
  const models = createModels({
    environment: () => environment,
    config: () => config,
    missingSecrets: () => missing,
    vault,
    listStore: noModelLists,
    bus: { emit: () => undefined },
    clock,
    ids: systemIds(),
    log: silentLog(),
    redact: () => undefined,
  });
  onTestFinished(() => models.close());
  await models.profiles.look();
  return { models, store };
}

/** What one short turn says; `failure` where it did. */
async function turn(opened: ModelProvider, models: Models): Promise<string> {
  const model = models.catalogue().find(`${opened.endpoint.id}/mock-model`);
  if (model === undefined) throw new Error("no such model");
  const messages = [{ role: "user" as const, content: [{ type: "text" as const, text: "hello" }] }];
  const events: ModelEvent[] = [];
  const request = { model, system: "", messages, tools: [] } as Parameters<ModelProvider["stream"]>[0];
  for await (const event of opened.stream(request, new AbortController().signal)) events.push(event);
  return events
    .map((event) => (event.type === "text" ? event.text : event.type === "failure" ? "failure" : ""))
    .join("");
}

/** Passes everything on to the emulator and keeps the headers: of a credential that must not be sent, too. */
async function watched(accepts: string) {
  const emulator = await startModelEmulator({ apiKey: accepts });
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { host: _, "content-length": __, connection: ___, ...headers } = request.headers;
      void fetch(emulator.url + (request.url ?? ""), {
        method: "POST",
        headers: headers as Record<string, string>,
        body: Buffer.concat(chunks),
      }).then(async (answer) => {
        response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await emulator.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const oauth = (accessToken: string): ProfileDocument => ({
  kind: "oauth",
  issuer: "own",
  accessToken,
  refreshToken: null,
  expiresMs: null,
  changedMs: 0,
  mark: "0",
  headers: { "x-account": "seven" },
  trouble: null,
});

describe("models by login", () => {
  it("H13: a stored key, an OAuth login and a token each make a live call, each in the header where it belongs", async () => {
    const secret = "the-secret-of-this-login";
    const cases = [
      ["openai-completions", "/v1", { kind: "api-key", apiKey: secret }, { authorization: `Bearer ${secret}` }],
      ["openai-responses", "/v1", oauth(secret), { authorization: `Bearer ${secret}`, "x-account": "seven" }],
      [
        "anthropic-messages",
        "",
        { kind: "api-key", apiKey: secret },
        { "x-api-key": secret, authorization: undefined },
      ],
      ["anthropic-messages", "", oauth(secret), { authorization: `Bearer ${secret}`, "x-api-key": undefined }],
      [
        "anthropic-messages",
        "",
        { kind: "token", token: secret },
        { authorization: `Bearer ${secret}`, "x-api-key": undefined },
      ],
      [
        "google-generative-ai",
        "/v1beta",
        { kind: "api-key", apiKey: secret },
        { "x-goog-api-key": secret, authorization: undefined },
      ],
      [
        "google-generative-ai",
        "/v1beta",
        oauth(secret),
        { authorization: `Bearer ${secret}`, "x-goog-api-key": undefined },
      ],
    ] as const;
    for (const [api, path, document, headers] of cases) {
      const { url, seen } = await watched(secret);
      const { models } = await house({ providers: { lab: provider(api, url + path) }, stored: { "lab:me": document } });
      const opened = await models.open({ provider: "lab" }, "lab:me");
      expect(await turn(opened, models), `${api} ${document.kind}`).not.toMatch(/failure|^$/);
      const got = seen[0] ?? {};
      for (const [name, value] of Object.entries(headers))
        expect(got[name], `${api} ${document.kind} ${name}`).toBe(value);
      expect(opened.endpoint.profileId).toBe("lab:me");
    }
  });

  it("H13: AWS keys of the vault sign a live call, and the key itself never leaves", async () => {
    const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "the-secret-of-this-login", sessionToken: null };
    const stored = { "lab:me": { kind: "aws-sdk", keys, awsProfile: null, region: "eu-west-1" } } as const;
    const emulator = await startModelEmulator();
    onTestFinished(() => emulator.close());
    const { models } = await house({ providers: { lab: provider("bedrock-converse-stream", emulator.url) }, stored });
    const opened = await models.open({ provider: "lab" }, "lab:me");
    expect(await turn(opened, models)).not.toMatch(/failure|^$/);
    const headers = emulator.requests.at(-1)?.headers;
    expect(headers?.["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /,
    );
    expect(JSON.stringify(headers)).not.toContain("the-secret-of-this-login");
  });

  it("H13: AWS keys of the vault reach the endpoint that signs with them", async () => {
    const keys = { accessKeyId: "AKIA", secretAccessKey: "s", sessionToken: null };
    const stored = { "aws:me": { kind: "aws-sdk", keys, awsProfile: null, region: "eu-west-1" } } as const;
    const { models } = await house({ stored });
    expect(await models.profiles.credential("aws:me")).toEqual({ kind: "aws", aws: { region: "eu-west-1", ...keys } });
  });

  it("a login goes to its own provider and to no other", async () => {
    const { models } = await house({
      providers: {
        lab: provider("openai-completions", "http://127.0.0.1:9"),
        evil: provider("openai-completions", "http://127.0.0.1:8"),
      },
      stored: { "lab:me": { kind: "api-key", apiKey: "sk-lab" } },
    });
    await expect(models.open({ provider: "evil" }, "lab:me")).rejects.toMatchObject({ code: "MODEL_002" });
    await expect(models.open({ provider: "none" }, null)).rejects.toMatchObject({ code: "MODEL_001" });
    await expect(models.open({ provider: "lab" }, "lab:gone")).rejects.toMatchObject({ code: "MODEL_002" });
  });

  it("the environment's key is a login at its own service's address alone", async () => {
    const elsewhere = { openai: provider("openai-responses", "http://127.0.0.1:9/v1") };
    const variables = { OPENAI_API_KEY: "sk-environment" };
    const led = await house({ providers: elsewhere, variables });
    expect(led.models.profiles.of("openai")).toEqual([]);
    const plain = await house({ variables });
    expect(plain.models.profiles.of("openai").map(({ id }) => id)).toEqual(["openai:env"]);
    expect((await plain.models.provider("openai")).endpoint).toMatchObject({
      apiKey: "sk-environment",
      profileId: "openai:env",
    });
  });

  it("a service is there as soon as a login of it is stored, and the demo model goes", async () => {
    const { models, store } = await house({});
    expect(models.demoOnly()).toBe(true);
    await store("openai:me", { kind: "api-key", apiKey: "sk-stored" });
    await models.profiles.look();
    expect(models.demoOnly()).toBe(false);
    expect(models.catalogue().primary("main")?.provider).toBe("openai");
    expect((await models.provider("openai")).endpoint).toMatchObject({ apiKey: "sk-stored", profileId: "openai:me" });
  });

  it("a provider is opened once per login, and anew when its secret changed", async () => {
    const { models, store } = await house({
      providers: { lab: provider("openai-completions", "http://127.0.0.1:9") },
      stored: { "lab:a": { kind: "api-key", apiKey: "sk-a" }, "lab:b": { kind: "api-key", apiKey: "sk-b" } },
    });
    const [a, b] = await Promise.all(["lab:a", "lab:b"].map((id) => models.open({ provider: "lab" }, id)));
    expect(await models.open({ provider: "lab" }, "lab:a")).toBe(a);
    expect(await models.open({ provider: "lab" }, "lab:b")).toBe(b);
    await store("lab:a", { kind: "api-key", apiKey: "sk-a2" });
    const changed = await models.open({ provider: "lab" }, "lab:a");
    expect(changed).not.toBe(a);
    expect(changed.endpoint.apiKey).toBe("sk-a2");
  });

  it("a key of the settings that leads to no secret stops its own login, and not a stored one", async () => {
    const missing = (field: string): MissingSecret => ({
      keys: ["models", "providers", "lab", field],
      path: `models.providers.lab.${field}`,
      name: "LAB",
      code: "VAULT_003",
      message: "is missing",
    });
    const providers = { lab: provider("openai-completions", "http://127.0.0.1:9") };
    const stored = { "lab:me": { kind: "api-key", apiKey: "sk" } } as const;
    const key = await house({ providers, stored, missing: [missing("apiKey")] });
    await expect(key.models.open({ provider: "lab" }, null)).rejects.toMatchObject({ code: "VAULT_003" });
    expect((await key.models.open({ provider: "lab" }, "lab:me")).endpoint.apiKey).toBe("sk");
    const header = await house({ providers, stored, missing: [missing("headers")] });
    await expect(header.models.open({ provider: "lab" }, "lab:me")).rejects.toMatchObject({ code: "VAULT_003" });
  });
});
