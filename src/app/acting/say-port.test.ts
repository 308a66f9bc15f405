/** Which chats a turn may have something said in, and what their sessions hear of it. */
import { afterEach, describe, expect, it } from "vitest";
import { spokenPartId } from "../../domain/delivery-mark.ts";
import type { Address } from "../../domain/message.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { createTalk } from "./talk.ts";
import { ircConfig, ircRequest, openTestWay, says, type TestWay } from "../way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const own: Address = { channel: "irc", accountId: "default", chatId: "ada", chatKind: "dm" };

async function open(part: Record<string, unknown> = {}) {
  const base = ircConfig(part);
  const config = { ...base, session: { ...base.session, dmScope: "per-channel-peer" as const } };
  const house = await openTestWay({ script: says("I see."), config });
  opened.push(house);
  const { way, store, bus } = house;
  const talk = createTalk({
    store,
    bus,
    way,
    clock: systemClock(),
    ids: systemIds(),
    log: silentLog(),
    config: () => config,
  });
  await way.start();
  return { house, say: talk.say };
}

async function wrote(house: TestWay, who: string, text: string): Promise<void> {
  const { message } = ircRequest(text, { chatId: who, senderId: who });
  const admission = await house.way.admit({ message, origin: { via: "channel" } });
  if (admission.outcome !== "accepted") throw new Error(admission.outcome);
  await house.next("run.ended", ({ runId }) => runId === admission.runId);
}

describe("a chat that a turn names", () => {
  it("R075: is one that somebody let in has written from, or that the configuration names; a wildcard names nobody", async () => {
    const { house, say } = await open({ allowFrom: ["*", "irc:bob"], groups: { "#garden": {} } });
    await wrote(house, "carol", "hello");
    const chat = (chatId: string, channel?: string) =>
      say.chat({ chatId, ...(channel === undefined ? {} : { channel }) }, own);
    expect(await chat("ada")).toEqual(own);
    expect(await chat("carol")).toMatchObject({ chatId: "carol", chatKind: "dm" });
    expect(await chat("bob")).toMatchObject({ chatId: "bob", chatKind: "dm" });
    expect(await chat("eve")).toBeNull();
    expect(await chat("carol", "telegram")).toBeNull();
  });

  it("R075: is none where nothing may be sent", async () => {
    const { say } = await open({ dmPolicy: "disabled", allowFrom: ["bob"] });
    expect(await say.chat({ chatId: "bob" }, own)).toBeNull();
  });
});

describe("what is said in another chat", () => {
  it("G14: is known to whoever answers there next, and is said once", async () => {
    const { house, say } = await open();
    await wrote(house, "bob", "hello");
    const saying = {
      id: spokenPartId("00112233445566778899aabbccddeeff"),
      address: { ...own, chatId: "bob" },
      action: { type: "send" } as const,
      markdown: "Ada asks whether you come.",
      replyToId: null,
      sessionKey: "agent:main:irc:dm:ada",
      own: false,
    };
    await say.put(saying);
    await say.put(saying);
    await wrote(house, "bob", "what is it?");
    const shown = house.requests.at(-1)?.messages.map((message) => JSON.stringify(message)) ?? [];
    expect(shown.filter((message) => message.includes("Ada asks whether you come."))).toHaveLength(1);
    expect(await house.store.outbox.get(saying.id)).toMatchObject({ address: { chatId: "bob" } });
  });
});
