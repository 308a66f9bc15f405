/** Updates that are brought: only by who knows the secret, acknowledged only when they are kept, and replaced by asking. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { telegram } from "./index.ts";
import { manifest } from "./manifest.ts";
import { connected, TelegramLink, TelegramWorld, until } from "./platform.fixture.ts";
import { webhookLookMs, webhookRestMs } from "./reception.ts";
import { WebhookDoor } from "./webhook.fixture.ts";

const webhookSecret = "sesame_0123456789";

let world: TelegramWorld;
let link: TelegramLink;
let clock: FakeClock;
let door: WebhookDoor;
beforeEach(async () => {
  clock = new FakeClock();
  link = new TelegramLink(clock);
  world = await TelegramWorld.open();
  door = await WebhookDoor.open(link);
});
afterEach(async () => {
  await door.close();
  await world.close();
});

const account = (settings: Readonly<Record<string, unknown>> = {}, accountId = "default") =>
  world.account({ webhookUrl: door.url, webhookSecret, ...settings }, accountId);

/** As somebody who is not Telegram. */
function call(body: string, secret?: string): Promise<Response> {
  const headers = secret === undefined ? {} : { "x-telegram-bot-api-secret-token": secret };
  return fetch(`${door.url}/telegram-webhook`, { method: "POST", body, headers });
}

describe("a webhook", () => {
  it("K1: brings what people say, and is acknowledged only when the message is durable", async () => {
    const asked = world.calls("getUpdates").length;
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
        expect([door.statuses, world.emulator.pendingUpdates(world.bot)]).toEqual([[], 1]);
        stored.resolve();
        await until("the acknowledgement", () => world.emulator.pendingUpdates(world.bot) === 0);
        expect([door.statuses, link.texts]).toEqual([[200], ["hello"]]);
        expect(world.calls("getUpdates")).toHaveLength(asked);
        // A tunnel hands on the name that Telegram was told: the gateway has to know it.
        expect([...link.publicHosts]).toEqual([["/telegram-webhook", "127.0.0.1"]]);
      },
      { account: account(), link },
    );
    // Telegram keeps what comes until we are back: the webhook stays set, and nothing is mounted here.
    expect([world.calls("deleteWebhook").length, link.mounted.size]).toEqual([0, 0]);
  });

  it("R052: without a secret it is refused, in the settings and by the channel itself", async () => {
    const settings = { botToken: world.bot.token, webhookUrl: door.url };
    const parsed = manifest.configSchema.safeParse(settings);
    expect(parsed.error?.issues.map(({ path }) => path.join("."))).toEqual(["webhookSecret"]);
    const bare = { ...account(), config: { ...account().config, webhookSecret: undefined } };
    await expect(telegram.connect(bare, link, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: "CONN_002" });
    expect([link.mounted.size, world.calls("setWebhook").length]).toEqual([0, 0]);
  });

  it("R052: a call that does not know the secret is 401, and nothing of it is looked at", async () => {
    await connected(
      world,
      async () => {
        const forged = JSON.stringify({ update_id: 1, message: "forged" });
        for (const secret of [undefined, "", "wrong", webhookSecret.slice(0, -1), `${webhookSecret}x`]) {
          expect((await call(forged, secret)).status, secret).toBe(401);
        }
        expect(link.received).toEqual([]);
        expect(link.lines.some(({ message }) => message.includes("cannot be read"))).toBe(false);
      },
      { account: account(), link },
    );
  });

  it("503 while the inbox cannot take it, and Telegram brings it again", async () => {
    let refusals = 1;
    link.verdict = () => ({ outcome: refusals-- > 0 ? "unavailable" : "accepted" });
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "hello");
        await until("both deliveries", () => door.statuses.length === 2);
        expect([door.statuses, link.texts]).toEqual([
          [503, 200],
          ["hello", "hello"],
        ]);
      },
      { account: account(), link },
    );
  });

  it("a refused message and one that is damaged are done with", async () => {
    link.verdict = () => ({ outcome: "refused", reason: "sender-not-allowed" });
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "refused");
        await until("the delivery", () => door.statuses.length === 1);
        for (const body of ["", "{", "[]", "null", '{"update_id":"x"}', '{"update_id":7,"message":{}}']) {
          expect((await call(body, webhookSecret)).status, body).toBe(200);
        }
        expect([door.statuses[0], link.received.length]).toEqual([200, 1]);
      },
      { account: account(), link },
    );
  });

  it("K19: each account has a path of its own, and an address that names a path is believed", async () => {
    const other = new TelegramLink();
    await connected(
      world,
      () =>
        connected(
          world,
          async () => {
            expect([[...link.mounted.keys()], [...other.mounted.keys()]]).toEqual([
              ["/telegram-webhook"],
              ["/telegram-webhook/other"],
            ]);
            const urls = world.emulator.calls.filter(({ method }) => method === "setWebhook");
            expect(urls.map(({ params }) => params["url"])).toEqual([
              `${door.url}/telegram-webhook`,
              `${door.url}/elsewhere`,
            ]);
          },
          {
            account: account({ botToken: world.otherBot.token, webhookUrl: `${door.url}/elsewhere` }, "other"),
            link: other,
          },
        ),
      { account: account(), link },
    );
  });
});

