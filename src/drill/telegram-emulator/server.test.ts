/** What a test can do with the emulator: break things on purpose, and see what really happened. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { FaultRule } from "./contract.ts";
import { caller, emulators, refusal, until, type Stage } from "./emulator.fixture.ts";

const { start, stage } = emulators();

const said = ({ telegram, ann }: Stage): readonly string[] => telegram.visible(ann.id).map(({ text }) => text);

describe("faults", () => {
  it("accept-then-drop: the person sees the message, the bot sees a broken line", async () => {
    const set = await stage();
    set.telegram.fault({ method: "sendMessage", what: { kind: "accept-then-drop" } });
    await expect(set.call("sendMessage", { chat_id: set.ann.id, text: "once" })).rejects.toThrow("fetch failed");
    expect(said(set)).toEqual(["hello", "once"]);
    expect(set.telegram.calls.at(-1)).toMatchObject({ status: 0, effective: true, messageId: set.hello + 1 });
  });

  it("accept-then-drop: what the server refuses has no effect either way", async () => {
    const set = await stage();
    set.telegram.fault({ what: { kind: "accept-then-drop" } });
    await expect(set.call("sendMessage", { chat_id: set.ann.id, text: "" })).rejects.toThrow("fetch failed");
    expect(set.telegram.calls.at(-1)).toMatchObject({ status: 0, effective: false, messageId: null });
  });

  it("drop: neither sees anything", async () => {
    const set = await stage();
    set.telegram.fault({ method: "sendMessage", what: { kind: "drop" } });
    await expect(set.call("sendMessage", { chat_id: set.ann.id, text: "never" })).rejects.toThrow("fetch failed");
    expect(said(set)).toEqual(["hello"]);
    expect(set.telegram.calls.at(-1)).toMatchObject({ status: 0, effective: false });
  });

  it("status: the bot hears it with retry_after, nothing happens", async () => {
    const set = await stage();
    const what = {
      kind: "status",
      status: 429,
      description: "Too Many Requests: retry after 7",
      retryAfterS: 7,
    } as const;
    set.telegram.fault({ what });
    const { status, headers, body } = await set.call("sendMessage", { chat_id: set.ann.id, text: "never" });
    expect(status).toBe(429);
    expect(headers.get("retry-after")).toBe("7");
    expect(body).toEqual({ ...refusal(429, what.description), parameters: { retry_after: 7 } });
    set.telegram.fault({ what: { kind: "status", status: 502 } });
    expect((await set.call("getMe")).body).toEqual(refusal(502, "Bad Gateway"));
    expect(said(set)).toEqual(["hello"]);
  });

  it("delay: it happens later", async () => {
    const clock = new FakeClock();
    const set = await stage({ clock });
    set.telegram.fault({ what: { kind: "delay", ms: 5_000 } });
    const sending = set.call("sendMessage", { chat_id: set.ann.id, text: "late" });
    await until(() => clock.pendingTimers === 1);
    expect(said(set)).toEqual(["hello"]);
    await clock.advance(5_000);
    expect((await sending).status).toBe(200);
    expect(said(set)).toEqual(["hello", "late"]);
  });

  it.each([
    [true, ["hello", "x"]],
    [false, ["hello"]],
  ])("hang: no answer comes; effective %s", async (effective, expected) => {
    const set = await stage();
    set.telegram.fault({ method: "sendMessage", what: { kind: "hang", effective } });
    const gone = new AbortController();
    const sending = set.call("sendMessage", { chat_id: set.ann.id, text: "x" }, { signal: gone.signal });
    await until(() => set.telegram.calls.at(-1)?.method === "sendMessage");
    expect(set.telegram.calls.at(-1)).toMatchObject({ status: 0, effective });
    expect(said(set)).toEqual(expected);
    gone.abort();
    await expect(sending).rejects.toThrow("aborted");
  });

  it.each([
    [{ kind: "garbage" } as const, ["hello", "x"]],
    [{ kind: "garbage", effective: false } as const, ["hello"]],
  ])("garbage: bytes that are no JSON; %j", async (what, expected) => {
    const set = await stage();
    set.telegram.fault({ method: "sendMessage", what });
    await expect(set.call("sendMessage", { chat_id: set.ann.id, text: "x" })).rejects.toThrow(SyntaxError);
    expect(said(set)).toEqual(expected);
  });

  it("are used as often as they say, for the method and chat that they name, until they are cleared", async () => {
    const set = await stage();
    const { telegram, ann, bot, call } = set;
    const bob = telegram.addPerson({ firstName: "Bob" });
    bob.say(bot, "hi");
    const busy = { kind: "status", status: 500 } as const;
    const rule: FaultRule = { method: "sendMessage", chatId: ann.id, times: 2, what: busy };
    telegram.fault(rule);
    const statuses: number[] = [];
    for (const chatId of [bob.id, ann.id, ann.id, ann.id]) {
      statuses.push((await call("sendMessage", { chat_id: chatId, text: "x" })).status);
    }
    expect(statuses).toEqual([200, 500, 500, 200]);
    telegram.fault(rule);
    telegram.clearFaults();
    expect((await call("sendMessage", { chat_id: ann.id, text: "x" })).status).toBe(200);
  });

  it("of getUpdates lose no update", async () => {
    const { telegram, bot, ann, call } = await stage();
    ann.say(bot, "one");
    telegram.fault({ method: "getUpdates", what: { kind: "accept-then-drop" } });
    await expect(call("getUpdates")).rejects.toThrow("fetch failed");
    expect((await call("getUpdates")).body.result).toHaveLength(1);
  });
});

describe("the record", () => {
  it("holds every call in the order of decision, with what was asked and what became of it", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    telegram.forget();
    const polling = call("getUpdates", { timeout: 5 });
    await until(() => clock.pendingTimers === 1);
    await call("sendMessage", { chat_id: ann.id, text: "x" });
    await call("sendMessage", { chat_id: ann.id });
    await clock.advance(5_000);
    await polling;
    expect(telegram.calls).toMatchObject([
      { bot: bot.id, method: "sendMessage", params: { chat_id: ann.id, text: "x" }, status: 200, effective: true },
      { method: "sendMessage", status: 400, effective: false, messageId: null },
      { method: "getUpdates", params: { timeout: 5 }, status: 200, effective: true, messageId: null },
    ]);
  });

  it("keeps the newest where it is bounded, and forgets on request while ids go on", async () => {
    const { telegram, ann, call, hello } = await stage({ remember: 10 });
    for (let number = 0; number < 30; number += 1) await call("sendMessage", { chat_id: ann.id, text: `${number}` });
    expect(telegram.calls.length).toBeLessThanOrEqual(11);
    expect(telegram.calls.at(-1)?.params["text"]).toBe("29");
    telegram.forget();
    expect(telegram.calls).toEqual([]);
    expect(telegram.visible(ann.id)).toEqual([]);
    expect((await call("sendMessage", { chat_id: ann.id, text: "on" })).body.result.message_id).toBe(hello + 31);
  });

  it("tells the direct chats of two bots with one person apart", async () => {
    const { telegram, bot, ann } = await stage();
    const other = telegram.addBot({ username: "other_bot" });
    ann.say(other, "and you?");
    expect(telegram.visible(ann.id, bot).map(({ text }) => text)).toEqual(["hello"]);
    expect(telegram.visible(ann.id, other).map(({ text }) => text)).toEqual(["and you?"]);
    expect(telegram.visible(ann.id)).toHaveLength(2);
  });
});

describe("a person", () => {
  it("cannot do what the apps do not let people do", async () => {
    const { telegram, bot, ann, call, hello } = await stage();
    const { body } = await call("sendMessage", { chat_id: ann.id, text: "x" });
    const elsewhere = telegram.addGroup({ title: "Others", kind: "group", members: [bot] });
    expect(() => ann.say(bot, "x".repeat(4_097))).toThrow("no more than 4096");
    expect(() => ann.edit(bot, body.result.message_id, "mine now")).toThrow("only what they wrote");
    expect(() => ann.press(bot, hello, "data")).toThrow("no button");
    expect(() => ann.say(elsewhere, "hi")).toThrow("not in the group");
    expect(() => ann.react(bot, 999, "👍")).toThrow("no message 999");
    ann.block(bot);
    expect(() => ann.say(bot, "hi")).toThrow("has blocked");
  });
});

describe("the end", () => {
  it("breaks what is open, twice as well as once", async () => {
    const telegram = await start();
    const bot = telegram.addBot({ username: "helper_bot" });
    const waiting = caller(telegram, bot)("getUpdates", { timeout: 50 });
    waiting.catch(() => "it is looked at below");
    await caller(telegram, bot)("getMe");
    await telegram.close();
    await telegram.close();
    await expect(waiting).rejects.toThrow("fetch failed");
    await expect(fetch(telegram.url)).rejects.toThrow("fetch failed");
  });
});
