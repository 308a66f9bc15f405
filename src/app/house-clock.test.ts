import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { silentLog } from "../platform/log.ts";
import { createHouseClock } from "./house-clock.ts";

describe("the clock of a running gateway", () => {
  it("A12: a beat that fails is logged, the next one comes, and nothing is thrown at the process", async () => {
    const logged: unknown[] = [];
    const thrice = Promise.withResolvers<void>();
    const log = { ...silentLog(), error: (_message: string, fields: unknown) => void logged.push(fields) };
    const clock = createHouseClock(() => log);
    let beats = 0;
    // Vitest fails a run in which anything is thrown outside a test.
    const timer = clock.every(5, () => {
      beats += 1;
      if (beats === 3) thrice.resolve();
      return Promise.reject(new AppError("STORE_002", "The disk is full."));
    });
    // Keeps the process awake: the beats alone do not.
    await Promise.race([thrice.promise, clock.sleep(5_000)]);
    timer.cancel();
    expect(beats).toBe(3);
    expect(logged.slice(0, 2)).toMatchObject([{ error: { code: "STORE_002" } }, { error: { code: "STORE_002" } }]);
  });
});
