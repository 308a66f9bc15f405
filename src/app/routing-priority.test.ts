/** Priority by rule, from the door to the turn: who the configuration puts first is answered first. */
import { afterEach, describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import { chatRequest, ircConfig, ircRequest, openTestWay, says, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

function oneAtATime(bindings: readonly object[]): Config {
  const config = ircConfig();
  const { defaults } = config.agents;
  return {
    ...config,
    session: { ...config.session, dmScope: "per-channel-peer" },
    agents: { ...config.agents, defaults: { ...defaults, maxConcurrent: 1 } },
    bindings: bindings as Config["bindings"],
  };
}

describe("the queue behind the door", () => {
  it("M1, J2: takes what waits by the class that a rule gave it, and what a caller named over the rule", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const house = await openTestWay({
      config: oneAtATime([
        { agentId: "main", priority: "low", match: { channel: "irc", sender: "account:low" } },
        { agentId: "main", priority: "high", match: { channel: "irc", peer: "account:high" } },
        { agentId: "main", priority: "critical", match: { channel: "irc", sender: "account:critical" } },
      ]),
      script: async function* (request, call, signal) {
        if (call === 0) await gate;
        yield* says("done")(request, call, signal);
      },
    });
    opened.push(house);
    await house.way.start();
    await house.way.admit(chatRequest("holds the one place", { runId: "first" }));
    await house.next("run.started");
    const runs = new Map<string, string>();
    for (const name of ["low", "normal", "high", "critical"]) {
      const admission = await house.way.admit(
        ircRequest("hi", { chatId: `account:${name}`, senderId: `account:${name}` }),
      );
      if (admission.outcome === "accepted") runs.set(admission.runId, name);
    }
    const named = {
      ...ircRequest("hi", { chatId: "account:low", senderId: "account:low" }),
      sessionKey: "agent:main:other",
    };
    const urgent = await house.way.admit({ ...named, priority: "critical" });
    if (urgent.outcome === "accepted") runs.set(urgent.runId, "named critical");
    open();
    await expect.poll(() => house.events.filter(({ type }) => type === "run.ended").length).toBe(6);
    const started = house.events.flatMap((event) =>
      event.type === "run.started" ? [runs.get(event.runId) ?? "first"] : [],
    );
    expect(started).toEqual(["first", "critical", "named critical", "high", "normal", "low"]);
  });
});
