import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { QuotaWindow } from "../domain/quota.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import { thinker } from "./captured-body.fixture.ts";
import { collect } from "./conformance.ts";
import type { ModelApi, ModelEvent } from "./contract.ts";
import { quotaWindows, replenishedMs } from "./quota.ts";
import { providerModule } from "./registry.ts";

const nowMs = Date.UTC(2026, 0, 1);
const inMs = (ms: number): number => nowMs + ms;

function read(headers: Readonly<Record<string, string>>): readonly QuotaWindow[] {
  return quotaWindows(Object.entries(headers), nowMs);
}

const window = (more: Partial<QuotaWindow>): QuotaWindow => ({
  unit: "requests",
  window: "",
  limit: null,
  remaining: null,
  resetsMs: null,
  ...more,
});

const answers: readonly (readonly [string, Readonly<Record<string, string>>, readonly QuotaWindow[]])[] = [
  [
    "OpenAI",
    {
      "x-ratelimit-limit-requests": "5000",
      "x-ratelimit-remaining-requests": "4999",
      "x-ratelimit-reset-requests": "12ms",
      "x-ratelimit-limit-tokens": "450000",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "6m0s",
    },
    [
      window({ limit: 5_000, remaining: 4_999, resetsMs: inMs(12) }),
      window({ unit: "tokens", limit: 450_000, remaining: 0, resetsMs: inMs(360_000) }),
    ],
  ],
  [
    "Anthropic",
    {
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:02Z",
      "anthropic-ratelimit-input-tokens-limit": "30000",
      "anthropic-ratelimit-input-tokens-remaining": "12000",
      "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:40Z",
      "anthropic-ratelimit-output-tokens-limit": "8000",
      "anthropic-ratelimit-output-tokens-remaining": "8000",
    },
    [
      window({ limit: 50, remaining: 49, resetsMs: inMs(2_000) }),
      window({ unit: "input-tokens", limit: 30_000, remaining: 12_000, resetsMs: inMs(40_000) }),
      window({ unit: "output-tokens", limit: 8_000, remaining: 8_000 }),
    ],
  ],
  [
    "an Anthropic subscription",
    {
      "anthropic-ratelimit-unified-status": "allowed",
      "anthropic-ratelimit-unified-5h-status": "allowed",
      "anthropic-ratelimit-unified-5h-utilization": "0.42",
      "anthropic-ratelimit-unified-5h-reset": "1767229200",
      "anthropic-ratelimit-unified-7d-utilization": "1.02",
      "anthropic-ratelimit-unified-7d-reset": "1767744000",
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-overage-status": "rejected",
    },
    [
      window({ unit: "share", window: "5h", limit: 1, remaining: 0.58, resetsMs: inMs(3_600_000) }),
      window({ unit: "share", window: "7d", limit: 1, remaining: 0, resetsMs: 1_767_744_000_000 }),
    ],
  ],
  [
    "OpenRouter",
    { "x-ratelimit-limit": "50", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "1767312000000" },
    [window({ limit: 50, remaining: 3, resetsMs: 1_767_312_000_000 })],
  ],
  [
    "Groq and Cerebras",
    {
      "x-ratelimit-limit-tokens": "6000",
      "x-ratelimit-remaining-tokens": "5997",
      "x-ratelimit-reset-tokens": "7.66s",
      "x-ratelimit-limit-requests-day": "14400",
      "x-ratelimit-remaining-requests-day": "14370",
      "x-ratelimit-reset-requests-day": "33011.38",
    },
    [
      window({ unit: "tokens", limit: 6_000, remaining: 5_997, resetsMs: inMs(7_660) }),
      window({ window: "day", limit: 14_400, remaining: 14_370, resetsMs: inMs(33_011_380) }),
    ],
  ],
  [
    "Mistral, both ways",
    {
      "x-ratelimitbysize-limit-minute": "500000",
      "x-ratelimitbysize-remaining-minute": "467993",
      "ratelimitbysize-reset": "40",
      "ratelimitbysize-query-cost": "32007",
      "x-ratelimit-limit-req-minute": "60",
      "x-ratelimit-remaining-req-minute": "59",
    },
    [
      window({ unit: "tokens", window: "minute", limit: 500_000, remaining: 467_993 }),
      window({ window: "minute", limit: 60, remaining: 59 }),
    ],
  ],
  [
    "Together and Fireworks",
    {
      "x-ratelimit-limit": "10",
      "x-ratelimit-remaining": "9.5",
      "x-ratelimit-reset": "1",
      "x-tokenlimit-limit": "2000",
      "x-tokenlimit-remaining": "1990",
      "x-ratelimit-limit-tokens-prompt": "60000",
      "x-ratelimit-remaining-tokens-generated": "5990",
    },
    [
      window({ limit: 10, remaining: 9.5, resetsMs: inMs(1_000) }),
      window({ unit: "tokens", limit: 2_000, remaining: 1_990 }),
      window({ unit: "input-tokens", limit: 60_000 }),
      window({ unit: "output-tokens", remaining: 5_990 }),
    ],
  ],
  [
    "Copilot",
    {
      "x-quota-snapshot-premium_interactions": "ent=1500&ov=0.0&ovPerm=false&rem=31.3&rst=2026-04-01T00%3A00%3A00Z",
      "x-quota-snapshot-chat": "ent=-1&ov=0.0&ovPerm=false&rem=100.0",
    },
    [
      window({
        unit: "credits",
        window: "premium_interactions",
        limit: 1_500,
        remaining: 469.5,
        resetsMs: Date.UTC(2026, 3, 1),
      }),
    ],
  ],
  [
    "the IETF's draft",
    { "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "30" },
    [window({ limit: 100, remaining: 50, resetsMs: inMs(30_000) })],
  ],
];

describe("windows of a quota", () => {
  it.each(answers)("H23: are read from what %s sends", (_name, headers, expected) => {
    expect(read(headers)).toEqual(expected);
  });

  it("H23: junk is no window", () => {
    for (const headers of [
      {},
      { "x-ratelimit-limit-requests": "many" },
      { "x-ratelimit-remaining-requests": "-1" },
      { "x-ratelimit-remaining-requests": "NaN" },
      { "x-ratelimit-limit-tokens": "1e400" },
      { "x-ratelimit-limit-images": "5" },
      { "x-ratelimit-limit-__proto__": "5", "x-ratelimit-limit-constructor": "5" },
      { "x-ratelimit-reset-requests": "1s" },
      { "anthropic-ratelimit-unified-5h-utilization": "half" },
      { "x-quota-snapshot-chat": "unlimited" },
    ])
      expect(read(headers), JSON.stringify(headers)).toEqual([]);
    expect(read({ "x-ratelimit-limit": "5", "x-ratelimit-reset": "tomorrow" })).toEqual([window({ limit: 5 })]);
    expect(read({ "x-ratelimit-limit": "5", "x-ratelimit-reset": "9999999999999" })).toEqual([window({ limit: 5 })]);
  });

  it("H23: whatever the headers are, there are few windows, and each holds", () => {
    const name = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom(
            "x-ratelimit-",
            "ratelimit-",
            "anthropic-ratelimit-",
            "x-ratelimitbysize-",
            "x-quota-snapshot-",
          ),
          fc.constantFrom("limit", "remaining", "reset", "requests-limit", "unified-5h-utilization", "chat"),
          fc.constantFrom("", "-tokens", "-requests-day", "-minute"),
        )
        .map((parts) => parts.join("")),
    );
    const value = fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String), fc.constant("ent=9&rem=5"));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 100 }), (headers) => {
        const windows = quotaWindows(headers, nowMs);
        expect(windows.length).toBeLessThanOrEqual(32);
        expect(new Set(windows.map(({ unit, window: name }) => `${unit} ${name}`)).size).toBe(windows.length);
        for (const { limit, remaining, resetsMs } of windows) {
          for (const count of [limit, remaining])
            expect(count === null || (Number.isFinite(count) && count >= 0)).toBe(true);
          expect(resetsMs === null || Math.abs(resetsMs - nowMs) <= 366 * 86_400_000).toBe(true);
          expect(limit !== null || remaining !== null).toBe(true);
        }
      }),
    );
  });

  it("what is used up is back when the last of it is", () => {
    const used = window({ remaining: 0, resetsMs: 5 });
    expect(replenishedMs([used, window({ unit: "tokens", remaining: 0, resetsMs: 9 })])).toBe(9);
    expect(replenishedMs([window({ remaining: 1, resetsMs: 5 }), window({ remaining: 0 })])).toBeUndefined();
  });
});

