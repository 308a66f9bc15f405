/** Actions, reactions, buttons, commands, places, and passing on. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { emulators, refusal } from "../emulator.fixture.ts";

const { stage } = emulators();
const bad = (why: string): Record<string, unknown> => refusal(400, `Bad Request: ${why}`);

describe("a reaction of a bot", () => {
  it("is one of those that Telegram offers, and one at a time", async () => {
    const { telegram, ann, call, hello } = await stage();
    const react = async (reaction: unknown, messageId = hello): Promise<unknown> =>
      (await call("setMessageReaction", { chat_id: ann.id, message_id: messageId, reaction })).body;
    const emoji = (value: string): unknown => ({ type: "emoji", emoji: value });
    expect(await react([emoji("👍")])).toEqual({ ok: true, result: true });
    expect(await react(JSON.stringify([emoji("❤️")]))).toEqual({ ok: true, result: true });
    expect(telegram.visible(ann.id)[0]?.reactions).toEqual(["❤️"]);
    expect(await react([emoji("✅")])).toEqual(bad("REACTION_INVALID"));
    expect(await react([{ type: "custom_emoji", custom_emoji_id: "5" }])).toEqual(bad("REACTION_INVALID"));
    expect(await react([emoji("👍"), emoji("🔥")])).toEqual(bad("REACTIONS_TOO_MANY"));
    expect(await react("[")).toEqual(bad("can't parse reaction types JSON object"));
    expect(await react([emoji("👍")], 999)).toEqual(bad("message to react not found"));
    expect(telegram.visible(ann.id)[0]?.reactions).toEqual(["❤️"]);
    expect(await react([])).toEqual({ ok: true, result: true });
    expect(telegram.visible(ann.id)[0]?.reactions).toEqual([]);
  });
});

describe("a button", () => {
  it("sends its data with the message it is on, and is answered once and in time", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    const keyboard = { inline_keyboard: [[{ text: "Yes", callback_data: "yes:1" }]] };
    const { result } = (await call("sendMessage", { chat_id: ann.id, text: "?", reply_markup: keyboard })).body;
    ann.press(bot, result.message_id, "yes:1");
    ann.press(bot, result.message_id, "yes:1");
    const [first, second] = (await call("getUpdates")).body.result;
    expect(first.callback_query).toEqual({
      id: expect.stringMatching(/^\d{19}$/),
      from: expect.objectContaining({ id: ann.id, is_bot: false }),
      message: expect.objectContaining({ message_id: result.message_id, text: "?", reply_markup: keyboard }),
      chat_instance: expect.any(String),
      data: "yes:1",
    });
    const answer = async (id: string, more = {}): Promise<unknown> =>
      (await call("answerCallbackQuery", { callback_query_id: id, ...more })).body;
    const tooLate = bad("query is too old and response timeout expired or query ID is invalid");
    expect(await answer(first.callback_query.id, { text: "x".repeat(201) })).toEqual(bad("MESSAGE_TOO_LONG"));
    expect(await answer(first.callback_query.id, { text: "thanks" })).toEqual({ ok: true, result: true });
    expect(await answer(first.callback_query.id)).toEqual(tooLate);
    await clock.advance(60_001);
    expect(await answer(second.callback_query.id)).toEqual(tooLate);
    const other = telegram.addBot({ username: "other_bot" });
    ann.press(bot, result.message_id, "yes:1");
    const { id } = (await call("getUpdates")).body.result.at(-1).callback_query;
    const foreign = await fetch(`${telegram.url}/bot${other.token}/answerCallbackQuery?callback_query_id=${id}`);
    expect(await foreign.json()).toEqual(tooLate);
  });
});

describe("an action", () => {
  it("is one of those in the documentation", async () => {
    const { ann, call } = await stage();
    expect((await call("sendChatAction", { chat_id: ann.id, action: "typing" })).body).toEqual({
      ok: true,
      result: true,
    });
    expect((await call("sendChatAction", { chat_id: ann.id, action: "thinking" })).body).toEqual(
      bad("wrong parameter action in request"),
    );
  });
});

describe("commands", () => {
  it("are kept for each scope and language, and judged", async () => {
    const { ann, call } = await stage();
    const commands = [{ command: "help", description: "What I can do" }];
    expect((await call("setMyCommands", { commands })).body).toEqual({ ok: true, result: true });
    const scope = { type: "chat", chat_id: ann.id };
    await call("setMyCommands", { commands: [], scope });
    expect((await call("getMyCommands")).body.result).toEqual(commands);
    expect((await call("getMyCommands", { scope })).body.result).toEqual([]);
    expect((await call("getMyCommands", { language_code: "de" })).body.result).toEqual([]);
    await call("deleteMyCommands");
    expect((await call("getMyCommands")).body.result).toEqual([]);
    const set = async (command: string, description = "x"): Promise<unknown> =>
      (await call("setMyCommands", { commands: [{ command, description }] })).body;
    expect(await set("Help")).toEqual(bad("BOT_COMMAND_INVALID"));
    expect(await set("x".repeat(33))).toEqual(bad("BOT_COMMAND_INVALID"));
    expect(await set("help", "")).toEqual(bad("BOT_COMMAND_DESCRIPTION_INVALID"));
  });
});

describe("places and contacts", () => {
  it("come and go in the fields of the documentation", async () => {
    const { telegram, bot, ann, call } = await stage();
    ann.post(bot, { location: { latitude: 1.5, longitude: 2.5 } });
    expect((await call("getUpdates")).body.result[0].message.location).toEqual({ latitude: 1.5, longitude: 2.5 });
    const sent = await call("sendLocation", { chat_id: ann.id, latitude: "48.1", longitude: 11.5 });
    expect(sent.body.result.location).toEqual({ latitude: 48.1, longitude: 11.5 });
    expect((await call("sendLocation", { chat_id: ann.id, latitude: 91, longitude: 0 })).status).toBe(400);
    expect((await call("sendLocation", { chat_id: ann.id, latitude: 1 })).body).toEqual(bad("longitude is empty"));
    const contact = { phone_number: "+49", first_name: "Bob" };
    expect((await call("sendContact", { chat_id: ann.id, ...contact })).body.result.contact).toEqual(contact);
    expect(telegram.visible(ann.id)).toHaveLength(4);
  });
});

describe("passing on", () => {
  it("names the origin in a forward and not in a copy", async () => {
    const { telegram, bot, ann, call, hello } = await stage();
    const bob = telegram.addPerson({ firstName: "Bob" });
    bob.say(bot, "hi");
    const from = { chat_id: bob.id, from_chat_id: ann.id, message_id: hello };
    expect((await call("forwardMessage", from)).body.result).toMatchObject({
      text: "hello",
      forward_origin: { type: "user", sender_user: { id: ann.id } },
    });
    const { message_id } = (await call("copyMessage", from)).body.result;
    expect(telegram.visible(bob.id).at(-1)).toMatchObject({ messageId: message_id, from: bot.id, text: "hello" });
    expect((await call("forwardMessage", { ...from, message_id: 999 })).body).toEqual(
      bad("message to forward not found"),
    );
  });
});
