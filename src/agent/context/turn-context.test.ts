import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import { callOf, modelOf, openSession, round, says, textOf } from "./keeper.fixture.ts";
import { refusals } from "./provider-rules.fixture.ts";
import { conversationTokens, textTokens } from "./token-estimate.ts";

const words = (count: number, word = "plain words "): string => word.repeat(count);

const anyTalk: fc.Arbitrary<ModelMessage[]> = fc
  .array(
    fc.oneof(
      fc.integer({ min: 1, max: 400 }).map((size) => [says("user", words(size)), says("assistant", words(size / 2))]),
      fc
        .tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 9 }))
        .map(([size, id]) => [says("user", "look"), ...round(`c${id}`, words(size)), says("assistant", "seen")]),
      fc.constant([says("assistant", "by the way")]),
    ),
    { maxLength: 20 },
  )
  .map((exchanges) => exchanges.flat());

describe("the context of a turn", () => {
  it("G11: fits the window and is valid, whatever was said, however small the window is", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTalk,
        fc.integer({ min: 1, max: 3_000 }),
        fc.record({
          contextWindow: fc.integer({ min: 900, max: 20_000 }),
          steps: fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 4 }),
        }),
        fc.constantFrom("summary", "fails", "empty", "long"),
        async (talk, size, { contextWindow, steps }, kind) => {
          const script = () => {
            if (kind === "fails") return new AppError("MODEL_004", "down").toJSON();
            return { summary: "what was said", empty: " ", long: words(20_000) }[kind] ?? "";
          };
          const session = openSession({ script });
          session.say(...talk);
          const input = says("user", `FIRST ${words(size)} LAST`);
          const call = callOf({
            model: modelOf({ contextWindow }),
            steps: steps.flatMap((output, index) => round(`s${index}`, words(output))),
          });
          const { messages, inputTokens, outputTokens, report } = await session.turn(input).assemble(call);
          expect(refusals(messages)).toEqual([]);
          const counted = textTokens(call.system) + conversationTokens(messages);
          expect(counted).toBeLessThanOrEqual(report.inputBudgetTokens);
          expect(inputTokens + outputTokens).toBeLessThanOrEqual(contextWindow);
          expect(textOf(messages)).toContain("FIRST");
          expect(textOf(messages)).toContain("LAST");
        },
      ),
      { numRuns: 300 },
    );
  });

  it("G11: at 101 % of the window the conversation is summed up before the call, once", async () => {
    const session = openSession();
    const call = callOf();
    // 8,000 tokens are the window: the history alone is 101 % of it.
    for (
      let tokens = 0;
      tokens < 8_080;
      tokens += conversationTokens([says("user", words(60)), says("assistant", "yes")])
    )
      session.say(says("user", words(60)), says("assistant", "yes"));
    const turn = session.turn(says("user", "and now?"));
    const first = await turn.assemble(call);
    const asked = session.asked.length;
    expect(asked).toBeGreaterThan(0);
    expect(first.report.compactions).toMatchObject([{ compacted: true, method: "summary" }]);
    expect(first.inputTokens).toBeLessThan(8_000 * 0.8);
    await turn.assemble({ ...call, steps: round("a", words(3_000)) });
    expect(session.asked).toHaveLength(asked);
  });

  it("G11: is compacted once in a turn, whatever model is asked next; a history is cut in front of what somebody said", async () => {
    const session = openSession();
    for (let index = 0; index < 60; index += 1)
      session.say(says("user", `Q${index} ${words(30)}`), says("assistant", words(30)));
    const turn = session.turn(says("user", "and now?"));
    await turn.assemble(callOf());
    const asked = session.asked.length;
    const { messages, report } = await turn.assemble(callOf({ model: modelOf({ contextWindow: 2_500 }) }));
    expect(session.asked).toHaveLength(asked);
    expect(report.leftOut.cut).toBeGreaterThan(0);
    expect(textOf(messages.slice(0, 1))).toMatch(/> a summary\nQ\d+ /);
  });

  it("G11: at the trigger and below nothing is summed up; one token more and it is", async () => {
    const session = openSession({ config: ({ agents }) => (agents.defaults.compaction.reserveTokens = 100) });
    for (let index = 0; index < 30; index += 1) session.say(says("user", words(40)), says("assistant", "yes"));
    const at = async (contextWindow: number) => {
      const call = callOf({ model: modelOf({ contextWindow, maxTokens: 100 }) });
      const { inputTokens, report } = await session
        .turn(says("user", "?"), { history: { kind: "transcript", entries: said } })
        .assemble(call);
      return { inputTokens, compactions: report.compactions.length };
    };
    const said = [...session.entries];
    const { inputTokens } = await at(1_000_000);
    const window = Math.ceil(inputTokens / 0.8);
    expect(await at(window)).toMatchObject({ compactions: 0 });
    expect(await at(window - 2)).toMatchObject({ compactions: 1 });
  });

  it("G11: a message that is too large alone is asked with its middle cut out, the same way every time", async () => {
    const session = openSession();
    const input = says("user", `BEGIN ${words(40_000)} END`);
    const once = await session.turn(input).assemble(callOf());
    const text = textOf(once.messages);
    expect(text.startsWith("BEGIN")).toBe(true);
    expect(text.endsWith("END")).toBe(true);
    expect(text).toMatch(/\[… \d+ characters left out here: the whole does not fit/);
    expect(once.inputTokens).toBeGreaterThan(once.report.inputBudgetTokens * 0.8);
    const again = await session.turn(input).assemble(callOf());
    expect(again.messages).toEqual(once.messages);
  });

  it("G11: files that do not fit become notes, the largest first", async () => {
    const session = openSession();
    const file = (fileName: string, sizeBytes: number) =>
      ({ type: "file", attachment: { type: "document", fileName, sizeBytes, data: "AAAA" } }) as const;
    const input: ModelMessage = {
      role: "user",
      content: [{ type: "text", text: "compare" }, file("small.pdf", 1_000), file("large.pdf", 4_000_000)],
    };
    const { messages, report } = await session.turn(input).assemble(callOf());
    const [message] = messages;
    expect(message?.role === "user" && message.content.map((part) => part.type)).toEqual(["text", "file", "text"]);
    expect(textOf(messages)).toContain('"large.pdf"');
    expect(report.repairs["noted-file"]).toBe(1);
  });

  it("G11: instructions that fill the window are an honest error and no call", async () => {
    const turn = openSession().turn(says("user", "hello"));
    await expect(turn.assemble(callOf({ system: words(9_000) }))).rejects.toMatchObject({ code: "MODEL_007" });
  });

  it("G11: the smallest of model, configuration and what the endpoint said is the window; unknown is assumed", async () => {
    const session = openSession({ config: ({ agents }) => (agents.defaults.contextTokens = 6_000) });
    const report = async (model = modelOf()) =>
      (await session.turn(says("user", "?")).assemble(callOf({ model }))).report;
    expect(await report()).toMatchObject({ windowTokens: 6_000, windowFrom: "configuration" });
    const free = openSession();
    const unknown = callOf({ model: modelOf({ contextWindow: null }) });
    const turn = free.turn(says("user", words(5_000)));
    expect((await turn.assemble(unknown)).report).toMatchObject({
      windowTokens: limits.unknownWindowTokens,
      windowFrom: "assumed",
    });
    const error = new AppError("MODEL_007", "This model's maximum context length is 4096 tokens.").toJSON();
    await turn.compactNow("overflow", unknown, { error });
    expect((await turn.assemble(unknown)).report).toMatchObject({ windowTokens: 4_096, windowFrom: "learnt" });
  });

  it("asks for no longer an answer than the window has room for", async () => {
    const model = modelOf({ contextWindow: 4_000, maxTokens: 64_000 });
    const session = openSession();
    const long = await session.turn(says("user", words(500))).assemble(callOf({ model }));
    expect(long.maxOutputTokens).toBe(4_000 - long.inputTokens);
    const wanted = await session.turn(says("user", "?")).assemble(callOf({ model, maxOutputTokens: 50 }));
    expect(wanted.maxOutputTokens).toBe(50);
    const unsaid = await session.turn(says("user", "?")).assemble(callOf());
    expect(unsaid.maxOutputTokens).toBeUndefined();
  });

  it("H20: after an overflow the next request is smaller, whatever the window is said to be, and that once", async () => {
    const session = openSession();
    for (let index = 0; index < 10; index += 1) session.say(says("user", words(50)), says("assistant", words(50)));
    const call = callOf({ model: modelOf({ contextWindow: 1_000_000 }) });
    const turn = session.turn(says("user", "and now?"));
    const first = await turn.assemble(call);
    const error = new AppError("MODEL_007", "too long").toJSON();
    expect(await turn.compactNow("overflow", call, { error })).toMatchObject({ compacted: true, method: "summary" });
    const second = await turn.assemble(call);
    expect(conversationTokens(second.messages)).toBeLessThan(conversationTokens(first.messages) * 0.6);
    expect(await turn.compactNow("overflow", call)).toEqual({ compacted: false, why: "spent" });
  });

  it("H20: an overflow by one message alone is cut; where nothing can be gained, that is said", async () => {
    const session = openSession();
    const turn = session.turn(says("user", words(3_000)));
    const call = callOf({ model: modelOf({ contextWindow: 100_000 }) });
    const first = await turn.assemble(call);
    expect(await turn.compactNow("overflow", call)).toMatchObject({ compacted: true, method: "truncation" });
    const second = await turn.assemble(call);
    expect(conversationTokens(second.messages)).toBeLessThan(conversationTokens(first.messages) * 0.6);
    const short = openSession().turn(says("user", "hi"));
    const heavy = callOf({ system: words(2_000) });
    await short.assemble(heavy);
    expect(await short.compactNow("overflow", heavy)).toMatchObject({ compacted: false, why: "no-reduction" });
  });

  it("corrects its estimate by what the provider counted, within bounds", async () => {
    const session = openSession();
    const model = modelOf({ contextWindow: 100_000 });
    const call = callOf({ model });
    const usage = (input: number) => ({ input, output: 1, cacheRead: 0, cacheWrite: 0 });
    const turn = session.turn(says("user", words(1_000)));
    const estimated = (await turn.assemble(call)).inputTokens;
    await turn.answered(model, usage(Math.round(estimated * 1.5)), { estimated: false });
    const corrected = (await turn.assemble(call)).inputTokens;
    expect(corrected / estimated).toBeCloseTo(1.5 * 1.05, 1);
    await turn.answered(model, usage(estimated * 50), { estimated: false });
    expect((await turn.assemble(call)).inputTokens / estimated).toBeCloseTo(2, 1);
    // An estimate of our own teaches nothing.
    await turn.answered(model, usage(1), { estimated: true });
    expect((await turn.assemble(call)).inputTokens / estimated).toBeCloseTo(2, 1);
  });

  it("tells a budget no less than the estimate where the last prompts were cheaper: the next is another text", async () => {
    const session = openSession();
    const model = modelOf({ contextWindow: 100_000 });
    const call = callOf({ model });
    const turn = session.turn(says("user", words(1_000)));
    const first = await turn.assemble(call);
    const usage = { input: Math.round(first.inputTokens * 0.6), output: 1, cacheRead: 0, cacheWrite: 0 };
    for (let answer = 0; answer < 6; answer += 1) await turn.answered(model, usage, { estimated: false });
    const cheap = await turn.assemble(call);
    // The window is used as far as it goes; money is set aside for the worst.
    expect(cheap.report.inputTokens).toBeLessThan(first.report.inputTokens * 0.7);
    expect(cheap.inputTokens).toBe(first.inputTokens);
  });

  it("keeps the exchange that results of the caller's tools belong to, however full the history is", async () => {
    const session = openSession();
    for (let index = 0; index < 40; index += 1) session.say(says("user", words(60)), says("assistant", "yes"));
    const [call, results] = round("mine", "42") as [ModelMessage, ModelMessage];
    session.say(says("user", "ask my tool"), call);
    const { messages } = await session.turn(results).assemble(callOf());
    expect(messages.at(-1)).toEqual(results);
    expect(messages.at(-2)).toEqual(call);
    expect(refusals(messages)).toEqual([]);
  });

  it("leaves the history out after the same refusal twice, over turns, says so, and remembers it", async () => {
    const session = openSession();
    session.say(says("user", "poison"), says("assistant", "swallowed"));
    const refusal = (id: string) =>
      new AppError("MODEL_008", `messages.3: request ${id} is malformed`, {
        details: { reason: "bad_request" },
      }).toJSON();
    const first = session.turn(says("user", "hello"));
    await first.assemble(callOf());
    expect(await first.refused(refusal("0a1b2c3d"))).toBe(false);
    const second = session.turn(says("user", "hello?"), { inputId: "ffff0002" });
    await second.assemble(callOf());
    expect(await second.refused(refusal("99887766"))).toBe(true);
    expect(session.told).toHaveLength(1);
    const { messages, report } = await second.assemble(callOf());
    expect(messages).toEqual([says("user", "hello?")]);
    expect(report.leftOut.quarantined).toBe(2);
    // A third refusal is not the history's fault.
    expect(await second.refused(refusal("1"))).toBe(false);
    await second.answered(modelOf(), { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, { estimated: false });
    session.entries.push({
      id: "ffff0002",
      seq: 3,
      parentId: null,
      type: "message",
      atMs: 0,
      body: { message: { role: "user", content: [{ type: "text", text: "hello?" }] } },
    });
    session.say(says("assistant", "Hello."));
    const third = await session.turn(says("user", "how are you?"), { inputId: "ffff0003" }).assemble(callOf());
    expect(textOf(third.messages)).toBe("hello?\nHello.\nhow are you?");
  });

  it("counts the refusals of each model by themselves: one that is asked after another changes nothing", async () => {
    const session = openSession();
    session.say(says("user", "poison"), says("assistant", "swallowed"));
    const refusal = (model: string, words: string) =>
      new AppError("MODEL_008", words, { details: { reason: "bad_request", model } }).toJSON();
    const first = session.turn(says("user", "hello"));
    expect(await first.refused(refusal("one", "malformed"))).toBe(false);
    expect(await first.refused(refusal("two", "wrong shape"))).toBe(false);
    const second = session.turn(says("user", "hello?"), { inputId: "ffff0002" });
    expect(await second.refused(refusal("one", "malformed"))).toBe(true);
    expect(session.told).toHaveLength(1);
  });

  it("leaves nothing out where nothing was said before: a second try would be the same", async () => {
    const session = openSession();
    const refusal = new AppError("MODEL_008", "this model takes no tools").toJSON();
    expect(await session.turn(says("user", "one")).refused(refusal)).toBe(false);
    expect(await session.turn(says("user", "two")).refused(refusal)).toBe(false);
    expect(session.told).toEqual([]);
  });

  it("remembers no refusal that another one or an answer followed", async () => {
    const session = openSession();
    session.say(says("user", "one"), says("assistant", "two"));
    const refusal = (words: string) => new AppError("MODEL_008", words).toJSON();
    const turn = () => session.turn(says("user", "?"));
    const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
    expect(await turn().refused(refusal("tools are not supported"))).toBe(false);
    expect(await turn().refused(refusal("no pictures"))).toBe(false);
    expect(await turn().refused(refusal("tools are not supported"))).toBe(false);
    await turn().answered(modelOf(), usage, { estimated: false });
    expect(session.settings["contextTrouble"]).toBeNull();
    expect(await turn().refused(refusal("tools are not supported"))).toBe(false);
  });

  it("is put together without a word to anybody when the turn was stopped", async () => {
    const stopped = new AbortController();
    const reason = new AppError("RUN_001", "stopped");
    stopped.abort(reason);
    const session = openSession();
    await expect(session.turn(says("user", "?"), { signal: stopped.signal }).assemble(callOf())).rejects.toBe(reason);
  });
});
