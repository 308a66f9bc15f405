import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { limits } from "../domain/limits.ts";
import { noMentions, type Address } from "../domain/message.ts";
import { systemClock } from "../platform/clock.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import type { Tool } from "../tools/contract.ts";
import type { AdmitRequest } from "../inbound/contract.ts";
import { openSqliteStore } from "../store/sqlite/open-store.ts";
import { createTraceWriter } from "./trace-writer.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay, type TestWayOptions } from "./way.fixture.ts";

const opened: TestWay[] = [];

async function open(options: TestWayOptions): Promise<TestWay> {
  const way = await openTestWay(options);
  opened.push(way);
  return way;
}

afterEach(async () => {
  for (const way of opened.splice(0)) await way.close();
});

/** A model that waits until it is aborted. */
const hangs: Script = async function* (_request, _call, signal) {
  yield { type: "text", text: "so far" };
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};

describe("the way of a message", () => {
  it("J9: a message is received, admitted, answered and kept, in this order", async () => {
    const house = await open({ script: says("Hello, person.") });
    const trace = createTraceWriter({ bus: house.bus, store: house.store, clock: systemClock(), log: silentLog() });
    await house.way.start();
    const admission = await house.way.admit(chatRequest("Hello?"));
    expect(admission.outcome).toBe("accepted");
    const end = await house.next("run.ended");
    expect(end).toMatchObject({
      outcome: "final",
      text: "Hello, person.",
      usage: { input: 10, output: 5 },
      costMicros: 20,
    });
    const hops = house.events.map((event) => event.type).filter((type) => type !== "channel.state");
    expect(hops).toEqual([
      "message.received",
      "session.created",
      "run.started",
      "model.chosen",
      "run.text",
      "run.text",
      "run.steps",
      "run.ended",
    ]);
    await trace.close();
    const traced = (await house.store.trace.of(end.runId)).map(({ type }) => type);
    expect(traced.slice(0, 2)).toEqual(["inbox.queued", "inbox.running"]);
    // What the bus tells is written a little later than what the store tells itself, in the same millisecond or not.
    expect(traced.slice(2).toSorted()).toEqual([
      "inbox.replied",
      "model.chosen",
      "outbox.sent",
      "run.ended",
      "run.first-text",
      "run.steps",
    ]);
    const row = await house.store.inbox.byRunId(end.runId);
    expect(row).toMatchObject({ state: "replied", reason: "final" });
    const lines = await house.store.sessions.transcript("agent:main:main");
    expect(lines.map((line) => (line.body["message"] as { role: string }).role)).toEqual(["user", "assistant"]);
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 1, costMicros: 20 });
  });

  it("M5: the same message a hundred times at once has one turn", async () => {
    const house = await open({ script: says("once") });
    await house.way.start();
    const request = chatRequest("again and again");
    const admissions = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        house.way.admit({ ...request, message: { ...request.message, id: `${request.message.id}-${index}` } }),
      ),
    );
    expect(admissions.filter((one) => one.outcome === "accepted")).toHaveLength(1);
    expect(admissions.filter((one) => one.outcome === "duplicate")).toHaveLength(99);
    await house.next("run.ended");
    expect(house.requests).toHaveLength(1);
    await house.crash();
    const again = await open({ script: says("twice"), folder: house.folder });
    await again.way.start();
    expect(await again.way.admit(request)).toMatchObject({ outcome: "duplicate", ended: true });
    expect(again.requests).toEqual([]);
  });

  it("G3: messages of one session are answered in their order, those of others beside them", async () => {
    let running = 0;
    let most = 0;
    const house = await open({
      script: async function* (request, call, signal) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        yield* says(`re: ${lastText(request.messages)}`)(request, call, signal);
        running -= 1;
      },
    });
    await house.way.start();
    const sessions = 50;
    const perSession = 20;
    for (let index = 0; index < perSession; index += 1) {
      await Promise.all(
        Array.from({ length: sessions }, (_, session) => {
          const address = { channel: "webchat", accountId: "default", chatId: `s${session}`, chatKind: "dm" as const };
          return house.way.admit(
            chatRequest(`${session}/${index}`, { sessionKey: `agent:main:s${session}`, message: { address } }),
          );
        }),
      );
    }
    await expect
      .poll(() => house.events.filter((event) => event.type === "run.ended").length, { timeout: 15_000 })
      .toBe(sessions * perSession);
    for (let session = 0; session < sessions; session += 1) {
      const texts = house.events.flatMap((event) =>
        event.type === "run.ended" && event.sessionKey === `agent:main:s${session}` ? [event.text] : [],
      );
      expect(texts).toEqual(Array.from({ length: perSession }, (_, index) => `re: ${session}/${index}`));
    }
    // One turn in each session at the same time, and never two in one.
    expect(most).toBe(sessions);
  });

  it("J1: a thousand mixed messages are each answered where they came from, as an answer to themselves (scaled from 10,000)", async () => {
    const house = await open({ script: says("here"), config: twoIrcAccounts() });
    await house.way.start();
    const total = 1_000;
    const places = Array.from({ length: total }, (_, index) => addressOf(index));
    await Promise.all(
      places.map((address, index) =>
        house.way.admit(fromIrc(address, { senderId: `account:p${index}`, id: `run-${index}` })),
      ),
    );
    await expect.poll(() => countOf(house, "run.ended"), { timeout: 30_000 }).toBe(total);
    for (const [index, address] of places.entries()) {
      const parts = await house.store.outbox.ofRun(`run-${index}`);
      expect(parts.map((part) => [part.address, part.replyToId])).toEqual([[address, `p-run-${index}`]]);
    }
  }, 60_000);

  it("M11: a reply stands in the outbox before anybody tries to send it, and a crash leaves it there", async () => {
    const house = await open({ script: says("in due course"), config: twoIrcAccounts() });
    await house.way.start();
    await house.way.admit(fromIrc(addressOf(0), { senderId: "account:ada", id: "run-1" }));
    await house.next("run.ended");
    await house.crash();
    const store = await openSqliteStore({ file: path.join(house.folder, "store.sqlite"), log: silentLog() });
    expect(await store.outbox.ofRun("run-1")).toMatchObject([
      { state: "prepared", attempts: 0, reply: { markdown: "in due course" }, address: addressOf(0) },
    ]);
    await store.close();
  });

  it("C7: an abort in the middle of an answer ends the model's call within 200 ms and leaves a transcript that goes on", async () => {
    const ended = Promise.withResolvers<number>();
    const house = await open({
      script: (request, call, signal) => {
        signal.addEventListener("abort", () => ended.resolve(performance.now()), { once: true });
        return call === 0 ? hangs(request, call, signal) : says("next")(request, call, signal);
      },
    });
    await house.way.start();
    await house.way.admit(chatRequest("tell me everything", { runId: "run-1" }));
    await house.next("run.text");
    const asked = performance.now();
    expect(house.way.turns.abort("run-1", "enough")).toBe(true);
    expect((await ended.promise) - asked).toBeLessThan(200);
    expect(await house.next("run.ended")).toMatchObject({ outcome: "aborted", text: "so far" });
    await house.way.admit(chatRequest("go on", { runId: "run-2" }));
    await house.next("run.ended", (event) => event.runId === "run-2");
    expect(house.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(JSON.stringify(house.requests[1]?.messages[1])).toContain("so far");
  });

  it("keeps what was said when somebody stops the answer, and answers the next message", async () => {
    const house = await open({
      script: (request, call, signal) =>
        call === 0 ? hangs(request, call, signal) : says("next")(request, call, signal),
    });
    await house.way.start();
    await house.way.admit(chatRequest("tell me everything", { runId: "run-1" }));
    await house.next("run.text");
    await house.way.admit(chatRequest("/stop"));
    const stopped = await house.next("run.ended", (event) => event.runId === "run-1");
    expect(stopped).toMatchObject({ outcome: "aborted", text: "so far", stopReason: "aborted" });
    await house.way.admit(chatRequest("go on", { runId: "run-2" }));
    expect(await house.next("run.ended", (event) => event.runId === "run-2")).toMatchObject({
      outcome: "final",
      text: "next",
    });
  });

  it("aborts a message that still waits for its turn, without asking the model", async () => {
    const house = await open({ script: hangs });
    await house.way.start();
    await house.way.admit(chatRequest("first", { runId: "run-1" }));
    await house.next("run.text");
    await house.way.admit(chatRequest("second", { runId: "run-2" }));
    expect(house.way.turns.abort("run-2", "changed my mind")).toBe(true);
    expect(house.way.turns.abort("run-1", "and this one")).toBe(true);
    expect(await house.next("run.ended", (event) => event.runId === "run-2")).toMatchObject({
      outcome: "aborted",
      text: "",
    });
    expect(await house.store.inbox.byRunId("run-2")).toMatchObject({ state: "replied", reason: "aborted:RUN_001" });
  });

  it("G4: a failing model is one honest error, and the session goes on", async () => {
    const failing: Script = async function* (_request, call) {
      if (call === 0)
        yield { type: "failure", error: { code: "MODEL_004", message: "overloaded", retry: "later", details: {} } };
      else yield* says("better")(_request, call, new AbortController().signal);
    };
    const house = await open({ script: failing });
    await house.way.start();
    await house.way.admit(chatRequest("one", { runId: "run-1" }));
    const failed = await house.next("run.ended", (event) => event.runId === "run-1");
    expect(failed).toMatchObject({ outcome: "error", error: { code: "MODEL_004" } });
    const parts = await house.store.outbox.ofRun("run-1");
    expect(parts).toHaveLength(1);
    expect(parts[0]?.reply.markdown).toContain("MODEL_004");
    await house.way.admit(chatRequest("two", { runId: "run-2" }));
    expect(await house.next("run.ended", (event) => event.runId === "run-2")).toMatchObject({ outcome: "final" });
  });

  it("G4: a model that hangs is one honest error when the turn's time is over, and its lane is free", async () => {
    const clock = new FakeClock(Date.UTC(2026, 6, 1));
    const base = defaultConfig();
    const agents = { ...base.agents, defaults: { ...base.agents.defaults, timeoutSeconds: 60 } };
    const house = await open({
      clock,
      config: { ...base, agents },
      script: (request, call, signal) => (call === 0 ? hangs : says("better"))(request, call, signal),
    });
    await house.way.start();
    await house.way.admit(chatRequest("one", { runId: "run-1" }));
    await house.way.admit(chatRequest("two", { runId: "run-2" }));
    await house.next("run.text");
    await clock.advance(59_999);
    expect(countOf(house, "run.ended")).toBe(0);
    await clock.advance(1);
    const failed = await house.next("run.ended", (event) => event.runId === "run-1");
    expect(failed).toMatchObject({ outcome: "error", text: "so far", error: { code: "RUN_002" } });
    const parts = await house.store.outbox.ofRun("run-1");
    expect(parts.map((part) => part.reply.markdown)).toEqual([expect.stringContaining("RUN_002")]);
    expect(await house.next("run.ended", (event) => event.runId === "run-2")).toMatchObject({ text: "better" });
  });

  it("M8: a message that waited a day is not answered; it ends with its reason, and its sender is told", async () => {
    const clock = new FakeClock(Date.UTC(2026, 6, 1));
    const house = await open({ clock, script: says("too late") });
    const sentMs = clock.nowMs();
    await house.way.admit(chatRequest("old news", { runId: "run-1", message: { receivedAtMs: sentMs } }));
    await clock.advance(limits.inboundTtlMs);
    expect(clock.nowMs() - sentMs).toBe(24 * 3_600_000);
    await house.way.start();
    await house.next("run.ended", (event) => event.outcome === "error");
    expect(await house.store.inbox.byRunId("run-1")).toMatchObject({
      state: "dead",
      reason: "expired",
      endedMs: clock.nowMs(),
    });
    const parts = await house.store.outbox.ofRun("run-1");
    expect(parts.map((part) => part.reply.markdown)).toEqual([expect.stringContaining("RUN_002")]);
    expect(house.requests).toEqual([]);
  });

  it("leaves no session, transcript or outbox row behind for a stateless call", async () => {
    const house = await open({ script: says("stateless") });
    await house.way.start();
    await house.way.admit(chatRequest("hi", { ephemeral: true, sessionKey: "agent:main:openai:x" }));
    await house.next("run.ended");
    expect((await house.store.sessions.list({ limit: 10 })).total).toBe(0);
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 1 });
  });
});

