import { describe, expect, it } from "vitest";
import { z } from "zod";
import { costMicros } from "../domain/money.ts";
import { describedModel } from "./default-models.ts";
import { knownModel, pricesAsOf, vendorPrice } from "./prices.ts";
import file from "./prices.json" with { type: "json" };

const openai = { id: "openai", api: "openai-responses", baseUrl: null, apiKey: "k", headers: {} } as const;

const usd = z.number().positive();

const fileSchema = z.strictObject({
  asOf: z.iso.date(),
  unit: z.string(),
  sources: z.record(z.string(), z.url()),
  /** When each vendor's page was last read. */
  read: z.record(z.string(), z.iso.date()),
  resold: z.record(
    z.enum(["bedrock-converse-stream"]),
    z.strictObject({
      of: z.literal("anthropic"),
      note: z.string(),
      sources: z.array(z.url()).min(1),
      asOf: z.iso.date(),
      global: usd,
      regional: usd,
    }),
  ),
  vectors: z.strictObject({
    note: z.string(),
    sources: z.strictObject({ openai: z.url(), google: z.url() }),
    openai: z.record(z.string(), usd),
    google: z.record(z.string(), usd),
  }),
  vendors: z.record(
    z.enum(["openai", "anthropic", "google"]),
    z.record(
      z.string(),
      z.strictObject({
        price: z.tuple([usd, usd, usd, usd]),
        contextWindow: z.number().int().positive(),
        maxTokens: z.number().int().positive(),
        reasoning: z.boolean(),
        sees: z.array(z.enum(["image", "document"])),
        unconfirmed: z.literal(true).optional(),
      }),
    ),
  ),
});

describe("the price file", () => {
  it("H24: is dated, names its sources, and has no price of zero", () => {
    const read = fileSchema.parse(file);
    expect(pricesAsOf).toBe(read.asOf);
    expect(Object.keys(read.sources)).toEqual(Object.keys(read.vendors));
    expect(Object.keys(read.read)).toEqual(Object.keys(read.vendors));
    // The oldest page is what the whole file can promise.
    expect(Object.values(read.read).toSorted()[0]).toBe(read.asOf);
    for (const models of Object.values(read.vendors)) expect(Object.keys(models).length).toBeGreaterThan(3);
  });

  it("H24: no price contradicts itself: reading a cache is cheaper than reading, writing one is not", () => {
    const all = Object.values(fileSchema.parse(file).vendors).flatMap((models) => Object.entries(models ?? {}));
    for (const [name, { price, contextWindow, maxTokens }] of all) {
      const [input, output, cacheRead, cacheWrite] = price;
      expect(output, name).toBeGreaterThan(input);
      expect(cacheRead, name).toBeLessThan(input);
      expect(cacheWrite, name).toBeGreaterThanOrEqual(input);
      expect(maxTokens, name).toBeLessThanOrEqual(contextWindow);
    }
  });

  it("H24: an unknown model has no price, and so no cost", () => {
    const unknown = describedModel(openai, { id: "gpt-99-omega" });
    expect(unknown.price).toBeUndefined();
    expect(costMicros({ input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, unknown.price)).toBeUndefined();
  });

  it("a snapshot costs what its family costs; a model of another kind does not", () => {
    expect(vendorPrice(openai, "gpt-4o-2024-08-06")).toEqual({
      input: 2.5,
      output: 10,
      cacheRead: 1.25,
      cacheWrite: 2.5,
    });
    expect(knownModel("claude-haiku-4-5-20251001")?.contextWindow).toBe(200_000);
    expect(knownModel("models/gemini-2.5-pro")?.input).toContain("image");
    for (const id of ["gpt-4o-audio-preview", "gpt-4o-mini-tts", "my-gpt-4o", "constructor", "toString"])
      expect(knownModel(id)).toBeUndefined();
  });

  it("a price holds at the vendor's own address alone; the window is the model's", () => {
    expect(vendorPrice({ ...openai, baseUrl: "https://api.openai.com/v1" }, "gpt-4o")).toBeDefined();
    for (const baseUrl of [
      "http://127.0.0.1:4000/v1",
      "https://openrouter.ai/api/v1",
      "http://api.openai.com/v1",
      "no address",
    ]) {
      expect(vendorPrice({ ...openai, baseUrl }, "gpt-4o")).toBeUndefined();
    }
    const resold = describedModel({ ...openai, baseUrl: "https://openrouter.ai/api/v1" }, { id: "gpt-4o" });
    expect(resold).toMatchObject({ price: undefined, contextWindow: 128_000 });
  });

  it("H24: Claude at Bedrock costs what Anthropic asks over a global profile, and a tenth more over any other", () => {
    const bedrock = {
      api: "bedrock-converse-stream",
      baseUrl: "https://bedrock-runtime.eu-west-1.amazonaws.com",
    } as const;
    const price = { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 };
    const regional = { input: 4.4, output: 22, cacheRead: 0.22, cacheWrite: 5.5 };
    expect(vendorPrice(bedrock, "global.anthropic.claude-opus-5-5")).toEqual(price);
    expect(vendorPrice({ ...bedrock, baseUrl: null }, "eu.anthropic.claude-opus-5-5")).toEqual(regional);
    expect(vendorPrice(bedrock, "anthropic.claude-opus-5-5")).toEqual(regional);
    expect(vendorPrice(bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0")).toMatchObject({ input: 3.3 });
    expect(vendorPrice(bedrock, "global.anthropic.claude-opus-4-6-v1")).toMatchObject({ input: 5 });
    for (const id of [
      "us.anthropic.claude-sonnet-4-20250514-v1:0",
      "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "us.amazon.nova-pro-v1:0",
      "claude-opus-5-5",
      "arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/anthropic.claude-opus-5-5",
    ])
      expect(vendorPrice(bedrock, id)).toBeUndefined();
    for (const baseUrl of [
      "https://bedrock-runtime.us-gov-west-1.amazonaws.com",
      "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
      "http://127.0.0.1:4000",
      "https://bedrock-runtime.eu-west-1.amazonaws.com.evil.org",
    ])
      expect(vendorPrice({ ...bedrock, baseUrl }, "global.anthropic.claude-opus-5-5")).toBeUndefined();
  });

  it("what a model can is known behind the names that resellers give it, and its price is not", () => {
    for (const id of ["us.anthropic.claude-opus-5-5", "anthropic/claude-opus-5.5", "claude-opus-5.5"])
      expect(knownModel(id)).toMatchObject({ contextWindow: 1_000_000, reasoning: true });
    expect(knownModel("google/gemini-2.5-flash")?.contextWindow).toBe(1_048_576);
    expect(
      describedModel({ ...openai, baseUrl: "https://openrouter.ai/api/v1" }, { id: "openai/gpt-4o" }),
    ).toMatchObject({
      price: undefined,
      contextWindow: 128_000,
    });
    for (const id of ["acme/gpt-4o", "us.acme.claude-opus-5-5", "gpt-4.1.1"]) expect(knownModel(id)).toBeUndefined();
  });

  it("what the configuration says wins", () => {
    const cost = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 };
    expect(
      describedModel(openai, {
        id: "gpt-4o",
        cost,
        contextWindow: 9_000,
        maxTokens: 5,
        input: ["text"],
        reasoning: true,
        name: "Mine",
      }),
    ).toEqual({
      ref: "openai/gpt-4o",
      provider: "openai",
      id: "gpt-4o",
      name: "Mine",
      price: cost,
      contextWindow: 9_000,
      maxTokens: 5,
      input: ["text"],
      reasoning: true,
    });
  });
});
