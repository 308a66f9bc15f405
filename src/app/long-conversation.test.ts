/** A conversation that outgrows its model's window, on the real way of a message and a real store. */
import { afterEach, describe, expect, it } from "vitest";
import type { MemoryNote } from "../agent/context/contract.ts";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import type { ModelEvent, ModelRequest } from "../providers/contract.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay, type TestWayOptions } from "./way.fixture.ts";

const key = "agent:main:main";
const windowTokens = 6_000;
const opened: TestWay[] = [];

async function open(options: TestWayOptions): Promise<TestWay> {
  const way = await openTestWay({ config: smallWindow(), ...options });
  opened.push(way);
  return way;
}

afterEach(async () => {
  for (const way of opened.splice(0)) await way.close();
});

function smallWindow(): Config {
  const config = structuredClone(defaultConfig()) as Config;
  config.agents.defaults.contextTokens = windowTokens;
  config.agents.defaults.compaction.reserveTokens = 500;
  config.agents.defaults.compaction.keepRecentTokens = 1_000;
  return config;
}

/** A session that has talked for long; each pair is about 90 tokens. */
async function talked({ store }: TestWay, pairs: number): Promise<void> {
  await store.sessions.open(key, "main", { sessionId: "s1", atMs: 1 });
  const line = (index: number, role: string, text: string) => ({
    id: index.toString(16).padStart(8, "0"),
    type: "message" as const,
    atMs: index,
    body: { message: { role, content: [{ type: "text", text }] } },
  });
  const entries = Array.from({ length: pairs }, (_, index) => [
    line(2 * index, "user", `question ${index} ${"plain words ".repeat(15)}`),
    line(2 * index + 1, "assistant", `answer ${index} ${"plain words ".repeat(15)}`),
  ]);
  await store.sessions.append(key, entries.flat(), 1);
}

function wordsOf({ system, messages }: ModelRequest): string {
  return system + JSON.stringify(messages);
}

function isSummary({ system }: ModelRequest): boolean {
  return system.startsWith("You write the memory");
}

async function* failure(reason: FailureReason, message: string): AsyncGenerator<ModelEvent> {
  const code = reason === "context_overflow" ? "MODEL_007" : "MODEL_008";
  yield { type: "failure", error: new AppError(code, message, { details: { reason } }).toJSON() };
}

/** Refuses what is larger than its window by its own counting, as a provider does. */
function strict(mostChars: number, answer: Script): Script {
  return async function* (request, call, signal) {
    if (wordsOf(request).length > mostChars) yield* failure("context_overflow", "prompt is too long");
    else yield* answer(request, call, signal);
  };
}

const remembers: Script = (request, call, signal) =>
  says(isSummary(request) ? "They talked about plain words." : "Here I am.")(request, call, signal);

async function compactions({ store }: TestWay) {
  return (await store.sessions.transcript(key)).filter(({ type }) => type === "compaction");
}

