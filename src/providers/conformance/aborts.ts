/** A call that is stopped, or that nobody answers. */
import { expect, it } from "vitest";
import type { Reply } from "../../drill/model-emulator/script.ts";
import { startModelEmulator } from "../../drill/model-emulator/server.ts";
import { systemClock, type Clock } from "../../platform/clock.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { collect, failureOf, forever, modelRequest, type Bench, type ConformanceHarness } from "./bench.ts";

export function stopping(bench: Bench, { row }: ConformanceHarness): void {
  const silences: readonly Reply[] = [
    { fault: { kind: "silence" } },
    { text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 1 } },
    { text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 0 } },
  ];

  it.each(silences)(`${row}: an abort ends %o within 200 ms`, async (reply) => {
    // No time passes here: what waits for a clock before it gives up never does.
    const clock = new FakeClock();
    bench.emulator().play(reply);
    const controller = new AbortController();
    const running = collect(bench.open({ clock }).stream(modelRequest("x"), controller.signal));
    const seen = await bench.emulator().arrived();
    controller.abort(new Error("the user said stop"));
    expect(failureOf(await running)).toMatchObject({ code: "RUN_001" });
    expect(clock.nowMs()).toBe(new FakeClock().nowMs());
    expect(clock.pendingTimers).toBe(0);
    await expect.poll(() => seen.abandoned).toBe(true);
  });

  it(`${row}: an abort is heard before anything that comes after it`, async () => {
    bench.emulator().play({ text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 1 } });
    const controller = new AbortController();
    const order: string[] = [];
    for await (const event of bench.open().stream(modelRequest("x"), controller.signal)) {
      order.push(event.type);
      if (event.type !== "text") continue;
      controller.abort();
      // The loop's next look finds the end there already.
      setImmediate(() => order.push("later"));
    }
    expect(order.slice(0, 2)).toEqual(["text", "failure"]);
  });

  it("a fetch that ignores the abort holds nobody up", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const deaf = (): Promise<Response> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const running = collect(bench.open({ fetch: deaf }).stream(modelRequest("x"), controller.signal));
    await asked.promise;
    controller.abort();
    expect(failureOf(await running).code).toBe("RUN_001");
  });

  it("an abort before the start sends nothing", async () => {
    const events = await collect(bench.open().stream(modelRequest("x"), AbortSignal.abort()));
    expect(failureOf(events).code).toBe("RUN_001");
    expect(bench.emulator().count()).toBe(0);
  });

  it("a listener who leaves frees the connection", async () => {
    bench.emulator().play({ text: ["one ", "two "], fault: { kind: "hang", afterDeltas: 1 } });
    const arrived = bench.emulator().arrived();
    for await (const event of bench.open().stream(modelRequest("x"), forever)) {
      expect(event).toEqual({ type: "text", text: "one " });
      break;
    }
    const seen = await arrived;
    await expect.poll(() => seen.abandoned).toBe(true);
  });

  it("an endpoint that is silent for two minutes is given up, one that trickles is not", async () => {
    const clock = new FakeClock();
    bench.emulator().play({ fault: { kind: "silence" } });
    const running = collect(bench.open({ clock }).stream(modelRequest("x"), forever));
    await bench.emulator().arrived();
    await clock.advance(119_000);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(failureOf(await running)).toMatchObject({ code: "MODEL_006", retry: "later" });
    expect(clock.pendingTimers).toBe(0);
    await trickle(bench);
  });
}

/** Three deltas a minute and a half apart: longer than the limit as a whole, never as a silence. */
async function trickle(bench: Bench): Promise<void> {
  const clock = new FakeClock();
  const waits: (() => void)[] = [];
  const paced: Clock = { ...systemClock(), sleep: () => new Promise((resolve) => waits.push(resolve)) };
  const slow = await startModelEmulator({
    clock: paced,
    script: { text: ["one ", "two ", "three "], deltaDelayMs: 90_000 },
  });
  const texts: string[] = [];
  const stream = bench.open({ clock }, slow.url).stream(modelRequest("x"), forever);
  const running = (async () => {
    for await (const event of stream) texts.push(event.type === "text" ? event.text : event.type);
  })();
  for (const expected of [0, 1, 2]) {
    await expect.poll(() => [texts.length, waits.length]).toEqual([expected, 1]);
    await clock.advance(90_000);
    waits.pop()?.();
  }
  await running;
  expect(texts).toEqual(["one ", "two ", "three ", "end"]);
  await slow.close();
}
