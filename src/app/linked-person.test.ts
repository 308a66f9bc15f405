/** One person on two platforms, who has proved it from both. */
import { afterEach, describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import { ircConfig, ircRequest, openTestWay, says, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

function perPerson(): Config {
  const config = ircConfig();
  return { ...config, session: { ...config.session, dmScope: "per-peer" } };
}

/** As from another network: its own account, and the same nick is somebody else there. */
async function say(house: TestWay, from: { nick: string; accountId: string }, text: string) {
  const request = ircRequest(text, { chatId: from.nick, senderId: from.nick });
  const { message } = request;
  const address = { ...message.address, accountId: from.accountId };
  const admission = await house.way.admit({ ...request, message: { ...message, address } });
  if (admission.outcome !== "accepted") throw new Error(admission.outcome);
  const { runId, sessionKey } = admission;
  await house.next("run.ended", (event) => event.runId === runId);
  const parts = await house.store.outbox.ofRun(runId);
  return { sessionKey, reply: parts.map(({ reply }) => reply.markdown).join("\n") };
}

describe("one person on two platforms", () => {
  it("I10: shares one conversation after /link from both sides, and nobody else gets into it", async () => {
    const house = await openTestWay({ script: says("I see."), config: twoAccounts(perPerson()) });
    opened.push(house);
    await house.way.start();
    const ann = { nick: "ann", accountId: "default" };
    const away = { nick: "annie", accountId: "second" };
    await say(house, ann, "my cat is called Minka");
    const offered = await say(house, ann, "/link");
    const code = /\/link (\S+)`/.exec(offered.reply)?.[1] ?? "";
    // Seeing the code is not enough: whoever brings it has to know with whom, and say yes.
    expect((await say(house, away, `/link ${code}`)).reply).toContain("`ann` on irc");
    expect((await say(house, away, "hello")).sessionKey).not.toBe((await say(house, ann, "hello")).sessionKey);
    expect((await say(house, away, `/link ${code} yes`)).reply).toContain("one person");
    const first = await say(house, ann, "my cat is called Minka");
    const second = await say(house, away, "who is Minka?");
    expect(second.sessionKey).toBe(first.sessionKey);
    expect(JSON.stringify(house.requests.at(-1)?.messages)).toContain("my cat is called Minka");
    // The same nick on the other network, and a late user of the code, are somebody else.
    const stranger = { nick: "ann", accountId: "second" };
    expect((await say(house, stranger, `/link ${code} yes`)).reply).toContain("not good");
    expect((await say(house, stranger, "who is Minka?")).sessionKey).not.toBe(first.sessionKey);
    expect((await say(house, away, "/unlink")).reply).toContain("of your own");
    expect((await say(house, away, "hello")).sessionKey).not.toBe(first.sessionKey);
  });
});

function twoAccounts(config: Config): Config {
  const { irc } = config.channels;
  return { ...config, channels: { irc: { ...irc, accounts: { default: {}, second: { enabled: true } } } } };
}
