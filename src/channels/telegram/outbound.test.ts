/** What is sent arrives once, as it was meant, where it was meant; and what became of it is told truly. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SendOutcome } from "../contract.ts";
import { manifest } from "./manifest.ts";
import { connected, pieceFor, TelegramLink, TelegramWorld, until } from "./platform.fixture.ts";

let world: TelegramWorld;
beforeEach(async () => {
  world = await TelegramWorld.open();
});
afterEach(() => world.close());

const soon = (): AbortSignal => AbortSignal.timeout(15_000);
const seen = (chat: "dm" | "group" = "dm") =>
  world.emulator
    .visible(chat === "dm" ? world.ann.id : world.group.id, world.bot)
    .filter(({ from }) => from === world.bot.id);
const bold = { entities: [{ type: "bold", offset: 0, length: 4 }] };
const data = (size: number): string => Buffer.alloc(size, 7).toString("base64");

function errorOf(outcome: SendOutcome) {
  return outcome.outcome === "sent" ? undefined : outcome.error;
}

describe("a piece", () => {
  it("keeps its marks over the words that they were made for, behind a label too", async () => {
    await connected(world, async (connection) => {
      const piece = pieceFor(world.address("dm"), "bold words", { format: bold, label: "(again 🔁) " });
      const sent = await connection.send(piece, soon());
      expect(seen()).toMatchObject([
        { text: "(again 🔁) bold words", entities: [{ type: "bold", offset: 11, length: 4 }] },
      ]);
      expect(sent).toEqual({ outcome: "sent", platformMessageId: String(seen()[0]?.messageId) });
    });
  });

  it("has its buttons, and what is pressed comes in as if it had been written", async () => {
    await connected(world, async (connection, link) => {
      const buttons = [
        { label: "Yes", says: "/allow 1a2b3c4d 2.5" },
        { label: "No", says: "/deny 1a2b3c4d" },
      ];
      await connection.send({ ...pieceFor(world.address("dm"), "bold words", { format: bold }), buttons }, soon());
      const [call] = world.calls("sendMessage");
      expect(call?.params["reply_markup"]).toEqual({
        inline_keyboard: [
          [
            { text: "Yes", callback_data: "/allow 1a2b3c4d 2.5" },
            { text: "No", callback_data: "/deny 1a2b3c4d" },
          ],
        ],
      });
      world.ann.press(world.bot, seen()[0]?.messageId ?? 0, "/allow 1a2b3c4d 2.5");
      await until("the press", () => link.received.length === 1);
      expect(link.received[0]).toMatchObject({ kind: "callback", sender: { id: String(world.ann.id) } });
      expect(link.received[0]?.content[0]?.text).toBe("/allow 1a2b3c4d 2.5");
    });
  });

  it("J6: answers the message that it is for, in the topic that it was said in", async () => {
    const forum = world.emulator.addGroup({
      title: "F",
      kind: "supergroup",
      forum: true,
      members: [world.bot, world.ann],
    });
    const topic = forum.addTopic("Beds");
    await connected(world, async (connection, link) => {
      const question = world.ann.say(forum, "@claw_bot here", { threadId: topic });
      world.ann.say(forum, "@claw_bot in general");
      await until("both", () => link.received.length === 2);
      const [inTopic, inGeneral] = link.received;
      expect([inTopic?.address.threadId, inGeneral?.address.threadId]).toEqual([String(topic), "1"]);
      for (const message of link.received) {
        const piece = pieceFor(message.address, "here you are", { replyToId: message.platformMessageId });
        expect(await connection.send(piece, soon())).toMatchObject({ outcome: "sent" });
        await connection.typing?.(message.address, soon());
      }
      const ours = world.emulator.visible(forum.id).filter(({ from }) => from === world.bot.id);
      expect(ours.map(({ threadId, replyTo }) => [threadId, replyTo])).toEqual([
        [topic, question],
        [null, Number(inGeneral?.platformMessageId)],
      ]);
    });
  });

  it("J6: answers the message itself where an edit, a reaction or a press is answered", async () => {
    await connected(world, async (connection) => {
      const id = world.ann.say(world.group, "@claw_bot x");
      const piece = pieceFor(world.address("group"), "seen", { replyToId: `${id}:edit:823000009` });
      await connection.send(piece, soon());
      expect(seen("group")[0]?.replyTo).toBe(id);
    });
  });

  it("shows what it answers as the account says: never, on the first piece, on each", async () => {
    const modes = { off: [null, null], first: ["id", null], all: ["id", "id"] } as const;
    for (const [replyToMode, expected] of Object.entries(modes)) {
      await connected(
        world,
        async (connection) => {
          const id = world.ann.say(world.bot, "question");
          const before = seen().length;
          for (const index of [0, 1]) {
            const piece = pieceFor(world.address("dm"), `piece ${index}`, {
              id: `part.${index}`,
              replyToId: String(id),
            });
            await connection.send(piece, soon());
          }
          const shown = seen()
            .slice(before)
            .map(({ replyTo }) => (replyTo === id ? "id" : replyTo));
          expect(shown, replyToMode).toEqual(expected);
        },
        { account: world.account({ replyToMode }) },
      );
    }
  });

  it("has a preview of its links unless the account says otherwise", async () => {
    for (const linkPreview of [true, false]) {
      await connected(
        world,
        async (connection) =>
          void (await connection.send(pieceFor(world.address("dm"), "https://example.org"), soon())),
        { account: world.account({ linkPreview }) },
      );
    }
    const options = world.calls("sendMessage").map(({ params }) => JSON.stringify(params["link_preview_options"]));
    expect(options[0]).toBeUndefined();
    expect(options[1]).toContain("is_disabled");
  });

  it("N12: fits to the last unit, whatever it is written in, and one more is refused for good", async () => {
    const { max } = manifest.text;
    await connected(world, async (connection) => {
      for (const character of ["a", "👍", "ש", "漢", "e\u0301"]) {
        const text = character.repeat(max / character.length);
        expect(await connection.send(pieceFor(world.address("dm"), text), soon()), character).toMatchObject({
          outcome: "sent",
        });
        expect(seen().at(-1)?.text).toBe(text);
        const over = await connection.send(pieceFor(world.address("dm"), `${text}a`), soon());
        expect([over.outcome, errorOf(over)?.code, errorOf(over)?.retry]).toEqual(["not-sent", "MSG_003", "never"]);
      }
      const calls = world.emulator.calls.length;
      const huge = await connection.send(pieceFor(world.address("dm"), "x".repeat(1024 * 1024)), soon());
      expect([huge.outcome, errorOf(huge)?.code, world.emulator.calls.length]).toEqual(["not-sent", "MSG_003", calls]);
    });
  });

  it("that holds nothing is not sent", async () => {
    await connected(world, async (connection) => {
      for (const text of ["", " \n "]) {
        expect(await connection.send(pieceFor(world.address("dm"), text), soon())).toMatchObject({
          outcome: "not-sent",
        });
      }
      expect(world.calls("sendMessage")).toHaveLength(0);
    });
  });
});

describe("files", () => {
  it("K1, J4: bytes go by the call of their kind, with the text as their caption where there is room", async () => {
    await connected(world, async (connection) => {
      const kinds = { image: "photo", video: "video", audio: "audio", voice: "voice", document: "document" } as const;
      for (const [type, kind] of Object.entries(kinds)) {
        const attachments = [
          { type: type as keyof typeof kinds, data: data(2_000), fileName: `a.${kind}`, mimeType: "x/y" },
        ];
        const piece = pieceFor(world.address("dm"), "bold words", { format: bold, attachments });
        expect(await connection.send(piece, soon()), type).toMatchObject({ outcome: "sent" });
        expect(seen().at(-1)).toMatchObject({
          text: "bold words",
          media: { kind, sizeBytes: 2_000 },
          entities: [{ type: "bold" }],
        });
      }
      await connection.send(
        pieceFor(world.address("dm"), "", { attachments: [{ type: "sticker", data: data(900) }] }),
        soon(),
      );
      expect(seen().at(-1)).toMatchObject({ text: "", media: { kind: "sticker", sizeBytes: 900 } });
    });
  });

  it("a text that is no caption any more goes in front of its file", async () => {
    await connected(world, async (connection) => {
      const attachments = [{ type: "document" as const, data: data(10), fileName: "a.txt" }];
      for (const length of [1_024, 1_025]) {
        await connection.send(pieceFor(world.address("dm"), "x".repeat(length), { attachments }), soon());
      }
      expect(seen().map(({ text, media }) => [text.length, media?.kind])).toEqual([
        [1_024, "document"],
        [1_025, undefined],
        [0, "document"],
      ]);
    });
  });

  it("N12: a file without bytes, or over the limit, is named in the text with its address", async () => {
    await connected(world, async (connection) => {
      const url = "https://example.org/report.pdf";
      const large = "A".repeat(((manifest.attachmentBytes ?? 0) / 3) * 4 + 8);
      const attachments = [
        { type: "document" as const, url, fileName: "report.pdf", sizeBytes: 60_000_000 },
        { type: "video" as const, data: large, fileName: "film.mp4" },
      ];
      await connection.send(pieceFor(world.address("dm"), "see", { attachments }), soon());
      expect(seen().map(({ text }) => text)).toEqual([
        `see\n[document] report.pdf (60000000 bytes) ${url}\n[video] film.mp4 (cannot be sent on Telegram)`,
      ]);
    });
  });

  it("N12: a file that is named stands in a message of its own where the text leaves it no room", async () => {
    const { max } = manifest.text;
    await connected(world, async (connection) => {
      const attachments = [1, 2, 3].map((number) => ({
        type: "document" as const,
        url: `https://example.org/${String(number).repeat(1_500)}`,
      }));
      const sent = await connection.send(pieceFor(world.address("dm"), "x".repeat(max), { attachments }), soon());
      expect(sent).toEqual({ outcome: "sent", platformMessageId: String(seen()[0]?.messageId) });
      const addresses = attachments.map(({ url }) => `[document] ${url}`);
      expect(seen().map(({ text }) => text)).toEqual(["x".repeat(max), addresses.slice(0, 2).join("\n"), addresses[2]]);
    });
  });

  it("what Telegram takes for no picture goes as a file, and then as a line of text", async () => {
    await connected(world, async (connection, link) => {
      const attachments = [{ type: "image" as const, data: data(100), fileName: "a.png" }];
      world.emulator.fault({ method: "sendPhoto", times: 2, what: { kind: "status", status: 400 } });
      await connection.send(pieceFor(world.address("dm"), "look", { attachments }), soon());
      world.emulator.fault({ method: "sendDocument", what: { kind: "status", status: 400 } });
      await connection.send(pieceFor(world.address("dm"), "look", { attachments }), soon());
      expect(seen().map(({ text, media }) => [text, media?.kind])).toEqual([
        ["look", "document"],
        ["look\n[image] a.png (cannot be sent on Telegram)", undefined],
      ]);
      expect(link.lines.filter(({ message }) => message.includes("plainer"))).toHaveLength(3);
    });
  });

  it("what stands of a piece is not said again when the rest is tried again, behind a restart too", async () => {
    const link = new TelegramLink();
    const attachments = [
      { type: "document" as const, data: data(10), fileName: "a.txt" },
      { type: "document" as const, data: data(10), fileName: "b.txt" },
    ];
    const piece = pieceFor(world.address("dm"), "both files", { attachments });
    await connected(
      world,
      async (connection) => {
        world.emulator.fault({ method: "sendDocument", what: { kind: "status", status: 429, retryAfterS: 3 } });
        expect(await connection.send(piece, soon())).toMatchObject({
          outcome: "not-sent",
          error: { retryAfterMs: 3_000 },
        });
      },
      { link },
    );
    const next = new TelegramLink();
    for (const [key, value] of link.remembered) next.remembered.set(key, value);
    await connected(
      world,
      async (connection) => {
        const first = String(seen()[0]?.messageId);
        expect(await connection.send(piece, soon())).toEqual({ outcome: "sent", platformMessageId: first });
        expect(seen().map(({ text, media }) => media?.fileName ?? text)).toEqual(["both files", "a.txt", "b.txt"]);
        expect(next.remembered.get("unfinished")).toEqual([]);
      },
      { link: next },
    );
  });
});

describe("what became of a send", () => {
  const send = async (prepare: () => void, signal = soon()): Promise<SendOutcome> => {
    let outcome: SendOutcome | undefined;
    await connected(world, async (connection) => {
      prepare();
      outcome = await connection.send(pieceFor(world.address("dm"), "hello"), signal);
    });
    return outcome!;
  };

  it("K1: 429 says when to come back, and nothing is repeated here", async () => {
    const outcome = await send(() =>
      world.emulator.fault({ method: "sendMessage", what: { kind: "status", status: 429, retryAfterS: 9 } }),
    );
    expect(outcome).toMatchObject({
      outcome: "not-sent",
      error: { code: "CONN_003", retry: "later", retryAfterMs: 9_000 },
    });
    expect(world.calls("sendMessage")).toHaveLength(1);
  });

  it("K1: an answer that was lost is a doubt, and the message is there once", async () => {
    const outcome = await send(() =>
      world.emulator.fault({ method: "sendMessage", what: { kind: "accept-then-drop" } }),
    );
    expect(outcome).toMatchObject({ outcome: "unknown", error: { code: "CONN_001" } });
    expect([seen().length, world.calls("sendMessage").length]).toEqual([1, 1]);
  });

  it("a connection that broke before anything was done is a doubt too: nobody can tell the two apart", async () => {
    const outcome = await send(() => world.emulator.fault({ method: "sendMessage", what: { kind: "drop" } }));
    expect([outcome.outcome, seen().length]).toEqual(["unknown", 0]);
  });

  it("an answer that is no answer is a doubt", async () => {
    const outcome = await send(() => world.emulator.fault({ method: "sendMessage", what: { kind: "garbage" } }));
    expect([outcome.outcome, seen().length]).toEqual(["unknown", 1]);
  });

  it("a gateway's word that the server behind it was silent is a doubt; the server's own failure is not", async () => {
    const outcomes: string[] = [];
    for (const status of [500, 502, 503, 504]) {
      const outcome = await send(() =>
        world.emulator.fault({ method: "sendMessage", what: { kind: "status", status } }),
      );
      outcomes.push(`${status} ${outcome.outcome} ${errorOf(outcome)?.retry}`);
    }
    expect(outcomes).toEqual(["500 not-sent later", "502 unknown later", "503 not-sent later", "504 unknown later"]);
  });

  it("a send that is called off while Telegram is silent is a doubt", async () => {
    const abort = new AbortController();
    const outcome = await send(() => {
      world.emulator.fault({ method: "sendMessage", what: { kind: "hang", effective: true } });
      void until("the message", () => seen().length === 1).then(() => abort.abort());
    }, abort.signal);
    expect(outcome.outcome).toBe("unknown");
  });

  it("N10: nobody there, and the next try is for later", async () => {
    await connected(world, async (connection) => {
      await world.proxy.close();
      const outcome = await connection.send(pieceFor(world.address("dm"), "hello"), soon());
      expect(outcome).toMatchObject({ outcome: "not-sent", error: { code: "CONN_001", retry: "later" } });
    });
  });

  it("who has blocked us, and a chat that does not know us, are not tried again", async () => {
    await connected(world, async (connection) => {
      world.ann.block(world.bot);
      const blocked = await connection.send(pieceFor(world.address("dm"), "hello"), soon());
      const stranger = { ...world.address("group"), chatId: "-100999" };
      const unknown = await connection.send(pieceFor(stranger, "hello"), soon());
      for (const outcome of [blocked, unknown]) {
        expect([outcome.outcome, errorOf(outcome)?.code, errorOf(outcome)?.retry]).toEqual([
          "not-sent",
          "MSG_002",
          "never",
        ]);
      }
    });
  });

  it("marks that Telegram does not take cost their formatting, not the message, and are told once", async () => {
    await connected(world, async (connection, link) => {
      const format = { entities: [{ type: "text_link", offset: 0, length: 4, url: "no address" }] };
      const outcome = await connection.send(pieceFor(world.address("dm"), "link here", { format }), soon());
      expect([outcome.outcome, seen().map(({ text, entities }) => [text, entities])]).toEqual([
        "sent",
        [["link here", []]],
      ]);
      expect(link.lines.filter(({ message }) => message.includes("plainer"))).toHaveLength(1);
      expect(world.calls("sendMessage").map(({ status }) => status)).toEqual([400, 200]);
    });
  });

  it("a send that stumbles does not hold up the one behind it", async () => {
    const link = new TelegramLink();
    const put = link.memory.put;
    link.memory.put = (key, value) => (key === "unfinished" ? Promise.reject(new Error("disk full")) : put(key, value));
    await connected(
      world,
      async (connection) => {
        const attachments = [
          { type: "document" as const, data: data(10) },
          { type: "document" as const, data: data(10) },
        ];
        world.emulator.fault({ method: "sendDocument", what: { kind: "status", status: 429, retryAfterS: 3 } });
        const [first, second] = await Promise.all([
          connection.send(pieceFor(world.address("dm"), "both files", { attachments }), soon()),
          connection.send(pieceFor(world.address("dm"), "behind it"), soon()),
        ]);
        // What stands could not be written down: to say it again is a risk that is told.
        expect([first.outcome, second.outcome]).toEqual(["unknown", "sent"]);
      },
      { link },
    );
  });

  it("a group that has become a supergroup gets the message there, once", async () => {
    const small = world.emulator.addGroup({ title: "Small", kind: "group", members: [world.bot, world.ann] });
    await connected(world, async (connection) => {
      const moved = small.migrate();
      const address = { ...world.address("group"), chatId: String(small.id) };
      expect(await connection.send(pieceFor(address, "still with you"), soon())).toMatchObject({ outcome: "sent" });
      const there = world.emulator.visible(moved.id).filter(({ from }) => from === world.bot.id);
      expect(there.map(({ text }) => text)).toEqual(["still with you"]);
    });
  });

  it("N4: numbers of a group that has become a supergroup mean nothing there: none is answered, none is edited", async () => {
    const small = world.emulator.addGroup({ title: "Small", kind: "group", members: [world.bot, world.ann] });
    await connected(world, async (connection) => {
      const address = { ...world.address("group"), chatId: String(small.id) };
      world.ann.say(small, "one");
      const asked = world.ann.say(small, "two");
      const old = await connection.send(pieceFor(address, "said in the old group"), soon());
      const moved = small.migrate();
      // Until the number that we know from the old group is a message of ours in the new one.
      const there = { ...address, chatId: String(moved.id) };
      for (let count = 0; count < 4; count += 1) await connection.send(pieceFor(there, `new ${count}`), soon());
      await connection.send(pieceFor(address, "an answer", { replyToId: String(asked) }), soon());
      const id = old.outcome === "sent" ? (old.platformMessageId ?? "") : "";
      const edit = await connection.edit?.(pieceFor(address, "edited"), id, soon());
      expect(edit).toMatchObject({ outcome: "not-sent" });
      const ours = world.emulator.visible(moved.id).filter(({ from }) => from === world.bot.id);
      expect(ours.map(({ text, replyTo }) => [text, replyTo])).toEqual([
        ...["new 0", "new 1", "new 2", "new 3"].map((text) => [text, null]),
        ["an answer", null],
      ]);
      expect(ours.map(({ messageId }) => String(messageId))).toContain(id);
      expect(ours.map(({ messageId }) => messageId)).toContain(asked);
    });
  });
});
