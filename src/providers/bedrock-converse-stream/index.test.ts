import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import type { AssistantContent } from "../../domain/conversation.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import {
  collect,
  endOf,
  failureOf,
  modelInfo,
  modelRequest,
  providerConformance,
  providerDeps,
  textOf,
  tinyPng,
  userSays,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest, ProviderEndpoint } from "../contract.ts";
import { provider } from "./index.ts";
import { signedHeaders } from "./sigv4.ts";

providerConformance(provider, {
  row: "H3",
  path: "",
  mockUsage: { input_tokens: 21, output_tokens: 9 },
  lengthFinish: "max_tokens",
});

const aws = {
  region: "eu-west-1",
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "session-token-of-somebody",
};
const endpoint: ProviderEndpoint = {
  id: "amazon-bedrock",
  api: "bedrock-converse-stream",
  baseUrl: null,
  apiKey: null,
  headers: {},
  aws,
};
const forever = new AbortController().signal;
const sonnet = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const model = modelInfo({ id: sonnet, reasoning: true, maxTokens: 64_000 });

describe("bedrock-converse-stream", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(script: Script, request: ModelRequest = modelRequest("x", { model })): Promise<ModelEvent[]> {
    emulator.play(script);
    return collect(provider.open({ ...endpoint, baseUrl: emulator.url }, providerDeps()).stream(request, forever));
  }

  it("H3: signs with the keys, the session token and the clock it is given", async () => {
    const clock = new FakeClock(Date.UTC(2026, 10, 1, 12, 30, 5));
    emulator.play({});
    await collect(
      provider
        .open({ ...endpoint, baseUrl: emulator.url }, providerDeps({ clock }))
        .stream(modelRequest("x", { model }), forever),
    );
    const [seen] = emulator.requests;
    expect(seen?.model).toBe(sonnet);
    expect(seen?.headers).toMatchObject({
      "x-amz-date": "20261101T123005Z",
      "x-amz-security-token": aws.sessionToken,
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261101\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=accept;content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
      ),
    });
    // Signed is what went over the wire: its path, its host with the port, its body.
    const again = signedHeaders(
      {
        method: "POST",
        host: `127.0.0.1:${emulator.port}`,
        path: "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
        headers: { "content-type": "application/json", accept: "application/vnd.amazon.eventstream" },
        body: JSON.stringify(seen?.body),
        service: "bedrock",
        atMs: clock.nowMs(),
      },
      aws,
    );
    expect(seen?.headers["authorization"]).toBe(again["authorization"]);
    expect(JSON.stringify(seen)).not.toContain(aws.secretAccessKey);
  });

  it("H3: the address follows from the region, and an address of AWS decides the region", async () => {
    const asked: { url: string; scope: string | undefined }[] = [];
    const fetch = (url: unknown, init: RequestInit = {}): Promise<Response> => {
      const sent = init.headers as Record<string, string>;
      asked.push({ url: String(url), scope: /Credential=[^,]+/.exec(sent["authorization"] ?? "")?.[0] });
      return Promise.resolve(new Response("", { status: 500 }));
    };
    const deps = providerDeps({ fetch, clock: new FakeClock(Date.UTC(2026, 0, 2)) });
    for (const at of [
      {},
      { baseUrl: "https://bedrock-runtime.us-west-2.amazonaws.com/" },
      { baseUrl: "https://vpce-1a.bedrock-runtime.ap-south-1.vpce.amazonaws.com" },
      { aws: { ...aws, region: "cn-north-1" } },
      { aws: { ...aws, region: "evil.example.org/" } },
    ])
      await collect(provider.open({ ...endpoint, ...at }, deps).stream(modelRequest("x"), forever));
    const scope = (region: string): string => `Credential=AKIDEXAMPLE/20260102/${region}/bedrock/aws4_request`;
    expect(asked.slice(0, 4)).toEqual([
      { url: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m-1/converse-stream", scope: scope("eu-west-1") },
      { url: "https://bedrock-runtime.us-west-2.amazonaws.com/model/m-1/converse-stream", scope: scope("us-west-2") },
      {
        url: "https://vpce-1a.bedrock-runtime.ap-south-1.vpce.amazonaws.com/model/m-1/converse-stream",
        scope: scope("ap-south-1"),
      },
      {
        url: "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m-1/converse-stream",
        scope: scope("cn-north-1"),
      },
    ]);
    expect(asked[4]?.url).toContain("https://bedrock-runtime.invalid.amazonaws.com/");
  });

  it("H3: a key of Bedrock's own needs no signature; no key at all and no region are told", async () => {
    const { aws: _keys, ...bare } = endpoint;
    emulator.play({});
    const at = { ...bare, baseUrl: emulator.url };
    await collect(
      provider.open({ ...at, apiKey: "bedrock-api-key" }, providerDeps()).stream(modelRequest("x"), forever),
    );
    expect(emulator.requests[0]?.headers["authorization"]).toBe("Bearer bedrock-api-key");
    const keyless = failureOf(await collect(provider.open(at, providerDeps()).stream(modelRequest("x"), forever)));
    expect(keyless).toMatchObject({ code: "MODEL_002", details: { reason: "auth" } });
    expect(keyless.message).toContain("AWS_ACCESS_KEY_ID");
    const nowhere = failureOf(await collect(provider.open(bare, providerDeps()).stream(modelRequest("x"), forever)));
    expect(nowhere).toMatchObject({ code: "MODEL_008" });
    expect(nowhere.message).toContain("AWS_REGION");
    expect(emulator.count()).toBe(1);
  });

  function afterTool(content: readonly AssistantContent[]): ModelRequest {
    return modelRequest("", {
      model,
      thinking: "low",
      tools: [{ name: "time", description: "Tells the time.", inputSchema: { type: "object" } }],
      messages: [
        userSays("how late?"),
        { role: "assistant", content: [...content, { type: "tool-call", callId: "t|1", tool: "time", input: {} }] },
        { role: "tool", results: [{ callId: "t|1", tool: "time", output: "", isError: true }] },
        userSays("well?"),
      ],
    });
  }

  it("H3: signed and encrypted thoughts go back as they came, to the same model alone", async () => {
    const signed = await ask(
      { thinking: { text: "the time is wanted", signature: "c2ln" }, toolCalls: [{ name: "time", input: {} }] },
      modelRequest("how late?", { model, thinking: "low" }),
    );
    expect(signed.slice(0, 2)).toEqual([
      { type: "thinking", text: "the time is wanted" },
      { type: "thinking", text: "", signature: `bedrock/${sonnet}:c2ln` },
    ]);
    const encrypted = await ask({ thinking: { text: "", redacted: "RU5DUllQVEVE" }, text: "noon" });
    expect(encrypted[0]).toEqual({ type: "thinking", text: "", signature: `bedrock-redacted/${sonnet}:RU5DUllQVEVE` });
    await ask(
      {},
      afterTool([
        { type: "thinking", text: "the time is wanted", signature: `bedrock/${sonnet}:c2ln` },
        { type: "thinking", text: "", signature: `bedrock-redacted/${sonnet}:RU5DUllQVEVE` },
        { type: "thinking", text: "unsigned" },
        { type: "thinking", text: "another's", signature: "bedrock/anthropic.claude-opus-4-6-v1:zzz" },
        { type: "thinking", text: "another's", signature: "anthropic/claude-sonnet-4-5:zzz" },
      ]),
    );
    const body = emulator.requests.at(-1)?.body as { messages: readonly unknown[] };
    expect(body).toMatchObject({
      additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 4_096 } },
      inferenceConfig: { maxTokens: 36_096 },
    });
    expect(body.messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "the time is wanted", signature: "c2ln" } } },
          { reasoningContent: { redactedContent: "RU5DUllQVEVE" } },
          { toolUse: { toolUseId: "t_1", name: "time", input: {} } },
        ],
      },
      {
        role: "user",
        content: [
          { toolResult: { toolUseId: "t_1", content: [{ text: "(no output)" }], status: "error" } },
          { text: "well?" },
          { cachePoint: { type: "default" } },
        ],
      },
    ]);
  });

  it("H3: what was read from the cache is counted apart", async () => {
    const events = await ask({ text: "hi", usage: { input: 5, output: 2, cacheRead: 900 } });
    expect(endOf(events).usage).toEqual({ input: 5, output: 2, cacheRead: 900, cacheWrite: 0 });
  });

  it("a document goes as its bytes, under a name that the service takes", async () => {
    const attachment = {
      type: "document",
      mimeType: "application/pdf",
      data: "JVBERi0=",
      fileName: "Bericht_№1 v2.pdf",
    } as const;
    const image = { type: "image", mimeType: "image/bmp", data: tinyPng } as const;
    const content = [
      { type: "file", attachment },
      { type: "file", attachment: image },
    ] as const;
    const reader = modelInfo({ id: sonnet, input: ["text", "image", "document"] });
    await ask({}, modelRequest("", { model: reader, messages: [{ role: "user", content }] }));
    const [message] = emulator.requests[0]!.body["messages"] as { content: unknown[] }[];
    expect(message?.content).toEqual([
      { document: { format: "pdf", name: "Bericht 1 v2 (1)", source: { bytes: "JVBERi0=" } } },
      { text: expect.stringContaining("cannot read") },
      { cachePoint: { type: "default" } },
    ]);
  });

  const broken = [
    ["throttlingException", "MODEL_003", "rate_limit", "later"],
    ["modelStreamErrorException", "MODEL_004", "overloaded", "later"],
    ["serviceUnavailableException", "MODEL_004", "overloaded", "later"],
    ["modelTimeoutException", "MODEL_006", "timeout", "later"],
    ["accessDeniedException", "MODEL_002", "auth", "never"],
    ["somethingNewException", "MODEL_004", "overloaded", "later"],
  ] as const;

  it.each(broken)("H3: %s in the middle of an answer is %s", async (type, code, reason, retry) => {
    const events = await ask({
      text: ["so ", "far"],
      fault: { kind: "error", afterDeltas: 1 },
      error: { type, message: "it broke" },
    });
    expect(textOf(events)).toBe("so ");
    const error = failureOf(events);
    expect(error).toMatchObject({ code, retry, details: { reason, model: sonnet, provider: "amazon-bedrock" } });
    expect(error.message).toContain("it broke");
  });

  const refusals = [
    [400, "ValidationException", "Input is too long for requested model.", "MODEL_007"],
    [400, "ValidationException", "The provided model identifier is invalid.", "MODEL_001"],
    [
      400,
      "ValidationException",
      "Invocation of model ID x with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
      "MODEL_001",
    ],
    [400, "ValidationException", "The text field is blank.", "MODEL_008"],
    [403, "AccessDeniedException", "You don't have access to the model.", "MODEL_002"],
    [403, "ExpiredTokenException", "The security token included in the request is expired", "MODEL_002"],
    [404, "ResourceNotFoundException", "This model version has reached the end of its life.", "MODEL_001"],
    [424, "ModelErrorException", "The model failed.", "MODEL_004"],
    [429, "ModelNotReadyException", "The model is not ready.", "MODEL_004"],
    [429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", "MODEL_003"],
  ] as const;

  it.each(refusals)("H3: status %i with %s, %j is %s", async (status, type, message, code) => {
    const error = failureOf(await ask({ status, error: { type, message } }));
    expect(error).toMatchObject({ code, details: { status, providerCode: type } });
  });

  it.each([
    [
      "Signature expired: 20261101T115000Z is now earlier than 20261101T123500Z (20261101T124000Z - 5 min.)",
      "50 min behind",
    ],
    [
      "Signature not yet current: 20261101T115000Z is still later than 20261101T100500Z (20261101T100000Z + 5 min.)",
      "110 min ahead of",
    ],
    ["Signature expired: it is too old", "wrong"],
  ])("H3: a wrong clock is told as one: %s", async (message, words) => {
    const clock = new FakeClock(Date.UTC(2026, 10, 1, 11, 50));
    emulator.play({ status: 403, error: { type: "InvalidSignatureException", message } });
    const running = collect(
      provider.open({ ...endpoint, baseUrl: emulator.url }, providerDeps({ clock })).stream(modelRequest("x"), forever),
    );
    const error = failureOf(await running);
    expect(error).toMatchObject({ code: "MODEL_002", retry: "never", details: { reason: "auth" } });
    // The emulator's own head tells today's time, which the message need not.
    expect(error.message).toContain(
      words === "wrong" ? "the clock of this machine is" : `the clock of this machine is ${words}`,
    );
  });

  it("what AWS quotes of a signature that does not match is not told", async () => {
    const error = failureOf(
      await ask({
        status: 403,
        error: {
          type: "InvalidSignatureException",
          message: `The canonical string should have been 'x-amz-security-token:${aws.sessionToken}'`,
        },
      }),
    );
    expect(error.code).toBe("MODEL_002");
    expect(error.message).not.toContain(aws.sessionToken);
  });

  it.each(["content_filtered", "guardrail_intervened"])(
    "%s keeps what was said, and is an error where nothing was",
    async (finish) => {
      expect(endOf(await ask({ text: "half of", finish })).reason).toBe("content-filter");
      expect(failureOf(await ask({ text: "", finish }))).toMatchObject({ details: { reason: "content_filter" } });
    },
  );

  it("a tool call that the model could not write is unreadable, one that ran out of tokens is no call", async () => {
    expect(failureOf(await ask({ text: "", finish: "malformed_tool_use" })).code).toBe("MODEL_005");
    const cut = await ask({ toolCalls: [{ name: "time", input: '{"zone":"U' }], finish: "max_tokens" });
    expect(cut).toHaveLength(1);
    expect(endOf(cut).reason).toBe("length");
    const odd = await ask({ toolCalls: [{ name: "time", input: "{zone" }] });
    expect(odd[0]).toMatchObject({ type: "tool-call", input: "{zone" });
  });

  it("an answer without its count of tokens is whole when it said so", async () => {
    expect(endOf(await ask({ text: "hi", usage: null, finish: "end_turn" })).usage).toBeNull();
    expect(failureOf(await ask({ text: "hi", finish: null })).code).toBe("MODEL_005");
  });
});
