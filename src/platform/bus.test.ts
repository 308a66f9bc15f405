/** One listener's trouble is nobody else's. */
import { describe, expect, it } from "vitest";
import type { AppEvent } from "../domain/events.ts";
import { createEventBus } from "./bus.ts";
import type { Log, LogFields } from "./log.ts";

function collectingLog(): { log: Log; errors: LogFields[] } {
  const errors: LogFields[] = [];
  const drop = (): void => undefined;
  const log: Log = {
    trace: drop,
    debug: drop,
    info: drop,
    warn: drop,
    fatal: drop,
    error: (_message, fields) => void errors.push(fields ?? {}),
    child: () => log,
  };
  return { log, errors };
}

const started: AppEvent = { type: "gateway.started", atMs: 1 };
const stopping: AppEvent = { type: "gateway.stopping", reason: "test", restartExpectedMs: null, atMs: 2 };

describe("event bus", () => {
  it("F3: a listener that throws does not stop the others, and is logged", async () => {
    const { log, errors } = collectingLog();
    const bus = createEventBus(log);
    const seen: string[] = [];
    bus.on((event) => void seen.push(`before ${event.type}`));
    bus.on(() => {
      throw new Error("broken listener");
    });
    // oxlint-disable-next-line typescript/no-misused-promises -- the very mistake that the bus has to survive.
    bus.on(() => Promise.reject(new Error("broken async listener")));
    bus.on((event) => void seen.push(`after ${event.type}`));
    expect(() => bus.emit(started)).not.toThrow();
    bus.emit(stopping);
    await Promise.resolve();
    expect(seen).toEqual([
      "before gateway.started",
      "after gateway.started",
      "before gateway.stopping",
      "after gateway.stopping",
    ]);
    expect(errors.map((fields) => String(fields["error"])).sort()).toEqual([
      "Error: broken async listener",
      "Error: broken async listener",
      "Error: broken listener",
      "Error: broken listener",
    ]);
  });

  it("gives a listener the events of its type alone, and none after it left", () => {
    const bus = createEventBus(collectingLog().log);
    const seen: number[] = [];
    const stop = bus.on("gateway.started", (event) => void seen.push(event.atMs));
    bus.emit(started);
    bus.emit(stopping);
    stop();
    stop();
    bus.emit(started);
    expect(seen).toEqual([1]);
  });

  it("shows every listener the same order, also when a listener emits", () => {
    const bus = createEventBus(collectingLog().log);
    const first: string[] = [];
    const second: string[] = [];
    bus.on((event) => {
      first.push(event.type);
      if (event.type === "gateway.started") bus.emit(stopping);
    });
    bus.on((event) => void second.push(event.type));
    bus.emit(started);
    expect(first).toEqual(["gateway.started", "gateway.stopping"]);
    expect(second).toEqual(first);
  });

  it("does not call a listener that another one removed during the same event", () => {
    const bus = createEventBus(collectingLog().log);
    const seen: string[] = [];
    bus.on(() => stop());
    const stop = bus.on((event) => void seen.push(event.type));
    bus.emit(started);
    expect(seen).toEqual([]);
  });
});
