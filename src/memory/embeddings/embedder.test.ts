import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import type { EmbeddingEndpoint } from "./contract.ts";
import { createEmbedder, type Embedder } from "./embedder.ts";

interface Stage {
  pay: EmbeddingEndpoint["paid"];
  readonly clock: FakeClock;
  readonly embedder: Embedder;
  asked: number;
  answer: (signal: AbortSignal) => Response | Promise<Response>;
}

const good = (): Response => Response.json({ data: [{ index: 0, embedding: [1, 0] }] });
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (): Response =>
    new Response("no", { status: code, headers });

function stage(answer: Stage["answer"]): Stage {
  const clock = new FakeClock();
  const made: Stage = {
    clock,
    asked: 0,
    pay: (_call, ask) => ask(),
    answer,
    embedder: createEmbedder(
      {
        provider: "p",
        model: "m",
        api: "openai",
        url: "http://127.0.0.1:1",
        paid: (call, ask) => made.pay(call, ask),
        headers: () => Promise.resolve({ authorization: "Bearer k" }),
        fetch: async (_url, init) => {
          made.asked += 1;
          return made.answer(init?.signal as AbortSignal);
        },
      },
      { clock, ids: seededIds(1) },
    ),
  };
  return made;
}

const never = { agentId: "main", signal: new AbortController().signal };
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "ok",
    (thrown: { code?: string }) => thrown.code ?? "?",
  );

describe("asking for vectors", () => {
  it.each([429, 500, 503])("T5: %i is tried again with growing pauses, as often as the limit says", async (code) => {
    const one = stage(status(code));
    const outcome = codeOf(one.embedder.texts(["a"], never));
    await one.clock.advance(60_000);
    expect(await outcome).toBe(code === 429 ? "MODEL_003" : "MODEL_004");
    expect(one.asked).toBe(limits.embeddingAttempts);
    const other = stage(status(code));
    const vectors = other.embedder.texts(["a"], never);
    await other.clock.advance(1);
    other.answer = good;
    await other.clock.advance(limits.embeddingBackoffMs);
    expect((await vectors).dimensions).toBe(2);
  });

  it("T5: a server that names a time is not asked before", async () => {
    const one = stage(status(429, { "retry-after": "7" }));
    const vectors = one.embedder.texts(["a"], never);
    await one.clock.advance(6_999);
    expect(one.asked).toBe(1);
    one.answer = good;
    await one.clock.advance(1);
    expect((await vectors).dimensions).toBe(2);
  });

  it.each([400, 401, 403, 404])("T5: %i is not tried again, and the server is left alone", async (code) => {
    const one = stage(status(code));
    expect(await codeOf(one.embedder.texts(["a"], never))).toMatch(/^MODEL_00[28]$/);
    expect(await codeOf(one.embedder.question("a", never))).toMatch(/^MODEL_00[28]$/);
    expect(one.asked).toBe(1);
    expect(one.embedder.trouble()).toContain(String(code));
  });

  it("T5: after several failures it is left alone, and asked again when the pause is over", async () => {
    const one = stage(status(500));
    for (let index = 0; index < limits.embeddingBreakerFailures + 2; index += 1) {
      expect(await codeOf(one.embedder.question("a", never))).toBe("MODEL_004");
    }
    expect(one.asked).toBe(limits.embeddingBreakerFailures);
    await one.clock.advance(limits.embeddingPauseMs - 1);
    expect(await codeOf(one.embedder.question("a", never))).toBe("MODEL_004");
    expect(one.asked).toBe(limits.embeddingBreakerFailures);
    await one.clock.advance(1);
    one.answer = good;
    expect(await codeOf(one.embedder.question("a", never))).toBe("ok");
    expect(one.embedder.trouble()).toBeNull();
  });

  it("T5: a server that hangs costs a question its time once, then nothing", async () => {
    const one = stage(() => new Promise<Response>(() => undefined));
    const outcome = codeOf(one.embedder.question("a", never));
    await one.clock.advance(limits.embeddingQueryTimeoutMs);
    expect(await outcome).toBe("CONN_001");
    expect(await codeOf(one.embedder.question("a", never))).toBe("CONN_001");
    expect(one.asked).toBe(1);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it("T5: a body that never ends is cut at its limit, and one that is no JSON refused", async () => {
    const piece = new Uint8Array(1024 * 1024);
    const endless = (): Response =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) }));
    expect(await codeOf(stage(endless).embedder.question("a", never))).toBe("MODEL_005");
    expect(await codeOf(stage(() => new Response("<html>")).embedder.question("a", never))).toBe("MODEL_005");
  });

  it("T5: whoever stops is not a failure of the server", async () => {
    const stop = new AbortController();
    const one = stage(() => new Promise<Response>(() => undefined));
    const outcome = one.embedder.texts(["a"], { ...never, signal: stop.signal }).catch((thrown: unknown) => thrown);
    await one.clock.advance(1);
    stop.abort(new AppError("SYS_007", "stopped"));
    expect(await outcome).toMatchObject({ code: "SYS_007" });
    expect(one.embedder.trouble()).toBeNull();
  });

  it("T5: what nobody pays for is not asked for, and is nothing against the server", async () => {
    const one = stage(good);
    const calls: object[] = [];
    one.pay = (call) => {
      calls.push(call);
      return Promise.reject(new AppError("BUDGET_001", "The budget of today is used up."));
    };
    for (let index = 0; index < limits.embeddingBreakerFailures + 1; index += 1) {
      expect(await codeOf(one.embedder.texts(["aß", "b"], never))).toBe("BUDGET_001");
    }
    expect([one.asked, one.embedder.trouble(), one.clock.pendingTimers]).toEqual([0, null, 0]);
    expect(calls[0]).toEqual({ agentId: "main", inputBytes: 4 + 2 * 16 });
    // A disk that is full is nothing against it either.
    one.pay = () => Promise.reject(new AppError("STORE_001", "full"));
    for (let index = 0; index < limits.embeddingBreakerFailures + 1; index += 1)
      expect(await codeOf(one.embedder.question("a", never))).toBe("STORE_001");
    one.pay = (_call, ask) => ask();
    expect(await codeOf(one.embedder.question("a", never))).toBe("ok");
  });
});
