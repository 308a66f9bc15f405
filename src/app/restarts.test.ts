/** A restart that somebody asked for: who may, and that the chat hears of it once, whatever happens in between. */
import { afterEach, describe, expect, it } from "vitest";
import { backText } from "../agent/restart-command.ts";
import type { Config } from "../config/schema/root.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { InboundMessage } from "../domain/message.ts";
import { chatRequest, ircConfig, ircRequest, openTestWay, says, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const asked: string[] = [];

async function open(config: Config, part: { folder?: string; clock?: FakeClock } = {}): Promise<TestWay> {
  asked.length = 0;
  const onRestart = (reason: string): void => void asked.push(reason);
  const house = await openTestWay({ script: says("an answer"), config, onRestart, ...part });
  opened.push(house);
  await house.way.recover();
  await house.restarts.fulfil();
  await house.way.start();
  return house;
}

/** Ends one run as a kill would, and begins the next on the same folder. */
async function again(house: TestWay, config: Config, clock?: FakeClock): Promise<TestWay> {
  opened.splice(opened.indexOf(house), 1);
  await house.crash();
  return open(config, { folder: house.folder, ...(clock === undefined ? {} : { clock }) });
}

function owned(part: Partial<Config["commands"]> = {}): Config {
  const config = ircConfig();
  return { ...config, commands: { ...config.commands, restart: true, ownerAllowFrom: ["irc:account:ann"], ...part } };
}

async function restartIn(house: TestWay, senderId: string, message: Partial<InboundMessage> = {}): Promise<string> {
  const admission = await house.way.admit(ircRequest("/restart", { chatId: senderId, senderId, message }));
  if (admission.outcome !== "accepted") throw new Error(`not taken in: ${admission.outcome}`);
  const { text } = await house.next("run.ended", ({ runId }) => runId === admission.runId);
  return text;
}

async function said(house: TestWay): Promise<readonly string[]> {
  const parts = await Promise.all(
    (["prepared", "sent"] as const).map((state) => house.store.outbox.inState(state, 50)),
  );
  return parts.flat().map(({ reply }) => reply.markdown);
}

describe("/restart", () => {
  it("A9: an owner gets it, and reads once in the same chat that the gateway is back", async () => {
    const house = await open(owned());
    const text = await restartIn(house, "account:ann");
    expect(text).toMatch(/^Restarting\./);
    expect(asked).toHaveLength(1);
    expect(await said(house)).toEqual([text]);
    let next = await again(house, owned());
    expect(asked).toEqual([]);
    const back = (await next.store.outbox.inState("prepared", 9)).filter(({ reply }) => reply.markdown === backText);
    expect(back).toMatchObject([{ address: { channel: "irc", chatId: "account:ann" }, state: "prepared" }]);
    next = await again(next, owned());
    expect((await said(next)).toSorted()).toEqual([backText, text].toSorted());
    expect(await next.store.documents.list("restart")).toEqual([]);
  });

  it("A9: nobody else does, and nobody is told who could", async () => {
    const configs: readonly (readonly [string, Config])[] = [
      ["account:bob", owned()],
      ["account:ann", owned({ ownerAllowFrom: ["*", "account:ann", "telegram:account:ann", "irc:*"] })],
      ["account:ann", owned({ ownerAllowFrom: [] })],
    ];
    for (const [sender, config] of configs) {
      const house = await open(config);
      expect(await restartIn(house, sender)).toBe("That is not for you to ask.");
      expect(asked).toEqual([]);
      expect(await house.store.documents.list("restart")).toEqual([]);
    }
  });

  it("A9: nor does an owner where it is switched off", async () => {
    const house = await open(owned({ restart: false }));
    expect(await restartIn(house, "account:ann")).toMatch(/switched off/);
    expect(asked).toEqual([]);
  });

  it("A9: a client with the scope of an administrator is an owner, a sender who claims it is none", async () => {
    const config = owned({ ownerAllowFrom: [] });
    const house = await open(config);
    const raw = { scopes: ["operator.admin"] };
    expect(await restartIn(house, "account:eve", { raw })).toBe("That is not for you to ask.");
    await house.way.admit(chatRequest("/restart", { runId: "mine", message: { raw } }));
    expect(await house.next("run.ended", ({ runId }) => runId === "mine")).toMatchObject({
      text: expect.stringMatching(/^Restarting\./) as string,
    });
    expect(asked).toHaveLength(1);
    const next = await again(house, config);
    const texts = (await next.store.sessions.transcript("agent:main:main")).map(({ body }) => JSON.stringify(body));
    expect(texts.filter((text) => text.includes(backText))).toHaveLength(1);
  });
});

describe("a restart and a kill", () => {
  it("A9: between the wish and its answer: one word that it is back, and no second restart", async () => {
    const clock = new FakeClock();
    const house = await open(owned(), { clock });
    const { message } = ircRequest("/restart", { chatId: "account:ann", senderId: "account:ann" });
    const taken = { ...message, receivedAtMs: clock.nowMs() };
    const chat = { address: message.address, sessionKey: "agent:main:main" };
    // The wish is durable, the turn that made it is not.
    await house.restarts.request({ id: `restart-${message.id}`, reason: "asked", chat });
    await clock.advance(1_000);
    const next = await again(house, owned(), clock);
    expect(await said(next)).toEqual([backText]);
    const admission = await next.way.admit({ origin: { via: "channel" }, message: taken });
    expect(admission.outcome).toBe("accepted");
    await next.next("run.ended");
    expect(asked).toEqual([]);
    expect(await said(next)).toEqual([backText]);
  });

  it("A9: before the wish was durable: the kill was the restart, and the answer says so", async () => {
    const clock = new FakeClock();
    const house = await open(owned(), { clock });
    const atMs = clock.nowMs();
    await clock.advance(1_000);
    const next = await again(house, owned(), clock);
    expect(await restartIn(next, "account:ann", { receivedAtMs: atMs })).toBe(backText);
    expect(asked).toEqual([]);
    expect(await said(next)).toEqual([backText]);
  });

  it("A9: between the word and the note that it was said: it is said once", async () => {
    const house = await open(owned());
    const chat = {
      address: ircRequest("", { chatId: "#ops", senderId: "x" }).message.address,
      sessionKey: "agent:main:main",
    };
    await house.restarts.request({ id: "restart-1", reason: "asked", chat });
    const [note] = await house.store.documents.list("restart");
    await house.restarts.fulfil();
    expect(await house.restarts.isTold("restart-1")).toBe(true);
    // As a kill leaves it: the part is there, its note too.
    await house.store.documents.put("restart", note?.key ?? "", note?.value, 1);
    const next = await again(house, owned());
    expect(await said(next)).toEqual([backText]);
    expect(await next.store.documents.list("restart")).toEqual([]);
  });

  it("A9: between the transcript, where a page reads it, and the note: it stands there once", async () => {
    const config = owned();
    const house = await open(config);
    await house.way.admit(chatRequest("hello", { runId: "first" }));
    await house.next("run.ended");
    const address = { channel: "webchat", accountId: "default", chatId: "main", chatKind: "dm" as const };
    await house.restarts.request({
      id: "restart-1",
      reason: "asked",
      chat: { address, sessionKey: "agent:main:main" },
    });
    const [note] = await house.store.documents.list("restart");
    await house.restarts.fulfil();
    await house.store.documents.put("restart", note?.key ?? "", note?.value, 1);
    const next = await again(house, config);
    const texts = (await next.store.sessions.transcript("agent:main:main")).map(({ body }) => JSON.stringify(body));
    expect(texts.filter((text) => text.includes(backText))).toHaveLength(1);
  });

  it("A9: a note that cannot be read keeps nobody from starting", async () => {
    const house = await open(owned());
    await house.store.documents.put("restart", "restart-odd", { address: "nowhere" }, 1);
    const next = await again(house, owned());
    expect([await said(next), await next.store.documents.list("restart")]).toEqual([[], []]);
  });
});
