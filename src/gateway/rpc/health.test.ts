/** Health: from the cache whatever the house is doing, and anew where somebody asks for that. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { channelStatus, openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, type WireClient } from "../wire-client.fixture.ts";

let stage: Stage;
let client: WireClient;
beforeEach(async () => {
  stage = await openStage();
  client = await connect(stage.url);
});
afterEach(() => stage.close());

/** Every call of the store from now on, by name. */
function watchStore(): readonly string[] {
  const calls: string[] = [];
  for (const [name, area] of Object.entries(stage.store)) {
    if (typeof area !== "object" || area === null) continue;
    const methods = area as Record<string, unknown>;
    for (const [method, work] of Object.entries(methods)) {
      if (typeof work !== "function") continue;
      methods[method] = (...args: unknown[]): unknown => {
        calls.push(`${name}.${method}`);
        return Reflect.apply(work, area, args);
      };
    }
  }
  return calls;
}

describe("health", () => {
  it("C2: with 500 turns in flight it is answered a thousand times without one call of the store", async () => {
    const turns = Array.from({ length: 500 }, (_, index) =>
      client.ask("chat.send", { sessionKey: `s${index}`, message: "go", idempotencyKey: `run-${index}` }),
    );
    await Promise.all(turns);
    expect(stage.deps.turns.active()).toHaveLength(500);
    const calls = watchStore();
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => client.ask("health")));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(calls).toEqual([]);
    // The watch sees what there is to see.
    await client.ask("status");
    expect(calls).toContain("inbox.counts");
  }, 30_000);

  it("C2: a probe asks the platforms and looks anew; without one the last look is told", async () => {
    const stateOf = (answer: Record<string, unknown>): unknown =>
      (answer["channels"] as Record<string, { accounts: Record<string, unknown> }>)["irc"]?.accounts["default"];
    const before = await client.ask("health");
    expect(stateOf(before)).toMatchObject({ state: "CONNECTED" });
    stage.channels[0] = channelStatus({ state: "RECONNECTING" });
    expect(await client.ask("health")).toEqual(before);
    expect(stage.calls).toEqual([]);
    expect(stateOf(await client.ask("health", { probe: true }))).toMatchObject({ state: "RECONNECTING" });
    expect(stage.calls).toEqual(["probe - -"]);
  });

  it("C2, C12: channels.status asks the platforms where it is told to, and one channel alone where it is named", async () => {
    await client.ask("channels.status", {});
    expect(stage.calls).toEqual([]);
    await client.ask("channels.status", { probe: true, channel: "irc" });
    expect(stage.calls).toEqual(["probe irc -"]);
  });
});