describe("tools within a turn", () => {
  const clock: Tool<Record<string, never>> = {
    name: "time",
    description: "The time.",
    inputSchema: z.object({}).strict(),
    effect: "pure",
    run: () => Promise.resolve("noon"),
  };
  const asksThenAnswers: Script = async function* (request, call) {
    if (call === 0) {
      yield { type: "tool-call", callId: "c1", tool: "time", input: {} };
      yield { type: "end", reason: "tool-calls", usage: { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 } };
      return;
    }
    const results = request.messages.at(-1);
    const output = results?.role === "tool" ? results.results[0]?.output : "nothing";
    yield { type: "text", text: `It is ${output}.` };
    yield { type: "end", reason: "stop", usage: { input: 6, output: 4, cacheRead: 0, cacheWrite: 0 } };
  };

  it("runs the tool, shows the model its result and bills both calls", async () => {
    const house = await open({ script: asksThenAnswers, tools: [clock as Tool] });
    await house.way.start();
    await house.way.admit(chatRequest("what time is it?"));
    const end = await house.next("run.ended");
    expect(end).toMatchObject({ outcome: "final", text: "It is noon.", usage: { input: 9, output: 5 } });
    expect(await house.store.ledger.totals({})).toMatchObject({ calls: 2, usage: { input: 9, output: 5 } });
    const lines = await house.store.sessions.transcript("agent:main:main");
    expect(lines.map((line) => (line.body["message"] as { role: string }).role)).toEqual([
      "user",
      "assistant",
      "toolResult",
      "assistant",
    ]);
  });

  it("G5: a tool that sleeps is stopped after 30 s; the model is told, and goes on", async () => {
    const time = new FakeClock(Date.UTC(2026, 6, 1));
    const sleeper: Tool<Record<string, never>> = { ...clock, run: () => new Promise(() => undefined) };
    const house = await open({ clock: time, script: asksThenAnswers, tools: [sleeper as Tool] });
    await house.way.start();
    await house.way.admit(chatRequest("what time is it?"));
    await house.next("tool.started");
    await time.advance(limits.toolTimeoutMs - 1);
    expect(countOf(house, "tool.failed")).toBe(0);
    await time.advance(1);
    expect(await house.next("run.ended")).toMatchObject({
      outcome: "final",
      text: expect.stringContaining("did not answer within 30 s"),
    });
    const last = house.requests[1]?.messages.at(-1);
    expect(last).toMatchObject({ role: "tool", results: [{ tool: "time", isError: true }] });
  });

  it("a restart goes on behind the finished step, and pays for it once", async () => {
    const never: Script = async function* (request, call, signal) {
      if (call === 0) yield* asksThenAnswers(request, 0, signal);
      else yield* hangs(request, call, signal);
    };
    const first = await openTestWay({ script: never, tools: [clock as Tool] });
    await first.way.start();
    await first.way.admit(chatRequest("what time is it?", { runId: "run-1" }));
    await expect.poll(() => first.requests.length, { timeout: 5_000 }).toBe(2);
    await first.crash();

    const second = await open({
      script: (request, _call, signal) => asksThenAnswers(request, 1, signal),
      tools: [clock as Tool],
      folder: first.folder,
    });
    await second.way.start();
    const end = await second.next("run.ended");
    expect(end).toMatchObject({
      runId: "run-1",
      outcome: "final",
      text: "It is noon.",
      usage: { input: 9, output: 5 },
    });
    expect(second.requests).toHaveLength(1);
    expect(await second.store.ledger.totals({})).toMatchObject({ calls: 2 });
  });

  it("hands a call of the caller's own tool back instead of running it", async () => {
    const house = await open({
      script: async function* () {
        yield { type: "tool-call", callId: "c9", tool: "lookup", input: { q: "x" } };
        yield { type: "end", reason: "tool-calls", usage: null };
      },
      tools: [clock as Tool],
    });
    await house.way.start();
    const options = { tools: [{ name: "lookup", description: "", inputSchema: { type: "object" } }] };
    await house.way.admit(chatRequest("look it up", { ephemeral: true, options }));
    const end = await house.next("run.ended");
    expect(end).toMatchObject({
      outcome: "final",
      stopReason: "tool-calls",
      toolCalls: [{ callId: "c9", tool: "lookup", input: { q: "x" } }],
    });
    expect(house.requests[0]?.tools.map((tool) => tool.name)).toEqual(["lookup"]);
  });
});

