/** When the gateway says that it is ready: judged by what it can do, not by what it hopes. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Store } from "../store/port.ts";
import { createHealthView } from "./health-view.ts";

function world(probe: () => Promise<void>) {
  const clock = new FakeClock();
  const state = { blockers: new Set<string>(), draining: false };
  const loopDelay = () => ({ p50Ms: 1, p99Ms: 2, maxMs: 3 });
  return { clock, state, view: createHealthView({ store: { probe } as Store, clock, loopDelay }, state) };
}

describe("readiness", () => {
  it("D1: is false while it starts, while it drains and while the store takes no writes, and true again after that", async () => {
    let fault: AppError | null = null;
    const { view, state, clock } = world(() => (fault === null ? Promise.resolve() : Promise.reject(fault)));
    state.blockers.add("starting");
    expect(await view.ready()).toEqual({ ready: false, failing: ["starting"] });
    state.blockers.delete("starting");
    expect(await view.ready()).toEqual({ ready: true, failing: [] });
    fault = new AppError("STORE_002", "the disk is full");
    expect(await view.ready()).toEqual({ ready: false, failing: ["store: STORE_002"] });
    fault = null;
    expect(await view.ready()).toEqual({ ready: true, failing: [] });
    state.draining = true;
    expect(await view.ready()).toEqual({ ready: false, failing: ["draining"] });
    expect([view.draining(), clock.pendingTimers]).toEqual([true, 0]);
  });

  it("D1: a store that does not answer is one that takes no writes", async () => {
    const { view, clock } = world(() => new Promise(() => undefined));
    const asked = view.ready();
    await clock.advance(2_000);
    expect(await asked).toEqual({ ready: false, failing: ["store: no answer"] });
  });
});
