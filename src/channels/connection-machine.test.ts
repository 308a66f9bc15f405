import { describe, expect, it } from "vitest";
import { connectionStates, type ConnectionState } from "../domain/events.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { connectionEvents, nextConnectionState, type ConnectionEvent } from "./connection-machine.ts";

/** The rules written a second time, as sentences about an account rather than as a table. */
interface Model {
  /** Somebody wants it up. */
  wanted: boolean;
  up: boolean;
  everFailed: boolean;
  open: boolean;
  gaveUp: boolean;
}

function modelStep(model: Model, event: ConnectionEvent): Model | null {
  const trying = model.wanted && !model.up && !model.open && !model.gaveUp;
  switch (event) {
    case "start":
      return { wanted: true, up: false, everFailed: false, open: false, gaveUp: false };
    case "stop":
      return { wanted: false, up: false, everFailed: false, open: false, gaveUp: false };
    case "connected":
      return trying ? { ...model, up: true } : null;
    case "failed":
      return trying ? { ...model, everFailed: true } : null;
    case "lost":
      return model.up ? { ...model, up: false, everFailed: true } : null;
    case "tripped":
      return model.up || (trying && model.everFailed) ? { ...model, up: false, everFailed: true, open: true } : null;
    case "retry":
      return model.open ? { ...model, open: false } : null;
    case "exhausted":
      return model.up || (trying && model.everFailed) ? { ...model, up: false, gaveUp: true } : null;
    case "refused":
      // Settings that do not fit are found before anything is started.
      return model.open || model.gaveUp ? null : { ...model, wanted: true, up: false, gaveUp: true };
  }
}

function stateOf(model: Model): ConnectionState {
  if (!model.wanted) return "DISCONNECTED";
  if (model.gaveUp) return "PERMANENTLY_FAILED";
  if (model.open) return "ERROR";
  if (model.up) return "CONNECTED";
  return model.everFailed ? "RECONNECTING" : "CONNECTING";
}

describe("connection machine", () => {
  it("L2: only legal transitions in 100,000 random events, and every state is reached", () => {
    const ids = seededIds(7);
    let model: Model = { wanted: false, up: false, everFailed: false, open: false, gaveUp: false };
    let state: ConnectionState = "DISCONNECTED";
    const reached = new Map<string, number>();
    for (let step = 0; step < 100_000; step += 1) {
      const event = connectionEvents[Math.floor(ids.random() * connectionEvents.length)] ?? "start";
      const expected = modelStep(model, event);
      const next = nextConnectionState(state, event);
      expect([state, event, next], `step ${step}`).toEqual([
        state,
        event,
        expected === null ? null : stateOf(expected),
      ]);
      model = expected ?? model;
      state = next ?? state;
      reached.set(state, (reached.get(state) ?? 0) + 1);
    }
    expect([...reached.keys()].toSorted()).toEqual([...connectionStates].toSorted());
    for (const times of reached.values()) expect(times).toBeGreaterThan(1_000);
  });

  it("leaves PERMANENTLY_FAILED only when a person asks", () => {
    const ways = connectionEvents.filter((event) => nextConnectionState("PERMANENTLY_FAILED", event) !== null);
    expect(ways).toEqual(["start", "stop"]);
  });
});
