import fc from "fast-check";
import { validateRequestFrame } from "@openclaw/gateway-protocol";
import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { responseFrameSchema, requestFrameSchema, unreadableFrameId } from "../../protocol/frames.ts";
import { methods } from "../../protocol/registry.ts";
import { openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, errorOf, type Frame } from "../wire-client.fixture.ts";

const anything = { safeParse: (data: unknown) => ({ success: true, data }) } as never;

function plugin(stage: Stage, name: string, run: () => unknown): void {
  stage.gateway.registerMethod({
    declaration: { name, scope: "operator.read", params: anything, result: anything, summary: "." },
    run,
  });
}

describe("the dispatcher", () => {
  it("B2 R041: 10,000 fuzzed frames: each is answered once, with its id where it has one, and the process lives", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const before = client.frames.length;
    const names = methods.map(({ name }) => name).filter((name) => !/stop|logout|import|remove|delete/.test(name));
    const junk = fc.oneof(fc.jsonValue(), fc.constant(null), fc.constant([]), fc.string());
    const frame = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          type: fc.constant("req"),
          id: fc.uuid(),
          method: fc.constantFrom(...names),
          params: junk,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record(
          {
            type: fc.oneof(fc.constant("req"), junk),
            id: fc.oneof(fc.uuid(), junk),
            method: fc.oneof(fc.constantFrom(...names), junk),
            params: junk,
            extra: junk,
          },
          { requiredKeys: [] },
        ),
      },
      { weight: 1, arbitrary: junk },
    );
    const texts = fc.sample(frame, { numRuns: 9_000, seed: 4 }).map((value) => JSON.stringify(value) ?? "null");
    const torn = fc.sample(fc.string(), { numRuns: 1_000, seed: 5 });
    const all = [...texts, ...torn];
    const answers = new Map<string, Frame[]>();
    for (const text of all) {
      client.send(text);
      // As a well-behaved sender of many requests would: not more open than the limit.
      if (Math.random() < 0.01) await client.call("health");
    }
    await client.call("health");
    await until(() => client.frames.slice(before).filter((seen) => seen.type === "res").length >= all.length);
    for (const seen of client.frames.slice(before)) {
      if (seen.type !== "res") continue;
      responseFrameSchema.parse(seen);
      answers.set(String(seen.id), [...(answers.get(String(seen.id)) ?? []), seen]);
    }
    for (const text of all) {
      const parsed = parse(text);
      const verdict = requestFrameSchema.safeParse(parsed);
      expect(validateRequestFrame(parsed), text).toBe(verdict.success);
      if (!verdict.success) continue;
      expect(answers.get(verdict.data.id), text).toHaveLength(1);
    }
    const unreadable = answers.get(unreadableFrameId) ?? [];
    expect(unreadable.length).toBeGreaterThan(1_000);
    for (const seen of unreadable)
      expect(errorOf(seen)).toMatchObject({ code: "INVALID_REQUEST", details: { errorCode: "RPC_001" } });
    expect((await client.call("health")).ok).toBe(true);
    await stage.close();
  });

  it("B10: a handler that throws, rejects, hangs or returns what is no JSON affects its own request alone", async () => {
    const stage = await openStage();
    plugin(stage, "bad.throw", () => {
      throw new Error("secret path /home/user");
    });
    plugin(stage, "bad.reject", () => Promise.reject(new Error("secret path /home/user")));
    plugin(stage, "bad.hang", () => new Promise(() => undefined));
    plugin(stage, "bad.circle", () => {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      return circle;
    });
    plugin(stage, "bad.later-circle", async () => ({ big: 1n }));
    plugin(stage, "bad.nothing", () => undefined);
    const client = await connect(stage.url);
    client.send({ type: "req", id: "hang", method: "bad.hang" });
    for (const name of ["bad.throw", "bad.reject", "bad.circle", "bad.later-circle"]) {
      const answer = await client.call(name);
      expect(errorOf(answer), name).toMatchObject({ code: "UNAVAILABLE", details: { errorCode: "SYS_001" } });
      expect(JSON.stringify(answer)).not.toContain("/home");
      expect((await client.call("health")).ok).toBe(true);
    }
    expect(await client.call("bad.nothing")).toMatchObject({ ok: true, payload: null });
    expect(client.frames.some(({ id }) => id === "hang")).toBe(false);
    expect(stage.gateway.counters().requestsInFlight).toBe(1);
    await stage.close();
  });

  it("a connection has so many requests open and no more, and the one too many has no effect", async () => {
    const stage = await openStage();
    let ran = 0;
    const { promise, resolve } = Promise.withResolvers<string>();
    plugin(stage, "slow", () => {
      ran += 1;
      return promise;
    });
    const client = await connect(stage.url);
    for (let index = 0; index <= limits.requestsInFlight; index += 1)
      client.send({ type: "req", id: `s${index}`, method: "slow" });
    const last = await client.until(({ id }) => id === `s${limits.requestsInFlight}`);
    expect(errorOf(last)).toMatchObject({ code: "UNAVAILABLE", retryable: true });
    expect(ran).toBe(limits.requestsInFlight);
    resolve("done");
    await client.until(({ id }) => id === `s${limits.requestsInFlight - 1}`);
    await until(() => stage.gateway.counters().requestsInFlight === 0);
    await stage.close();
  });

  it("C2: answers 20,000 pipelined health requests in order, each once", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const count = 20_000;
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    client.socket.removeAllListeners("message");
    client.socket.on("message", (data: Buffer) => {
      const text = data.toString("latin1");
      if (!text.startsWith('{"type":"res"')) return;
      order.push(text.slice(text.indexOf('"id":"') + 6, text.indexOf('","ok"')));
      if (order.length === count) resolve();
    });
    for (let index = 0; index < count; index += 1)
      client.socket.send(`{"type":"req","id":"${index}","method":"health"}`);
    await promise;
    expect(order).toEqual(Array.from({ length: count }, (_unused, index) => String(index)));
    await stage.close();
  });
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
