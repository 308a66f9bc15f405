import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { createLifecycle } from "./lifecycle.ts";

describe("the end of a life", () => {
  it("closes in reverse, once, whatever one of the parts throws", async () => {
    const closed: string[] = [];
    const life = createLifecycle(new FakeClock(), silentLog());
    await life.start({ name: "first", close: () => void closed.push("first") });
    await life.start({ name: "second", close: () => Promise.reject(new Error("stuck")) });
    await life.start({ name: "third", close: () => void closed.push("third") });
    await Promise.all([life.close(), life.close()]);
    expect(closed).toEqual(["third", "first"]);
  });

  it("leaves a part behind that hangs, and has time for every other within the limit", async () => {
    const clock = new FakeClock();
    const closed: string[] = [];
    const life = createLifecycle(clock, silentLog());
    await life.start({ name: "lock", close: () => void closed.push("lock") });
    await life.start({ name: "store", close: () => clock.sleep(150).then(() => void closed.push("store")) });
    await life.start({ name: "way", close: () => new Promise(() => undefined) });
    const ended = life.close().then(() => clock.monotonicMs());
    await clock.advance(limits.shutdownMs);
    expect(closed).toEqual(["store", "lock"]);
    expect(await ended).toBeLessThanOrEqual(limits.shutdownMs);
    expect(clock.pendingTimers).toBe(0);
  });
});
