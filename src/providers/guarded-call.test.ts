import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { collect, failureOf, modelRequest, providerDeps, textOf } from "./conformance.ts";
import type { ModelEvent } from "./contract.ts";
import { guardedCall, type Call } from "./guarded-call.ts";

const endpoint = { id: "mock", api: "openai-completions", baseUrl: null, apiKey: null, headers: {} } as const;
const clock = new FakeClock();
const scene = { request: modelRequest("x"), endpoint, deps: providerDeps({ clock }), faultOf: () => null };
const forever = new AbortController().signal;
const end: ModelEvent = { type: "end", reason: "stop", usage: null };

function run(events: (call: Call) => AsyncIterable<ModelEvent>, signal = forever): Promise<ModelEvent[]> {
  return collect(guardedCall(scene, signal, events));
}

describe("a guarded call", () => {
  it("hides what comes behind the end", async () => {
    const events = await run(async function* () {
      yield { type: "text", text: "a" };
      yield end;
      yield { type: "text", text: "b" };
      yield end;
    });
    expect(events).toEqual([{ type: "text", text: "a" }, end]);
  });

  it("ends what ends without saying so", async () => {
    const events = await run(async function* () {
      yield { type: "text", text: "half" };
    });
    expect(textOf(events)).toBe("half");
    expect(failureOf(events)).toMatchObject({ code: "MODEL_005", details: { reason: "interrupted" } });
  });

  it("turns what is thrown into a failure: ours as it is, a bug as a bug and not as the network's fault", async () => {
    const throwing = (thrown: unknown): Promise<ModelEvent[]> =>
      // oxlint-disable-next-line require-yield -- a protocol that fails before it has anything to say
      run(async function* () {
        throw thrown;
      });
    expect(failureOf(await throwing(new AppError("SEC_005", "not allowed there"))).code).toBe("SEC_005");
    expect(failureOf(await throwing(new TypeError("x is undefined"))).code).toBe("SYS_001");
    expect(failureOf(await throwing("a string")).code).toBe("SYS_001");
  });

  it("leaves no timer and no listener behind, however a call ends", async () => {
    const controller = new AbortController();
    await run(async function* () {
      yield end;
    }, controller.signal);
    const aborted = new AbortController();
    const running = run(async function* (call) {
      await new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
      yield end;
    }, aborted.signal);
    aborted.abort();
    expect(failureOf(await running).code).toBe("RUN_001");
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not take a listener who is busy for a silent endpoint", async () => {
    const iterator = guardedCall(scene, forever, async function* () {
      yield { type: "text", text: "a" };
      yield end;
    });
    expect(await iterator.next()).toMatchObject({ value: { type: "text" } });
    await clock.advance(600_000);
    expect(await iterator.next()).toMatchObject({ value: end });
  });

  it("gives up an answer without an end at the limit", async () => {
    const mebibyte = new Uint8Array(1024 * 1024);
    const answer = (mebibytes: number): Promise<ModelEvent[]> => {
      const body = ReadableStream.from(Array.from({ length: mebibytes }, () => mebibyte)) as ReadableStream<Uint8Array>;
      const deps = providerDeps({ clock, fetch: () => Promise.resolve(new Response(body)) });
      return collect(
        guardedCall({ ...scene, deps }, forever, async function* (call) {
          const { body: watched } = await call.fetch("http://127.0.0.1/");
          for await (const _ of watched ?? []) continue;
          yield end;
        }),
      );
    };
    expect(await answer(limits.modelAnswerBytes / mebibyte.length)).toEqual([end]);
    expect(failureOf(await answer(limits.modelAnswerBytes / mebibyte.length + 1))).toMatchObject({ code: "MODEL_005" });
  });

  it("gives a model that thinks more time to be silent", async () => {
    const thinker = { ...scene, request: modelRequest("x", { model: { ...scene.request.model, reasoning: true } }) };
    const running = collect(
      // oxlint-disable-next-line require-yield -- an endpoint that never says anything
      guardedCall(thinker, forever, async function* () {
        await new Promise(() => undefined);
      }),
    );
    await clock.advance(359_000);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(failureOf(await running).code).toBe("MODEL_006");
  });
});
