/** The emulator over real HTTP: what a bot hears, what it may say, and what the test sees of it. */
import { afterEach, describe, expect, it } from "vitest";
import type { TelegramEmulator, TelegramEmulatorOptions } from "./contract.ts";
import { startTelegramEmulator } from "./server.ts";
import { caller } from "./caller.fixture.ts";

const open: TelegramEmulator[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((emulator) => emulator.close()));
});

async function start(options?: TelegramEmulatorOptions): Promise<TelegramEmulator> {
  const emulator = await startTelegramEmulator(options);
  open.push(emulator);
  return emulator;
}

describe("a direct chat", () => {
  it("brings what a person says to the bot, and what the bot answers to the person", async () => {
    const telegram = await start();
    const bot = telegram.addBot({ username: "helper_bot" });
    const ann = telegram.addPerson({ firstName: "Ann", username: "ann" });
    const call = caller(telegram, bot);
    const messageId = ann.say(bot, "hello");

    const updates = await call("getUpdates");
    expect(updates.body.result).toEqual([
      {
        update_id: expect.any(Number),
        message: {
          message_id: messageId,
          from: { id: ann.id, is_bot: false, first_name: "Ann", username: "ann", language_code: "en" },
          chat: { id: ann.id, first_name: "Ann", username: "ann", type: "private" },
          date: expect.any(Number),
          text: "hello",
        },
      },
    ]);

    const sent = await call("sendMessage", {
      chat_id: ann.id,
      text: "good day",
      reply_parameters: { message_id: messageId },
    });
    expect(sent.status).toBe(200);
    expect(telegram.visible(ann.id)).toMatchObject([
      { messageId, from: ann.id, text: "hello", replyTo: null },
      { messageId: messageId + 1, from: bot.id, text: "good day", replyTo: messageId, edits: 0 },
    ]);
    expect(telegram.calls).toMatchObject([
      { method: "getUpdates", status: 200 },
      { method: "sendMessage", status: 200, effective: true, messageId: messageId + 1 },
    ]);
  });
});