describe("a webhook that does not deliver", () => {
  it("L8: is replaced by asking within 30 s, and returned to when it does, without a loss", async () => {
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "by webhook");
        await until("the first", () => link.received.length === 1);
        door.isShut = true;
        world.ann.say(world.bot, "while it is broken");
        await until("a failed delivery", () => door.statuses.includes(502));
        await until("the look", () => clock.pendingTimers > 0);
        await clock.advance(webhookLookMs);
        await until("the second", () => link.texts.includes("while it is broken"));
        expect(webhookLookMs * 2).toBeLessThanOrEqual(30_000);
        expect(link.notes.at(-1)).toMatch(/asked for/);
        const asked: string[] = [];
        for (let restMs = webhookRestMs; restMs > 0; restMs -= 20_000) {
          asked.push(`while asking, ${restMs} ms before`);
          world.ann.say(world.bot, asked.at(-1) ?? "");
          await until("the answer", () => link.texts.includes(asked.at(-1) ?? ""));
          door.isShut = restMs > 20_000;
          await clock.advance(20_000);
        }
        await until("the return", () => world.calls("setWebhook").length === 2);
        await until("the all-clear", () => link.notes.at(-1) === null);
        world.ann.say(world.bot, "by webhook again");
        await until("the fourth", () => link.texts.includes("by webhook again"));
        await until("the acknowledgement", () => door.statuses.at(-1) === 200);
        expect([...new Set(link.texts)]).toEqual(["by webhook", "while it is broken", ...asked, "by webhook again"]);
        expect(link.losses).toEqual([]);
      },
      { account: account(), link },
    );
  });

  it("L8: is replaced also when somebody else has set another one", async () => {
    await connected(
      world,
      async () => {
        await fetch(`${world.emulator.url}/bot${world.bot.token}/setWebhook?url=http://127.0.0.1:9/x`);
        await clock.advance(webhookLookMs);
        world.ann.say(world.bot, "hello");
        await until("the message", () => link.texts.includes("hello"));
      },
      { account: account(), link },
    );
  });

  it("L8: one that Telegram does not take is replaced at once", async () => {
    world.emulator.fault({ method: "setWebhook", what: { kind: "status", status: 400 } });
    await connected(
      world,
      async () => {
        world.ann.say(world.bot, "hello");
        await until("the message", () => link.texts.includes("hello"));
        expect(link.notes.at(-1)).toMatch(/asked for/);
      },
      { account: account(), link },
    );
  });

  it("one that delivers is left alone, look after look", async () => {
    await connected(
      world,
      async () => {
        for (let look = 0; look < 5; look += 1) {
          const looks = world.calls("getWebhookInfo").length;
          world.ann.say(world.bot, `line ${look}`);
          await until("the message", () => link.received.length === look + 1 && clock.nextDueMs === webhookLookMs);
          await clock.advance(webhookLookMs);
          await until(
            "the look",
            () => world.calls("getWebhookInfo").length > looks && clock.nextDueMs === webhookLookMs,
          );
        }
        expect(world.calls("deleteWebhook")).toHaveLength(0);
      },
      { account: account(), link },
    );
  });

  it("the connection ends while it changes, and nothing goes on behind it", async () => {
    await connected(
      world,
      async (connection) => {
        world.emulator.fault({ method: "getWebhookInfo", what: { kind: "hang", effective: false } });
        await clock.advance(webhookLookMs);
        await connection.close();
        expect([clock.pendingTimers, link.losses, link.mounted.size]).toEqual([0, [], 0]);
      },
      { account: account(), link },
    );
  });
});
