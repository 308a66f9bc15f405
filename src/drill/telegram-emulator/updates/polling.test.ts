/** `getUpdates` as a bot sees it: what it brings, what it confirms, and how two pollers fight. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { emulators, refusal, until } from "../emulator.fixture.ts";

const { start, stage } = emulators();

interface Update {
  readonly update_id: number;
  readonly message?: { readonly text?: string };
}

const texts = (result: readonly Update[]): readonly unknown[] => result.map(({ message }) => message?.text);

describe("getUpdates", () => {
  it("brings a message in the shape of the documentation, its ids rising by one", async () => {
    const { bot, ann, call, hello } = await stage();
    ann.say(bot, "one", { replyTo: hello });
    ann.say(bot, "two");
    const { status, body } = await call("getUpdates");
    expect(status).toBe(200);
    expect(body.result).toEqual([
      {
        update_id: expect.any(Number),
        message: {
          message_id: hello + 1,
          from: { id: ann.id, is_bot: false, first_name: "Ann", username: "ann", language_code: "en" },
          chat: { id: ann.id, first_name: "Ann", username: "ann", type: "private" },
          date: expect.any(Number),
          reply_to_message: expect.objectContaining({ message_id: hello, text: "hello" }),
          text: "one",
        },
      },
      { update_id: body.result[0].update_id + 1, message: expect.objectContaining({ text: "two" }) },
    ]);
    expect(body.result[0].message.date).toBeLessThan(10_000_000_000);
    expect(ann.id).toBeGreaterThan(2 ** 32);
  });

  it("brings the same again until the next offset confirms it", async () => {
    const { telegram, bot, ann, call } = await stage();
    ann.say(bot, "one");
    ann.say(bot, "two");
    const first = (await call("getUpdates")).body.result as Update[];
    expect(texts((await call("getUpdates")).body.result)).toEqual(["one", "two"]);
    const afterOne = await call("getUpdates", { offset: first[0]!.update_id + 1 });
    expect(texts(afterOne.body.result)).toEqual(["two"]);
    expect(telegram.pendingUpdates(bot)).toBe(1);
  });

  it("forgets all but the newest for a negative offset, and takes at most `limit`", async () => {
    const { telegram, bot, ann, call } = await stage();
    for (const text of ["1", "2", "3", "4"]) ann.say(bot, text);
    expect(texts((await call("getUpdates", { limit: 3 })).body.result)).toEqual(["1", "2", "3"]);
    expect(texts((await call("getUpdates", { offset: -2 })).body.result)).toEqual(["3", "4"]);
    expect(telegram.pendingUpdates(bot)).toBe(2);
  });

  it("gives at most 100 at once, whatever is asked for", async () => {
    const { bot, ann, call } = await stage();
    for (let number = 0; number < 101; number += 1) ann.say(bot, String(number));
    expect((await call("getUpdates", { limit: 1_000 })).body.result).toHaveLength(100);
    expect((await call("getUpdates")).body.result).toHaveLength(100);
  });

  it("waits for the first update, and answers with nothing when the time is over", async () => {
    const clock = new FakeClock();
    const { bot, ann, call } = await stage({ clock });
    const waiting = call("getUpdates", { timeout: 30 });
    await until(() => clock.pendingTimers === 1);
    ann.say(bot, "at last");
    expect(texts((await waiting).body.result)).toEqual(["at last"]);

    const inVain = call("getUpdates", { timeout: 30, offset: 1_000_000_000 });
    await until(() => clock.pendingTimers === 1);
    await clock.advance(30_000);
    expect((await inVain).body).toEqual({ ok: true, result: [] });
  });

  it("waits no longer than 50 seconds", async () => {
    const clock = new FakeClock();
    const { call } = await stage({ clock });
    const waiting = call("getUpdates", { timeout: 600 });
    await until(() => clock.pendingTimers === 1);
    expect(clock.nextDueMs).toBe(50_000);
    await clock.advance(50_000);
    expect((await waiting).body.result).toEqual([]);
  });

  it("ends the older of two pollers with 409", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    const older = call("getUpdates", { timeout: 30 });
    await until(() => clock.pendingTimers === 1);
    const newer = call("getUpdates", { timeout: 30 });
    expect((await older).body).toEqual(
      refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"),
    );
    await until(() => clock.pendingTimers === 1);
    ann.say(bot, "for the newer");
    expect(texts((await newer).body.result)).toEqual(["for the newer"]);
    expect(telegram.calls.slice(-2).map(({ status }) => status)).toEqual([409, 200]);
  });

  it("keeps what a poller that hung up was about to get", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    const gone = new AbortController();
    const waiting = call("getUpdates", { timeout: 30 }, { signal: gone.signal });
    await until(() => clock.pendingTimers === 1);
    gone.abort();
    await expect(waiting).rejects.toThrow("aborted");
    await until(() => clock.pendingTimers === 0);
    ann.say(bot, "still here");
    expect(texts((await call("getUpdates")).body.result)).toEqual(["still here"]);
    expect(telegram.calls.at(-2)).toMatchObject({ method: "getUpdates", status: 0 });
  });

  it("leaves reactions out until they are asked for by name, and remembers what was asked", async () => {
    const { bot, ann, call, hello } = await stage();
    ann.react(bot, hello, "👍");
    expect((await call("getUpdates", { allowed_updates: ["message_reaction"] })).body.result).toEqual([]);
    ann.say(bot, "not wanted now");
    ann.react(bot, hello, "🔥");
    expect((await call("getUpdates")).body.result).toEqual([
      {
        update_id: expect.any(Number),
        message_reaction: {
          chat: expect.objectContaining({ id: ann.id }),
          message_id: hello,
          user: expect.objectContaining({ id: ann.id }),
          date: expect.any(Number),
          old_reaction: [{ type: "emoji", emoji: "👍" }],
          new_reaction: [{ type: "emoji", emoji: "🔥" }],
        },
      },
    ]);
    await call("getUpdates", { allowed_updates: "[]", offset: 1_000_000_000 });
    ann.say(bot, "wanted again");
    expect(texts((await call("getUpdates")).body.result)).toEqual(["wanted again"]);
  });

  it("throws away what nobody fetched for a day", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann } = await stage({ clock });
    ann.say(bot, "old");
    await clock.advance(24 * 3_600_000);
    expect(telegram.pendingUpdates(bot)).toBe(1);
    await clock.advance(1);
    expect(telegram.pendingUpdates(bot)).toBe(0);
  });

  it("hands on whatever a test injects", async () => {
    const { telegram, bot, call } = await stage();
    telegram.inject(bot, { unheard_of: { of: 7 } });
    expect((await call("getUpdates")).body.result).toEqual([{ update_id: expect.any(Number), unheard_of: { of: 7 } }]);
  });

  it("shows edits as edited messages, with the time of both", async () => {
    const { bot, ann, call, hello } = await stage();
    ann.edit(bot, hello, "hello, I meant");
    const { message_id, edit_date, text } = (await call("getUpdates")).body.result[0].edited_message;
    expect({ message_id, text }).toEqual({ message_id: hello, text: "hello, I meant" });
    expect(edit_date).toBeGreaterThan(1_000_000_000);
  });

  it("finds commands, mentions, links and tags itself", async () => {
    const { bot, ann, call } = await stage();
    ann.say(bot, "/start@helper_bot see https://example.com/a_(b), ask @ann or ann@example.com #now 1/2");
    expect((await call("getUpdates")).body.result[0].message.entities).toEqual([
      { type: "bot_command", offset: 0, length: 17 },
      { type: "url", offset: 22, length: 25 },
      { type: "mention", offset: 53, length: 4 },
      { type: "email", offset: 61, length: 15 },
      { type: "hashtag", offset: 77, length: 4 },
    ]);
  });

  it("numbers a bot's direct messages over all its chats, a group's by themselves", async () => {
    const { telegram, bot, ann, hello } = await stage();
    const bob = telegram.addPerson({ firstName: "Bob" });
    const group = telegram.addGroup({ title: "All", kind: "supergroup", members: [bot, ann, bob] });
    expect(bob.say(bot, "hi")).toBe(hello + 1);
    expect(ann.say(group, "hi")).toBe(1);
    expect(bob.say(group, "hi")).toBe(2);
  });
});

describe("a token", () => {
  it("that nobody has is refused with 401, for methods and files alike", async () => {
    const telegram = await start();
    for (const path of [
      "/bot123:nobody/getMe",
      "/bot123:nobody/getWhatever",
      "/file/bot123:nobody/photos/file_0.jpg",
    ]) {
      const response = await fetch(telegram.url + path);
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual(refusal(401, "Unauthorized"));
    }
  });

  it("that is right asks for a method that exists, in any case of letters", async () => {
    const { telegram, bot, call } = await stage();
    expect((await call("getMeNot")).body).toEqual(refusal(404, "Not Found: method not found"));
    expect((await call("GETME")).body.result).toEqual({
      id: bot.id,
      is_bot: true,
      first_name: "helper_bot",
      username: "helper_bot",
      can_join_groups: true,
      can_read_all_group_messages: false,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    });
    expect((await fetch(`${telegram.url}/elsewhere`)).status).toBe(404);
    expect((await fetch(`${telegram.url}/bot${bot.token}/getMe`, { method: "PUT" })).status).toBe(501);
  });
});
