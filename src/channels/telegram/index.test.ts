/** A bot's connection as a whole: who it is, what it tells and fetches, two of them at once, and how it ends. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../domain/message.ts";
import { telegram } from "./index.ts";
import { connected, pieceFor, TelegramLink, TelegramWorld, until } from "./platform.fixture.ts";

let world: TelegramWorld;
beforeEach(async () => {
  world = await TelegramWorld.open();
});
afterEach(() => world.close());

const soon = (): AbortSignal => AbortSignal.timeout(15_000);

describe("a bot", () => {
  it("K1: hears its commands and tells which there are", async () => {
    const link = new TelegramLink();
    link.commands.push({ name: "status", description: "How it is" }, { name: "Not One", description: "" });
    await connected(
      world,
      async (connection) => {
        await until("the list", () => world.calls("setMyCommands").length === 1);
        expect(world.calls("setMyCommands")[0]).toMatchObject({ status: 200 });
        expect(JSON.stringify(world.calls("setMyCommands")[0]?.params["commands"])).not.toContain("Not One");
        for (const command of ["/start", "/status", "/help"]) world.ann.say(world.bot, command);
        await until("the commands", () => link.received.length === 3);
        expect(link.received.map(({ kind, mentions }) => [kind, mentions.self])).toEqual(
          Array(3).fill(["command", true]),
        );
        expect(link.texts).toEqual(["/start", "/status", "/help"]);
        for (const message of link.received) await connection.send(pieceFor(message.address, "done"), soon());
        expect(world.said("dm")).toEqual(["done", "done", "done"]);
      },
      { link },
    );
  });

  it("K1: fetches what people send, byte for byte, and nothing that is too large", async () => {
    await connected(world, async (connection, link) => {
      const bytes = Buffer.from(Array.from({ length: 5_000 }, (_none, index) => index % 251));
      for (const as of ["voice", "document", "audio", "video"] as const) world.ann.upload(world.bot, { as, bytes });
      await until("the messages", () => link.received.length === 4);
      for (const { content } of link.received) {
        const attachment = content[0]?.attachments?.[0] as Attachment;
        const fetched = await connection.download?.(attachment, { maxBytes: 5_000, signal: soon() });
        expect(Buffer.compare(Buffer.from(fetched ?? []), bytes), attachment.type).toBe(0);
        const tooLarge = connection.download?.(attachment, { maxBytes: 4_999, signal: soon() });
        await expect(tooLarge).rejects.toMatchObject({ code: "MSG_003" });
        // Also where Telegram did not say how large it is.
        const { sizeBytes: _unsaid, ...unsized } = attachment;
        const found = connection.download?.(unsized, { maxBytes: 4_999, signal: soon() });
        await expect(found).rejects.toMatchObject({ code: "MSG_003" });
      }
      const nothing = connection.download?.({ type: "image" }, { maxBytes: 9, signal: soon() });
      await expect(nothing).rejects.toMatchObject({ code: "MSG_001" });
    });
  });

  it("answers the press of a button after it is durable", async () => {
    const link = new TelegramLink();
    const keyboard = encodeURIComponent(JSON.stringify({ inline_keyboard: [[{ text: "Yes", callback_data: "yes" }]] }));
    const sent = await fetch(
      `${world.emulator.url}/bot${world.bot.token}/sendMessage?chat_id=${world.ann.id}&text=Really&reply_markup=${keyboard}`,
    );
    const { result } = (await sent.json()) as { result: { message_id: number } };
    let refusals = 1;
    link.verdict = () => ({ outcome: refusals-- > 0 ? "unavailable" : "accepted" });
    await connected(
      world,
      async () => {
        world.ann.press(world.bot, result.message_id, "yes");
        await until("the refusal", () => link.received.length === 1);
        expect(world.calls("answerCallbackQuery")).toHaveLength(0);
        await until("the answer", () => world.calls("answerCallbackQuery").length === 1);
        expect(link.received.map(({ kind, content }) => [kind, content[0]?.interactive?.action])).toEqual(
          Array(2).fill(["callback", "yes"]),
        );
      },
      { link },
    );
  });

  it("shows that it writes", async () => {
    await connected(world, async (connection) => {
      await connection.typing?.(world.address("dm"), soon());
      expect(world.calls("sendChatAction")).toMatchObject([{ params: { action: "typing" }, status: 200 }]);
      const nowhere = connection.typing?.({ ...world.address("dm"), chatId: "nowhere" }, soon());
      await expect(nowhere).rejects.toMatchObject({ code: "MSG_002" });
    });
  });

  it("N13: knows a reaction to its own message from one to another's", async () => {
    await connected(world, async (connection, link) => {
      const theirs = world.ann.say(world.bot, "hello");
      await until("the message", () => link.received.length === 1);
      const outcome = await connection.send(pieceFor(world.address("dm"), "hello Ann"), soon());
      const ours = outcome.outcome === "sent" ? Number(outcome.platformMessageId) : 0;
      world.ann.react(world.bot, theirs, "👍");
      world.ann.react(world.bot, ours, "👍");
      world.ann.say(world.bot, "and on");
      await until("what follows", () => link.texts.includes("and on"));
      const reactions = link.received.filter(({ kind }) => kind === "reaction");
      expect(reactions.map(({ replyToId, mentions }) => [replyToId, mentions.self])).toEqual([[String(ours), true]]);
    });
  });
});

describe("two bots at once", () => {
  it("K19: each hears and says what is its own, and remembers its own place", async () => {
    const [first, second] = [new TelegramLink(), new TelegramLink()];
    const other = world.account({ botToken: world.otherBot.token }, "other");
    await connected(
      world,
      (one) =>
        connected(
          world,
          async (two) => {
            world.ann.say(world.bot, "to claw");
            world.ann.say(world.otherBot, "to paw");
            await until("both", () => first.received.length === 1 && second.received.length === 1);
            expect([first.texts, second.texts]).toEqual([["to claw"], ["to paw"]]);
            for (const [connection, link, text] of [
              [one, first, "claw speaks"],
              [two, second, "paw speaks"],
            ] as const) {
              const [message] = link.received;
              if (message !== undefined) await connection.send(pieceFor(message.address, text), soon());
            }
            const said = (bot: typeof world.bot) =>
              world.emulator
                .visible(world.ann.id, bot)
                .filter(({ from }) => from === bot.id)
                .map(({ text }) => text);
            expect([said(world.bot), said(world.otherBot)]).toEqual([["claw speaks"], ["paw speaks"]]);
            await until("both places", () => first.remembered.has("offset") && second.remembered.has("offset"));
            expect(first.remembered.get("offset")).toMatchObject({ botId: world.bot.id });
            expect(second.remembered.get("offset")).toMatchObject({ botId: world.otherBot.id });
            // The end of one is nothing to the other.
            await one.close();
            world.ann.say(world.otherBot, "still there?");
            await until("the answer", () => second.texts.includes("still there?"));
          },
          { account: other, link: second },
        ),
      { link: first },
    );
  });
});

describe("a connection", () => {
  it("L9: from the person's word to the house in a fraction of the 100 ms that it may take", async () => {
    await connected(world, async (_connection, link) => {
      const takenMs: number[] = [];
      for (let count = 1; count <= 31; count += 1) {
        const saidMs = performance.now();
        const heard = link.until("the message", ({ received }) => received.length === count);
        world.ann.say(world.bot, `line ${count}`);
        await heard;
        takenMs.push(performance.now() - saidMs);
      }
      const median = takenMs.toSorted((left, right) => left - right)[15];
      expect(median).toBeLessThan(100);
    });
  });

  it("reads its token from a file, and says which file is no use without saying what is in it", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "telegram-"));
    try {
      const [good, bad] = [path.join(folder, "good"), path.join(folder, "bad")];
      await writeFile(good, `${world.bot.token}\n`);
      await writeFile(bad, "my-secret-diary");
      const account = (tokenFile: string) => world.account({ botToken: undefined, tokenFile });
      await connected(world, (connection) => connection.probe(soon()), { account: account(good) });
      for (const file of [bad, path.join(folder, "none"), "relative"]) {
        const refused = telegram.connect(account(file), new TelegramLink(), soon());
        await expect(refused).rejects.toMatchObject({ code: "CONN_002", retry: "never" });
        await expect(refused).rejects.not.toThrow(/diary/);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("what stands behind apiRoot and is no Bot API is said", async () => {
    world.emulator.fault({ method: "getMe", what: { kind: "garbage" } });
    const refused = telegram.connect(world.account(), new TelegramLink(), soon());
    await expect(refused).rejects.toMatchObject({ code: "CONN_001", retry: "later" });
  });

  it("closed in the middle of a batch, hands over nothing of the rest, and confirms nothing of it", async () => {
    const link = new TelegramLink();
    const stored = Promise.withResolvers<void>();
    const receive = link.receive.bind(link);
    link.receive = async (message) => {
      const outcome = await receive(message);
      await stored.promise;
      return outcome;
    };
    for (const text of ["first", "second"]) world.ann.say(world.bot, text);
    await connected(
      world,
      async (connection) => {
        await until("the first", () => link.received.length === 1);
        const closing = connection.close();
        stored.resolve();
        await closing;
        expect([link.texts, world.emulator.pendingUpdates(world.bot)]).toEqual([["first"], 2]);
      },
      { link },
    );
  });

  it("waits for the answer of a send under way when it is closed", async () => {
    await connected(world, async (connection) => {
      world.emulator.fault({ method: "sendMessage", what: { kind: "delay", ms: 100 } });
      const sending = connection.send(pieceFor(world.address("dm"), "last words"), soon());
      await new Promise((resolve) => setImmediate(resolve));
      await connection.close();
      expect((await sending).outcome).toBe("sent");
    });
  });
});