describe("a long conversation", () => {
  it("G11, I7: over the window it is summed up before the call; the provider never sees one that is too large", async () => {
    const house = await open({ script: strict(windowTokens * 5, remembers) });
    await talked(house, 100);
    await house.way.start();
    await house.way.admit(chatRequest("and now?"));
    const end = await house.next("run.ended");
    expect(end).toMatchObject({ outcome: "final", text: "Here I am." });
    expect(house.requests.every((request) => wordsOf(request).length <= windowTokens * 5)).toBe(true);
    const last = house.requests.at(-1) as ModelRequest;
    expect(wordsOf(last)).toContain("> They talked about plain words.");
    expect(wordsOf(last)).toContain("question 99 ");
    // The original is all there, and a line says what stands for what.
    expect(await house.store.sessions.transcript(key)).toHaveLength(203);
    const notice = await house.next("run.notice");
    expect(notice).toMatchObject({
      kind: "compaction",
      text: expect.stringMatching(/summed up: about \d+ tokens became \d+/),
    });
    const [line] = await compactions(house);
    expect(line?.body).toMatchObject({ details: { runId: end.runId, method: "summary", model: "script/one" } });
    // What it cost is booked: each of the pieces, and the answer.
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: house.requests.length });
    house.requests.length = 0;
    await house.way.admit(chatRequest("once more?"));
    await house.next("run.ended", ({ runId }) => runId !== end.runId);
    expect(house.requests).toHaveLength(1);
    expect(await compactions(house)).toHaveLength(1);
  });

  it("H20: an overflow in the middle of a session is one compaction and one retry, and the answer arrives", async () => {
    // By its own counting it takes far less than it says: nothing is over the trigger.
    const house = await open({ script: strict(9_000, remembers) });
    await talked(house, 40);
    await house.way.start();
    await house.way.admit(chatRequest("and now?"));
    const end = await house.next("run.ended");
    expect(end).toMatchObject({ outcome: "final", text: "Here I am." });
    const turns = house.requests.filter((request) => !isSummary(request));
    expect(turns.map((request) => wordsOf(request).length > 9_000)).toEqual([true, false]);
    expect(await compactions(house)).toHaveLength(1);
  });

  it("H20: where the summary does not fit either, the history is cut, and the answer arrives all the same", async () => {
    const house = await open({
      script: (request, call, signal) =>
        isSummary(request) ? failure("context_overflow", "too long") : strict(9_000, remembers)(request, call, signal),
    });
    await talked(house, 30);
    await house.way.start();
    await house.way.admit(chatRequest("and now?"));
    expect(await house.next("run.ended")).toMatchObject({ outcome: "final", text: "Here I am." });
    expect(await compactions(house)).toEqual([]);
  });

  it("H20: one that never fits is one honest error after two tries", async () => {
    const house = await open({ script: () => failure("context_overflow", "prompt is too long") });
    await talked(house, 5);
    await house.way.start();
    await house.way.admit(chatRequest("and now?"));
    expect(await house.next("run.ended")).toMatchObject({ outcome: "error", error: { code: "MODEL_007" } });
    expect(house.requests.filter((request) => !isSummary(request)).length).toBeLessThanOrEqual(2);
  });

  it("a history that the provider refuses twice is left out, the person is told, and the session goes on", async () => {
    const script: Script = (request, call, signal) =>
      wordsOf(request).includes("question 3 ")
        ? failure("bad_request", `messages.7: malformed, request req_${call}a1b2c3d4`)
        : remembers(request, call, signal);
    const house = await open({ script });
    await talked(house, 5);
    await house.way.start();
    await house.way.admit(chatRequest("hello?"));
    const first = await house.next("run.ended");
    expect(first).toMatchObject({ outcome: "error", error: { code: "MODEL_008" } });
    await house.way.admit(chatRequest("hello again?"));
    const second = await house.next("run.ended", ({ runId }) => runId !== first.runId);
    expect(second).toMatchObject({ outcome: "final", text: "Here I am." });
    expect(await house.next("run.notice")).toMatchObject({
      text: expect.stringContaining("refused this conversation twice"),
    });
    await house.way.admit(chatRequest("and now?"));
    await house.next("run.ended", ({ runId }) => runId !== first.runId && runId !== second.runId);
    expect(wordsOf(house.requests.at(-1) as ModelRequest)).toContain("hello again?");
    expect(wordsOf(house.requests.at(-1) as ModelRequest)).not.toContain("question 3 ");
    expect(await house.store.sessions.transcript(key)).toHaveLength(10 + 2 + 2 + 2);
  });

  it("I7: a crash behind the summary loses nothing and sums up nothing twice", async () => {
    let hang = true;
    const script: Script = async function* (request, call, signal) {
      if (!isSummary(request) && hang) {
        hang = false;
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      }
      yield* remembers(request, call, signal);
    };
    const first = await openTestWay({ script, config: smallWindow() });
    await talked(first, 100);
    await first.way.start();
    await first.way.admit(chatRequest("and now?"));
    await expect.poll(() => first.requests.filter((request) => !isSummary(request)).length).toBe(1);
    await first.crash();
    const second = await open({ script, folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ outcome: "final", text: "Here I am." });
    expect(second.requests).toHaveLength(1);
    expect(second.requests[0]?.messages).toEqual(first.requests.at(-1)?.messages);
    expect(await compactions(second)).toHaveLength(1);
  });
});