describe("a process that ends", () => {
  it("A6: a turn that is under way at the stop is answered once, after the next start", async () => {
    const first = await openTestWay({ script: hangs });
    await first.way.start();
    await first.way.admit(chatRequest("a long story, please", { runId: "run-1" }));
    await first.next("run.text");
    await first.way.close(200);
    expect(await first.store.inbox.byRunId("run-1")).toMatchObject({ state: "queued" });
    // The call that was broken off has been read, and may be charged for.
    expect(await first.store.ledger.totals({})).toMatchObject({ calls: 1, estimated: 1 });
    expect((await first.store.sessions.get("agent:main:main"))?.costMicros).toBeGreaterThan(0);
    await first.store.close();

    const second = await open({ script: says("the end"), folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ runId: "run-1", outcome: "final", text: "the end" });
    const lines = await second.store.sessions.transcript("agent:main:main");
    expect(lines.map((line) => (line.body["message"] as { role: string }).role)).toEqual(["user", "assistant"]);
  });

  it("answers a message that was accepted and never begun", async () => {
    const first = await openTestWay({ script: says("unused") });
    await first.way.admit(chatRequest("hello?", { runId: "run-1" }));
    await first.crash();
    const second = await open({ script: says("here I am"), folder: first.folder });
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ runId: "run-1", text: "here I am" });
  });

  it("lets nobody in while it stops, and says so", async () => {
    const house = await open({ script: says("x") });
    await house.way.start();
    const closing = house.way.close(100);
    expect(await house.way.admit(chatRequest("too late"))).toMatchObject({ outcome: "refused", reason: "stopping" });
    await closing;
  });
});

