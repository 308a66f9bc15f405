import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { thinker } from "./captured-body.fixture.ts";
import { collect, endOf } from "./conformance.ts";
import { costOfHeader, costOfUsage } from "./reported-cost.ts";
import { providerModule } from "./registry.ts";

describe("a cost that the provider reports", () => {
  it.each([
    [{ cost: 0.00078 }, 780],
    [{ cost: 0 }, 0],
    [{ cost: 0.000_000_1 }, 1],
    [{ cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 0.95 } }, 1_000_000],
    [{ cost: 0.05, is_byok: false, cost_details: { upstream_inference_cost: 0.95 } }, 50_000],
    [{ cost: { total_cost: 0.006 } }, 6_000],
    [{ estimated_cost: 0.000_02 }, 20],
    [{ cost_in_usd_ticks: 318_319_000 }, 31_832],
  ])("X4: is micro-dollars: %j", (usage, micros) => {
    expect(costOfUsage(usage)).toBe(micros);
  });

  it.each([
    undefined,
    null,
    "0.1",
    [],
    {},
    { cost: -0.1 },
    { cost: "0.1" },
    { cost: Number.NaN },
    { cost: Number.POSITIVE_INFINITY },
    { cost: 1e9 },
    { cost: { total_cost: -1 } },
    { cost_in_usd_ticks: -1 },
  ])("X4: is left out where it cannot be: %j", (usage) => {
    expect(costOfUsage(usage)).toBeUndefined();
  });

  it("X4: a proxy's header is believed but for its zero", () => {
    expect(costOfHeader("3.45e-05")).toBe(35);
    expect(costOfHeader("0.0012")).toBe(1_200);
    for (const junk of [null, "", "None", "-1", "NaN", "Infinity", "0.0", "0", "1e9", "0x10", "1,5", " 1"])
      expect(costOfHeader(junk), String(junk)).toBeUndefined();
  });

  it("X4: whatever is told, a cost is whole, not negative and believable", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ cost: fc.anything(), estimated_cost: fc.double() })), (usage) => {
        const micros = costOfUsage(usage);
        expect(micros === undefined || (Number.isInteger(micros) && micros >= 0 && micros <= 1e9)).toBe(true);
      }),
    );
  });

  async function ended(usage: object, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const frame = { id: "1", choices: [{ delta: { content: "hi" }, finish_reason: "stop" }], usage };
    const provider = (await providerModule("openai-completions")).open(
      { id: "acme", api: "openai-completions", baseUrl: "http://127.0.0.1:9", apiKey: "k", headers: {} },
      {
        fetch: () =>
          Promise.resolve(
            new Response(`data: ${JSON.stringify(frame)}\n\ndata: [DONE]\n\n`, {
              headers: { "content-type": "text/event-stream", ...headers },
            }),
          ),
        clock: systemClock(),
        ids: systemIds(),
      },
    );
    const messages = [{ role: "user", content: [{ type: "text", text: "x" }] }] as const;
    const request = { model: thinker("m"), system: "", messages, tools: [] };
    return endOf(await collect(provider.stream(request, new AbortController().signal))).costMicros;
  }

  it("X4: it ends the answer beside the tokens; the usage's wins over the header's", async () => {
    const tokens = { prompt_tokens: 5, completion_tokens: 2 };
    expect(await ended({ ...tokens, cost: 0.01 })).toBe(10_000);
    expect(await ended(tokens, { "x-litellm-response-cost": "0.02" })).toBe(20_000);
    expect(await ended({ ...tokens, cost: 0.01 }, { "x-litellm-response-cost": "0.02" })).toBe(10_000);
    expect(await ended({ ...tokens, cost: -1 }, { "x-litellm-response-cost": "0.0" })).toBeUndefined();
    expect(await ended(tokens)).toBeUndefined();
  });
});
