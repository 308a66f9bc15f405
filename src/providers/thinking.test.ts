import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { thinkingLevels, type ThinkingLevel } from "../domain/thinking-level.ts";
import { capturedBody, thinker, type Body } from "./captured-body.fixture.ts";
import { modelApis, type ModelApi, type ModelRequest } from "./contract.ts";
import { thinkingFor, thinkingOfRequest, thinkingRungs } from "./thinking.ts";

const columns = ["off", "on", "adaptive", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** What becomes of each level; a star where it is not what was asked. */
const table: readonly (readonly [api: ModelApi, model: string, done: string])[] = [
  ["openai-responses", "o3", "low* medium adaptive low* low medium high high* high*"],
  ["openai-responses", "gpt-5", "minimal* medium adaptive minimal low medium high high* high*"],
  ["openai-responses", "gpt-5-pro", "high* high* adaptive high* high* high* high high* high*"],
  ["openai-responses", "gpt-5.2", "off medium adaptive low* low medium high xhigh xhigh*"],
  ["openai-responses", "gpt-6-sol", "off medium adaptive low* low medium high xhigh max"],
  ["openai-responses", "gpt-6-astra", "low* medium adaptive low* low medium high xhigh max"],
  ["openai-responses", "my-deployment", "low* medium adaptive low* low medium high high* high*"],
  ["openai-completions", "gpt-6-sol", "off medium adaptive low* low medium high xhigh xhigh*"],
  ["openai-completions", "some-local-model", "low* medium adaptive low* low medium high high* high*"],
  ["openai-completions", "grok-4", "default* default* default* default* default* default* default* default* default*"],
  ["openai-completions", "grok-3-mini", "low* low* adaptive low* low low* high high* high*"],
  ["openrouter", "anthropic/claude-opus-5", "off medium adaptive minimal low medium high xhigh max"],
  ["github-copilot", "gpt-5-mini", "minimal* medium adaptive minimal low medium high high* high*"],
  ["anthropic-messages", "claude-opus-5-5", "low* medium adaptive low* low medium high xhigh max"],
  ["anthropic-messages", "claude-sonnet-5-5", "minimal* medium adaptive minimal low medium high xhigh max"],
  ["anthropic-messages", "claude-sonnet-4-6", "off medium adaptive low* low medium high high* max"],
  ["anthropic-messages", "claude-haiku-4-5", "off medium medium* minimal low medium high xhigh xhigh*"],
  ["bedrock-converse-stream", "us.anthropic.claude-opus-5", "off medium adaptive low* low medium high xhigh max"],
  [
    "bedrock-converse-stream",
    "eu.anthropic.claude-haiku-4-5-v1:0",
    "off medium medium* minimal low medium high xhigh xhigh*",
  ],
  [
    "bedrock-converse-stream",
    "amazon.nova-pro-v1:0",
    "default* default* default* default* default* default* default* default* default*",
  ],
  ["google-generative-ai", "gemini-2.5-pro", "minimal* medium adaptive minimal low medium high xhigh xhigh*"],
  ["google-generative-ai", "gemini-2.5-flash", "off medium adaptive minimal low medium high high* high*"],
  ["google-generative-ai", "gemini-3.1-pro-preview", "low* medium adaptive low* low medium high high* high*"],
  ["google-generative-ai", "gemini-3.5-flash", "minimal* medium adaptive minimal low medium high high* high*"],
  ["ollama", "qwen3:8b", "off on adaptive on* on* on* on* on* on*"],
  ["ollama", "gpt-oss:20b", "low* medium adaptive low* low medium high high* high*"],
  ["demo", "demo", "default* default* default* default* default* default* default* default* default*"],
];

describe("thinking", () => {
  it.each(table)("G13: on %s, %s does what it can with each level", (api, id, done) => {
    const model = thinker(id, { maxTokens: 64_000 });
    const told = columns.map((level) => {
      const { effective, clamped } = thinkingFor(api, model, level);
      return effective + (clamped ? "*" : "");
    });
    expect(told.join(" ")).toBe(done);
  });

  it("G13: the older words are amounts too", () => {
    const model = thinker("gpt-6-sol");
    const done = (level: ThinkingLevel): unknown => thinkingFor("openai-responses", model, level).effective;
    expect([done("extended"), done("deep"), done("x-high"), done("ultra")]).toEqual(["high", "xhigh", "xhigh", "max"]);
  });

  it("G13: a model that does not think is told nothing, and the asker is told so", () => {
    for (const api of modelApis) {
      for (const level of thinkingLevels) {
        expect(thinkingFor(api, thinker("gpt-5", { reasoning: false }), level)).toEqual({
          asked: level,
          effective: "off",
          clamped: level !== "off",
          wire: { kind: "nothing" },
        });
      }
    }
  });

  it("G13: over the older protocol of OpenAI some do not think where they have tools", () => {
    const model = thinker("gpt-5.6-terra");
    expect(thinkingFor("openai-completions", model, "high", { hasTools: true })).toMatchObject({
      effective: "off",
      clamped: true,
    });
    expect(thinkingFor("openai-completions", model, "high").effective).toBe("high");
    expect(thinkingFor("openai-responses", model, "high", { hasTools: true }).effective).toBe("high");
  });

  it("who asks for thoughts gets some, wherever there are any; a word that is none is no wish", () => {
    for (const [api, id] of table) {
      for (const level of thinkingLevels.filter((word) => word !== "off")) {
        expect(thinkingFor(api, thinker(id), level).effective, `${api} ${id} ${level}`).not.toBe("off");
      }
      const request: ModelRequest = { model: thinker(id), system: "", messages: [], tools: [], thinking: "hard" };
      expect(thinkingOfRequest(api, request)).toBeUndefined();
      expect(thinkingOfRequest(api, { ...request, thinking: "none" })?.asked).toBe("off");
    }
  });

  it("G13: a budget of thoughts leaves the answer its room, and never goes over what the caller allows", () => {
    const room = fc.record({
      api: fc.constantFrom<ModelApi>("anthropic-messages", "google-generative-ai", "bedrock-converse-stream"),
      id: fc.constantFrom("claude-haiku-4-5", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "other"),
      level: fc.constantFrom(...thinkingLevels),
      maxTokens: fc.option(fc.integer({ min: 1, max: 300_000 })),
      maxOutputTokens: fc.option(fc.integer({ min: 1, max: 300_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(room, ({ api, id, level, maxTokens, maxOutputTokens }) => {
        const plan = thinkingFor(api, thinker(id, { maxTokens }), level, { maxOutputTokens });
        if (plan.wire.kind !== "budget" || plan.wire.tokens === null || plan.wire.tokens === 0) return;
        const { tokens, answerTokens } = plan.wire;
        const all = Math.min(maxTokens ?? Infinity, maxOutputTokens ?? Infinity);
        expect(thinkingRungs).toContain(plan.effective);
        if (!Number.isFinite(all)) expect(answerTokens).toBeNull();
        else if (all >= 256 && tokens > 128) {
          expect(answerTokens).toBeGreaterThanOrEqual(Math.min(32_000, Math.floor(all / 2)));
          expect(tokens + (answerTokens ?? 0)).toBeLessThanOrEqual(all);
        }
      }),
    );
  });
});

describe("thinking on the wire", () => {
  const said = (model: ModelRequest["model"], thinking: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
    model,
    thinking,
    system: "s",
    messages: [{ role: "user", content: [{ type: "text", text: "x" }] }],
    tools: [],
    ...more,
  });
  const generation = (body: Body): unknown => (body["generationConfig"] as Body | undefined)?.["thinkingConfig"];

  it("G13: OpenAI gets its effort, in its own spelling", async () => {
    const responses = async (id: string, level: string): Promise<unknown> =>
      (await capturedBody("openai-responses", said(thinker(id), level)))["reasoning"];
    expect(await responses("gpt-6-sol", "ultra")).toMatchObject({ effort: "max" });
    expect(await responses("gpt-6-sol", "off")).toMatchObject({ effort: "none" });
    expect(await responses("our-deployment", "deep")).toMatchObject({ effort: "high" });
    const chat = async (id: string, level: string): Promise<unknown> =>
      (await capturedBody("openai-completions", said(thinker(id), level)))["reasoning_effort"];
    expect(await chat("o3", "max")).toBe("high");
    expect(await chat("gpt-5.2", "off")).toBe("none");
    expect(await chat("grok-4", "high")).toBeUndefined();
    expect(await chat("o3", "adaptive")).toBeUndefined();
  });

  it("G13: Anthropic gets a budget or an effort, and room for the answer behind it", async () => {
    const body = await capturedBody(
      "anthropic-messages",
      said(thinker("claude-haiku-4-5", { maxTokens: 64_000 }), "max", { temperature: 0.5 }),
    );
    expect(body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 32_000 }, max_tokens: 64_000 });
    expect(body["temperature"]).toBeUndefined();
    const bounded = said(thinker("claude-haiku-4-5", { maxTokens: 64_000 }), "high", { maxOutputTokens: 5_000 });
    expect(await capturedBody("anthropic-messages", bounded)).toMatchObject({
      thinking: { budget_tokens: 2_500 },
      max_tokens: 5_000,
    });
    const tight = said(thinker("claude-haiku-4-5", { maxTokens: 64_000 }), "high", { maxOutputTokens: 1_000 });
    expect(await capturedBody("anthropic-messages", tight)).toMatchObject({
      thinking: { type: "disabled" },
      max_tokens: 1_000,
    });
    const adaptive = async (id: string, level: string): Promise<unknown> => {
      const { thinking, output_config: config } = await capturedBody("anthropic-messages", said(thinker(id), level));
      return { thinking, config };
    };
    expect(await adaptive("claude-opus-5-5", "ultra")).toMatchObject({
      thinking: { type: "adaptive" },
      config: { effort: "max" },
    });
    expect(await adaptive("claude-sonnet-5-5", "off")).toMatchObject({ thinking: { type: "between_tools" } });
    expect(await adaptive("claude-opus-5", "off")).toMatchObject({ thinking: { type: "disabled" } });
  });

  it("G13: Gemini gets a budget or a level", async () => {
    const google = async (id: string, level: string): Promise<unknown> =>
      generation(await capturedBody("google-generative-ai", said(thinker(id), level)));
    expect(await google("gemini-2.5-flash", "off")).toEqual({ thinkingBudget: 0 });
    expect(await google("gemini-2.5-flash", "deep")).toEqual({ thinkingBudget: 24_576, includeThoughts: true });
    expect(await google("gemini-2.5-pro", "adaptive")).toEqual({ thinkingBudget: -1, includeThoughts: true });
    expect(await google("gemini-3.5-flash", "off")).toEqual({ thinkingLevel: "minimal", includeThoughts: true });
    expect(await google("gemma-3-27b-it", "high")).toBeUndefined();
  });

  it("G13: Ollama gets its flag", async () => {
    const think = async (id: string, level: string): Promise<unknown> =>
      (await capturedBody("ollama", said(thinker(id), level)))["think"];
    expect(await think("qwen3:8b", "off")).toBe(false);
    expect(await think("qwen3:8b", "adaptive")).toBe(true);
    expect(await think("gpt-oss:20b", "ultra")).toBe("high");
  });

  it("nothing is said where nobody asks", async () => {
    for (const api of [
      "openai-completions",
      "openai-responses",
      "anthropic-messages",
      "google-generative-ai",
      "ollama",
    ] as const) {
      const { thinking: _asked, ...silent } = said(thinker("claude-haiku-4-5"), "x");
      const body = await capturedBody(api, silent);
      const spoken = [body["reasoning"], body["reasoning_effort"], body["thinking"], body["think"], generation(body)];
      expect(spoken.filter((word) => word !== undefined)).toEqual([]);
    }
  });
});
