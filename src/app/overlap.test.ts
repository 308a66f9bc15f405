/** Messages that come while a turn of their session runs: the four ways in which that can go, and a crash in each. */
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { noMentions } from "../domain/message.ts";
import type { AdmitRequest } from "../inbound/contract.ts";
import {
  endsOf,
  heldTool,
  looksThenAnswers,
  main,
  mortalClock,
  personsLines,
  queueConfig,
  talkOf,
} from "./overlap.fixture.ts";
import {
  chatRequest,
  ircConfig,
  ircRequest,
  openTestWay,
  says,
  type Script,
  type TestWay,
  type TestWayOptions,
} from "./way.fixture.ts";

const opened: TestWay[] = [];

async function open(options: TestWayOptions): Promise<TestWay> {
  const house = await openTestWay(options);
  opened.push(house);
  return house;
}

afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const three = ["run-1", "run-2", "run-3"] as const;

async function overlap(house: TestWay, held: ReturnType<typeof heldTool>): Promise<void> {
  await house.way.start();
  await house.way.admit(chatRequest("one", { runId: "run-1" }));
  await held.begun(1);
  await house.way.admit(chatRequest("two", { runId: "run-2" }));
  await house.way.admit(chatRequest("three", { runId: "run-3" }));
}

function ended(house: TestWay, runId: string): Promise<unknown> {
  return house.next("run.ended", (event) => event.runId === runId);
}

