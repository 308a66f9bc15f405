/** A conversation that falls silent, and what becomes of it. */
import { afterEach, describe, expect, it } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import type { ModelRequest } from "../providers/contract.ts";
import { chatRequest, openTestWay, says, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

/** A clock whose wall can be moved ahead. */
function movableClock(): Clock & { ahead(ms: number): void } {
  const base = systemClock();
  let offsetMs = 0;
  return { ...base, nowMs: () => base.nowMs() + offsetMs, ahead: (ms) => (offsetMs += ms) };
}

function idleAfter(idleMinutes: number): Config {
  const config = defaultConfig();
  return { ...config, session: { ...config.session, reset: { ...config.session.reset, mode: "idle", idleMinutes } } };
}

async function say(house: TestWay, clock: Clock, text: string): Promise<ModelRequest> {
  const request = chatRequest(text, { message: { receivedAtMs: clock.nowMs(), sentAtMs: clock.nowMs() } });
  const admission = await house.way.admit(request);
  const runId = admission.outcome === "accepted" ? admission.runId : "";
  await house.next("run.ended", (event) => event.runId === runId);
  return house.requests.at(-1) as ModelRequest;
}

describe("a session that falls silent", () => {
  it("I5: after 31 minutes a new context begins; the old one is kept, listed and found", async () => {
    const clock = movableClock();
    const house = await openTestWay({ script: says("Noted."), config: idleAfter(30), clock });
    opened.push(house);
    await house.way.start();
    await say(house, clock, "my cat is called Minka");
    clock.ahead(29 * 60_000);
    expect(JSON.stringify((await say(house, clock, "and she is grey")).messages)).toContain("Minka");
    clock.ahead(31 * 60_000);
    const anew = await say(house, clock, "hello again");
    expect(JSON.stringify(anew.messages)).not.toContain("Minka");
    expect(house.events).toContainEqual(expect.objectContaining({ type: "session.changed", change: "reset" }));
    const history = await house.store.sessions.history("agent:main:main");
    expect(history).toHaveLength(2);
    const old = await house.store.sessions.transcript("agent:main:main", { sessionId: history[1]?.sessionId ?? "" });
    expect(JSON.stringify(old)).toContain("Minka");
    const { hits } = await house.store.sessions.search("minka", { limit: 5 });
    expect(hits).toMatchObject([{ sessionId: history[1]?.sessionId }]);
  });

  it("I5: without such a rule nothing is forgotten, however long the silence", async () => {
    const clock = movableClock();
    const house = await openTestWay({ script: says("Noted."), clock });
    opened.push(house);
    await house.way.start();
    await say(house, clock, "my cat is called Minka");
    clock.ahead(10 * 24 * 3_600_000);
    expect(JSON.stringify((await say(house, clock, "who is Minka?")).messages)).toContain("my cat is called");
  });
});
