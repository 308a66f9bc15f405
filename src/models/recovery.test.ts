import { describe, expect, it } from "vitest";
import { failureReasons } from "../domain/failure-reason.ts";
import { fallbackTriggers, type FallbackTrigger } from "./contract.ts";
import { mayFallBack, recoveriesFor } from "./recovery.ts";

const usual: readonly FallbackTrigger[] = ["rate-limit", "on-error", "auth", "context-overflow"];

describe("the table of recoveries", () => {
  it("every reason has its way out, and the ways that cost money again are few and named", () => {
    const again = failureReasons.filter((reason) => recoveriesFor(reason, usual).includes("same-again"));
    expect(again).toEqual(["rate_limit", "overloaded", "network", "interrupted"]);
    // What is asked again is another request then.
    expect(recoveriesFor("context_overflow", usual)[0]).toBe("compact");
    expect(recoveriesFor("image_size", usual)[0]).toBe("shrink-images");
    expect(recoveriesFor("image_dimension", usual)[0]).toBe("shrink-images");
    const none = failureReasons.filter((reason) => recoveriesFor(reason, usual).length === 0);
    expect(none).toEqual(["content_filter"]);
  });

  it("H16 H21: a key that was refused or cannot pay is never asked the same again", () => {
    for (const reason of ["auth", "billing", "model_not_found", "timeout", "bad_request", "empty"] as const) {
      expect(recoveriesFor(reason, fallbackTriggers)).not.toContain("same-again");
    }
  });

  it("H18: each failure belongs to one trigger, `always` stands for all, and without any no other model is asked", () => {
    for (const reason of failureReasons) {
      const own = fallbackTriggers.filter((trigger) => trigger !== "always" && mayFallBack(reason, [trigger]));
      expect(own).toHaveLength(reason === "content_filter" ? 0 : 1);
      expect(mayFallBack(reason, ["always"])).toBe(true);
      expect(recoveriesFor(reason, [])).not.toContain("next-model");
    }
  });
});
