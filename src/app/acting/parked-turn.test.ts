/** A turn that the stop of the gateway interrupts, and what the next start makes of it. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { Tool } from "../../tools/contract.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay, type TestWayOptions } from "../way.fixture.ts";

const opened: TestWay[] = [];

async function open(options: TestWayOptions): Promise<TestWay> {
  const house = await openTestWay(options);
  opened.push(house);
  return house;
}

afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

/** Asks for the tool first; with its result, answers. */
const asksFirst: Script = async function* (request) {
  const last = request.messages.at(-1);
  if (last?.role !== "tool") {
    yield { type: "tool-call", callId: "c1", tool: "lamp", input: {} };
    yield { type: "end", reason: "tool-calls", usage };
    return;
  }
  yield { type: "text", text: `The lamp: ${last.results[0]?.output}.` };
  yield { type: "end", reason: "stop", usage };
};

const hangs: Script = async function* (_request, _call, signal) {
  yield { type: "text", text: "" };
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};

function lamp(run: Tool["run"]): Tool {
  return { name: "lamp", description: "A lamp.", inputSchema: z.object({}).strict(), effect: "pure", run };
}

describe("a turn that is parked", () => {
  it("goes on behind its finished step: the tool is not run again, nothing is paid twice", async () => {
    let runs = 0;
    const tools = [lamp(() => ((runs += 1), Promise.resolve("on")))];
    const first = await openTestWay({
      tools,
      script: (request, call, signal) => (call === 0 ? asksFirst : hangs)(request, call, signal),
    });
    await first.way.start();
    await first.way.admit(chatRequest("light, please", { runId: "run-1" }));
    await expect.poll(() => first.requests.length).toBe(2);
    await first.way.close(100);
    await first.store.close();

    const second = await open({ tools, script: asksFirst, folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final", text: "The lamp: on." });
    expect(runs).toBe(1);
    expect(second.requests).toHaveLength(1);
    // The call that the stop broke off had been read by the model: it is booked by estimate, beside the two whole ones.
    expect(await second.store.ledger.totals({})).toMatchObject({ calls: 3, estimated: 1 });
  });

  it("owes what its broken call cost: the row is there before the next start", async () => {
    const script: Script = async function* (request, call, signal) {
      yield { type: "text", text: "half an answer" };
      yield* hangs(request, call, signal);
    };
    const house = await open({ script });
    await house.way.start();
    await house.way.admit(chatRequest("light, please", { runId: "run-1" }));
    await house.next("run.text");
    await house.way.close(100);
    expect(await house.store.inbox.byRunId("run-1")).toMatchObject({ state: "queued", attempts: 0 });
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 1, estimated: 1 });
    const { usage: counted, costMicros } = await house.store.ledger.totals({ sessionKey: "agent:main:main" });
    expect(costMicros).toBeGreaterThan(0);
    expect(await house.store.sessions.get("agent:main:main")).toMatchObject({ usage: counted, costMicros });
  });

  it("runs a tool again that was cut off, instead of telling the model that it failed", async () => {
    const first = await openTestWay({ tools: [lamp(() => new Promise(() => undefined))], script: asksFirst });
    await first.way.start();
    await first.way.admit(chatRequest("light, please", { runId: "run-1" }));
    await first.next("tool.started");
    await first.way.close(100);
    expect(await first.store.inbox.byRunId("run-1")).toMatchObject({ state: "queued", attempts: 0 });
    await first.store.close();

    const second = await open({ tools: [lamp(() => Promise.resolve("on"))], script: asksFirst, folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ outcome: "final", text: "The lamp: on." });
  });

  it("does not wait for a full disk: what could not be written is answered after the next start", async () => {
    const first = await openTestWay({ script: says("hello") });
    await first.way.start();
    const refused = Promise.withResolvers<void>();
    first.store.turns.finish = () => {
      refused.resolve();
      return Promise.reject(new AppError("STORE_002", "no space left"));
    };
    await first.way.admit(chatRequest("hi", { runId: "run-1" }));
    await refused.promise;
    const began = performance.now();
    await first.way.close(200);
    expect(performance.now() - began).toBeLessThan(3_000);
    await first.store.close();

    const second = await open({ script: says("hello again"), folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final" });
  });
});

describe("a call without a session at the start", () => {
  const stateless = chatRequest("hi", { ephemeral: true, runId: "run-1" });

  it("is answered where it came in before the turns run, since its caller waits", async () => {
    const house = await open({ script: says("hello") });
    await house.way.recover();
    expect(await house.way.admit(stateless)).toMatchObject({ outcome: "accepted" });
    await house.way.start();
    expect(await house.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final" });
  });

  it("is not answered where its caller went with the last run", async () => {
    const first = await openTestWay({ script: says("hello") });
    await first.way.admit(stateless);
    await first.crash();
    const second = await open({ script: says("hello"), folder: first.folder });
    await second.way.start();
    expect(await second.store.inbox.byRunId("run-1")).toMatchObject({ state: "expired" });
    expect(second.requests).toEqual([]);
  });
});
