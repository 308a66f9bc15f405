/** A client that is not ours, against the emulator: grammY polls, answers, edits, reacts, sends files and takes a webhook. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Bot, GrammyError, InlineKeyboard, InputFile, webhookCallback } from "grammy";
import { afterEach, describe, expect, it } from "vitest";
import { emulators, until, type Stage } from "./emulator.fixture.ts";

const { stage } = emulators();
const running: Bot[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((bot) => bot.stop()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function grammyOf({ telegram, bot }: Stage): Bot {
  return new Bot(bot.token, { client: { apiRoot: telegram.url } });
}

async function polling(bot: Bot): Promise<void> {
  running.push(bot);
  await new Promise<void>((resolve, reject) => {
    bot.start({ onStart: () => resolve(), allowed_updates: ["message", "callback_query"] }).catch(reject);
  });
}

describe("grammY", () => {
  it("polls, understands commands and captions, and answers", async () => {
    const set = await stage();
    const { telegram, ann, bot } = set;
    const client = grammyOf(set);
    client.command("start", (context) => context.reply(`welcome ${context.match}`));
    client.on("message:photo", async (context) => {
      const file = await context.getFile();
      const response = await fetch(`${telegram.url}/file/bot${bot.token}/${file.file_path}`);
      await context.reply(`${(await response.arrayBuffer()).byteLength} bytes, ${context.message.caption}`, {
        reply_parameters: { message_id: context.message.message_id },
      });
    });
    await polling(client);
    ann.say(bot, "/start@helper_bot ann");
    await until(() => telegram.visible(ann.id).length === 3);
    const photo = ann.upload(bot, { as: "photo", bytes: new Uint8Array(3_000), caption: "a picture" });
    await until(() => telegram.visible(ann.id).length === 5);
    expect(telegram.visible(ann.id).map(({ text, replyTo }) => [text, replyTo])).toEqual([
      ["hello", null],
      ["/start@helper_bot ann", null],
      ["welcome ann", null],
      ["a picture", null],
      ["3000 bytes, a picture", photo],
    ]);
    await client.stop();
    expect(telegram.pendingUpdates(bot)).toBe(0);
  });

  it("edits, reacts, deletes, and takes the press of a button", async () => {
    const set = await stage();
    const { telegram, ann, bot, hello } = set;
    const client = grammyOf(set);
    client.callbackQuery("more", async (context) => {
      await context.answerCallbackQuery({ text: "Here it comes" });
      await context.editMessageText("<b>more</b>", { parse_mode: "HTML" });
    });
    await polling(client);
    const sent = await client.api.sendMessage(ann.id, "less", {
      reply_markup: new InlineKeyboard().text("More", "more"),
    });
    await client.api.setMessageReaction(ann.id, hello, [{ type: "emoji", emoji: "👀" }]);
    ann.press(bot, sent.message_id, "more");
    await until(() => telegram.visible(ann.id).at(-1)?.edits === 1);
    expect(telegram.visible(ann.id)).toMatchObject([
      { text: "hello", reactions: ["👀"] },
      { text: "more", entities: [{ type: "bold", offset: 0, length: 4 }] },
    ]);
    await client.api.deleteMessage(ann.id, sent.message_id);
    expect(telegram.visible(ann.id)).toHaveLength(1);
  });

  it("uploads files, alone and as an album, and sends them again by their id", async () => {
    const set = await stage();
    const { telegram, ann } = set;
    const { api } = grammyOf(set);
    const sent = await api.sendDocument(ann.id, new InputFile(Buffer.from("data"), "data.txt"), { caption: "here" });
    await api.sendDocument(ann.id, sent.document.file_id);
    await api.sendMediaGroup(ann.id, [
      { type: "photo", media: new InputFile(Buffer.from("one"), "one.jpg") },
      { type: "photo", media: new InputFile(Buffer.from("three"), "two.jpg"), caption: "two" },
    ]);
    expect(
      telegram
        .visible(ann.id)
        .slice(1)
        .map(({ text, media }) => [text, media?.kind, media?.sizeBytes]),
    ).toEqual([
      ["here", "document", 4],
      ["", "document", 4],
      ["", "photo", 3],
      ["two", "photo", 5],
    ]);
  });

  it("understands what is refused", async () => {
    const set = await stage({ perChatPerSecond: 1 });
    const { api } = grammyOf(set);
    const refused = async (sending: Promise<unknown>): Promise<GrammyError> => {
      const error = await sending.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(GrammyError);
      return error as GrammyError;
    };
    expect((await refused(api.sendMessage(set.ann.id, "1.", { parse_mode: "MarkdownV2" }))).description).toContain(
      "is reserved and must be escaped",
    );
    await api.sendMessage(set.ann.id, "one");
    const tooMany = await refused(api.sendMessage(set.ann.id, "two"));
    expect([tooMany.error_code, tooMany.parameters.retry_after]).toEqual([429, 1]);
  });

  it("takes updates at its webhook, checks the secret, and is not asked twice", async () => {
    const set = await stage();
    const { telegram, ann, bot } = set;
    const client = grammyOf(set);
    client.on("message:text", (context) => context.reply(`heard ${context.message.text}`));
    const take = webhookCallback(client, "http", { secretToken: "secret_1" });
    const server = createServer((request, response) => void take(request, response));
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await client.api.setWebhook(url, { secret_token: "secret_1" });
    ann.say(bot, "one");
    ann.say(bot, "two");
    await until(() => telegram.pendingUpdates(bot) === 0);
    expect(telegram.visible(ann.id).map(({ text }) => text)).toEqual(["hello", "one", "two", "heard one", "heard two"]);
    const info = await client.api.getWebhookInfo();
    expect(info).toMatchObject({ url, pending_update_count: 0 });
    expect(info.last_error_message).toBeUndefined();

    await client.api.setWebhook(url, { secret_token: "another" });
    ann.say(bot, "three");
    await until(() => telegram.pendingUpdates(bot) === 1);
    let error: string | undefined;
    while (error === undefined) error = (await client.api.getWebhookInfo()).last_error_message;
    expect(error).toBe("Wrong response from the webhook: 401 Unauthorized");
  });
});