const frames: readonly (readonly [ModelApi, string])[] = [
  [
    "openai-completions",
    'data: {"id":"1","choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
  ],
  [
    "ollama",
    '{"message":{"content":"hi"},"done":false}\n{"message":{"content":""},"done":true,"done_reason":"stop"}\n',
  ],
];

async function heard(api: ModelApi, response: () => Response): Promise<ModelEvent[]> {
  const provider = (await providerModule(api)).open(
    { id: "acme", api, baseUrl: "http://127.0.0.1:9", apiKey: "k", headers: {} },
    { fetch: () => Promise.resolve(response()), clock: new FakeClock(nowMs), ids: systemIds() },
  );
  const messages = [{ role: "user", content: [{ type: "text", text: "x" }] }] as const;
  const request = { model: thinker("m", { reasoning: false }), system: "", messages, tools: [] };
  return collect(provider.stream(request, new AbortController().signal));
}

describe("the quota in an answer", () => {
  const headers = {
    "x-ratelimit-limit-requests": "10",
    "x-ratelimit-remaining-requests": "9",
    "content-type": "text/event-stream",
  };

  it.each(frames)("H23: %s tells it once, before everything else", async (api, body) => {
    const events = await heard(api, () => new Response(body, { headers }));
    expect(events.map(({ type }) => type)).toEqual(["quota", "text", "end"]);
    expect(events[0]).toEqual({ type: "quota", windows: [window({ limit: 10, remaining: 9 })] });
    const silent = await heard(api, () => new Response(body, { headers: { "content-type": "text/event-stream" } }));
    expect(silent.map(({ type }) => type)).toEqual(["text", "end"]);
  });

  it("H23: a refusal tells it too, and carries it", async () => {
    const events = await heard("openai-completions", () => new Response("{}", { status: 429, headers }));
    expect(events.map(({ type }) => type)).toEqual(["quota", "failure"]);
    expect(events[1]).toMatchObject({ error: { details: { quota: [{ limit: 10, remaining: 9 }] } } });
  });

  it("H23: Gemini names the window it closed in the refusal's body", async () => {
    const body = {
      error: {
        code: 429,
        message: "You exceeded your current quota.",
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            violations: [
              {
                quotaMetric: "generate_content_free_tier_requests",
                quotaId: "GenerateRequestsPerDayPerProject",
                quotaValue: "20",
              },
              {
                quotaMetric: "input_token_count",
                quotaId: "GenerateContentInputTokensPerMinute",
                quotaValue: "250000",
              },
              { quotaId: 7 },
            ],
          },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "58s" },
        ],
      },
    };
    const events = await heard("google-generative-ai", () => Response.json(body, { status: 429 }));
    const windows = [
      window({ window: "day", limit: 20, remaining: 0, resetsMs: inMs(58_000) }),
      window({ unit: "input-tokens", window: "minute", limit: 250_000, remaining: 0, resetsMs: inMs(58_000) }),
    ];
    expect(events).toMatchObject([
      { type: "quota", windows },
      { type: "failure", error: { code: "MODEL_003", retryAfterMs: 58_000, details: { quota: windows } } },
    ]);
  });
});
