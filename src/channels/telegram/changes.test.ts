/** Messages that stand are changed, and only as far as Telegram's numbers prove it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChannelConnection, SendOutcome } from "../contract.ts";
import { connected, pieceFor, TelegramWorld } from "./platform.fixture.ts";

let world: TelegramWorld;
beforeEach(async () => {
  world = await TelegramWorld.open();
});
afterEach(() => world.close());

const soon = (): AbortSignal => AbortSignal.timeout(15_000);
const shown = () => world.emulator.visible(world.ann.id, world.bot).filter(({ from }) => from === world.bot.id);
const bold = { entities: [{ type: "bold", offset: 0, length: 4 }] };

async function sent(connection: ChannelConnection, text: string, format?: unknown): Promise<string> {
  const outcome = await connection.send(pieceFor(world.address("dm"), text, { format }), soon());
  if (outcome.outcome !== "sent" || outcome.platformMessageId === null) throw new Error("it must be sent");
  return outcome.platformMessageId;
}

async function edited(connection: ChannelConnection, id: string, text: string, format?: unknown): Promise<SendOutcome> {
  const outcome = await connection.edit?.(pieceFor(world.address("dm"), text, { format }), id, soon());
  return outcome!;
}

/** What the next connection can do about what this one left. */
async function afterRestart(use: (connection: ChannelConnection) => Promise<void>): Promise<void> {
  await connected(world, use);
}

describe("an edit", () => {
  it("N13: reaches the message, also after a restart, and says so with its id", async () => {
    let id = "";
    await connected(world, async (connection) => {
      id = await sent(connection, "one");
      expect(await edited(connection, id, "bold two", bold)).toEqual({ outcome: "sent", platformMessageId: id });
    });
    await afterRestart(async (connection) => {
      expect(await edited(connection, id, "three")).toEqual({ outcome: "sent", platformMessageId: id });
      expect(shown()).toMatchObject([{ messageId: Number(id), text: "three", entities: [], edits: 2 }]);
    });
  });

  it("N13: to what the message says already succeeds, and asks nothing where that is known", async () => {
    await connected(world, async (connection) => {
      const id = await sent(connection, "bold one", bold);
      for (let count = 0; count < 2; count += 1) {
        expect(await edited(connection, id, "bold one", bold)).toMatchObject({ outcome: "sent" });
      }
      expect(world.calls("editMessageText")).toHaveLength(0);
    });
  });

  for (const [name, format] of [
    ["with marks", bold],
    ["without", undefined],
  ] as const) {
    it(`N13: to what it says already succeeds after a restart, ${name}, and it says the same behind it`, async () => {
      let id = "";
      await connected(world, async (connection) => void (id = await sent(connection, "bold one", format)));
      const before = shown()[0];
      await afterRestart(async (connection) => {
        expect(await edited(connection, id, "bold one", format)).toEqual({ outcome: "sent", platformMessageId: id });
        expect(shown()).toMatchObject([{ text: before?.text, entities: before?.entities }]);
      });
    });
  }

  it("N13: of a message that is gone is not done, and not tried again", async () => {
    let id = "";
    await connected(world, async (connection) => {
      id = await sent(connection, "one");
      world.ann.remove(world.bot, Number(id));
      expect(await edited(connection, id, "two")).toMatchObject({ outcome: "not-sent", error: { retry: "never" } });
    });
    await afterRestart(async (connection) => {
      expect(await edited(connection, id, "one")).toMatchObject({ outcome: "not-sent", error: { retry: "never" } });
    });
  });

  it("with marks that Telegram does not take stands without them, and again is the same", async () => {
    const wrong = { entities: [{ type: "text_link", offset: 0, length: 4, url: "no address" }] };
    let id = "";
    await connected(world, async (connection, link) => {
      id = await sent(connection, "one");
      for (let count = 0; count < 2; count += 1) {
        expect(await edited(connection, id, "link here", wrong)).toMatchObject({ outcome: "sent" });
      }
      expect(shown()).toMatchObject([{ text: "link here", entities: [] }]);
      expect(link.lines.some(({ message }) => message.includes("formatting"))).toBe(true);
    });
    await afterRestart(async (connection) => {
      expect(await edited(connection, id, "link there", wrong)).toMatchObject({ outcome: "sent" });
      expect(shown()).toMatchObject([{ text: "link there", entities: [] }]);
    });
  });

  it("N13: of a message that went out plainer than it was meant knows what stands", async () => {
    await connected(world, async (connection) => {
      const wrong = { entities: [{ type: "text_link", offset: 0, length: 4, url: "no address" }] };
      const id = await sent(connection, "link here", wrong);
      expect(await edited(connection, id, "link here")).toMatchObject({ outcome: "sent" });
      expect(world.calls("editMessageText")).toHaveLength(0);
    });
  });

  it("whose answer was lost is a doubt, and the next one is not believed to change nothing", async () => {
    await connected(world, async (connection) => {
      const id = await sent(connection, "one");
      world.emulator.fault({ method: "editMessageText", what: { kind: "accept-then-drop" } });
      expect(await edited(connection, id, "two")).toMatchObject({ outcome: "unknown" });
      expect(await edited(connection, id, "one")).toMatchObject({ outcome: "sent" });
      expect(shown()).toMatchObject([{ text: "one" }]);
      expect(await edited(connection, id, "two")).toMatchObject({ outcome: "sent" });
      expect(shown()).toMatchObject([{ text: "two" }]);
    });
  });

  it("of a message that cannot be is not asked for", async () => {
    await connected(world, async (connection) => {
      for (const id of ["", "x", "0", "-1", "1.5", "member:1"]) {
        expect(await edited(connection, id, "two")).toMatchObject({ outcome: "not-sent", error: { retry: "never" } });
      }
      expect(world.calls("editMessageText")).toHaveLength(0);
    });
  });
});

describe("a deletion", () => {
  it("N13: takes the message away, after a restart too, and again is done already", async () => {
    let id = "";
    await connected(world, async (connection) => void (id = await sent(connection, "one")));
    await afterRestart(async (connection) => {
      const remove = (): Promise<SendOutcome> | undefined => connection.delete?.(world.address("dm"), id, soon());
      expect(await remove()).toEqual({ outcome: "sent", platformMessageId: id });
      expect(shown()).toEqual([]);
      expect(await remove()).toEqual({ outcome: "sent", platformMessageId: id });
      expect(world.calls("deleteMessage")).toHaveLength(1);
    });
  });

  it("that Telegram refuses is not told as done: gone and not allowed have the same number", async () => {
    await connected(world, async (connection) => {
      const outcome = await connection.delete?.(world.address("dm"), "987654", soon());
      expect(outcome).toMatchObject({ outcome: "not-sent", error: { retry: "never" } });
    });
  });
});

describe("a reaction", () => {
  it("N13: is set, changed and taken back", async () => {
    await connected(world, async (connection) => {
      const id = world.ann.say(world.bot, "good news");
      const reactions = () =>
        world.emulator.visible(world.ann.id, world.bot).find(({ messageId }) => messageId === id)?.reactions;
      for (const [emoji, expected] of [
        ["👍", ["👍"]],
        ["🎉", ["🎉"]],
        ["", []],
      ] as const) {
        const outcome = await connection.react?.(world.address("dm"), String(id), emoji, soon());
        expect([outcome?.outcome, reactions()]).toEqual(["sent", expected]);
      }
      const impossible = await connection.react?.(world.address("dm"), String(id), "no emoji", soon());
      expect(impossible).toMatchObject({ outcome: "not-sent", error: { retry: "never" } });
    });
  });
});