describe("G16: four scripted overlaps", () => {
  it("G16: followup: each message has a turn of its own, one after the other", async () => {
    const held = heldTool();
    const house = await open({
      script: looksThenAnswers,
      tools: [held.tool],
      config: queueConfig({ mode: "followup" }),
    });
    await overlap(house, held);
    held.release();
    await ended(house, "run-3");
    expect(await endsOf(house, three)).toEqual([
      "replied:final answer to: one",
      "replied:final answer to: two",
      "replied:final answer to: three",
    ]);
    expect(held.runs()).toBe(3);
  });

  it("G16: steer: what comes is in the very next model call of the running turn, and has no turn of its own", async () => {
    const held = heldTool();
    const house = await open({ script: looksThenAnswers, tools: [held.tool], config: queueConfig({ mode: "steer" }) });
    await overlap(house, held);
    held.release();
    await ended(house, "run-1");
    expect(await endsOf(house, three)).toEqual([
      "replied:final answer to: three",
      "merged:steered:run-1",
      "merged:steered:run-1",
    ]);
    expect(house.requests.map(personsLines)).toEqual([["one"], ["one", "two", "three"]]);
    expect(house.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user"]);
    expect(await talkOf(house)).toEqual([
      "user: one",
      "assistant: (toolCall)",
      "tool: (result)",
      "user: two",
      "user: three",
      "assistant: answer to: three",
    ]);
    // Whoever waits for a message that was taken in is told of the turn that answered it.
    expect(await house.way.turns.wait("run-2", 1_000)).toMatchObject({ runId: "run-1", text: "answer to: three" });
    expect(house.way.turns.abort("run-2", "too late")).toBe(false);
    expect(await house.store.outbox.ofRun("run-1")).toMatchObject([{ replyToId: await platformIdOf(house, "run-3") }]);
  });

  it("G16: collect: what comes during a turn is answered together in the one that follows, by its newest", async () => {
    const held = heldTool();
    const house = await open({
      script: looksThenAnswers,
      tools: [held.tool],
      config: queueConfig({ mode: "collect" }),
    });
    await overlap(house, held);
    held.release();
    await ended(house, "run-2");
    await house.next("run.ended", (event) => event.runId === "run-2" && event.text !== "");
    expect(await endsOf(house, three)).toEqual([
      "replied:final answer to: one",
      "replied:final answer to: three",
      "merged:collected:run-2",
    ]);
    expect(personsLines(house.requests[2] as never).slice(-2)).toEqual(["two", "three"]);
    expect(await house.store.outbox.ofRun("run-2")).toMatchObject([{ replyToId: await platformIdOf(house, "run-3") }]);
  });

  it("G16: interrupt: the running turn ends, what was said stays, and the newest is answered", async () => {
    const script: Script = async function* (request, call, signal) {
      if (call > 0) return yield* says(`answer to: ${personsLines(request).at(-1)}`)(request, call, signal);
      yield { type: "text", text: "half an ans" };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
    };
    const house = await open({ script, config: queueConfig({ mode: "interrupt" }) });
    await house.way.start();
    await house.way.admit(chatRequest("one", { runId: "run-1" }));
    await house.next("run.text");
    await Promise.all([
      house.way.admit(chatRequest("two", { runId: "run-2" })),
      house.way.admit(chatRequest("three", { runId: "run-3" })),
    ]);
    await ended(house, "run-3");
    const [first, second, third] = await endsOf(house, three);
    expect([first, third]).toEqual(["replied:aborted:RUN_001 half an ans", "replied:final answer to: three"]);
    expect(second).toMatch(/^replied:aborted:RUN_001/);
    expect(await talkOf(house)).toEqual([
      "user: one",
      "assistant: half an ans",
      "user: two",
      "user: three",
      "assistant: answer to: three",
    ]);
    expect(await house.store.outbox.ofRun("run-2")).toEqual([]);
  });
});

it("G16: interrupt: what a person said is kept also where its turn had not come to read it", async () => {
  let begun = 0;
  const house = await open({
    script: (request, call, signal) => says(`answer to: ${personsLines(request).join(" + ")}`)(request, call, signal),
    config: queueConfig({ mode: "interrupt" }),
    failpoints: {
      async reach(name) {
        if (name !== "turn-begun" || (begun += 1) > 1) return;
        await house.way.admit(chatRequest("two", { runId: "run-2" }));
        // The newer message ends this turn a few reads later.
        for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      },
    },
  });
  await house.way.start();
  await house.way.admit(chatRequest("one", { runId: "run-1" }));
  await ended(house, "run-2");
  expect(await endsOf(house, ["run-1", "run-2"])).toEqual([
    "replied:aborted:RUN_001 ",
    "replied:final answer to: one + two",
  ]);
});

async function platformIdOf(house: TestWay, runId: string): Promise<string | undefined> {
  return (await house.store.inbox.byRunId(runId))?.message.platformMessageId;
}

describe("a crash while messages overlap", () => {
  it("G16: steered words that were taken are told once after it, and what came later with them", async () => {
    const held = heldTool();
    const hangs: Script = async function* (request, call, signal) {
      if (call === 0) return yield* looksThenAnswers(request, call, signal);
      yield { type: "text", text: "" };
      await new Promise<void>(() => undefined);
    };
    const config = queueConfig({ mode: "steer" });
    const { clock, die } = mortalClock();
    const first = await openTestWay({ script: hangs, tools: [held.tool], config, clock });
    await overlap(first, held);
    held.release();
    await expect.poll(() => first.requests.length).toBe(2);
    await first.way.admit(chatRequest("four", { runId: "run-4" }));
    die();
    await first.crash();

    const second = await open({ script: looksThenAnswers, tools: [held.tool], config, folder: first.folder });
    await second.way.start();
    await ended(second, "run-1");
    expect(await endsOf(second, [...three, "run-4"])).toEqual([
      "replied:final answer to: four",
      "merged:steered:run-1",
      "merged:steered:run-1",
      "merged:steered:run-1",
    ]);
    expect(held.runs()).toBe(1);
    expect(second.requests.map(personsLines)).toEqual([["one", "two", "three", "four"]]);
    expect((await talkOf(second)).filter((line) => line.startsWith("user"))).toEqual([
      "user: one",
      "user: two",
      "user: three",
      "user: four",
    ]);
    expect(await second.store.outbox.ofRun("run-1")).toMatchObject([
      { replyToId: await platformIdOf(second, "run-4") },
    ]);
    // A platform that brings them again is told that they are known.
    const again = await second.store.inbox.byRunId("run-2");
    const message = again?.message;
    expect(await second.way.admit(chatRequest("two", { runId: "run-9", ...(message && { message }) }))).toMatchObject({
      outcome: "duplicate",
      runId: "run-2",
      ended: true,
    });
  });

  it.each(["followup", "collect", "interrupt"] as const)(
    "G16: %s: everything is answered once, nothing is lost",
    async (mode) => {
      const held = heldTool();
      const config = queueConfig({ mode });
      const { clock, die } = mortalClock();
      const first = await openTestWay({ script: looksThenAnswers, tools: [held.tool], config, clock });
      await overlap(first, held);
      die();
      await first.crash();
      held.release();
      const second = await open({ script: looksThenAnswers, tools: [held.tool], config, folder: first.folder });
      await second.way.start();
      const last = mode === "collect" ? "run-2" : "run-3";
      await second.next("run.ended", (event) => event.runId === last && event.text !== "");
      const users = (await talkOf(second)).filter((line) => line.startsWith("user"));
      expect(users).toEqual(["user: one", "user: two", "user: three"]);
      const ends = await endsOf(second, three);
      expect(ends.filter((end) => end.startsWith("replied:final"))).toHaveLength(
        { followup: 3, collect: 2, interrupt: 1 }[mode],
      );
      expect(ends.every((end) => /^(?:replied|merged):/.test(end))).toBe(true);
      expect(second.requests.flatMap(personsLines)).toContain("three");
    },
  );
});

/** Said in a room, to the assistant. */
function inRoom(text: string, senderId: string): AdmitRequest {
  return ircRequest(text, { chatId: "#room", senderId, message: { mentions: { ...noMentions, self: true } } });
}

describe("what may not be taken in", () => {
  const config = { ...ircConfig(), messages: queueConfig({ mode: "steer" }).messages };

  async function steered(later: Parameters<TestWay["way"]["admit"]>[0]): Promise<string | null | undefined> {
    const held = heldTool();
    const house = await open({ script: looksThenAnswers, tools: [held.tool], config });
    await house.way.start();
    await house.way.admit({ ...inRoom("one", "ada"), runId: "run-1" });
    await held.begun(1);
    await house.way.admit({ ...later, runId: "run-2" });
    held.release();
    await ended(house, "run-2");
    return (await house.store.inbox.byRunId("run-2"))?.reason;
  }

  it("G16: the same person's words in the same room are, for comparison", async () => {
    expect(await steered(inRoom("two", "ada"))).toBe("steered:run-1");
  });

  it("R075: another person's words never join a turn that acts in the first one's name", async () => {
    expect(await steered(inRoom("two", "eve"))).toBe("final");
  });

  it("G16: a command is answered by rule, in its place", async () => {
    expect(await steered(inRoom("/status", "ada"))).toBe("final");
  });

  it("G16: what was asked in another way keeps its own way", async () => {
    const request = inRoom("two", "ada");
    expect(await steered({ ...request, options: { thinking: "high" } })).toBe("final");
  });
});

describe("more than may wait", () => {
  const words = ["two", "three", "four", "five"];

  async function crowded(drop: "old" | "new" | "summarize", mode: "steer" | "followup") {
    const held = heldTool();
    const house = await open({
      script: looksThenAnswers,
      tools: [held.tool],
      config: queueConfig({ mode, cap: 2, drop }),
    });
    await house.way.start();
    await house.way.admit(chatRequest("one", { runId: "run-1" }));
    await held.begun(1);
    for (const [index, word] of words.entries())
      await house.way.admit(chatRequest(word, { runId: `run-${index + 2}` }));
    held.release();
    await ended(house, "run-1");
    await expect.poll(() => house.store.inbox.counts()).toMatchObject({ queued: 0, running: 0 });
    const reasons = (
      await endsOf(
        house,
        words.map((_, index) => `run-${index + 2}`),
      )
    ).map((end) => end.split(" ")[0]);
    return { reasons, lines: personsLines(house.requests[1] as never).slice(1) };
  }

  it("G16: the oldest are left out, and the model is told so", async () => {
    const { reasons, lines } = await crowded("old", "steer");
    expect(lines).toEqual(["[2 older messages of mine were left out: more than 2 were waiting.]", "four", "five"]);
    expect(reasons).toEqual([
      "merged:over-cap:run-1",
      "merged:over-cap:run-1",
      "merged:steered:run-1",
      "merged:steered:run-1",
    ]);
  });

  it("G16: the newest are left out, and the model is told so", async () => {
    const { reasons, lines } = await crowded("new", "steer");
    expect(lines).toEqual(["two", "three", "[2 newer messages of mine were left out: more than 2 were waiting.]"]);
    expect(reasons.slice(2)).toEqual(["merged:over-cap:run-1", "merged:over-cap:run-1"]);
  });

  it("G16: the oldest become a list, also where each message has its own turn", async () => {
    const { reasons, lines } = await crowded("summarize", "followup");
    expect(lines).toEqual(["[Also written meanwhile, in short:]\n- two\n- three"]);
    expect(reasons).toEqual(["merged:over-cap:run-1", "merged:over-cap:run-1", "replied:final", "replied:final"]);
  });
});

describe("the word of a session", () => {
  it("G16: wins over the channel's, that over the house's", async () => {
    const held = heldTool();
    const config = queueConfig({ mode: "interrupt", byChannel: { webchat: "followup" } });
    const house = await open({ script: looksThenAnswers, tools: [held.tool], config });
    await house.way.start();
    await house.store.sessions.open(main, "main", { sessionId: "s-1", atMs: 1 });
    await house.store.sessions.patch(main, { queueMode: "steer" }, 2);
    await house.way.admit(chatRequest("one", { runId: "run-1" }));
    await held.begun(1);
    await house.way.admit(chatRequest("two", { runId: "run-2" }));
    held.release();
    await ended(house, "run-1");
    expect((await house.store.inbox.byRunId("run-2"))?.reason).toBe("steered:run-1");
  });
});

describe("limits of overlapping", () => {
  it("G16: what is looked at, shown of one and waited for is bounded", () => {
    expect([limits.overlapMessages, limits.overCapLineChars, limits.collectRestMs]).toEqual([200, 160, 30_000]);
  });
});
