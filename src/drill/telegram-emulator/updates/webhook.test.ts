/** Updates at a webhook: in order within a chat, again until they are taken, and never beside polling. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { emulators, refusal, until } from "../emulator.fixture.ts";

const { stage } = emulators();

interface Delivery {
  readonly secret: string | undefined;
  readonly chatId: number;
  readonly text: string;
  /** Answers the delivery. */
  answer(status: number, body?: string): void;
}

const receivers: Server[] = [];

afterEach(() => {
  for (const server of receivers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A bot's server. `answer` null leaves the delivery open until the test answers it. */
async function receiver(status: number | null): Promise<{ url: string; deliveries: Delivery[] }> {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      const { message } = JSON.parse(text) as { message: { chat: { id: number }; text: string } };
      const delivery = {
        secret: request.headers["x-telegram-bot-api-secret-token"] as string | undefined,
        chatId: message.chat.id,
        text: message.text,
        answer: (code: number, body = "") => void response.writeHead(code).end(body),
      };
      deliveries.push(delivery);
      if (status !== null) delivery.answer(status);
    });
  });
  receivers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries };
}

describe("a webhook", () => {
  it("is told everything that was waiting, in order, with the secret", async () => {
    const { telegram, bot, ann, call } = await stage();
    const { url, deliveries } = await receiver(200);
    for (const text of ["1", "2", "3"]) ann.say(bot, text);
    expect((await call("setWebhook", { url, secret_token: "s-e_c" })).body).toEqual({
      ok: true,
      result: true,
      description: "Webhook was set",
    });
    ann.say(bot, "4");
    await until(() => telegram.pendingUpdates(bot) === 0);
    expect(deliveries.map(({ text, secret }) => [text, secret])).toEqual(
      ["1", "2", "3", "4"].map((text) => [text, "s-e_c"]),
    );
  });

  it("gets one at a time of a chat, and of other chats meanwhile, up to max_connections", async () => {
    const { telegram, bot, ann, call } = await stage();
    const [bob, carl] = [telegram.addPerson({ firstName: "Bob" }), telegram.addPerson({ firstName: "Carl" })];
    const { url, deliveries } = await receiver(null);
    ann.say(bot, "a1");
    ann.say(bot, "a2");
    bob.say(bot, "b1");
    carl.say(bot, "c1");
    await call("setWebhook", { url, max_connections: 2 });
    await until(() => deliveries.length === 2);
    expect(deliveries.map(({ text }) => text)).toEqual(["a1", "b1"]);
    deliveries[1]!.answer(200);
    await until(() => deliveries.length === 3);
    expect(deliveries[2]!.text).toBe("c1");
    deliveries[0]!.answer(200);
    await until(() => deliveries.length === 4);
    expect(deliveries[3]!.text).toBe("a2");
  });

  it("is tried again with growing pauses where it does not say 2xx; other chats go on", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    const bob = telegram.addPerson({ firstName: "Bob" });
    const { url, deliveries } = await receiver(null);
    await call("setWebhook", { url });
    ann.say(bot, "a1");
    ann.say(bot, "a2");
    await until(() => deliveries.length === 1);
    deliveries[0]!.answer(500);
    await until(() => clock.pendingTimers === 1);
    expect(clock.nextDueMs).toBe(1_000);
    bob.say(bot, "b1");
    await until(() => deliveries.length === 2);
    deliveries[1]!.answer(204);
    await until(() => telegram.pendingUpdates(bot) === 2);

    await clock.advance(1_000);
    await until(() => deliveries.length === 3);
    deliveries[2]!.answer(302);
    await until(() => clock.pendingTimers === 1);
    expect(clock.nextDueMs).toBe(2_000);
    const { result } = (await call("getWebhookInfo")).body;
    expect(result).toEqual({
      url,
      has_custom_certificate: false,
      pending_update_count: 2,
      max_connections: 40,
      ip_address: "127.0.0.1",
      last_error_date: expect.any(Number),
      last_error_message: "Wrong response from the webhook: 302 Found",
    });
    await clock.advance(2_000);
    await until(() => deliveries.length === 4);
    deliveries[3]!.answer(200);
    await until(() => deliveries.length === 5);
    expect(deliveries.map(({ text }) => text)).toEqual(["a1", "b1", "a1", "a1", "a2"]);
  });

  it("that nobody listens at is tried again, and the update waits", async () => {
    const clock = new FakeClock();
    const { telegram, bot, ann, call } = await stage({ clock });
    const { url } = await receiver(200);
    const closed = receivers.pop()!;
    await new Promise((resolve) => closed.close(resolve));
    await call("setWebhook", { url });
    ann.say(bot, "hello?");
    await until(() => clock.pendingTimers === 1);
    expect((await call("getWebhookInfo")).body.result.last_error_message).toBe("Connection refused");
    expect(telegram.pendingUpdates(bot)).toBe(1);
  });

  it("may answer with one call of the bot", async () => {
    const { telegram, bot, ann, call } = await stage();
    const { url, deliveries } = await receiver(null);
    await call("setWebhook", { url });
    ann.say(bot, "hi");
    await until(() => deliveries.length === 1);
    deliveries[0]!.answer(200, JSON.stringify({ method: "sendMessage", chat_id: ann.id, text: "by return" }));
    await until(() => telegram.visible(ann.id).length === 3);
    expect(telegram.visible(ann.id).at(-1)).toMatchObject({ from: bot.id, text: "by return" });
    expect(telegram.calls.at(-1)).toMatchObject({ method: "sendMessage", status: 200, effective: true });
  });

  it("and polling exclude each other, both ways", async () => {
    const clock = new FakeClock();
    const { call } = await stage({ clock });
    const { url } = await receiver(200);
    const waiting = call("getUpdates", { timeout: 30 });
    await until(() => clock.pendingTimers === 1);
    await call("setWebhook", { url });
    expect((await waiting).body).toEqual(refusal(409, "Conflict: terminated by setWebhook request"));
    expect((await call("getUpdates")).body).toEqual(
      refusal(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      ),
    );
    expect((await call("setWebhook", { url })).body.description).toBe("Webhook is already set");
    expect((await call("deleteWebhook")).body.description).toBe("Webhook was deleted");
    expect((await call("deleteWebhook")).body.description).toBe("Webhook is already deleted");
    expect((await call("getUpdates")).status).toBe(200);
  });

  it("that is taken away while a delivery is under way leaves the update to be polled", async () => {
    const { bot, ann, call } = await stage();
    const { url, deliveries } = await receiver(null);
    await call("setWebhook", { url });
    ann.say(bot, "whose?");
    await until(() => deliveries.length === 1);
    await call("deleteWebhook");
    deliveries[0]!.answer(200);
    // The late answer arrives before these are answered.
    for (let round = 0; round < 5; round += 1) await call("getMe");
    expect((await call("getUpdates")).body.result).toHaveLength(1);
  });

  it("drops what waits where it is asked to", async () => {
    const { telegram, bot, ann, call } = await stage();
    ann.say(bot, "old");
    await call("deleteWebhook", { drop_pending_updates: true });
    expect(telegram.pendingUpdates(bot)).toBe(0);
    ann.say(bot, "old again");
    const { url, deliveries } = await receiver(200);
    await call("setWebhook", { url, drop_pending_updates: "true" });
    ann.say(bot, "new");
    await until(() => deliveries.length > 0);
    expect(deliveries.map(({ text }) => text)).toEqual(["new"]);
  });

  it.each([
    ["ftp://127.0.0.1/hook", "", "bad webhook: An HTTPS URL must be provided for webhook"],
    ["no url", "", "bad webhook: invalid webhook URL specified"],
    ["https://example.com/hook", "", "bad webhook: Failed to resolve host: Name or service not known"],
    ["http://127.0.0.1/hook", "not allowed!", "secret token contains unallowed characters"],
    ["http://127.0.0.1/hook", "s".repeat(257), "secret token is too long"],
  ])("at %s with the secret %j is refused", async (url, secret, why) => {
    const { call } = await stage();
    expect((await call("setWebhook", { url, secret_token: secret })).body).toEqual(refusal(400, `Bad Request: ${why}`));
  });

  it("takes a secret of 256 characters", async () => {
    const { call } = await stage();
    const set = await call("setWebhook", { url: "http://127.0.0.1:9/hook", secret_token: "s".repeat(256) });
    expect(set.status).toBe(200);
  });
});
