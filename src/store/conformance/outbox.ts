/** Rules of the outbox: order within a chat, states that only move forward, doubts that stay visible. */
import { expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { OutboxDraft, OutboxRow } from "../port.ts";
import { createNames, draftOf, failure, t0 } from "./samples.ts";

const elsewhere = { code: "STORE_003" };

const accountOf = (channel: string) => ({ channel, accountId: "default" });

export function outboxRules(rig: Rig): void {
  const names = createNames("outbox");
  const add = (draft: OutboxDraft): Promise<OutboxRow> =>
    rig.store().outbox.add(draft, { sessionKey: `s-${draft.address.chatId}`, runId: null, atMs: t0 });
  /** A channel of the rule's own, so that it sees its own parts alone. */
  const chatOn = (channel: string): OutboxDraft => {
    const draft = draftOf(names, names.next("chat"));
    return { ...draft, address: { ...draft.address, channel } };
  };
  const ready = async (channel: string, atMs: number = t0, limit = 100): Promise<string[]> =>
    (await rig.store().outbox.ready({ accounts: [accountOf(channel), accountOf("another")], atMs, limit })).map(
      (row) => row.id,
    );

  it("gives back a part as it was added, and adds it once", async () => {
    const draft = draftOf(names, names.next("chat"), {
      replyToId: "q",
      reply: { markdown: "ä", attachments: [{ type: "image", url: "u" }] },
    });
    const row = await add(draft);
    expect(row).toEqual({
      ...draft,
      action: { type: "send" },
      messageId: null,
      runId: null,
      sessionKey: `s-${draft.address.chatId}`,
      seq: row.seq,
      attempts: 0,
      nextAttemptMs: 0,
      platformMessageIds: [],
      chunksSent: 0,
      error: null,
      approvedMs: null,
      createdMs: t0,
      updatedMs: t0,
    });
    expect(await add({ ...draft, reply: { markdown: "other" } })).toEqual(row);
    const store = await rig.reopen();
    expect(await store.outbox.get(draft.id)).toEqual(row);
    expect(await store.outbox.get("nobody")).toBeNull();
  });

  it("offers the first part of each chat, for the asked channels, up to the limit", async () => {
    const channel = names.next("channel");
    const one = chatOn(channel);
    const behindOne = { ...draftOf(names, "x"), address: one.address };
    const two = chatOn(channel);
    for (const draft of [one, behindOne, two, chatOn(names.next("channel"))]) await add(draft);
    expect(await ready(channel)).toEqual([one.id, two.id]);
    expect(await ready(channel, t0, 1)).toEqual([one.id]);
    expect(await rig.store().outbox.ready({ accounts: [], atMs: t0, limit: 5 })).toEqual([]);
  });

  it("keeps the order of a chat while its first part is on its way or waits for a retry", async () => {
    const channel = names.next("channel");
    const one = chatOn(channel);
    const two = { ...draftOf(names, "x"), address: one.address };
    await add(one);
    await add(two);
    const { outbox } = rig.store();
    await outbox.sending(one.id, t0 + 1);
    expect(await ready(channel)).toEqual([]);
    await outbox.progress(one.id, 1, ["pm-1"], t0 + 2);
    await outbox.settle(one.id, { state: "prepared", nextAttemptMs: t0 + 1_000, error: failure }, t0 + 3);
    expect(await ready(channel, t0 + 999)).toEqual([]);
    expect(await outbox.nextAttemptMs(t0 + 3)).toBe(t0 + 1_000);
    expect(await ready(channel, t0 + 1_000)).toEqual([one.id]);
    expect(await outbox.get(one.id)).toMatchObject({
      attempts: 1,
      chunksSent: 1,
      platformMessageIds: ["pm-1"],
      error: failure,
    });
    await outbox.sending(one.id, t0 + 1_000);
    await outbox.settle(one.id, { state: "sent", platformMessageIds: ["pm-1", "pm-2"] }, t0 + 1_001);
    expect(await ready(channel)).toEqual([two.id]);
    const store = await rig.reopen();
    expect(await store.outbox.get(one.id)).toMatchObject({
      state: "sent",
      attempts: 2,
      platformMessageIds: ["pm-1", "pm-2"],
      error: null,
      updatedMs: t0 + 1_001,
    });
  });

  it("lets each state be left only the ways the port names", async () => {
    const { outbox } = rig.store();
    const draft = chatOn(names.next("channel"));
    await add(draft);
    await expect(outbox.progress(draft.id, 1, [], t0)).rejects.toMatchObject(elsewhere);
    await expect(outbox.settle(draft.id, { state: "sent", platformMessageIds: [] }, t0)).rejects.toMatchObject(
      elsewhere,
    );
    await outbox.sending(draft.id, t0);
    await expect(outbox.sending(draft.id, t0)).rejects.toMatchObject(elsewhere);
    await outbox.settle(draft.id, { state: "unknown", error: failure }, t0);
    await outbox.progress(draft.id, 1, ["p"], t0);
    expect(await outbox.get(draft.id)).toMatchObject({ state: "unknown", chunksSent: 1, platformMessageIds: ["p"] });
    await outbox.settle(draft.id, { state: "sent", platformMessageIds: ["p"] }, t0);
    const backwards = { state: "prepared", nextAttemptMs: t0, error: failure } as const;
    await expect(outbox.settle(draft.id, backwards, t0)).rejects.toMatchObject(elsewhere);
    expect(await outbox.resubmit(draft.id, { atMs: t0, expiresMs: t0 })).toBe(false);
    await expect(outbox.sending("nobody", t0)).rejects.toMatchObject({ code: "RPC_007" });
    await expect(outbox.settle("nobody", backwards, t0)).rejects.toMatchObject({ code: "RPC_007" });
  });

  it("lets a waiting part expire, and those behind it go", async () => {
    const channel = names.next("channel");
    const one = chatOn(channel);
    const two = { ...draftOf(names, "x"), address: one.address };
    await add(one);
    await add(two);
    await rig.store().outbox.settle(one.id, { state: "expired", error: failure }, t0 + 9);
    expect(await ready(channel)).toEqual([two.id]);
    expect(await rig.store().outbox.get(one.id)).toMatchObject({ state: "expired", error: failure });
  });

  it("turns what was on its way at a crash into a doubt that holds up nobody", async () => {
    const channel = names.next("channel");
    const one = chatOn(channel);
    const two = { ...draftOf(names, "x"), address: one.address };
    await add(one);
    await add(two);
    await rig.store().outbox.sending(one.id, t0);
    const store = await rig.reopen();
    const recovered = await store.outbox.recover(t0 + 5);
    expect(recovered.map((row) => [row.id, row.state])).toContainEqual([one.id, "unknown"]);
    expect(await store.outbox.get(one.id)).toEqual(recovered.find((row) => row.id === one.id));
    expect(await ready(channel)).toEqual([two.id]);
    expect(await store.outbox.recover(t0 + 6)).toEqual([]);
    expect((await store.outbox.inState("unknown", 1_000)).map((row) => row.id)).toContain(one.id);
  });

  it("resubmits a dead part once, in its old place", async () => {
    const channel = names.next("channel");
    const one = chatOn(channel);
    const two = { ...draftOf(names, "x"), address: one.address };
    await add(one);
    await add(two);
    const { outbox } = rig.store();
    await outbox.sending(one.id, t0);
    await outbox.settle(one.id, { state: "failed", error: failure }, t0);
    const again = await Promise.all([1, 2, 3].map(() => outbox.resubmit(one.id, { atMs: t0 + 1, expiresMs: t0 + 2 })));
    expect(again.filter(Boolean)).toHaveLength(1);
    // What is known of the attempts before stays known.
    expect(await outbox.get(one.id)).toMatchObject({
      state: "prepared",
      attempts: 0,
      error: failure,
      expiresMs: t0 + 2,
    });
    expect(await ready(channel)).toEqual([one.id]);
  });

  it("counts parts by state", async () => {
    const before = await rig.store().outbox.counts();
    const drafts = [chatOn("count"), chatOn("count"), { ...chatOn("count"), state: "sent" as const }];
    for (const draft of drafts) await add(draft);
    await rig.store().outbox.sending(drafts[0]?.id ?? "", t0);
    const after = await rig.store().outbox.counts();
    expect(after).toEqual({
      ...before,
      prepared: before.prepared + 1,
      sending: before.sending + 1,
      sent: before.sent + 1,
    });
    expect((await rig.store().outbox.inState("sent", 1))[0]?.id).toBe(drafts[2]?.id);
  });

  it("never offers a part that was stored as sent", async () => {
    const channel = names.next("channel");
    await add({ ...chatOn(channel), state: "sent" });
    expect(await ready(channel)).toEqual([]);
  });
}
