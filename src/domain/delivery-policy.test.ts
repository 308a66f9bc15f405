import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "./app-error.ts";
import {
  defaultDeliverySettings,
  delayWithin,
  factsOf,
  mayRetry,
  naturalDelay,
  reliabilities,
  retryPauseMs,
} from "./delivery-policy.ts";

const { retry } = defaultDeliverySettings.policy;

/** As a library throws it, and as a channel hands it on. */
function failure(cause: object, code: "CONN_001" | "MSG_002" = "MSG_002"): AppError {
  return new AppError(code, "it failed", { cause: Object.assign(new Error("words"), cause) });
}

describe("what is tried again", () => {
  it("N10: network codes, rate limits and server errors pass by themselves; other refusals do not", () => {
    const passing = [
      ...["ECONNRESET", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EPIPE"].map((code) => ({ code })),
      ...[429, 500, 502, 503, 504].map((status) => ({ status })),
    ];
    for (const cause of passing) expect(mayRetry("retry-on-error", factsOf(failure(cause)))).toBe(true);
    for (const cause of [{ code: "EACCES" }, { status: 400 }, { status: 403 }, { statusCode: 404 }, {}]) {
      expect(mayRetry("retry-on-error", factsOf(failure(cause)))).toBe(false);
    }
    // A status is more precise than the code under which the channel files it.
    expect(mayRetry("retry-on-error", factsOf(failure({ status: 403 }, "CONN_001")))).toBe(false);
    expect(mayRetry("retry-on-error", factsOf(new AppError("CONN_003", "slow down")))).toBe(true);
  });

  it("N10: the words of an error change nothing", () => {
    const words = fc.constantFrom("ECONNRESET", "rate limit", "503", "forbidden", "never", "timeout", "try again");
    const causes = fc.constantFrom({ code: "ECONNRESET" }, { code: "EACCES" }, { status: 503 }, { status: 400 }, {});
    fc.assert(
      fc.property(
        fc.array(words),
        fc.array(words),
        causes,
        fc.constantFrom(...reliabilities),
        (some, others, cause, rule) => {
          const said = (text: string): boolean =>
            mayRetry(rule, factsOf(new AppError("MSG_002", text, { cause: Object.assign(new Error(text), cause) })));
          expect(said(some.join(" "))).toBe(said(others.join(" ")));
        },
      ),
    );
  });

  it("N10: what the channel knows is read from details too, so that it survives a restart", () => {
    const stored = new AppError("MSG_002", "no", { details: { status: 502 } }).toJSON();
    expect(mayRetry("retry-on-error", factsOf(stored))).toBe(true);
    const network = new AppError("MSG_002", "no", { details: { networkCode: "EPIPE" } }).toJSON();
    expect(mayRetry("retry-on-error", factsOf(network))).toBe(true);
  });

  it("N8: fire-and-forget never, retry whatever is not final, retry-on-error only what passes", () => {
    const odd = factsOf(failure({ status: 400 }));
    const final = factsOf(new AppError("CONN_002", "wrong token"));
    expect(reliabilities.map((rule) => mayRetry(rule, odd))).toEqual([false, true, false]);
    expect(reliabilities.map((rule) => mayRetry(rule, final))).toEqual([false, false, false]);
    expect(reliabilities.map((rule) => mayRetry(rule, factsOf(failure({ code: "EPIPE" }))))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("pauses", () => {
  it("N9: 1, 2, 4 s and so on up to 30 s, each longer by at most the jitter", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 60].map((failed) => retryPauseMs(retry, failed, 0));
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(retryPauseMs(retry, 1, 0.999_999)).toBe(1_100);
    expect(retry.attempts).toBe(3);
  });

  it("N14: a pause between blocks lies in its range", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999_999, noNaN: true }), (random) => {
        const pauseMs = delayWithin(naturalDelay, random);
        expect(pauseMs).toBeGreaterThanOrEqual(800);
        expect(pauseMs).toBeLessThanOrEqual(2_500);
      }),
    );
  });
});
