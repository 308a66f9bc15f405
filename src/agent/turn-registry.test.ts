import { expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { createEventBus } from "../platform/bus.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import type { Store } from "../store/port.ts";
import { createTurnRegistry } from "./turn-registry.ts";

it("remembers no more turns that wait than can wait: of one more the oldest is forgotten", () => {
  const store = {} as Store;
  const registry = createTurnRegistry({ store, bus: createEventBus(silentLog()), clock: new FakeClock() });
  for (let turn = 0; turn <= limits.inboxDepth; turn += 1) registry.expect({ runId: `run-${turn}`, sessionKey: "s" });
  expect(registry.abort("run-0", "stop")).toBe(false);
  expect(registry.abort("run-1", "stop")).toBe(true);
  expect(registry.abort(`run-${limits.inboxDepth}`, "stop")).toBe(true);
});

it("P1: ends a turn that is being parked when it is taken again, too", () => {
  const deps = { store: {} as Store, bus: createEventBus(silentLog()), clock: new FakeClock() };
  const registry = createTurnRegistry(deps);
  const turn = { runId: "run-1", sessionKey: "s", agentId: "main", startedMs: 0 };
  const first = registry.begin(turn);
  registry.expect(turn);
  expect(registry.abortSession("s", "stop")).toEqual(["run-1"]);
  expect(first.signal.aborted).toBe(true);
  first.end();
  expect(registry.begin(turn).signal.aborted).toBe(true);
});
