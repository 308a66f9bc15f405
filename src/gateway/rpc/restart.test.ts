/** A client that asks for a restart: it is asked for once, and the right chat is named for the word that follows. */
import { describe, expect, it } from "vitest";
import type { Restarts, RestartWish } from "../../agent/contract.ts";
import { openStage } from "../fake-deps.fixture.ts";
import { connect, errorOf } from "../wire-client.fixture.ts";

const main = "agent:main:main";

describe("gateway.restart", () => {
  it("A9: asks once for each order, and names the chat that is to be told: the session's, the given one, or none", async () => {
    const wishes: RestartWish[] = [];
    const restarts: Restarts = {
      startedMs: 0,
      expectedMs: 5_000,
      request: async (wish) => void wishes.push(wish),
      isTold: async () => false,
    };
    const stage = await openStage({ deps: { restarts } });
    const client = await connect(stage.url);
    const address = { channel: "irc", accountId: "default", chatId: "account:ann", chatKind: "dm" as const };
    await stage.store.sessions.open(main, "main", { sessionId: stage.deps.ids.uuid(), atMs: 1, address });
    expect(await client.ask("gateway.restart", { reason: "new plugin" })).toEqual({
      ok: true,
      restartExpectedMs: 5_000,
      told: false,
    });
    expect(await client.ask("gateway.restart", { sessionKey: "main" })).toMatchObject({ told: true });
    expect(await client.ask("gateway.restart", { sessionKey: "nobody" })).toMatchObject({ told: false });
    const to = { channel: "irc", chatId: "#ops", chatKind: "group" };
    expect(await client.ask("gateway.restart", { to })).toMatchObject({ told: true });
    expect(wishes.map(({ chat }) => chat)).toEqual([
      null,
      { sessionKey: main, address },
      null,
      { sessionKey: main, address: { channel: "irc", accountId: "default", chatId: "#ops", chatKind: "group" } },
    ]);
    expect(new Set(wishes.map(({ id }) => id)).size).toBe(4);
    await stage.close();
    const embedded = await openStage();
    const other = await connect(embedded.url);
    expect(errorOf(await other.call("gateway.restart", {})).details["errorCode"]).toBe("SYS_007");
    await embedded.close();
  });
});
