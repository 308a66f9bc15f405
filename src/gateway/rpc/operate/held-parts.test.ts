/** What waits for a person: held parts and parts in doubt, decided once, and never without a trace. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { deliveryMarkOf } from "../../../domain/delivery-mark.ts";
import { limits } from "../../../domain/limits.ts";
import { t0 } from "../../../store/conformance/samples.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, makeIdentity, type WireClient } from "../../wire-client.fixture.ts";
import { sceneOf, type Scene } from "./operate.fixture.ts";

let stage: Stage;
let client: WireClient;
let scene: Scene;

beforeEach(async () => {
  stage = await openStage({ clock: new FakeClock(t0 + 10_000) });
  client = await connect(stage.url);
  scene = sceneOf(stage.store);
});
afterEach(() => stage.close());

async function traceTypes(id: string): Promise<readonly string[]> {
  return (await stage.store.trace.of(id)).map(({ type }) => type);
}

describe("a held part", () => {
  it("N11: is listed, and approved once: the second word, of whatever kind, comes too late", async () => {
    const part = await scene.held();
    expect(await client.ask("outbox.list")).toMatchObject({
      state: null,
      counts: { held: 1 },
      parts: [{ id: part.id, state: "held", text: "**hello**" }],
    });
    const answers = await Promise.all([
      client.ask("outbox.approve", { id: part.id }),
      client.ask("outbox.approve", { id: part.id }),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(["approved", "already-decided"]);
    expect(await client.ask("outbox.deny", { id: part.id })).toEqual({
      id: part.id,
      outcome: "already-decided",
      state: "prepared",
    });
    expect(await stage.store.outbox.get(part.id)).toMatchObject({
      state: "prepared",
      expiresMs: t0 + 10_000 + limits.replyTtlMs,
    });
    expect(stage.calls).toEqual(["wake"]);
  });

  it("N11: that is denied ends unsent; who said so and why stands in its trace and with the part", async () => {
    const part = await scene.held();
    expect(await client.ask("outbox.deny", { id: part.id, reason: "not to strangers" })).toMatchObject({
      outcome: "denied",
      state: "failed",
    });
    expect((await stage.store.outbox.get(part.id))?.error).toMatchObject({
      message: "It was not allowed to be sent: not to strangers",
      details: { reason: "denied", by: expect.stringMatching(/^(token|device):/) as string },
    });
    const denied = (await stage.store.trace.of(part.id)).find(({ type }) => type === "outbox.denied");
    expect(denied?.data).toMatchObject({ partId: part.id, reason: "not to strangers" });
    expect(await traceTypes(part.id)).toEqual(expect.arrayContaining(["outbox.held", "outbox.failed"]));
    expect(await client.ask("outbox.list")).toMatchObject({ parts: [] });
  });

  it("N3, N11: what was kept back is marked in the conversation as unread, by denial and by giving it up", async () => {
    const [held, unknown] = [await scene.held(), await scene.unknown()];
    for (const { sessionKey } of [held, unknown])
      await stage.store.sessions.open(sessionKey, "main", { sessionId: stage.deps.ids.uuid(), atMs: t0 });
    await client.ask("outbox.deny", { id: held.id });
    await client.ask("outbox.resolve", { id: unknown.id, as: "drop" });
    for (const { id, sessionKey } of [held, unknown]) {
      const marks = (await stage.store.sessions.transcript(sessionKey)).map(({ body }) => deliveryMarkOf(body));
      expect(marks).toMatchObject([{ partId: id, state: "failed", piecesSeen: 0, code: "MSG_002" }]);
    }
  });

  it("N11: a word about what is not there, or needs no word, changes nothing", async () => {
    for (const method of ["outbox.approve", "outbox.deny"])
      expect(errorOf(await client.call(method, { id: "nobody" })).details["errorCode"]).toBe("RPC_007");
    const sent = await scene.sent("p1");
    expect(await client.ask("outbox.approve", { id: sent.id })).toMatchObject({
      outcome: "already-decided",
      state: "sent",
    });
  });

  it("N11: clients hear of it without its words, and of what was decided", async () => {
    const part = await scene.held();
    const { id: partId, sessionKey, address } = part;
    stage.bus.emit({ type: "outbox.held", partId, sessionKey, address, atMs: 5 });
    await client.ask("outbox.approve", { id: partId });
    expect((await client.event("outbox.held"))["payload"]).toEqual({
      partId,
      sessionKey,
      channel: "irc",
      accountId: "default",
      chatId: address.chatId,
      ts: 5,
    });
    expect((await client.event("outbox.decided"))["payload"]).toEqual({
      partId,
      decision: "approved",
      ts: t0 + 10_000,
    });
  });

  it("N11: whoever may approve and no more is shown no words", async () => {
    const part = await scene.held();
    const approver = await connect(stage.url, { scopes: ["operator.approvals"], identity: makeIdentity() });
    expect(errorOf(await approver.call("outbox.list")).message).toBe("missing scope: operator.read");
    const answer = await approver.ask("outbox.approve", { id: part.id });
    expect(JSON.stringify(answer)).not.toContain("hello");
  });
});

describe("a part in doubt", () => {
  it("N11: that arrived is sent, and its messages keep their ids", async () => {
    const part = await scene.unknown();
    expect(await client.ask("outbox.list", { state: "unknown" })).toMatchObject({ parts: [{ id: part.id }] });
    const answer = await client.ask("outbox.resolve", { id: part.id, as: "sent" });
    expect(answer).toEqual({ id: part.id, outcome: "resolved", state: "sent" });
    expect(await client.ask("outbox.resolve", { id: part.id, as: "drop" })).toMatchObject({
      outcome: "already-decided",
    });
  });

  it("N11: is sent again with its attempts anew, and still says that it may be there already", async () => {
    const part = await scene.unknown();
    expect(await client.ask("outbox.resolve", { id: part.id, as: "resend" })).toMatchObject({ state: "prepared" });
    expect(await stage.store.outbox.get(part.id)).toMatchObject({
      attempts: 0,
      expiresMs: t0 + 10_000 + limits.replyTtlMs,
      error: { details: { mayHaveBeenSent: 0 } },
    });
    expect(stage.calls).toEqual(["wake"]);
  });

  it("N11: that is given up is a dead letter, and a replay of it remembers the doubt", async () => {
    const part = await scene.unknown();
    expect(await client.ask("outbox.resolve", { id: part.id, as: "drop" })).toMatchObject({ state: "failed" });
    expect(await traceTypes(part.id)).toContain("outbox.resolved");
    await client.ask("dlq.replay", { id: part.id });
    expect(await stage.store.outbox.get(part.id)).toMatchObject({
      state: "prepared",
      error: { details: { mayHaveBeenSent: 0 } },
    });
  });
});
