/** 429 where a bot says too much, with the time after which it may go on; a refused call has no effect. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { caller, emulators, refusal } from "./emulator.fixture.ts";

const { start, stage } = emulators();
const tooMany = (retryAfterS: number): Record<string, unknown> => ({
  ...refusal(429, `Too Many Requests: retry after ${retryAfterS}`),
  parameters: { retry_after: retryAfterS },
});

describe("rate limits", () => {
  it("a direct chat takes so many messages a second, edits included", async () => {
    const clock = new FakeClock();
    const { telegram, ann, call, hello } = await stage({ clock, perChatPerSecond: 2 });
    const send = { chat_id: ann.id, text: "x" };
    expect((await call("sendMessage", send)).status).toBe(200);
    expect((await call("editMessageText", { ...send, message_id: hello + 1, text: "y" })).status).toBe(200);
    const refused = await call("sendMessage", send);
    expect(refused.body).toEqual(tooMany(1));
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(telegram.visible(ann.id)).toHaveLength(2);
    expect(telegram.calls.at(-1)).toMatchObject({ status: 429, effective: false });

    await clock.advance(999);
    expect((await call("sendMessage", send)).status).toBe(429);
    await clock.advance(1);
    expect((await call("sendMessage", send)).status).toBe(200);
  });

  it("a direct chat takes a short burst where nothing is said, then one a second on average", async () => {
    const clock = new FakeClock();
    const telegram = await start({ clock });
    const bot = telegram.addBot({ username: "helper_bot" });
    const ann = telegram.addPerson({ firstName: "Ann" });
    ann.say(bot, "hi");
    const send = async (): Promise<number> =>
      (await caller(telegram, bot)("sendMessage", { chat_id: ann.id, text: "x" })).status;
    expect([await send(), await send(), await send(), await send()]).toEqual([200, 200, 200, 429]);
    await clock.advance(3_000);
    expect(await send()).toBe(200);
  });

  it("a group takes so many a minute, whatever other chats do", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock, perGroupPerMinute: 20 });
    const group = telegram.addGroup({ title: "All", kind: "group", members: [bot, ann] });
    for (let number = 0; number < 20; number += 1) {
      expect((await call("sendMessage", { chat_id: group.id, text: "x" })).status).toBe(200);
      await clock.advance(1_000);
    }
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).body).toEqual(tooMany(40));
    expect((await call("sendMessage", { chat_id: ann.id, text: "x" })).status).toBe(200);
    await clock.advance(40_000);
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).status).toBe(200);
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).body).toEqual(tooMany(1));
  });

  it("a bot says so much a second over all its chats", async () => {
    const clock = new FakeClock();
    const { telegram, bot, call } = await stage({ clock, perSecond: 5 });
    const people = Array.from({ length: 6 }, (_, index) => telegram.addPerson({ firstName: `P${index}` }));
    const statuses: number[] = [];
    for (const person of people) {
      person.say(bot, "hi");
      statuses.push((await call("sendMessage", { chat_id: person.id, text: "x" })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await call("getMe")).status).toBe(200);
    const other = telegram.addBot({ username: "other_bot" });
    people[0]!.say(other, "and you?");
    expect((await caller(telegram, other)("sendMessage", { chat_id: people[0]!.id, text: "x" })).status).toBe(200);
  });

  it("what is refused for another reason counts for nothing", async () => {
    const clock = new FakeClock();
    const { ann, call } = await stage({ clock, perChatPerSecond: 1 });
    expect((await call("sendMessage", { chat_id: ann.id, text: "" })).status).toBe(400);
    expect((await call("sendMessage", { chat_id: ann.id, text: "x" })).status).toBe(200);
  });
});
