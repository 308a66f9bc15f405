import { describe, expect, it } from "vitest";
import { providerFailure, readErrorBody, type ProviderFault } from "./failure.ts";

const endpoint = {
  id: "acme",
  api: "openai-completions",
  baseUrl: null,
  apiKey: "sk-abcdefgh",
  headers: { "x-team": "team-secret" },
} as const;
const scene = { endpoint, model: "m-1", nowMs: Date.UTC(2026, 0, 1) };

function judge(fault: ProviderFault): {
  code: string;
  reason: unknown;
  retry: string;
  retryAfterMs: number | undefined;
} {
  const { code, details, retry, retryAfterMs } = providerFailure(fault, scene);
  return { code, reason: details["reason"], retry, retryAfterMs };
}

/** Bodies as the services document and send them. */
const corpus: readonly (readonly [status: number, body: unknown, code: string, reason: string])[] = [
  [
    401,
    { error: { message: "Incorrect API key provided", type: "invalid_request_error", code: "invalid_api_key" } },
    "MODEL_002",
    "auth",
  ],
  [401, { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } }, "MODEL_002", "auth"],
  [403, { error: { code: 403, message: "Permission denied", status: "PERMISSION_DENIED" } }, "MODEL_002", "auth"],
  [
    400,
    [
      {
        error: {
          code: 400,
          message: "API key not valid",
          status: "INVALID_ARGUMENT",
          details: [{ reason: "API_KEY_INVALID" }],
        },
      },
    ],
    "MODEL_002",
    "auth",
  ],
  [
    429,
    { error: { message: "You exceeded your current quota", type: "insufficient_quota", code: "insufficient_quota" } },
    "MODEL_003",
    "billing",
  ],
  [402, { error: { code: 402, message: "Insufficient credits" } }, "MODEL_003", "billing"],
  [
    400,
    { type: "error", error: { type: "billing_error", message: "Your credit balance is too low" } },
    "MODEL_003",
    "billing",
  ],
  [
    429,
    { error: { message: "Rate limit reached", type: "tokens", code: "rate_limit_exceeded" } },
    "MODEL_003",
    "rate_limit",
  ],
  [429, { type: "error", error: { type: "rate_limit_error", message: "slow down" } }, "MODEL_003", "rate_limit"],
  [
    429,
    { error: { code: 429, message: "Resource exhausted", status: "RESOURCE_EXHAUSTED" } },
    "MODEL_003",
    "rate_limit",
  ],
  [529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "MODEL_004", "overloaded"],
  [503, { error: { code: 503, message: "The model is overloaded", status: "UNAVAILABLE" } }, "MODEL_004", "overloaded"],
  [500, "<html>Internal Server Error</html>", "MODEL_004", "overloaded"],
  [408, {}, "MODEL_006", "timeout"],
  [
    404,
    { error: { message: "The model `x` does not exist", code: "model_not_found" } },
    "MODEL_001",
    "model_not_found",
  ],
  [400, { error: { message: "no such model", code: "model_not_found" } }, "MODEL_001", "model_not_found"],
  [404, { error: "model 'x' not found" }, "MODEL_001", "model_not_found"],
  [400, { error: { message: "too long", code: "context_length_exceeded" } }, "MODEL_007", "context_overflow"],
  [
    400,
    { type: "error", error: { type: "invalid_request_error", message: "prompt is too long: 9 tokens > 8 maximum" } },
    "MODEL_007",
    "context_overflow",
  ],
  [
    400,
    {
      error: {
        code: 400,
        message: "The input token count (9) exceeds the maximum number of tokens allowed (8).",
        status: "INVALID_ARGUMENT",
      },
    },
    "MODEL_007",
    "context_overflow",
  ],
  [
    400,
    {
      error: {
        code: 400,
        message: "the request exceeds the available context size",
        type: "exceed_context_size_error",
      },
    },
    "MODEL_007",
    "context_overflow",
  ],
  [
    413,
    { type: "error", error: { type: "request_too_large", message: "Request exceeds the maximum size" } },
    "MODEL_007",
    "context_overflow",
  ],
  [
    400,
    { error: { message: "Unsupported parameter: 'max_tokens'", code: "unsupported_parameter" } },
    "MODEL_008",
    "bad_request",
  ],
  [422, { detail: [{ msg: "field required" }] }, "MODEL_008", "bad_request"],
  [
    400,
    { error: { message: "Your request was rejected by our safety system", code: "content_policy_violation" } },
    "MODEL_008",
    "content_filter",
  ],
];

