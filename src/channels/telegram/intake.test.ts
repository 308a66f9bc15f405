/** One batch of updates, in whatever order and state they come: handed over in order, and counted truly. */
import { describe, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { BotApi } from "./api.ts";
import { Intake } from "./intake.ts";
import { manifest } from "./manifest.ts";
import { TelegramLink } from "./platform.fixture.ts";
import { SentMessages } from "./sent-messages.ts";

function intakeOf(link: TelegramLink): Intake {
  const config = manifest.configSchema.parse({ botToken: "4200:abc" });
  return new Intake({
    account: { channel: "telegram", accountId: "default", config },
    link,
    api: new BotApi({ token: "4200:abc", apiRoot: "http://127.0.0.1:1", clock: link.clock, log: silentLog() }),
    me: { id: 4200, username: "claw_bot", can_read_all_group_messages: false },
    sent: new SentMessages(),
    numberSuffix: "",
  });
}

function update(updateId: number, chatId: number, text: string): Readonly<Record<string, unknown>> {
  const from = { id: chatId, is_bot: false, first_name: "Ann" };
  const chat = { id: chatId, type: "private" };
  return { update_id: updateId, message: { message_id: updateId, date: 1, chat, from, text } };
}

describe("a batch", () => {
  it("K1: that comes out of order is handed over in order within each chat", async () => {
    const link = new TelegramLink();
    const batch = [update(13, 1, "c"), update(11, 1, "a"), update(14, 2, "y"), update(12, 1, "b"), update(10, 2, "x")];
    expect(await intakeOf(link).takeAll(batch)).toEqual({ next: 15, whole: true });
    const of = (chatId: string) =>
      link.received.filter(({ address }) => address.chatId === chatId).map(({ content }) => content[0]?.text);
    expect([of("1"), of("2")]).toEqual([
      ["a", "b", "c"],
      ["x", "y"],
    ]);
  });

  it("K1: is confirmed up to the first one that has to come again, and not beyond", async () => {
    const link = new TelegramLink();
    link.verdict = ({ platformMessageId }) => ({ outcome: platformMessageId === "12" ? "unavailable" : "accepted" });
    const batch = [update(10, 2, "x"), update(11, 1, "a"), update(12, 1, "b"), update(13, 1, "c"), update(14, 2, "y")];
    expect(await intakeOf(link).takeAll(batch)).toEqual({ next: 12, whole: false });
    // The chat of the one that waits waits behind it; the other one does not.
    expect(link.received.map(({ platformMessageId }) => platformMessageId).toSorted()).toEqual([
      "10",
      "11",
      "12",
      "14",
    ]);
  });

  it("of damaged updates alone is stepped over, and one without a number is left", async () => {
    const intake = intakeOf(new TelegramLink());
    expect(await intake.takeAll([{ update_id: 7, message: 1 }, { update_id: 9 }, null, "x"])).toEqual({
      next: 10,
      whole: true,
    });
    expect(await intake.takeAll([null, { update_id: "7" }, []])).toEqual({ next: null, whole: true });
    expect(await intake.takeAll([])).toEqual({ next: null, whole: true });
  });

  it("that a broken house throws at is not done with", async () => {
    const link = new TelegramLink();
    link.receive = () => Promise.reject(new Error("broken"));
    expect(await intakeOf(link).takeAll([update(10, 1, "a")])).toEqual({ next: 10, whole: false });
  });

  it("after the end is handed over to nobody", async () => {
    const link = new TelegramLink();
    const intake = intakeOf(link);
    intake.close();
    expect([await intake.takeAll([update(10, 1, "a")]), link.received]).toEqual([{ next: 10, whole: false }, []]);
  });
});
