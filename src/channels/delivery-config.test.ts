import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defaultDeliverySettings } from "../domain/delivery-policy.ts";
import { deliveryConfigShape, deliverySettingsOf } from "./delivery-config.ts";

const schema = z.object(deliveryConfigShape);

describe("delivery settings", () => {
  it("what is not written has its default, on every level", () => {
    expect(deliverySettingsOf(schema.parse({}))).toEqual(defaultDeliverySettings);
    expect(deliverySettingsOf(undefined)).toEqual(defaultDeliverySettings);
    const some = deliverySettingsOf(schema.parse({ delivery: { retry: { attempts: 5 } } }));
    expect(some.policy).toEqual({
      ...defaultDeliverySettings.policy,
      retry: { ...defaultDeliverySettings.policy.retry, attempts: 5 },
    });
  });

  it("N14: there is no pause between blocks unless somebody asks for one", () => {
    const delayOf = (humanDelay: unknown): unknown => deliverySettingsOf(schema.parse({ humanDelay })).humanDelay;
    expect(deliverySettingsOf(schema.parse({})).humanDelay).toBeNull();
    expect(delayOf({ minMs: 1 })).toBeNull();
    expect(delayOf({ mode: "natural" })).toEqual({ minMs: 800, maxMs: 2_500 });
    expect(delayOf({ mode: "custom", minMs: 5, maxMs: 9 })).toEqual({ minMs: 5, maxMs: 9 });
  });

  it("a range that ends before it begins is refused where it ends, also where one side is a default", () => {
    const refused = (settings: unknown): unknown =>
      schema.safeParse(settings).error?.issues.map(({ path }) => path.join("."));
    expect(refused({ blockStreaming: { minChars: 2_000 } })).toEqual(["blockStreaming.maxChars"]);
    expect(refused({ humanDelay: { mode: "custom", minMs: 9, maxMs: 5 } })).toEqual(["humanDelay.maxMs"]);
    expect(refused({ delivery: { retry: { minDelayMs: 60_000 } } })).toEqual(["delivery.retry.maxDelayMs"]);
    expect(refused({ blockStreaming: { minChars: 5, maxChars: 5 } })).toBeUndefined();
  });

  it("numbers that nobody can mean are refused", () => {
    const bad = [
      { textChunkLimit: 0 },
      { textChunkLimit: 1 },
      { textChunkLimit: "4000" },
      { blockStreaming: { minChars: -1 } },
      { humanDelay: { minMs: -5 } },
      { delivery: { retry: { attempts: -1 } } },
      { delivery: { retry: { factor: 0 } } },
      { delivery: { retry: { jitter: 2 } } },
      { streaming: "partial" },
      { chunkMode: "length" },
    ];
    expect(bad.filter((settings) => schema.safeParse(settings).success)).toEqual([]);
  });

  it("a word that is no setting is refused, and settings that cannot be read let nothing out unasked", () => {
    expect(schema.safeParse({ delivery: { reliability: "sometimes" } }).success).toBe(false);
    expect(schema.safeParse({ textChunkLimit: 10 }).success).toBe(false);
    expect(deliverySettingsOf({ delivery: { permission: "perhaps" } }).policy.permission).toBe("require-approval");
  });
});