describe("a provider's failure", () => {
  it.each(corpus)("H1, H2, H4, H7, H8: status %i with %j is %s, %s", (status, body, code, reason) => {
    const { message = "", ...facts } = readErrorBody(body);
    expect(judge({ ...facts, message, status })).toMatchObject({ code, reason });
  });

  it("an error inside a stream is judged by its code alone", () => {
    const streamed = (body: unknown): unknown => judge({ message: "", ...readErrorBody(body) }).code;
    expect(streamed({ error: { code: 502, message: "x" } })).toBe("MODEL_004");
    expect(streamed({ error: { code: "429", message: "x" } })).toBe("MODEL_003");
    expect(streamed({ error: { type: "overloaded_error", message: "x" } })).toBe("MODEL_004");
    expect(streamed({ error: { type: "invalid_request_error", message: "prompt is too long" } })).toBe("MODEL_007");
    expect(
      streamed({ type: "response.failed", response: { error: { code: "rate_limit_exceeded", message: "x" } } }),
    ).toBe("MODEL_003");
    expect(streamed(null)).toBe("MODEL_004");
  });

  it("an account without credit is not asked again, an overloaded server is", () => {
    expect(judge({ message: "", status: 402 }).retry).toBe("never");
    expect(judge({ message: "", status: 503 }).retry).toBe("later");
  });

  it.each([
    [{ headers: { "retry-after": "17" } }, 17_000],
    [{ headers: { "retry-after": "0.5" } }, 500],
    [{ headers: { "retry-after-ms": "250", "retry-after": "9" } }, 250],
    [{ headers: { "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" } }, 60_000],
    [{ headers: { "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" } }, 0],
    [{ headers: { "retry-after": "soon" } }, undefined],
    [{ headers: { "retry-after": "99999999" } }, 24 * 3_600_000],
    [
      readErrorBody({
        error: { details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.5s" }] },
      }),
      34_500,
    ],
    [{}, undefined],
  ])("waits as long as it is told: %j", (facts, retryAfterMs) => {
    expect(judge({ message: "", status: 429, ...facts }).retryAfterMs).toBe(retryAfterMs);
  });

  it("is judged by the codes of the tables alone, whatever a provider calls its own", () => {
    for (const code of ["constructor", "__proto__", "toString"]) {
      expect(judge({ message: "", codes: [code] }).code).toBe("MODEL_004");
      expect(providerFailure({ message: "words", networkCode: code }, scene).message).toMatch(/: words$/);
    }
  });

  it("tells no secret and no novel", () => {
    const error = providerFailure(
      { message: `key sk-abcdefgh of team-secret: ${"x".repeat(2_000)}`, status: 401 },
      scene,
    );
    expect(error.message).toMatch(/^The provider acme refused the API key \(HTTP 401\): key \[key\] of \[key\]: x+…$/);
    expect(error.message.length).toBeLessThan(600);
  });

  it("R103: a key inside a header, or as it stands in an address, is told neither", () => {
    const endpoint = {
      ...scene.endpoint,
      apiKey: "key+/with=signs",
      headers: { Authorization: "Bearer canary-abcdef" },
    };
    const message = "no such key canary-abcdef at https://h/?key=key%2B%2Fwith%3Dsigns";
    const error = providerFailure({ message, status: 401 }, { ...scene, endpoint });
    expect(error.message).toContain("no such key [key] at https://h/?key=[redacted]");
  });

  it("reads any body", () => {
    for (const body of [
      undefined,
      null,
      7,
      "",
      "text",
      [],
      {},
      { error: null },
      { error: [] },
      { error: { details: "x" } },
      [[]],
    ]) {
      expect(() => readErrorBody(body)).not.toThrow();
    }
  });

  it("S8: what a server puts where a code belongs is kept where it is one, and never where it is the key", () => {
    const codeOf = (code: string): unknown =>
      providerFailure({ message: "no", status: 400, codes: [code] }, scene).details["providerCode"];
    expect(codeOf("invalid_api_key")).toBe("invalid_api_key");
    for (const quoted of [
      "sk-abcdefgh",
      "key-sk-abcdefgh",
      "team-secret",
      "Incorrect key: sk-abcdefgh",
      "x".repeat(65),
      "",
    ])
      expect(codeOf(quoted), quoted).toBeUndefined();
  });
});