describe("/compact", () => {
  it("C8: sums up on request, says by how much, and looks at what the person names", async () => {
    const house = await open({ script: remembers });
    await talked(house, 30);
    await house.way.start();
    await house.way.admit(chatRequest("/compact the names above all"));
    const end = await house.next("run.ended");
    expect(end).toMatchObject({
      outcome: "final",
      text: expect.stringMatching(/^The conversation was summed up: about \d+ tokens became \d+\./),
    });
    expect(wordsOf(house.requests[0] as ModelRequest)).toContain("| the names above all");
    expect(await compactions(house)).toHaveLength(1);
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: house.requests.length });
    // The command is no part of what was said.
    expect(await house.store.sessions.transcript(key)).toHaveLength(61);
  });

  it("C8: the next message of the session waits for it and is answered with the summary", async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const script: Script = async function* (request, call, signal) {
      if (isSummary(request)) {
        begun.resolve();
        await go.promise;
      }
      yield* remembers(request, call, signal);
    };
    const house = await open({ script });
    await talked(house, 30);
    await house.way.start();
    await house.way.admit(chatRequest("/compact"));
    await begun.promise;
    const waiting = chatRequest("are you there?");
    await house.way.admit(waiting);
    expect(house.requests).toHaveLength(1);
    go.resolve();
    await house.next("run.ended", ({ runId }) => runId === waiting.runId);
    expect(wordsOf(house.requests.at(-1) as ModelRequest)).toContain("> They talked about plain words.");
  });

  it("C8: says so where there is nothing to sum up, and where the model fails", async () => {
    const house = await open({ script: () => failure("bad_request", "no") });
    await house.way.start();
    await house.way.admit(chatRequest("/compact"));
    const first = await house.next("run.ended");
    expect(first).toMatchObject({ outcome: "final", text: "There is nothing to sum up yet." });
    await talked(house, 30);
    await house.way.admit(chatRequest("/compact"));
    const second = await house.next("run.ended", ({ runId }) => runId !== first.runId);
    expect(second).toMatchObject({
      outcome: "final",
      text: "The conversation could not be summed up and is as it was: no",
    });
    expect(await compactions(house)).toEqual([]);
  });
});

describe("lasting facts", () => {
  it("I8: of a group's conversation are noted as the group's, also when an operator asks from a page", async () => {
    const notes: MemoryNote[] = [];
    const script: Script = (request, call, signal) =>
      says(request.system.startsWith("You keep an assistant's notes") ? "- Ada brings the cake" : "ok")(
        request,
        call,
        signal,
      );
    const house = await open({
      script,
      notes: { append: (note) => Promise.resolve(notes.push(note)).then(() => "written" as const) },
    });
    const group = "agent:main:irc:default:group:%23room";
    await house.store.sessions.open(group, "main", { sessionId: "s2", atMs: 1 });
    const said = { message: { role: "user", content: [{ type: "text", text: "plain words ".repeat(500) }] } };
    const entries = ["0000000a", "0000000b"].map((id) => ({ id, type: "message" as const, atMs: 1, body: said }));
    await house.store.sessions.append(group, entries, 1);
    await house.way.start();
    await house.way.admit(chatRequest("/compact", { sessionKey: group }));
    await house.next("run.ended");
    expect(notes).toMatchObject([{ sessionKey: group, isGroup: true, markdown: "- Ada brings the cake" }]);
  });
});
