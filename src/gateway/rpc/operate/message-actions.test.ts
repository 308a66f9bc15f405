/** Changing what stands on a platform: the right message, by any of its names, over a restart, and once. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { t0 } from "../../../store/conformance/samples.ts";
import type { OutboxRow } from "../../../store/port.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../../wire-client.fixture.ts";
import { sceneOf } from "./operate.fixture.ts";

let stage: Stage;
let client: WireClient;
let part: OutboxRow;

/** A reply of two pieces, sent in the run of the gateway before this one. */
beforeEach(async () => {
  const before = await openStage();
  part = await sceneOf(before.store).sent("p1", "p2");
  await before.stop();
  stage = await openStage({ folder: before.folder });
  client = await connect(stage.url);
});
afterEach(() => stage.close());

describe("a change of what was said", () => {
  it("N13: an edit finds its message after a restart, says the new text in the first piece and takes the others away", async () => {
    const answer = await client.ask("message.edit", { partId: part.id, message: "better", idempotencyKey: "k" });
    expect(answer).toMatchObject({ ok: true, channel: "irc", chatId: part.address.chatId });
    expect(stage.sent).toMatchObject([
      {
        address: part.address,
        action: { type: "edit", messageId: "p1" },
        reply: { markdown: "better" },
        state: "prepared",
      },
      { address: part.address, action: { type: "delete", messageId: "p2" } },
    ]);
    const row = await stage.store.outbox.get(stage.sent[0]?.id ?? "");
    expect(row).toMatchObject({ action: { type: "edit", messageId: "p1" }, sessionKey: part.sessionKey });
  });

  it("N13: a deletion takes every piece, or the one that the platform's id names", async () => {
    await client.ask("message.delete", { partId: part.id, idempotencyKey: "all" });
    const { channel, chatId } = part.address;
    await client.ask("message.delete", { channel, chatId, platformId: "p2", idempotencyKey: "one" });
    expect(stage.sent.map(({ action }) => action)).toEqual([
      { type: "delete", messageId: "p1" },
      { type: "delete", messageId: "p2" },
      { type: "delete", messageId: "p2" },
    ]);
  });

  it("N13: a reaction goes to ours and to theirs, a change to ours alone", async () => {
    const entry = await sceneOf(stage.store, "theirs").deadMessage();
    const { address, platformMessageId } = entry.message;
    const dedupeKey = JSON.stringify([address.channel, address.accountId, address.chatId, "theirs"]);
    const theirs = { ...entry, dedupeKey, runId: "r-theirs", message: { ...entry.message, id: "m-theirs" } };
    await stage.store.inbox.admit(theirs, { atMs: t0 });
    const where = { channel: "irc", chatId: address.chatId, platformId: "theirs" };
    await client.ask("message.react", { ...where, emoji: "👍", idempotencyKey: "k1" });
    await client.ask("message.react", { partId: part.id, emoji: "", idempotencyKey: "k2" });
    expect(stage.sent.map(({ action }) => action)).toEqual([
      { type: "react", messageId: "theirs", emoji: "👍" },
      { type: "react", messageId: "p1", emoji: "" },
    ]);
    for (const params of [where, { ...where, platformId: platformMessageId }]) {
      const refused = await client.call("message.delete", { ...params, idempotencyKey: "k3" });
      expect(errorOf(refused).details["errorCode"]).toBe("RPC_007");
    }
  });

  it("N13: one key has one effect, at once and over a restart", async () => {
    const params = { partId: part.id, message: "better", idempotencyKey: "same" };
    const answers = await Promise.all(Array.from({ length: 3 }, () => client.ask("message.edit", params)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(stage.sent).toHaveLength(2);
    expect(errorOf(await client.call("message.edit", { ...params, message: "other" })).details["errorCode"]).toBe(
      "RPC_006",
    );
    const { folder } = stage;
    await stage.stop();
    stage = await openStage({ folder });
    client = await connect(stage.url);
    expect(await client.ask("message.edit", params)).toEqual(answers[0]);
    expect(stage.sent).toEqual([]);
  });

  it("N13: a message that is not there is no target, and none that is not named", async () => {
    const waiting = await sceneOf(stage.store, "waiting").reply();
    const calls = [
      ["RPC_007", { partId: "nobody" }],
      ["RPC_007", { partId: waiting.id }],
      ["RPC_003", { channel: "irc", chatId: "x" }],
      ["RPC_003", {}],
    ] as const;
    for (const [code, params] of calls) {
      const answer = await client.call("message.delete", { ...params, idempotencyKey: `k${code}` });
      expect(errorOf(answer).details["errorCode"], JSON.stringify(params)).toBe(code);
    }
    expect(stage.sent).toEqual([]);
  });
});
