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
