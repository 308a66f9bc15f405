/** Sending, editing and deleting text: what the real server refuses is refused in its words and has no effect. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { emulators, refusal } from "../emulator.fixture.ts";

const { stage } = emulators();
const bad = (why: string): Record<string, unknown> => refusal(400, `Bad Request: ${why}`);

describe("sendMessage", () => {
  it("answers with the message as everybody sees it", async () => {
    const { telegram, bot, ann, call, hello } = await stage();
    const { body } = await call("sendMessage", {
      chat_id: String(ann.id),
      text: "<b>good</b> day",
      parse_mode: "html",
      reply_parameters: { message_id: hello },
      reply_markup: { inline_keyboard: [[{ text: "Yes", callback_data: "y" }]] },
    });
    expect(body.result).toEqual({
      message_id: hello + 1,
      from: { id: bot.id, is_bot: true, first_name: "helper_bot", username: "helper_bot" },
      chat: { id: ann.id, first_name: "Ann", username: "ann", type: "private" },
      date: expect.any(Number),
      reply_to_message: expect.objectContaining({ message_id: hello }),
      text: "good day",
      entities: [{ type: "bold", offset: 0, length: 4 }],
      reply_markup: { inline_keyboard: [[{ text: "Yes", callback_data: "y" }]] },
    });
    expect(telegram.visible(ann.id, bot).at(-1)).toEqual({
      messageId: hello + 1,
      from: bot.id,
      text: "good day",
      entities: [{ type: "bold", offset: 0, length: 4 }],
      media: null,
      replyTo: hello,
      threadId: null,
      reactions: [],
      edits: 0,
      atMs: expect.any(Number),
    });
  });

  it("takes 4096 UTF-16 units after the markup, and not one more", async () => {
    const { ann, call } = await stage();
    const most = `<b>${"😀".repeat(2_048)}</b>`;
    expect((await call("sendMessage", { chat_id: ann.id, text: most, parse_mode: "HTML" })).status).toBe(200);
    const more = { chat_id: ann.id, text: "x".repeat(4_097) };
    expect((await call("sendMessage", more)).body).toEqual(bad("message is too long"));
    expect((await call("sendMessage", { ...more, text: "x".repeat(32_769) })).body).toEqual(bad("text is too long"));
  });

  it.each([
    [{ text: "" }, "message text is empty"],
    [{ text: " \n " }, "text must be non-empty"],
    [{ text: "<b></b>", parse_mode: "HTML" }, "text must be non-empty"],
    [{ text: "<br>", parse_mode: "HTML" }, `can't parse entities: Unsupported start tag "br" at byte offset 0`],
    [
      { text: "1.", parse_mode: "MarkdownV2" },
      "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
    ],
    [{ text: "x", parse_mode: "XML" }, "unsupported parse_mode"],
    [{ text: "x", entities: "[{" }, "can't parse entities JSON object"],
    [{ text: "x", entities: [{ offset: 0, length: 1 }] }, `can't parse MessageEntity: Can't find field "type"`],
    [
      { text: "x", entities: [{ type: "shiny", offset: 0, length: 1 }] },
      "can't parse MessageEntity: Unsupported type specified",
    ],
    [
      { text: "x", entities: [{ type: "bold", offset: 0, length: 2 }] },
      "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 2",
    ],
    [{ text: "x", chat_id: "" }, "chat_id is empty"],
    [{ text: "x", chat_id: 12 }, "chat not found"],
    [{ text: "x", chat_id: "@nobody" }, "chat not found"],
    [{ text: "x", chat_id: -100 }, "chat not found"],
    [{ text: "x", reply_parameters: { message_id: 999 } }, "message to be replied not found"],
    [{ text: "x", reply_to_message_id: 999 }, "message to be replied not found"],
    [{ text: "x", reply_parameters: "{" }, "can't parse reply parameters JSON object"],
    [{ text: "x", message_thread_id: 7 }, "message thread not found"],
    [{ text: "x", reply_markup: "{" }, "can't parse reply keyboard markup JSON object"],
    [
      { text: "x", reply_markup: { inline_keyboard: [[{ text: "a" }]] } },
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      { text: "x", reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "é".repeat(33) }]] } },
      "BUTTON_DATA_INVALID",
    ],
    [{ text: "x", reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "" }]] } }, "BUTTON_DATA_INVALID"],
  ])("refuses %j", async (params, why) => {
    const { telegram, ann, call } = await stage();
    expect((await call("sendMessage", { chat_id: ann.id, ...params })).body).toEqual(bad(why));
    expect(telegram.visible(ann.id)).toHaveLength(1);
    expect(telegram.calls.at(-1)).toMatchObject({ status: 400, effective: false, messageId: null });
  });

  it("quotes only what the answered message says, and answers nothing that was deleted", async () => {
    const { telegram, bot, ann, call, hello } = await stage();
    const answer = async (quote: string): Promise<unknown> =>
      (await call("sendMessage", { chat_id: ann.id, text: "x", reply_parameters: { message_id: hello, quote } })).body;
    expect(await answer("ell")).toMatchObject({ ok: true });
    expect(await answer("bell")).toEqual(bad("QUOTE_TEXT_INVALID"));
    ann.remove(bot, hello);
    expect(await answer("ell")).toEqual(bad("message to be replied not found"));
    expect(telegram.visible(ann.id)).toHaveLength(1);
  });

  it("takes callback data of 64 bytes", async () => {
    const { ann, call } = await stage();
    const keyboard = { inline_keyboard: [[{ text: "a", callback_data: "é".repeat(32) }]] };
    expect((await call("sendMessage", { chat_id: ann.id, text: "x", reply_markup: keyboard })).status).toBe(200);
  });

  it("goes out without the answered message where the bot allows that", async () => {
    const { telegram, ann, call } = await stage();
    const reply = { message_id: 999, allow_sending_without_reply: true };
    expect((await call("sendMessage", { chat_id: ann.id, text: "x", reply_parameters: reply })).status).toBe(200);
    const old = { reply_to_message_id: 999, allow_sending_without_reply: true };
    expect((await call("sendMessage", { chat_id: ann.id, text: "y", ...old })).status).toBe(200);
    expect(telegram.visible(ann.id).map(({ replyTo }) => replyTo)).toEqual([null, null, null]);
  });

  it("does not reach a person who never wrote, one who blocked the bot, or another bot", async () => {
    const { telegram, bot, ann, call } = await stage();
    const bob = telegram.addPerson({ firstName: "Bob" });
    const send = (chatId: number): Promise<unknown> =>
      call("sendMessage", { chat_id: chatId, text: "x" }).then(({ body }) => body);
    expect(await send(bob.id)).toEqual(refusal(403, "Forbidden: bot can't initiate conversation with a user"));
    ann.block(bot);
    expect(await send(ann.id)).toEqual(refusal(403, "Forbidden: bot was blocked by the user"));
    expect((await call("getUpdates")).body.result[0].my_chat_member).toMatchObject({
      from: { id: ann.id },
      old_chat_member: { status: "member" },
      new_chat_member: { user: { id: bot.id }, status: "kicked" },
    });
    ann.unblock(bot);
    expect(await send(ann.id)).toMatchObject({ ok: true });
    const other = telegram.addBot({ username: "other_bot" });
    expect(await send(other.id)).toEqual(refusal(403, "Forbidden: bot can't send messages to bots"));
  });
});

describe("editMessageText", () => {
  const notModified =
    "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

  it("changes what people see, counts, and says when", async () => {
    const { telegram, ann, call, hello } = await stage();
    await call("sendMessage", { chat_id: ann.id, text: "one" });
    const { body } = await call("editMessageText", { chat_id: ann.id, message_id: hello + 1, text: "two" });
    expect(body.result).toMatchObject({ message_id: hello + 1, text: "two", edit_date: expect.any(Number) });
    expect(telegram.visible(ann.id).at(-1)).toMatchObject({ text: "two", edits: 1 });
    expect(telegram.calls.at(-1)).toMatchObject({ effective: true, messageId: hello + 1 });
  });

  it("to the same content is refused, to another keyboard is not", async () => {
    const { ann, call, hello } = await stage();
    await call("sendMessage", { chat_id: ann.id, text: "<b>one</b>", parse_mode: "HTML" });
    const edit = { chat_id: ann.id, message_id: hello + 1 };
    const same = { ...edit, text: " one ", entities: [{ type: "bold", offset: 0, length: 5 }] };
    expect((await call("editMessageText", same)).body).toEqual(bad(notModified));
    const keyboard = { inline_keyboard: [[{ text: "a", callback_data: "a" }]] };
    expect((await call("editMessageText", { ...same, reply_markup: keyboard })).status).toBe(200);
    expect((await call("editMessageText", { ...edit, text: "one" })).status).toBe(200);
  });

  it("of an unknown or foreign message, or of one without text, is refused", async () => {
    const { telegram, bot, ann, call, hello } = await stage();
    const edit = { chat_id: ann.id, text: "x" };
    const of = async (messageId: number): Promise<unknown> =>
      (await call("editMessageText", { ...edit, message_id: messageId })).body;
    expect(await of(999)).toEqual(bad("message to edit not found"));
    expect(await of(hello)).toEqual(bad("message can't be edited"));
    expect((await call("editMessageText", edit)).body).toEqual(bad("message identifier is not specified"));
    await call("sendLocation", { chat_id: ann.id, latitude: 1, longitude: 2 });
    expect(await of(hello + 1)).toEqual(bad("there is no text in the message to edit"));
    await call("sendMessage", { chat_id: ann.id, text: "text" });
    expect((await call("editMessageCaption", { chat_id: ann.id, message_id: hello + 2, caption: "x" })).body).toEqual(
      bad("there is no caption in the message to edit"),
    );
    expect(telegram.visible(ann.id, bot).every(({ edits }) => edits === 0)).toBe(true);
  });
});

describe("deleteMessage", () => {
  it("takes away the bot's own and, in a direct chat, the person's", async () => {
    const { telegram, ann, call, hello } = await stage();
    await call("sendMessage", { chat_id: ann.id, text: "one" });
    expect((await call("deleteMessage", { chat_id: ann.id, message_id: hello + 1 })).body).toEqual({
      ok: true,
      result: true,
    });
    expect((await call("deleteMessage", { chat_id: ann.id, message_id: hello })).status).toBe(200);
    expect(telegram.visible(ann.id)).toEqual([]);
    expect((await call("deleteMessage", { chat_id: ann.id, message_id: hello })).body).toEqual(
      bad("message to delete not found"),
    );
  });

  it("is refused for others' messages in a group, and for what is older than two days", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call, hello } = await stage({ clock });
    const group = telegram.addGroup({ title: "All", kind: "supergroup", members: [bot, ann] });
    const said = ann.say(group, "mine");
    expect((await call("deleteMessage", { chat_id: group.id, message_id: said })).body).toEqual(
      bad("message can't be deleted"),
    );
    await clock.advance(48 * 3_600_000 + 1);
    expect((await call("deleteMessage", { chat_id: ann.id, message_id: hello })).body).toEqual(
      bad("message can't be deleted"),
    );
  });
});
