import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../drill/model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import {
  collect,
  endOf,
  failureOf,
  modelInfo,
  modelRequest,
  providerConformance,
  providerDeps,
  textOf,
  userSays,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest } from "../contract.ts";
import { provider } from "./index.ts";
import { baseUrlOf, optionsOf } from "./request.ts";

providerConformance(provider, {
  row: "H4",
  path: "",
  mockUsage: { promptTokenCount: 21, candidatesTokenCount: 9 },
  lengthFinish: "MAX_TOKENS",
});

const endpoint = { id: "google", api: "google-generative-ai", baseUrl: null, apiKey: "k", headers: {} } as const;

describe("google-generative-ai", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(script: Script, request: ModelRequest = modelRequest("x")): Promise<ModelEvent[]> {
    emulator.play(script);
    return collect(
      provider
        .open({ ...endpoint, baseUrl: emulator.url }, providerDeps())
        .stream(request, new AbortController().signal),
    );
  }

  it.each(["BLOCKED", "SAFETY", "PROHIBITED_CONTENT"])(
    "H4: an answer that the filter stops with %s is an error that says so",
    async (finish) => {
      const error = failureOf(await ask({ text: "", finish }));
      expect(error).toMatchObject({ code: "MODEL_008", retry: "never", details: { reason: "content_filter" } });
      expect(error.message).toContain("safety filter");
      expect(error.message).toContain(finish === "BLOCKED" ? "SAFETY" : finish);
    },
  );

  it("H4: an answer that the filter cuts keeps what was said, and says why it ended", async () => {
    const events = await ask({ text: "half of it", finish: "SAFETY" });
    expect(textOf(events)).toBe("half of it");
    expect(endOf(events).reason).toBe("content-filter");
  });

  it("a call that the model could not write is a failure that may be tried again", async () => {
    expect(failureOf(await ask({ text: "", finish: "MALFORMED_FUNCTION_CALL" }))).toMatchObject({
      code: "MODEL_005",
      retry: "later",
    });
  });

  it("H4: a wrong key is told as one, though its status is 400", async () => {
    const error = failureOf(
      await ask({ status: 400, error: { code: "API_KEY_INVALID", message: "API key not valid." } }),
    );
    expect(error).toMatchObject({ code: "MODEL_002", details: { reason: "auth", status: 400 } });
  });

  it("an overflow is known by its words, for the protocol gives nothing else", async () => {
    const message = "The input token count (2100000) exceeds the maximum number of tokens allowed (1048576).";
    expect(failureOf(await ask({ status: 400, error: { message } })).code).toBe("MODEL_007");
  });

  it("H4: a signed tool call goes back with its signature, and thoughts without one stay at home", async () => {
    const script = {
      thinking: { text: "hm", signature: "U0lH" },
      toolCalls: [{ name: "time", input: { zone: "UTC" }, id: "c1" }],
    };
    const model = modelInfo({ id: "gemini-3-pro-preview", reasoning: true });
    const events = await ask(script, modelRequest("x", { model }));
    expect(events.slice(0, 3)).toEqual([
      { type: "thinking", text: "hm" },
      { type: "thinking", text: "", signature: "google-call/gemini-3-pro-preview:U0lH" },
      { type: "tool-call", callId: "c1", tool: "time", input: { zone: "UTC" } },
    ]);
    await ask(
      {},
      modelRequest("", {
        model,
        messages: [
          userSays("x"),
          {
            role: "assistant",
            content: [
              // A listener joins thoughts up to a signature: the seal of the call may have them in front.
              { type: "thinking", text: "hm", signature: "google-call/gemini-3-pro-preview:U0lH" },
              { type: "tool-call", callId: "c1", tool: "time", input: { zone: "UTC" } },
            ],
          },
          { role: "tool", results: [{ callId: "c1", tool: "time", output: "noon", isError: false }] },
        ],
      }),
    );
    const contents = emulator.requests[1]?.body["contents"] as { role: string; parts: unknown[] }[];
    expect(contents.find(({ role }) => role === "model")?.parts).toEqual([
      { functionCall: { id: "c1", name: "time", args: { zone: "UTC" } }, thoughtSignature: "U0lH" },
    ]);
  });

  it("thoughts are shown where thinking was asked for", () => {
    const thinking = modelRequest("x", {
      model: modelInfo({ id: "gemini-3.5-flash", reasoning: true }),
      thinking: "low",
    });
    expect(optionsOf(thinking, endpoint)).toMatchObject({
      providerOptions: { google: { thinkingConfig: { thinkingLevel: "low", includeThoughts: true } } },
    });
    const thoughtless = modelRequest("x", { model: modelInfo(), thinking: "low" });
    expect(optionsOf(thoughtless, endpoint).providerOptions).toBeUndefined();
  });

  it("takes its address with and without the version", () => {
    expect(baseUrlOf(endpoint)).toBe("https://generativelanguage.googleapis.com/v1beta");
    expect(baseUrlOf({ ...endpoint, baseUrl: "http://localhost:1/" })).toBe("http://localhost:1/v1beta");
    expect(baseUrlOf({ ...endpoint, baseUrl: "http://localhost:1/v1" })).toBe("http://localhost:1/v1");
  });
});
