import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { defaultDeliverySettings } from "../../domain/delivery-policy.ts";
import { limits } from "../../domain/limits.ts";
import { isTriedEnough, refusedAttempts, withKnown } from "./known-so-far.ts";

const { retry } = defaultDeliverySettings.policy;

function tried(attempts: number, crashes: number): { attempts: number; error: ReturnType<AppError["toJSON"]> } {
  const error = new AppError("MSG_002", "it stopped").toJSON();
  return { attempts, error: withKnown({ error: null, chunksSent: 0 }, error, { crashes }) };
}

describe("whether a part was tried often enough", () => {
  it("counts what the platform refused, and no crash of ours", () => {
    expect(isTriedEnough(tried(limits.deliveryAttempts - 1, 0), retry)).toBe(false);
    expect(isTriedEnough(tried(limits.deliveryAttempts, 0), retry)).toBe(true);
    expect(isTriedEnough(tried(limits.deliveryAttempts, 1), retry)).toBe(false);
    expect(refusedAttempts(tried(9, 7))).toBe(2);
  });

  it("gives up a part in whose sending the process has ended too often", () => {
    const { deliveryCrashes } = limits;
    expect(isTriedEnough(tried(deliveryCrashes, deliveryCrashes), retry)).toBe(false);
    expect(isTriedEnough(tried(deliveryCrashes + 1, deliveryCrashes + 1), retry)).toBe(true);
  });

  it("remembers it over further failures", () => {
    const before = { error: tried(3, 2).error, chunksSent: 0 };
    const later = withKnown(before, new AppError("CONN_003", "busy").toJSON());
    expect(refusedAttempts({ attempts: 3, error: later })).toBe(1);
  });
});
