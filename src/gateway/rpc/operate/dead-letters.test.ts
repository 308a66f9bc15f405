/** What could not be brought to its end: found, read, put back to work once, or thrown away. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../../domain/app-error.ts";
import type { PolicyRefusal } from "../../../domain/admission-policy.ts";
import { limits } from "../../../domain/limits.ts";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { t0 } from "../../../store/conformance/samples.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../../wire-client.fixture.ts";
import { sceneOf, type Scene } from "./operate.fixture.ts";

let stage: Stage;
let client: WireClient;
let scene: Scene;
let refusal: PolicyRefusal | null;
let forbidden: AppError | null;

beforeEach(async () => {
  [refusal, forbidden] = [null, null];
  const rules = { admission: () => refusal, permission: () => forbidden };
  stage = await openStage({ clock: new FakeClock(t0 + 10_000), deps: { rules } });
  client = await connect(stage.url);
  scene = sceneOf(stage.store);
});
afterEach(() => stage.close());

async function listed(): Promise<readonly string[]> {
  const { letters } = (await client.ask("dlq.list")) as { letters: { id: string }[] };
  return letters.map(({ id }) => id);
}

async function replay(...ids: string[]): Promise<readonly (readonly [string, string | null])[]> {
  const { results } = (await client.ask("dlq.replay", { ids })) as {
    results: { outcome: string; reason: string | null }[];
  };
  return results.map(({ outcome, reason }) => [outcome, reason]);
}

describe("dead letters", () => {
  it("M8, M10: what expired or failed is listed with its reason, the latest first, and shown whole", async () => {
    const message = await scene.deadMessage({}, "expired");
    const part = await scene.failed();
    expect(await client.ask("dlq.list")).toMatchObject({
      total: 2,
      letters: [
        { kind: "part", id: part.id, channel: "irc", runId: part.runId, excerpt: "**hello**" },
        { kind: "message", id: message.message.id, reason: "expired", sessionKey: message.sessionKey },
      ],
    });
    expect(await client.ask("dlq.list", { limit: 1 })).toMatchObject({ total: 2, letters: [{ id: part.id }] });
    expect(await client.ask("dlq.list", { beforeMs: t0 + 3_000 })).toMatchObject({
      letters: [{ id: message.message.id }],
    });
    expect(await client.ask("dlq.show", { id: message.message.id })).toMatchObject({
      part: null,
      message: { state: "dead", attempts: 0, senderId: "alice", text: expect.stringContaining("ünïcödé") as string },
    });
    expect(await client.ask("dlq.show", { id: part.id })).toMatchObject({
      message: null,
      part: { state: "failed", attempts: 1, text: "**hello**", error: { code: "MSG_002", message: "no answer" } },
    });
    expect(errorOf(await client.call("dlq.show", { id: "nobody" })).details["errorCode"]).toBe("RPC_007");
  });

  it("M9, M10: one is put back to work once, however many ask for it at the same time", async () => {
    const message = await scene.deadMessage();
    const part = await scene.failed();
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => replay(message.message.id, part.id)));
    for (const index of [0, 1]) {
      const told = outcomes.map((results) => results[index]?.[0]);
      expect(told.filter((outcome) => outcome === "replayed")).toHaveLength(1);
      expect(told.filter((outcome) => outcome === "gone")).toHaveLength(4);
    }
    expect(await stage.store.inbox.get(message.message.id)).toMatchObject({
      state: "queued",
      attempts: 0,
      dedupeKey: message.dedupeKey,
      expiresMs: t0 + 10_000 + limits.inboundTtlMs,
    });
    expect(await stage.store.outbox.get(part.id)).toMatchObject({
      state: "prepared",
      attempts: 0,
      expiresMs: t0 + 10_000 + limits.replyTtlMs,
    });
    expect(stage.calls).toContain("wake");
    expect(await listed()).toEqual([]);
    // The same event of the platform is still known.
    expect(await stage.store.inbox.admit(message, { atMs: t0 })).toMatchObject({ outcome: "duplicate" });
  });

  it("M10: whoever may not write any more is not answered by a replay, and the letter stays", async () => {
    const message = await scene.deadMessage();
    refusal = "sender-not-allowed";
    expect(await replay(message.message.id)).toEqual([["refused", "sender-not-allowed"]]);
    expect(await stage.store.inbox.get(message.message.id)).toMatchObject({ state: "dead" });
    expect(await listed()).toEqual([message.message.id]);
    refusal = null;
    expect(await replay(message.message.id)).toEqual([["replayed", null]]);
  });

  it("M10: a caller of the gateway was let in by its credential: no platform's policy is asked about it", async () => {
    refusal = "sender-not-allowed";
    const entry = await scene.deadMessage();
    const own = { ...entry.message, id: "m-own", platformMessageId: "own", sender: { id: "token:gateway" } };
    const raw = { requestHash: "h", principal: "token:gateway", scopes: [] };
    const { message } = await scene.deadMessage({ message: { ...own, raw } });
    expect(await replay(message.id)).toEqual([["replayed", null]]);
    // A sender of a platform is none, whatever its event holds.
    const forged = { ...own, id: "m-forged", platformMessageId: "forged", sender: { id: "mallory" }, raw };
    const other = await scene.deadMessage({ message: forged });
    expect(await replay(other.message.id)).toEqual([["refused", "sender-not-allowed"]]);
  });

  it("M10: a part asks the permission of today, and one that a person denied stays unsaid", async () => {
    const part = await scene.failed();
    forbidden = new AppError("SEC_001", "Groups are switched off for this account.");
    expect(await replay(part.id)).toEqual([["refused", "Groups are switched off for this account."]]);
    forbidden = null;
    const held = await scene.held();
    await client.ask("outbox.deny", { id: held.id });
    expect(await replay(held.id)).toEqual([["refused", "denied"]]);
    expect(await stage.store.outbox.get(held.id)).toMatchObject({ state: "failed" });
  });

  it("M10: purged by name or by age, they are off the list without their words", async () => {
    const [old, young] = [await scene.deadMessage(), await scene.failed()];
    // A dead message ended a second after t0, the part two seconds later.
    expect(await client.ask("dlq.purge", { olderThanMs: 8_000 })).toEqual({ purged: 1 });
    expect(await listed()).toEqual([young.id]);
    expect(await stage.store.inbox.get(old.message.id)).toMatchObject({ message: { content: [] } });
    expect(await client.ask("dlq.purge", { ids: [young.id, "nobody"] })).toEqual({ purged: 1 });
    expect(await listed()).toEqual([]);
    expect(await replay(young.id)).toEqual([["gone", null]]);
  });

  it("M10: an order without a name, or with two ways of naming, is none", async () => {
    for (const [method, params] of [
      ["dlq.replay", {}],
      ["dlq.purge", {}],
      ["dlq.purge", { ids: ["a"], olderThanMs: 1 }],
    ] as const)
      expect(errorOf(await client.call(method, params)).details["errorCode"], method).toBe("RPC_003");
    const many = Array.from({ length: limits.deadLettersPerRequest + 1 }, (_, index) => `id-${index}`);
    expect(errorOf(await client.call("dlq.replay", { ids: many })).details["errorCode"]).toBe("RPC_003");
    expect((await client.call("dlq.replay", { ids: many.slice(1) })).ok).toBe(true);
  });

  it("M10: clients hear that the list changed, by a failure and by a hand", async () => {
    const part = await scene.failed();
    const { id, runId, address } = part;
    stage.bus.emit({
      type: "message.unsent",
      partId: id,
      runId,
      address,
      state: "failed",
      error: part.error as never,
      atMs: 1,
    });
    await replay(id);
    await client.ask("health");
    expect(client.events("dlq.changed").map(({ payload }) => payload)).toEqual([
      { change: "added", ids: [id], ts: 1 },
      { change: "replayed", ids: [id], ts: t0 + 10_000 },
    ]);
  });
});
