/** Updates that are asked for: none is lost, whatever is stored, refused, killed or broken between question and answer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { FailpointName } from "../../platform/failpoints.ts";
import { conflictSentence } from "./api-failure.ts";
import { cursorLifeMs } from "./cursor.ts";
import { connected, TelegramLink, TelegramWorld, until } from "./platform.fixture.ts";

let world: TelegramWorld;
beforeEach(async () => {
  world = await TelegramWorld.open();
});
afterEach(() => world.close());

const offsetIn = (link: TelegramLink): unknown => (link.remembered.get("offset") as { offset?: number })?.offset;

describe("how far updates were read", () => {
  it("K1: is durable before Telegram hears of it, and stored only after the message is", async () => {
    const link = new TelegramLink();
    const seen: unknown[] = [];
    link.at = (name) =>
      seen.push([name, link.received.length, offsetIn(link) !== undefined, world.emulator.pendingUpdates(world.bot)]);
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "hello");
        await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
        expect(seen).toEqual([
          ["before-cursor", 1, false, 1],
          ["cursor-committed", 1, true, 1],
        ]);
      },
      { link },
    );
  });

  it("K1: is not stored while a message waits for the store", async () => {
    const link = new TelegramLink();
    const stored = Promise.withResolvers<void>();
    const receive = link.receive.bind(link);
    link.receive = async (message) => {
      const outcome = await receive(message);
      await stored.promise;
      return outcome;
    };
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "hello");
        await until("the message", () => link.received.length === 1);
        expect([link.reached, world.emulator.pendingUpdates(world.bot)]).toEqual([[], 1]);
        stored.resolve();
        await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
      },
      { link },
    );
  });

  for (const place of ["before-cursor", "cursor-committed"] as const satisfies readonly FailpointName[]) {
    it(`K1: a stumble at ${place} loses nothing and confirms nothing unread`, async () => {
      const link = new TelegramLink();
      let stumbles = 1;
      link.at = (name) => {
        if (name === place && stumbles-- > 0) throw new Error("stumbled");
      };
      await connected(
        world,
        async () => {
          world.ann.say(world.bot, "one");
          await until("the first", () => link.received.length >= 1);
          world.ann.say(world.bot, "two");
          await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
          expect(new Set(link.texts)).toEqual(new Set(["one", "two"]));
        },
        { link },
      );
    });
  }

  it("K1: a cursor that cannot be stored confirms nothing until it can", async () => {
    const link = new TelegramLink();
    const put = link.memory.put;
    let refusals = 2;
    link.memory.put = (key, value) =>
      key === "offset" && refusals-- > 0 ? Promise.reject(new Error("disk full")) : put(key, value);
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "hello");
        await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
        // Offered again each time, as one and the same message.
        expect(link.received.map(({ platformMessageId }) => platformMessageId)).toHaveLength(3);
        expect(new Set(link.received.map(({ platformMessageId }) => platformMessageId)).size).toBe(1);
      },
      { link },
    );
  });

  it("K1: what came while nobody asked is read from where the last run stopped", async () => {
    const link = new TelegramLink();
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "before");
        await until("the cursor", () => offsetIn(link) !== undefined);
      },
      { link },
    );
    world.ann.say(world.bot, "meanwhile");
    const next = new TelegramLink();
    for (const [key, value] of link.remembered) next.remembered.set(key, value);
    await connected(
      world,
      async () => {
        await until("the message", () => next.received.length > 0);
        expect(next.texts).toEqual(["meanwhile"]);
      },
      { link: next },
    );
  });

  it("the place of another bot is not taken for ours", async () => {
    const link = new TelegramLink();
    link.remembered.set("offset", { botId: world.otherBot.id, offset: 2_000_000_000, atMs: Date.now() });
    world.ann.say(world.bot, "hello");
    await connected(world, () => until("the message", () => link.texts.includes("hello")), { link });
  });

  it("another bot of the same account begins to count again, and what it hears is not taken for known", async () => {
    const link = new TelegramLink();
    const heard = async (
      account: ReturnType<TelegramWorld["account"]>,
      say: () => void,
    ): Promise<string | undefined> => {
      const count = link.received.length;
      say();
      await connected(world, () => until("the message", () => link.received.length > count), { account, link });
      return link.received.at(-1)?.platformMessageId;
    };
    const account = world.account();
    const other = world.account({ botToken: world.otherBot.token });
    const first = await heard(account, () => world.ann.say(world.bot, "one"));
    const second = await heard(other, () => world.ann.say(world.otherBot, "two"));
    const again = await heard(account, () => world.ann.say(world.bot, "three"));
    expect(first).toMatch(/^\d+$/);
    expect(second).toMatch(new RegExp(`^\\d+:bot:${world.otherBot.id}$`));
    // Back with the first one, its numbers are the account's again.
    expect(again).toMatch(/^\d+$/);
  });

  it("a place that is a week old is not used: Telegram may count anew from below it", async () => {
    const link = new TelegramLink(new FakeClock(Date.UTC(2026, 0, 10)));
    const atMs = Date.UTC(2026, 0, 10) - cursorLifeMs - 1;
    link.remembered.set("offset", { botId: world.bot.id, offset: 2_000_000_000, atMs });
    world.ann.say(world.bot, "hello");
    await connected(world, () => until("the message", () => link.texts.includes("hello")), { link });
  });

  it("what is remembered under our name and is no place is none", async () => {
    const link = new TelegramLink();
    link.remembered.set("offset", { botId: world.bot.id, offset: "far", atMs: null });
    world.ann.say(world.bot, "hello");
    await connected(world, () => until("the message", () => link.texts.includes("hello")), { link });
  });
});

describe("what comes", () => {
  it("K1: a chat whose message cannot be stored waits alone, and comes again in its order", async () => {
    const link = new TelegramLink();
    const bob = world.emulator.addPerson({ firstName: "Bob" });
    let refusals = 2;
    link.verdict = ({ sender }) =>
      sender.id === String(world.ann.id) && refusals-- > 0 ? { outcome: "unavailable" } : { outcome: "accepted" };
    world.ann.say(world.bot, "first");
    bob.say(world.bot, "aside");
    world.ann.say(world.bot, "second");
    await connected(
      world,
      async () => {
        await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
        const ofAnn = link.received.filter(({ sender }) => sender.id === String(world.ann.id));
        expect(ofAnn.map(({ content }) => content[0]?.text)).toEqual(["first", "first", "first", "second"]);
        expect(link.texts).toContain("aside");
      },
      { link },
    );
  });

  it("K1: a malformed update is noted, counted, stepped over, and never comes again", async () => {
    await connected(world, async (_connection, link) => {
      const damaged = [{ message: "x" }, { message: { message_id: "7", chat: null } }, { edited_message: [] }];
      for (const update of damaged) world.emulator.inject(world.bot, update);
      // Also where nothing good stands behind them.
      await until("their confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
      world.ann.say(world.bot, "still here");
      await until("the message", () => link.received.length === 1);
      await until("the confirmation", () => world.emulator.pendingUpdates(world.bot) === 0);
      const lines = link.lines.filter(({ message }) => message.includes("cannot be read"));
      expect(lines.map(({ fields }) => (fields as { unreadable: number }).unreadable)).toEqual([1, 2, 3]);
      expect(link.losses).toEqual([]);
    });
  });

  it("K1: a duplicate is one and the same event, whatever the house made of the first", async () => {
    await connected(world, async (_connection, link) => {
      const message = { message_id: 77, date: 1, chat: { id: world.ann.id, type: "private" }, text: "again" };
      const from = { id: world.ann.id, is_bot: false, first_name: "Ann" };
      for (let count = 0; count < 2; count += 1) world.emulator.inject(world.bot, { message: { ...message, from } });
      await until("both", () => link.received.length === 2);
      expect(new Set(link.received.map(({ platformMessageId }) => platformMessageId))).toEqual(new Set(["77"]));
    });
  });
});

describe("what goes wrong", () => {
  it("K1: another program with the same token is named in the status, waited for, and then asked again", async () => {
    const link = new TelegramLink(new FakeClock());
    const clock = link.clock as FakeClock;
    await connected(
      world,
      async () => {
        world.emulator.fault({ method: "getUpdates", times: 1, what: { kind: "status", status: 409 } });
        world.ann.say(world.bot, "wakes the question");
        await until("the conflict", () => link.notes.includes(conflictSentence));
        expect(link.losses).toEqual([]);
        await until("the pause", () => clock.nextDueMs === 3_000);
        await clock.advance(3_000);
        world.ann.say(world.bot, "hello");
        await until("the message", () => link.texts.includes("hello"));
        expect(link.notes.at(-1)).toBeNull();
      },
      { link },
    );
  });

  it("a conflict that does not end is a lost connection, to be made again later", async () => {
    const link = new TelegramLink(new FakeClock());
    const clock = link.clock as FakeClock;
    await connected(
      world,
      async () => {
        world.emulator.fault({ method: "getUpdates", times: 4, what: { kind: "status", status: 409 } });
        world.ann.say(world.bot, "wakes the question");
        for (const pauseMs of [3_000, 10_000, 30_000]) {
          await until("the pause", () => clock.nextDueMs === pauseMs);
          await clock.advance(pauseMs);
        }
        await until("the loss", () => link.losses.length === 1);
        expect(link.losses[0]).toMatchObject({ code: "CONN_001", retry: "later", message: conflictSentence });
      },
      { link },
    );
  });

  it("K1: 429 with retry_after waits exactly as long as it says", async () => {
    const link = new TelegramLink(new FakeClock());
    const clock = link.clock as FakeClock;
    await connected(
      world,
      async () => {
        world.emulator.fault({ method: "getUpdates", what: { kind: "status", status: 429, retryAfterS: 7 } });
        world.ann.say(world.bot, "wakes the question");
        await until("the pause", () => clock.nextDueMs === 7_000);
        const asked = world.calls("getUpdates").length;
        await clock.advance(6_999);
        expect(world.calls("getUpdates")).toHaveLength(asked);
        await clock.advance(1);
        world.ann.say(world.bot, "after");
        await until("the message", () => link.texts.includes("after"));
      },
      { link },
    );
  });

  it("Telegram's own failures are waited out, and so many in a row are a lost connection", async () => {
    const link = new TelegramLink(new FakeClock());
    const clock = link.clock as FakeClock;
    await connected(
      world,
      async () => {
        world.emulator.fault({ method: "getUpdates", times: 7, what: { kind: "status", status: 500 } });
        world.ann.say(world.bot, "wakes the question");
        for (const pauseMs of [250, 500, 1_000, 2_000, 4_000, 8_000]) {
          await until("the pause", () => clock.nextDueMs === pauseMs);
          expect(link.losses).toEqual([]);
          await clock.advance(pauseMs);
        }
        await until("the loss", () => link.losses.length === 1);
        expect(link.losses[0]).toMatchObject({ code: "CONN_001", retry: "later" });
      },
      { link },
    );
  });

  it("a token that was taken back ends it for good", async () => {
    await connected(world, async (_connection, link) => {
      world.emulator.fault({ method: "getUpdates", what: { kind: "status", status: 401 } });
      world.ann.say(world.bot, "wakes the question");
      await until("the loss", () => link.losses.length === 1);
      expect(link.losses[0]).toMatchObject({ code: "CONN_002", retry: "never" });
    });
  });

  it("a question that is never answered is given up, and the connection with it", async () => {
    const link = new TelegramLink(new FakeClock());
    const clock = link.clock as FakeClock;
    await connected(
      world,
      async () => {
        world.emulator.fault({ method: "getUpdates", what: { kind: "hang", effective: false } });
        world.ann.say(world.bot, "wakes the question");
        await until("the silent question", () => world.calls("getUpdates").some(({ status }) => status === 0));
        await clock.advance(35_000);
        await until("the loss", () => link.losses.length === 1);
        expect(link.losses[0]).toMatchObject({ code: "CONN_001", retry: "later" });
      },
      { link },
    );
  });

  it("a webhook that was set before is taken away, with nothing of what waits", async () => {
    const setting = `${world.emulator.url}/bot${world.bot.token}/setWebhook?url=http://127.0.0.1:9/x`;
    await fetch(setting);
    world.ann.say(world.bot, "hello");
    await connected(world, (_connection, link) => until("the message", () => link.texts.includes("hello")));
  });
});
