/** Rules of dead letters: what is on the list, for how long, and what brings it back or takes it off. */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { InboxEntry, OutboxDraft } from "../port.ts";
import { createNames, drain, draftOf, entryOf, failure, resultOf, startTurn, t0 } from "./samples.ts";

const forever = Number.MAX_SAFE_INTEGER;

export function deadLetterRules(rig: Rig): void {
  const names = createNames("letter");
  const again = { atMs: t0 + 5_000, expiresMs: t0 + 90_000 };
  const listed = async (): Promise<string[]> =>
    (await rig.store().deadLetters.list({ limit: 1_000 })).map((letter) => letter.id);
  const claim = () => rig.store().inbox.claim({ owner: "w", leaseMs: 1_000, atMs: again.atMs, agingMs: 0 });
  const deadMessage = async (key = names.next("s"), atMs: number = t0 + 1): Promise<InboxEntry> => {
    const entry = entryOf(names, key);
    await rig.store().inbox.admit(entry, { atMs: t0 });
    await rig.store().inbox.end(entry.message.id, "dead", "nobody could answer", atMs);
    return entry;
  };
  const deadPart = async (atMs: number = t0 + 1): Promise<OutboxDraft> => {
    const draft = draftOf(names, names.next("chat"));
    await rig.store().outbox.add(draft, { sessionKey: "s", runId: null, atMs: t0 });
    await rig.store().outbox.sending(draft.id, t0);
    await rig.store().outbox.progress(draft.id, 1, ["pm"], t0);
    await rig.store().outbox.settle(draft.id, { state: "failed", error: failure }, atMs);
    return draft;
  };
  beforeEach(async () => {
    await drain(rig.store());
    await rig.store().deadLetters.purge({ beforeMs: forever }, t0);
  });

  it("M8, M10: lists what was never answered and what never arrived, newest first, over a restart too", async () => {
    const dead = await deadMessage(names.next("s"), t0 + 1);
    const part = await deadPart(t0 + 3);
    const expired = entryOf(names, names.next("s"));
    await rig.store().inbox.admit(expired, { atMs: t0 });
    await rig.store().inbox.end(expired.message.id, "expired", "older than a day", t0 + 2);
    const failed = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), failed);
    const end = { state: "dead", reason: "no model" } as const;
    await rig.store().turns.finish(lease, resultOf({ state: "error", inbox: end, atMs: t0 + 4 }));
    const store = await rig.reopen();
    const letters = await store.deadLetters.list({ limit: 10 });
    expect(letters.map(({ kind, id, atMs, reason }) => [kind, id, atMs, reason])).toEqual([
      ["message", failed.message.id, t0 + 4, "no model"],
      ["part", part.id, t0 + 3, failure.message],
      ["message", expired.message.id, t0 + 2, "older than a day"],
      ["message", dead.message.id, t0 + 1, "nobody could answer"],
    ]);
    expect(await store.deadLetters.count()).toBe(4);
    expect((await store.deadLetters.list({ limit: 2 })).map(({ atMs }) => atMs)).toEqual([t0 + 4, t0 + 3]);
    expect((await store.deadLetters.list({ limit: 9, beforeMs: t0 + 3 })).map(({ atMs }) => atMs)).toEqual([
      t0 + 2,
      t0 + 1,
    ]);
    expect(await store.deadLetters.get(part.id)).toMatchObject({ kind: "part", row: { reply: part.reply } });
    expect(await store.deadLetters.get(dead.message.id)).toMatchObject({ row: { message: dead.message } });
    expect(await store.deadLetters.get("nobody")).toBeNull();
  });

  it("lists nothing whose caller knows, or that came to another end", async () => {
    const ends = ["merged", "expired", "dead"] as const;
    for (const state of ends) {
      const entry = entryOf(names, names.next("s"), { ephemeral: state !== "merged" });
      await rig.store().inbox.admit(entry, { atMs: t0 });
      await rig.store().inbox.end(entry.message.id, state, "over", t0);
    }
    await rig.store().inbox.reject(entryOf(names, names.next("s")), "sender-not-allowed", t0);
    const lease = await startTurn(rig.store(), entryOf(names, names.next("s")));
    await rig.store().turns.finish(lease, resultOf({ outbox: [draftOf(names, "c", { state: "sent" })] }));
    const doubt = draftOf(names, names.next("chat"));
    await rig.store().outbox.add(doubt, { sessionKey: "s", runId: null, atMs: t0 });
    await rig.store().outbox.sending(doubt.id, t0);
    await rig.store().outbox.settle(doubt.id, { state: "unknown", error: failure }, t0);
    expect(await listed()).toEqual([]);
  });

  it("M9, M10: replays a message once, in its place and with its keys, as if it had never been taken", async () => {
    const key = names.next("s");
    const entry = entryOf(names, key);
    const lease = await startTurn(rig.store(), entry);
    const step = { runId: entry.runId, index: 0, kind: "model", record: {}, atMs: t0 } as const;
    await rig.store().turns.appendStep(lease, step, { ledger: [] });
    const end = { state: "dead", reason: "three attempts" } as const;
    await rig.store().turns.finish(lease, resultOf({ state: "error", inbox: end }));
    const behind = entryOf(names, key);
    await rig.store().inbox.admit(behind, { atMs: t0 + 2_000 });
    const outcomes = await Promise.all([1, 2, 3].map(() => rig.store().deadLetters.replay(entry.message.id, again)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    const store = await rig.reopen();
    expect(await store.deadLetters.replay(entry.message.id, again)).toBe(false);
    expect(await listed()).toEqual([]);
    expect(await store.turns.get(entry.runId)).toBeNull();
    expect(await store.turns.steps(entry.runId)).toEqual([]);
    expect(await store.inbox.byDedupeKey(entry.dedupeKey)).toMatchObject({
      ...entry,
      state: "queued",
      reason: null,
      attempts: 0,
      expiresMs: again.expiresMs,
      endedMs: null,
    });
    await expect(store.turns.finish(lease, resultOf())).rejects.toMatchObject({ code: "STORE_003" });
    const copy = { ...entryOf(names, key), dedupeKey: entry.dedupeKey };
    expect((await store.inbox.admit(copy, { atMs: again.atMs })).outcome).toBe("duplicate");
    const claimed = await claim();
    expect(claimed).toMatchObject({ row: { message: { id: entry.message.id }, attempts: 1 } });
    expect(claimed?.lease.epoch).toBeGreaterThan(lease.epoch);
    if (claimed !== null) await store.turns.finish(claimed.lease, resultOf({ text: "at last" }));
    expect(await store.turns.get(entry.runId)).toMatchObject({ state: "final", text: "at last" });
    expect((await claim())?.row.message.id).toBe(behind.message.id);
  });

  it("waits with a replay for the turn that runs in its session", async () => {
    const key = names.next("s");
    const entry = await deadMessage(key);
    const running = await startTurn(rig.store(), entryOf(names, key));
    await rig.store().deadLetters.replay(entry.message.id, again);
    expect(await rig.store().inbox.claim({ owner: "w", leaseMs: 1, atMs: t0 + 10, agingMs: 0 })).toBeNull();
    await rig.store().turns.finish(running, resultOf());
    expect((await claim())?.row.message.id).toBe(entry.message.id);
  });

  it("M10: replays a part once, behind what was confirmed of it", async () => {
    const part = await deadPart();
    expect(await rig.store().deadLetters.replay(part.id, again)).toBe(true);
    expect(await rig.store().deadLetters.replay(part.id, again)).toBe(false);
    expect(await rig.store().outbox.get(part.id)).toMatchObject({
      state: "prepared",
      attempts: 0,
      chunksSent: 1,
      platformMessageIds: ["pm"],
      expiresMs: again.expiresMs,
      error: failure,
    });
    expect(await rig.store().deadLetters.get(part.id)).toBeNull();
    expect(await rig.store().deadLetters.replay("nobody", again)).toBe(false);
  });

  it("M10: purges by id and by age, drops the content, and still knows the event", async () => {
    const [old, recent] = [await deadMessage(names.next("s"), t0 + 1), await deadMessage(names.next("s"), t0 + 9)];
    const part = await deadPart(t0 + 1);
    expect(await rig.store().deadLetters.purge({ ids: [part.id, recent.message.id, "nobody"] }, t0 + 10)).toBe(2);
    expect(await rig.store().deadLetters.purge({ beforeMs: t0 + 1 }, t0 + 10)).toBe(0);
    expect(await rig.store().deadLetters.purge({ beforeMs: t0 + 2 }, t0 + 10)).toBe(1);
    const store = await rig.reopen();
    expect(await store.deadLetters.count()).toBe(0);
    for (const entry of [old, recent]) {
      const row = await store.inbox.get(entry.message.id);
      expect(row).toMatchObject({ state: "dead", options: {}, message: { content: [], raw: null } });
      const copy = { ...entryOf(names, "s"), dedupeKey: entry.dedupeKey };
      expect((await store.inbox.admit(copy, { atMs: t0 + 20 })).outcome).toBe("duplicate");
      expect(await store.deadLetters.replay(entry.message.id, again)).toBe(false);
    }
    expect(await store.outbox.get(part.id)).toMatchObject({ state: "failed", reply: { markdown: "" } });
    expect(await store.deadLetters.replay(part.id, again)).toBe(false);
    expect(await store.outbox.resubmit(part.id, again)).toBe(false);
  });

  it("M8: keeps a dead letter over every pruning until it is off the list", async () => {
    const entry = await deadMessage();
    const part = await deadPart();
    await rig.store().prune({ beforeMs: t0 + 1_000, limit: 100_000 });
    expect((await listed()).toSorted()).toEqual([entry.message.id, part.id].toSorted());
    await rig.store().deadLetters.purge({ beforeMs: forever }, t0);
    expect(await rig.store().prune({ beforeMs: t0 + 1_000, limit: 100_000 })).toBe(2);
    expect(await rig.store().inbox.get(entry.message.id)).toBeNull();
    expect(await rig.store().outbox.get(part.id)).toBeNull();
  });
}
