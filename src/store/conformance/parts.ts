/**
 * Rules of parts on their way: accounts that starve nobody, parts under a lease, parts a person has to allow, what is
 * told of those that never arrive, and the way back from a platform's id.
 */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { OutboxDraft, OutboxRow } from "../port.ts";
import { createNames, drain, draftOf, entryOf, failure, resultOf, startTurn, t0, transcriptDraft } from "./samples.ts";

const elsewhere = { code: "STORE_003" };

export function partRules(rig: Rig): void {
  const names = createNames("way");
  const add = (draft: OutboxDraft, sessionKey = "s"): Promise<OutboxRow> =>
    rig.store().outbox.add(draft, { sessionKey, runId: null, atMs: t0 });
  const account = (channel: string, accountId = "default") => ({ channel, accountId });
  /** A part to a chat of its own. */
  const to = (channel: string, changes: Partial<OutboxDraft> = {}, accountId = "default"): OutboxDraft => {
    const draft = draftOf(names, names.next("chat"), changes);
    return { ...draft, address: { ...draft.address, channel, accountId } };
  };
  const ready = async (accounts: readonly ReturnType<typeof account>[], atMs: number = t0, limit = 100) =>
    (await rig.store().outbox.ready({ accounts, atMs, limit })).map((row) => row.id);
  beforeEach(() => drain(rig.store()));

  it("offers the parts of the asked accounts alone, and none pays for another's backlog", async () => {
    const channel = names.next("channel");
    const flood = Array.from({ length: 30 }, () => to(channel, {}, "busy"));
    const [down, single] = [to(channel, {}, "down"), to(channel, {}, "quiet")];
    for (const draft of [down, ...flood, single]) await add(draft);
    const up = [account(channel, "busy"), account(channel, "quiet")];
    expect(await ready(up, t0, 2)).toEqual([flood[0]?.id, single.id]);
    expect(await ready(up)).toHaveLength(31);
    expect(await ready([account(channel, "down")])).toEqual([down.id]);
    expect(await ready([account(channel, "unheard")])).toEqual([]);
  });

  it("adds a part under a lease as long as the lease holds, and names the message", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const context = { sessionKey: entry.sessionKey, runId: entry.runId, atMs: t0, lease };
    const [block, late] = [to(names.next("channel")), to(names.next("channel"))];
    const row = await rig.store().outbox.add(block, { ...context, messageId: entry.message.id });
    expect(row).toMatchObject({ messageId: entry.message.id, runId: entry.runId });
    expect(await rig.store().outbox.add({ ...block, reply: { markdown: "other" } }, context)).toEqual(row);
    await rig.store().turns.finish(lease, resultOf());
    await expect(rig.store().outbox.add(late, context)).rejects.toMatchObject(elsewhere);
    await expect(rig.store().outbox.add(block, context)).rejects.toMatchObject(elsewhere);
    expect(await rig.store().outbox.get(late.id)).toBeNull();
    expect(await rig.store().outbox.ofRun(entry.runId)).toHaveLength(1);
  });

  it("keeps what a part does on its platform, and the time before which it does not leave", async () => {
    const channel = names.next("channel");
    const actions = [
      { type: "edit", messageId: "7" },
      { type: "delete", messageId: "7" },
      { type: "react", messageId: "7", emoji: "👍" },
      { type: "send" },
    ] as const;
    for (const action of actions) {
      const draft = to(channel, { action });
      expect((await add(draft)).action).toEqual(action);
      expect((await rig.store().outbox.get(draft.id))?.action).toEqual(action);
    }
    const later = to(names.next("channel"), { notBeforeMs: t0 + 700 });
    await add(later);
    const { outbox } = rig.store();
    expect(await ready([account(later.address.channel)], t0 + 699)).toEqual([]);
    expect(await outbox.nextAttemptMs(t0 + 699)).toBe(t0 + 700);
    expect(await ready([account(later.address.channel)], t0 + 700)).toEqual([later.id]);
  });

  it("names the turns of a session that have something left to say", async () => {
    const { outbox } = rig.store();
    const sessionKey = names.next("session");
    const draft = (state: "prepared" | "held" | "sent") => to(names.next("channel"), { state });
    const context = (runId: string | null) => ({ sessionKey, runId, atMs: t0 });
    for (const [state, runId] of [
      ["prepared", "waits"],
      ["held", "asks"],
      ["sent", "said"],
    ] as const)
      await outbox.add(draft(state), context(`${sessionKey}-${runId}`));
    await outbox.add(draft("prepared"), context(null));
    expect([...(await outbox.unsaidRuns(sessionKey))].toSorted()).toEqual([
      `${sessionKey}-asks`,
      `${sessionKey}-waits`,
    ]);
  });

  it("holds a part until a person decides, and holds up nobody with it", async () => {
    const channel = names.next("channel");
    const held = to(channel, { state: "held" });
    const behind = { ...draftOf(names, "x"), address: held.address };
    for (const draft of [held, behind]) await add(draft);
    expect(await ready([account(channel)])).toEqual([behind.id]);
    const { outbox } = await rig.reopen();
    expect((await outbox.counts()).held).toBeGreaterThanOrEqual(1);
    expect((await outbox.inState("held", 10)).map((row) => row.id)).toContain(held.id);
    await expect(outbox.sending(held.id, t0)).rejects.toMatchObject(elsewhere);
    await expect(outbox.settle(held.id, { state: "expired", error: failure }, t0)).rejects.toMatchObject(elsewhere);
    await expect(outbox.settle(held.id, { state: "held" }, t0)).rejects.toMatchObject(elsewhere);
    expect(await outbox.resubmit(held.id, { atMs: t0, expiresMs: t0 })).toBe(false);
    const allow = { allow: true, expiresMs: t0 + 9_000 } as const;
    const decided = await Promise.all([1, 2].map(() => outbox.decide(held.id, allow, t0 + 5)));
    expect(decided).toEqual([true, false]);
    expect(await outbox.get(held.id)).toMatchObject({
      state: "prepared",
      expiresMs: t0 + 9_000,
      approvedMs: t0 + 5,
      updatedMs: t0 + 5,
    });
    expect(await ready([account(channel)])).toEqual([held.id]);
  });

  it("holds a part that was written before somebody had to allow it, and keeps what is known of it", async () => {
    const channel = names.next("channel");
    const draft = to(channel);
    await add(draft);
    const { outbox } = rig.store();
    await outbox.sending(draft.id, t0);
    await outbox.settle(draft.id, { state: "prepared", nextAttemptMs: 0, error: failure }, t0);
    await outbox.settle(draft.id, { state: "held" }, t0 + 1);
    expect(await outbox.get(draft.id)).toMatchObject({ state: "held", error: failure, approvedMs: null });
    expect(await ready([account(channel)])).toEqual([]);
    expect(await outbox.decide(draft.id, { allow: true, expiresMs: t0 + 9_000 }, t0 + 2)).toBe(true);
    expect(await outbox.get(draft.id)).toMatchObject({ state: "prepared", error: failure, approvedMs: t0 + 2 });
  });

  it("fails a held part that a person refuses, with the reason, and takes it for decided", async () => {
    const draft = to(names.next("channel"), { state: "held" });
    await add(draft);
    const { outbox } = rig.store();
    expect(await outbox.decide(draft.id, { allow: false, error: failure }, t0 + 1)).toBe(true);
    expect(await outbox.get(draft.id)).toMatchObject({ state: "failed", error: failure });
    expect(await outbox.decide(draft.id, { allow: true, expiresMs: t0 }, t0 + 2)).toBe(false);
    expect(await outbox.decide("nobody", { allow: true, expiresMs: t0 }, t0 + 2)).toBe(false);
  });

  it("M12: lets a part that comes back into its old place wait until the one on its way has arrived", async () => {
    const channel = names.next("channel");
    const held = to(channel, { state: "held" });
    const behind = { ...draftOf(names, "x"), address: held.address };
    const last = { ...draftOf(names, "x"), address: held.address };
    for (const draft of [held, behind, last]) await add(draft);
    const { outbox } = rig.store();
    await outbox.sending(behind.id, t0);
    await outbox.decide(held.id, { allow: true, expiresMs: t0 + 9_000 }, t0);
    expect(await ready([account(channel)])).toEqual([]);
    await outbox.settle(behind.id, { state: "sent", platformMessageIds: ["1"] }, t0);
    expect(await ready([account(channel)])).toEqual([held.id]);
  });

  it("lets a part wait longer without counting an attempt, and its chat behind it", async () => {
    const channel = names.next("channel");
    const one = to(channel);
    const two = { ...draftOf(names, "x"), address: one.address };
    for (const draft of [one, two]) await add(draft);
    const { outbox } = rig.store();
    await outbox.postpone(one.id, t0 + 400);
    await outbox.postpone(one.id, t0 + 300);
    expect(await ready([account(channel)], t0 + 399)).toEqual([]);
    expect(await outbox.get(one.id)).toMatchObject({ state: "prepared", attempts: 0, nextAttemptMs: t0 + 400 });
    expect(await ready([account(channel)], t0 + 400)).toEqual([one.id]);
    // Between two pieces: what began as an attempt was none.
    await outbox.sending(one.id, t0 + 400);
    await outbox.progress(one.id, 1, ["pm"], t0 + 400);
    await outbox.postpone(one.id, t0 + 500);
    expect(await outbox.get(one.id)).toMatchObject({
      state: "prepared",
      attempts: 0,
      chunksSent: 1,
      nextAttemptMs: t0 + 500,
    });
    expect(await ready([account(channel)], t0 + 499)).toEqual([]);
    expect(await ready([account(channel)], t0 + 500)).toEqual([one.id]);
    await outbox.settle(one.id, { state: "failed", error: failure }, t0 + 500);
    await expect(outbox.postpone(one.id, t0 + 600)).rejects.toMatchObject(elsewhere);
    await expect(outbox.postpone("nobody", t0)).rejects.toMatchObject({ code: "RPC_007" });
  });

  it("tells the transcript of a part that arrived after all, in the same commit", async () => {
    const key = names.next("s");
    await rig.store().sessions.open(key, "main", { sessionId: names.next("id"), atMs: t0 });
    const draft = to(names.next("channel"));
    await add(draft, key);
    const { outbox } = rig.store();
    await outbox.sending(draft.id, t0);
    const line = transcriptDraft(names, "arrived after all");
    await outbox.settle(draft.id, { state: "sent", platformMessageIds: ["pm"], transcript: line }, t0);
    expect((await (await rig.reopen()).sessions.transcript(key)).map((entry) => entry.body)).toEqual([line.body]);
  });

  it("tells chat and transcript of a part that expired, in the same commit and once", async () => {
    const channel = names.next("channel");
    const key = names.next("s");
    await rig.store().sessions.open(key, "main", { sessionId: names.next("id"), atMs: t0 });
    const [one, two] = [to(channel), to(channel)];
    const notice = to(channel, { reply: { markdown: "a reply has expired" } });
    for (const draft of [one, two]) await add(draft, key);
    const { outbox } = rig.store();
    const line = transcriptDraft(names, "never arrived");
    await outbox.settle(one.id, { state: "expired", error: failure, notice, transcript: line }, t0 + 1);
    const store = await rig.reopen();
    expect(await store.outbox.get(notice.id)).toMatchObject({
      state: "prepared",
      sessionKey: key,
      reply: notice.reply,
    });
    expect(await store.sessions.transcript(key)).toMatchObject([{ id: line.id, seq: 1 }]);
    const repeated = { ...notice, reply: { markdown: "again" } };
    await store.outbox.settle(two.id, { state: "failed", error: failure, notice: repeated }, t0 + 2);
    expect((await ready([account(channel)], t0 + 2)).filter((id) => id === notice.id)).toHaveLength(1);
    expect((await store.outbox.get(notice.id))?.reply).toEqual(notice.reply);
    await expect(
      store.outbox.settle(two.id, { state: "failed", error: failure, transcript: line }, t0 + 3),
    ).rejects.toMatchObject(elsewhere);
    expect(await store.sessions.transcript(key)).toHaveLength(1);
  });

  it("writes no transcript where the session is gone, and settles the part all the same", async () => {
    const draft = to(names.next("channel"));
    await add(draft, names.next("never-opened"));
    const transcript = transcriptDraft(names, "x");
    await rig.store().outbox.settle(draft.id, { state: "failed", error: failure, transcript }, t0);
    expect(await rig.store().outbox.get(draft.id)).toMatchObject({ state: "failed" });
    expect(await rig.store().sessions.get(`never-opened`)).toBeNull();
  });

  it("N13: finds the part by the platform's id after a restart, as soon as a piece of it is confirmed", async () => {
    const channel = names.next("channel");
    const draft = to(channel);
    await add(draft);
    await rig.store().outbox.sending(draft.id, t0);
    await rig.store().outbox.progress(draft.id, 1, ["m-1"], t0);
    const at = draft.address;
    const { outbox } = await rig.reopen();
    expect(await outbox.byPlatformId(at, "m-1")).toMatchObject({ id: draft.id, platformMessageIds: ["m-1"] });
    expect(await outbox.byPlatformId(at, "m-2")).toBeNull();
    await outbox.settle(draft.id, { state: "sent", platformMessageIds: ["m-1", "m-2"] }, t0);
    expect((await outbox.byPlatformId(at, "m-2"))?.id).toBe(draft.id);
    for (const other of [{ chatId: "other" }, { accountId: "other" }, { channel: "other" }]) {
      expect(await outbox.byPlatformId({ ...at, ...other }, "m-1")).toBeNull();
    }
  });

  it("N13: gives a replaced message to the part that replaced it, and a touched one to nobody else", async () => {
    const channel = names.next("channel");
    const original = to(channel);
    const on = (action: OutboxDraft["action"]): OutboxDraft => ({
      ...draftOf(names, "x"),
      address: original.address,
      ...(action === undefined ? {} : { action }),
    });
    const edit = on({ type: "edit", messageId: "m-1" });
    const reaction = on({ type: "react", messageId: "m-1", emoji: "👍" });
    for (const draft of [original, edit, reaction]) {
      await add(draft);
      await rig.store().outbox.sending(draft.id, t0);
      await rig.store().outbox.settle(draft.id, { state: "sent", platformMessageIds: ["m-1"] }, t0);
    }
    expect((await rig.store().outbox.byPlatformId(original.address, "m-1"))?.id).toBe(edit.id);
    await rig.store().prune({ beforeMs: t0 + 1, limit: 100_000 });
    expect(await rig.store().outbox.byPlatformId(original.address, "m-1")).toBeNull();
  });
}
