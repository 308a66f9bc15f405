/** One error type, one table; and nothing of an error is lost on its way to another process. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "./app-error.ts";
import { errorCodes, type ErrorCode, type ErrorCodeRow } from "./error-codes.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];
const rows = Object.entries(errorCodes) as [ErrorCode, ErrorCodeRow][];

/** The thousands of a number name the family. */
const families: Readonly<Record<string, number>> = {
  CONN: 1,
  MSG: 2,
  SEC: 3,
  CFG: 4,
  STORE: 5,
  MODEL: 6,
  RPC: 7,
  RUN: 8,
  SYS: 9,
  VAULT: 10,
  BUDGET: 11,
};

describe("error table", () => {
  it("numbers are unique, and code and number say the same", () => {
    expect(new Set(rows.map(([, row]) => row.numeric)).size).toBe(rows.length);
    for (const [code, row] of rows) {
      const [family = "", index = ""] = code.split("_");
      expect([code, row.numeric]).toEqual([code, (families[family] ?? 0) * 1_000 + Number(index)]);
      expect(index).toMatch(/^\d{3}$/);
    }
  });

  it("a family's numbers leave no gap, so that a removed code shows", () => {
    for (const family of Object.keys(families)) {
      const indexes = codes.filter((code) => code.startsWith(`${family}_`)).map((code) => Number(code.split("_")[1]));
      expect(indexes).toEqual(Array.from({ length: indexes.length }, (_, index) => index + 1));
    }
  });

  it("every row says in whole sentences what happened and what to do", () => {
    for (const [code, row] of rows) {
      for (const sentence of [row.meaning, row.remedy])
        expect(`${code} ${sentence}`).toMatch(/^\w+_\d{3} [A-Z].{8,}\.$/);
    }
    expect(new Set(rows.map(([, row]) => row.meaning)).size).toBe(rows.length);
  });

  it("keeps statuses and exit codes that clients and scripts can act on", () => {
    for (const [code, row] of rows) {
      expect(row.http >= 400 && row.http < 600, code).toBe(true);
      // A 5xx that never gets better by itself would be retried in vain; 429 and 503 promise that it will.
      if ([429, 503].includes(row.http))
        expect([code, row.retry]).toEqual([code, code === "STORE_005" ? row.retry : "later"]);
      if (code.startsWith("CFG_") && row.exit === 78) expect(row.retry).toBe("never");
    }
  });
});

describe("app error", () => {
  it("takes its answer about a retry from the table, unless told otherwise", () => {
    for (const code of codes) expect(new AppError(code, "x").retry).toBe(errorCodes[code].retry);
    expect(new AppError("CONN_001", "x", { retry: "never" }).retry).toBe("never");
    expect(new AppError("CONN_003", "x").row).toBe(errorCodes.CONN_003);
  });

  it("comes over a process border as it was, without stack and cause", () => {
    const error = fc.record({
      code: fc.constantFrom(...codes),
      message: fc.string(),
      retry: fc.constantFrom("never" as const, "later" as const, "now" as const),
      retryAfterMs: fc.option(fc.nat(), { nil: undefined }),
      details: fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        fc.jsonValue(),
      ),
    });
    fc.assert(
      fc.property(error, ({ code, message, retry, retryAfterMs, details }) => {
        const sent = new AppError(code, message, {
          retry,
          details,
          cause: new Error("internal"),
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
        const json = JSON.stringify(sent);
        expect(json).not.toContain("internal");
        expect(json).not.toContain("stack");
        const received = AppError.fromJSON(JSON.parse(json));
        expect(received).toBeInstanceOf(AppError);
        expect(received.details).toEqual(JSON.parse(JSON.stringify(details)));
        expect([received.code, received.message, received.retry, received.retryAfterMs]).toEqual([
          code,
          message,
          retry,
          retryAfterMs,
        ]);
      }),
    );
  });

  it("makes of anything thrown an AppError that keeps it as its cause", () => {
    const own = new AppError("MSG_001", "mine");
    expect(AppError.from(own, "CONN_001")).toBe(own);
    const foreign = new TypeError("theirs");
    expect(AppError.from(foreign)).toMatchObject({ code: "SYS_001", message: "theirs", cause: foreign });
    for (const thrown of ["text", 5, null, undefined]) {
      expect(AppError.from(thrown, "CONN_001")).toMatchObject({ code: "CONN_001", message: String(thrown) });
    }
  });
});
