import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { failureReasons } from "../domain/failure-reason.ts";
import { failureText } from "./failure-text.ts";

function modelError(...attempts: readonly { model: string; reason: string }[]) {
  return new AppError("MODEL_009", "No model could answer.", { details: { attempts } }).toJSON();
}

describe("what a person is told", () => {
  it("is one or two sentences with something to do, for every reason and every pair of them", () => {
    for (const reason of failureReasons) {
      const alone = failureText(modelError({ model: "a/one", reason }));
      expect(alone, reason).toMatch(/^⚠️ [A-Z][a-z]* .*\. [A-Z].*\. \(MODEL_009\)$/);
      for (const other of failureReasons) {
        const both = failureText(modelError({ model: "a/one", reason }, { model: "b/two", reason: other }));
        expect(both.split("⚠️")).toHaveLength(2);
        expect(both.length).toBeLessThan(420);
        expect(both).toMatch(/\ba\b|a\/one/);
        expect(both).toMatch(/\bb\b|b\/two/);
      }
    }
  });

  it("names each provider once, and what helps against what a person can mend", () => {
    const error = modelError(
      { model: "a/one", reason: "overloaded" },
      { model: "a/two", reason: "overloaded" },
      { model: "b/three", reason: "billing" },
    );
    expect(failureText(error)).toBe(
      "⚠️ No model could answer: no answer from a: overloaded or down; the account at b has no credit or quota left. Top it up, or add a fallback model at another provider. (MODEL_009)",
    );
  });

  it("names the choice that cannot be made, and keeps to the table where nothing is known of attempts", () => {
    const refused = new AppError("MODEL_001", "The model c/x may not be chosen here; these may: a/one.", {
      details: { param: "model" },
    });
    expect(failureText(refused.toJSON())).toBe(
      "⚠️ The model c/x may not be chosen here; these may: a/one. (MODEL_001)",
    );
    for (const attempts of [
      undefined,
      null,
      "x",
      [],
      [null, 7, {}, { model: 1, reason: "auth" }, { model: "a", reason: "magic" }],
    ]) {
      const error = new AppError("MODEL_004", "x", { details: { attempts } }).toJSON();
      expect(failureText(error)).toBe(
        "⚠️ The model provider failed. Try again; see the provider's status page. (MODEL_004)",
      );
    }
  });
});
