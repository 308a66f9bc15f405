import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { FloodGate } from "./flood.ts";

const never = new AbortController().signal;

describe("flood gate", () => {
  it("K14: a burst at once, then so many a second, in the order asked", async () => {
    const clock = new FakeClock();
    const gate = new FloodGate({ burst: 5, perSecond: 2 }, clock);
    const entered: string[] = [];
    for (let index = 0; index < 9; index += 1) {
      void gate.enter(never).then(() => {
        entered.push(`${index}@${clock.monotonicMs()}`);
        gate.confirmed();
      });
    }
    await clock.advance(10_000);
    expect(entered).toEqual(["0@0", "1@0", "2@0", "3@0", "4@0", "5@500", "6@1000", "7@1500", "8@2000"]);
  });

  it("K14: no more than a burst waits for the server, however slow it is", async () => {
    const clock = new FakeClock();
    const gate = new FloodGate({ burst: 3, perSecond: 1_000 }, clock);
    let entered = 0;
    for (let index = 0; index < 10; index += 1) void gate.enter(never).then(() => (entered += 1));
    await clock.advance(60_000);
    expect(entered).toBe(3);
    gate.confirmed();
    await clock.advance(10);
    expect(entered).toBe(4);
  });

  it("who calls off while waiting gives the place free", async () => {
    const clock = new FakeClock();
    const gate = new FloodGate({ burst: 1, perSecond: 1 }, clock);
    await gate.enter(never);
    gate.confirmed();
    const abort = new AbortController();
    const called = gate.enter(abort.signal);
    const next = gate.enter(never);
    abort.abort(new AppError("RUN_001", "not any more"));
    await expect(called).rejects.toMatchObject({ code: "RUN_001" });
    await clock.advance(1_000);
    await next;
  });

  it("turns everybody away when it is closed, and keeps no timer", async () => {
    const clock = new FakeClock();
    const gate = new FloodGate({ burst: 1, perSecond: 1 }, clock);
    await gate.enter(never);
    gate.confirmed();
    const waiting = gate.enter(never);
    gate.close(new AppError("CONN_001", "gone"));
    await expect(waiting).rejects.toMatchObject({ code: "CONN_001" });
    await expect(gate.enter(never)).rejects.toMatchObject({ code: "CONN_001" });
    expect(clock.pendingTimers).toBe(0);
  });
});