function countOf(house: TestWay, type: string): number {
  return house.events.filter((event) => event.type === type).length;
}

/** Two accounts that admit everybody; neither is ever connected here. */
function twoIrcAccounts(): Config {
  const irc = { host: "127.0.0.1", port: 1, nick: "claw", dmPolicy: "open", groupPolicy: "open", allowFrom: ["*"] };
  return { ...defaultConfig(), channels: { irc: { ...irc, accounts: { second: { nick: "claw2" } } } } };
}

/** Another account, kind of chat, chat and thread each time. */
function addressOf(index: number): Address {
  const accountId = index % 2 === 0 ? "default" : "second";
  if (index % 3 === 0) return { channel: "irc", accountId, chatId: `account:p${index}`, chatKind: "dm" };
  const room = { channel: "irc", accountId, chatId: `#room-${index % 7}`, chatKind: "group" as const };
  return index % 3 === 1 ? room : { ...room, threadId: `t${index % 11}` };
}

function fromIrc(address: Address, { senderId, id }: { senderId: string; id: string }): AdmitRequest {
  const {
    sessionKey: _session,
    agentId: _agent,
    ...rest
  } = chatRequest("where am I?", {
    runId: id,
    message: {
      address,
      sender: { id: senderId },
      platformMessageId: `p-${id}`,
      mentions: { ...noMentions, self: true },
    },
  });
  return { ...rest, origin: { via: "channel" } };
}

function lastText(messages: readonly { role: string }[]): string {
  const last = messages.at(-1) as { content?: { text?: string }[] } | undefined;
  return last?.content?.[0]?.text ?? "";
}
