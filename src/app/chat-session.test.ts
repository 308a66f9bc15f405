/** What was said in a chat from outside of a turn, and what the next turn there knows of it. */
import { afterEach, describe, expect, it } from "vitest";
import type { OutboxDraft } from "../store/port.ts";
import type { Address } from "../domain/message.ts";
import { deliveryMarkBody, spokenPartId } from "../domain/delivery-mark.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { putSpoken } from "./chat-session.ts";
import { ircConfig, ircRequest, openTestWay, says, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

async function open(scope: "main" | "per-channel-peer"): Promise<TestWay> {
  const base = ircConfig();
  const config = { ...base, session: { ...base.session, dmScope: scope } };
  const house = await openTestWay({ script: says("I see."), config });
  opened.push(house);
  await house.way.start();
  return house;
}

const ada: Address = { channel: "irc", accountId: "default", chatId: "ada", chatKind: "dm" };
const clock = systemClock();
const ids = systemIds();

function draft(text: string): OutboxDraft {
  return {
    id: spokenPartId("0011223344556677"),
    address: ada,
    replyToId: null,
    reply: { markdown: text },
    expiresMs: clock.nowMs() + 60_000,
    state: "prepared",
  };
}

describe("a message that no turn has answered with", () => {
  it.each(["main", "per-channel-peer"] as const)(
    "G14: is in the transcript for the next turn, once, in a chat that was never heard of too (%s)",
    async (scope) => {
      const house = await open(scope);
      const { store } = house;
      const session = house.way.sessionOfChat(ada);
      const say = () =>
        putSpoken({ draft: draft("The train leaves at six."), session, runId: null }, { store, clock, ids });
      await say();
      await say();
      const { message } = ircRequest("which train?", { chatId: "ada", senderId: "ada" });
      const admission = await house.way.admit({ message, origin: { via: "channel" } });
      expect(admission).toMatchObject({ outcome: "accepted", sessionKey: session.sessionKey });
      await house.next("run.ended");
      expect(house.requests[0]?.messages.slice(-2)).toMatchObject([
        { role: "assistant", content: [{ type: "text", text: "The train leaves at six." }] },
        { role: "user", content: [{ type: "text", text: "which train?" }] },
      ]);
      expect(await store.outbox.get(draft("").id)).toMatchObject({ state: "prepared", sessionKey: session.sessionKey });
    },
  );

  it("G14: is marked as unread where it did not arrive", async () => {
    const house = await open("main");
    const { store } = house;
    const session = house.way.sessionOfChat(ada);
    await putSpoken({ draft: draft("Come at once."), session, runId: null }, { store, clock, ids });
    const { id } = draft("");
    const mark = { partId: id, runId: id, state: "failed", piecesSeen: 0, code: "MSG_002" } as const;
    const error = { code: "MSG_002", message: "no", retry: "never", details: {} } as const;
    const transcript = { id: "aaaa0001", type: "custom", atMs: 1, body: deliveryMarkBody(mark) } as const;
    await store.outbox.settle(id, { state: "failed", error, transcript }, 1);
    const { message } = ircRequest("hello?", { chatId: "ada", senderId: "ada" });
    await house.way.admit({ message, origin: { via: "channel" } });
    await house.next("run.ended");
    expect(JSON.stringify(house.requests[0]?.messages.at(-2))).toContain("did not reach the chat");
  });
});
