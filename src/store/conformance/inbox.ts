/** Rules of the inbox: admission once, order within a session, priorities, leases, and one end for every message. */
import { beforeEach, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { Rig } from "../conformance.ts";
import type { InboxRow } from "../port.ts";
import { createNames, drain, entryOf, resultOf, startTurn, t0, transcriptDraft } from "./samples.ts";

const minute = 60_000;
const lost = { code: "STORE_003" };

export function inboxRules(rig: Rig): void {
  const names = createNames("inbox");
  const claim = (changes: { atMs?: number; owner?: string; agingMs?: number } = {}) =>
    rig.store().inbox.claim({ owner: "w", leaseMs: minute, atMs: t0, agingMs: 0, ...changes });
  beforeEach(() => drain(rig.store()));

  it("gives back a message as it was admitted, over a restart too", async () => {
    const entry = entryOf(names, names.next("s"), { priority: "high" });
    const admitted = await rig.store().inbox.admit(entry, { atMs: t0 });
    const expected: InboxRow = {
      ...entry,
      state: "queued",
      reason: null,
      attempts: 0,
      admittedMs: t0,
      leaseOwner: null,
      leaseEpoch: 0,
      leaseUntilMs: 0,
      endedMs: null,
    };
    expect(admitted).toEqual({ outcome: "accepted", row: expected, lease: null });
    expect(await rig.store().inbox.get(entry.message.id)).toEqual(expected);
    await rig.reopen();
    expect(await rig.store().inbox.byRunId(entry.runId)).toEqual(expected);
    expect(await rig.store().inbox.get("nobody")).toBeNull();
    expect(await rig.store().inbox.byRunId("nobody")).toBeNull();
  });

  it("takes a time that never comes, and refuses one that is none", async () => {
    const forever = entryOf(names, names.next("s"), { expiresMs: Number.POSITIVE_INFINITY });
    await rig.store().inbox.admit(forever, { atMs: t0 });
    expect((await rig.store().inbox.get(forever.message.id))?.expiresMs).toBeGreaterThan(t0 * 1_000);
    const never = entryOf(names, names.next("s"), { expiresMs: Number.NaN });
    await expect(rig.store().inbox.admit(never, { atMs: t0 })).rejects.toMatchObject({ code: "SYS_001" });
    expect(await rig.store().inbox.get(never.message.id)).toBeNull();
  });

  it("keeps keys apart that differ only in what no one can see", async () => {
    const base = names.next("same");
    for (const ending of ["a", "a\u0000", "a\u0000b", "A", " a", "a\u200b"]) {
      const key = base + ending;
      const entry = { ...entryOf(names, key), dedupeKey: key };
      expect((await rig.store().inbox.admit(entry, { atMs: t0 })).outcome).toBe("accepted");
      expect((await rig.store().inbox.get(entry.message.id))?.sessionKey).toBe(key);
    }
  });

  it("accepts one of a hundred concurrent copies of an event, and knows it after a restart", async () => {
    const original = entryOf(names, names.next("s"));
    const copies = Array.from({ length: 100 }, () => {
      const copy = entryOf(names, original.sessionKey);
      return { ...copy, dedupeKey: original.dedupeKey };
    });
    const outcomes = await Promise.all(copies.map((copy) => rig.store().inbox.admit(copy, { atMs: t0 })));
    expect(outcomes.filter((outcome) => outcome.outcome === "accepted")).toHaveLength(1);
    const store = await rig.reopen();
    const late = await store.inbox.admit({ ...entryOf(names, "other"), dedupeKey: original.dedupeKey }, { atMs: t0 });
    expect(late.outcome).toBe("duplicate");
    expect((await store.inbox.counts()).queued).toBe(1);
  });

  it("knows a message by its run id and its own id too", async () => {
    const first = entryOf(names, names.next("s"));
    await rig.store().inbox.admit(first, { atMs: t0 });
    const sameRun = await rig.store().inbox.admit({ ...entryOf(names, "s2"), runId: first.runId }, { atMs: t0 });
    const sameId = await rig.store().inbox.admit({ ...entryOf(names, "s2"), message: first.message }, { atMs: t0 });
    for (const again of [sameRun, sameId]) {
      expect(again).toMatchObject({ outcome: "duplicate", existing: { runId: first.runId, state: "queued" } });
    }
  });

  it("forgets a dedupe key after its window, once the message has ended", async () => {
    const first = entryOf(names, names.next("s"));
    const again = (): ReturnType<typeof entryOf> => ({
      ...entryOf(names, first.sessionKey),
      dedupeKey: first.dedupeKey,
    });
    const lease = await startTurn(rig.store(), first);
    const outside = t0 + limits.idempotencyTtlMs + 1;
    expect((await rig.store().inbox.admit(again(), { atMs: outside })).outcome).toBe("duplicate");
    await rig.store().turns.finish(lease, resultOf());
    expect((await rig.store().inbox.admit(again(), { atMs: outside - 1 })).outcome).toBe("duplicate");
    expect((await rig.store().inbox.admit(again(), { atMs: outside })).outcome).toBe("accepted");
    expect((await rig.store().inbox.admit(again(), { atMs: outside + 1 })).outcome).toBe("duplicate");
    expect((await rig.store().inbox.get(first.message.id))?.dedupeKey).toBe(first.dedupeKey);
  });

  it("writes a refusal with its reason, once, and never runs it", async () => {
    const entry = entryOf(names, names.next("s"));
    const refused = await rig.store().inbox.reject(entry, "sender-not-allowed", t0);
    expect(refused).toMatchObject({ outcome: "accepted", lease: null, row: { state: "rejected", endedMs: t0 } });
    expect((await rig.store().inbox.reject(entry, "sender-not-allowed", t0)).outcome).toBe("duplicate");
    expect(await rig.store().inbox.get(entry.message.id)).toMatchObject({
      state: "rejected",
      reason: "sender-not-allowed",
      endedMs: t0,
    });
    expect(await claim()).toBeNull();
  });

  it("claims while admitting only where the session is free", async () => {
    const key = names.next("s");
    const claimFor = { owner: "w", leaseMs: minute };
    const [first, second] = await Promise.all([
      rig.store().inbox.admit(entryOf(names, key), { atMs: t0, claimFor }),
      rig.store().inbox.admit(entryOf(names, key), { atMs: t0, claimFor }),
    ]);
    expect(first).toMatchObject({ lease: { owner: "w", epoch: 1 }, row: { state: "running", attempts: 1 } });
    expect(second).toMatchObject({ lease: null, row: { state: "queued" } });
    expect(await claim()).toBeNull();
    const later = await rig
      .store()
      .inbox.admit(entryOf(names, names.next("s"), { dueMs: t0 + 1 }), { atMs: t0, claimFor });
    expect(later).toMatchObject({ lease: null });
  });

  it("opens the session in the commit of the admission", async () => {
    const key = names.next("s");
    const admit = (changes = {}) =>
      rig.store().inbox.admit(entryOf(names, key, changes), { atMs: t0, openSession: { sessionId: names.next("id") } });
    const first = await admit();
    expect(first).toMatchObject({ session: { created: true, row: { sessionKey: key, lastAddress: { chatId: key } } } });
    const second = await admit();
    expect(second).toMatchObject({ session: { created: false } });
    const row = await rig.store().sessions.get(key);
    expect("session" in second && second.session?.row).toEqual(row);
    expect(await admit({ ephemeral: true })).not.toHaveProperty("session");
  });

  it("I5: begins a session anew that was silent for too long, and keeps what was said in it", async () => {
    const key = names.next("s");
    const minute = 60_000;
    const admit = (atMs: number, staleBeforeMs: number | null) =>
      rig
        .store()
        .inbox.admit(entryOf(names, key), { atMs, openSession: { sessionId: names.next("id"), staleBeforeMs } });
    const sessionOf = (admitted: Awaited<ReturnType<typeof admit>>) =>
      admitted.outcome === "accepted" ? admitted.session : undefined;
    const first = sessionOf(await admit(t0, t0 - 30 * minute));
    expect(first).toMatchObject({ created: true, renewed: false });
    await rig.store().sessions.append(key, [transcriptDraft(names, "long ago")], t0);
    // Something of it still waits: it is not over.
    expect(sessionOf(await admit(t0 + 31 * minute, t0 + minute))).toMatchObject({ renewed: false });
    for (let left = 2; left > 0; left -= 1) {
      const claimed = await rig.store().inbox.claim({ owner: "w", leaseMs: 1, atMs: t0 + 31 * minute, agingMs: 1 });
      await rig.store().inbox.end(claimed?.row.message.id ?? "", "merged", "test", t0 + 31 * minute);
    }
    // Used a minute too late to be stale.
    expect(sessionOf(await admit(t0 + 61 * minute, t0 + 31 * minute))).toMatchObject({ renewed: false });
    const last = await rig.store().inbox.claim({ owner: "w", leaseMs: 1, atMs: t0 + 61 * minute, agingMs: 1 });
    await rig.store().inbox.end(last?.row.message.id ?? "", "merged", "test", t0 + 61 * minute);
    const anew = sessionOf(await admit(t0 + 92 * minute, t0 + 62 * minute));
    expect(anew).toMatchObject({ created: false, renewed: true, row: { messageCount: 0 } });
    expect(anew?.row.sessionId).not.toBe(first?.row.sessionId);
    const old = await rig.store().sessions.transcript(key, { sessionId: first?.row.sessionId ?? "" });
    expect(JSON.stringify(old)).toContain("long ago");
    expect(await rig.store().sessions.transcript(key)).toEqual([]);
  });

  it("hands out the messages of a session one at a time, in the order of their arrival, whatever their priority", async () => {
    const key = names.next("s");
    const entries = [];
    for (const priority of ["low", "normal", "critical"] as const) {
      const entry = entryOf(names, key, { priority });
      await rig.store().inbox.admit(entry, { atMs: t0 });
      entries.push(entry);
    }
    for (const entry of entries) {
      const claimed = await claim();
      expect(claimed?.row.message.id).toBe(entry.message.id);
      expect(await claim()).toBeNull();
      if (claimed !== null) await rig.store().turns.finish(claimed.lease, resultOf());
    }
    expect(await claim()).toBeNull();
  });

  it("M1: prefers the higher class, and lifts a class for each aging period waited", async () => {
    const low = entryOf(names, names.next("s"), { priority: "low" });
    await rig.store().inbox.admit(low, { atMs: t0 });
    const ids: (string | undefined)[] = [];
    for (const priority of ["normal", "high", "critical"] as const) {
      await rig.store().inbox.admit(entryOf(names, priority + names.next("s"), { priority }), { atMs: t0 + 150 });
    }
    for (let round = 0; round < 2; round += 1) {
      ids.push((await claim({ atMs: t0 + 150, agingMs: 100 }))?.row.priority);
    }
    // At +150 the low one counts as normal and has waited longer than the normal one.
    expect(ids).toEqual(["critical", "high"]);
    await rig.store().inbox.admit(entryOf(names, names.next("s"), { priority: "critical" }), { atMs: t0 + 340 });
    // After three periods it stands beside the critical ones, and came first.
    expect((await claim({ atMs: t0 + 340, agingMs: 100 }))?.row.message.id).toBe(low.message.id);
    expect((await claim({ atMs: t0 + 340, agingMs: 100 }))?.row.priority).toBe("critical");
    expect((await claim({ atMs: t0 - 999_999, agingMs: 100 }))?.row.priority).toBe("normal");
  });

  it("M2: over a restart, keeps a scheduled message back until it is due, without holding up its session", async () => {
    const key = names.next("s");
    const later = entryOf(names, key, { dueMs: t0 + 1_000 });
    const now = entryOf(names, key);
    await rig.store().inbox.admit(later, { atMs: t0 });
    await rig.store().inbox.admit(now, { atMs: t0 });
    expect(await rig.store().inbox.nextDueMs(t0)).toBe(t0 + 1_000);
    expect(await rig.store().inbox.nextDueMs(t0 + 1_000)).toBeNull();
    const first = await claim();
    expect(first?.row.message.id).toBe(now.message.id);
    await rig.reopen();
    expect(await claim({ atMs: t0 + 999 })).toBeNull();
    if (first !== null) await rig.store().turns.finish(first.lease, resultOf());
    expect(await claim({ atMs: t0 + 999 })).toBeNull();
    expect((await claim({ atMs: t0 + 1_000 }))?.row.message.id).toBe(later.message.id);
  });

  it("M6: a dead worker's lease runs out and another takes over; a renewed one is not stolen; the dead one cannot write", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry, "dies");
    expect(await claim({ atMs: t0 + limits.leaseMs / 10 })).toBeNull();
    await rig.store().inbox.renew(lease, t0 + limits.leaseMs);
    expect(await claim({ atMs: t0 + limits.leaseMs })).toBeNull();
    const taken = await claim({ atMs: t0 + limits.leaseMs + 1, owner: "heir" });
    expect(taken).toMatchObject({ row: { attempts: 2, message: { id: entry.message.id } }, lease: { epoch: 2 } });
    const step = { runId: entry.runId, index: 0, kind: "model", record: {}, atMs: t0 } as const;
    await expect(rig.store().inbox.renew(lease, t0 + 9e9)).rejects.toMatchObject(lost);
    await expect(rig.store().inbox.release(lease, t0)).rejects.toMatchObject(lost);
    await expect(rig.store().turns.appendStep(lease, step, { ledger: [] })).rejects.toMatchObject(lost);
    await expect(rig.store().turns.finish(lease, resultOf({ text: "stale" }))).rejects.toMatchObject(lost);
    expect(await rig.store().turns.steps(entry.runId)).toEqual([]);
    if (taken !== null) await rig.store().turns.finish(taken.lease, resultOf({ text: "fresh" }));
    expect((await rig.store().turns.get(entry.runId))?.text).toBe("fresh");
  });

  it("renews a lease that ran out while nobody wanted it", async () => {
    const lease = await startTurn(rig.store(), entryOf(names, names.next("s")));
    await rig.store().inbox.renew(lease, t0 + 10 * minute);
    expect(await claim({ atMs: t0 + 5 * minute })).toBeNull();
  });

  it("takes a message back unfinished without counting the attempt", async () => {
    const key = names.next("s");
    const lease = await startTurn(rig.store(), entryOf(names, key));
    const second = entryOf(names, key);
    await rig.store().inbox.admit(second, { atMs: t0 });
    await rig.store().inbox.release(lease, t0 + 1);
    expect(await rig.store().inbox.get(lease.messageId)).toMatchObject({
      state: "queued",
      attempts: 0,
      leaseOwner: null,
    });
    const again = await claim({ atMs: t0 + 2 });
    expect(again).toMatchObject({ row: { message: { id: lease.messageId }, attempts: 1 }, lease: { epoch: 2 } });
  });

  it("ends a message without a turn, once, and lets the next one go", async () => {
    const key = names.next("s");
    const [first, second, third] = [entryOf(names, key), entryOf(names, key), entryOf(names, key)];
    for (const entry of [first, second, third]) await rig.store().inbox.admit(entry, { atMs: t0 });
    await rig.store().inbox.end(second.message.id, "merged", "into the message before", t0 + 1);
    await rig.store().inbox.end(first.message.id, "expired", "older than its limit", t0 + 2);
    expect(await rig.store().inbox.get(first.message.id)).toMatchObject({ state: "expired", endedMs: t0 + 2 });
    await expect(rig.store().inbox.end(first.message.id, "dead", "again", t0)).rejects.toMatchObject(lost);
    await expect(rig.store().inbox.end("nobody", "dead", "x", t0)).rejects.toMatchObject({ code: "RPC_007" });
    expect((await claim())?.row.message.id).toBe(third.message.id);
  });

  it("ends a running message over its worker's head", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    await rig.store().inbox.end(entry.message.id, "dead", "purged", t0 + 5);
    await expect(rig.store().turns.finish(lease, resultOf())).rejects.toMatchObject(lost);
    expect(await rig.store().turns.get(entry.runId)).toMatchObject({ state: "aborted", endedMs: t0 + 5 });
  });

  it("hands out a message past its expiry, so that it ends with a reason", async () => {
    const entry = entryOf(names, names.next("s"), { expiresMs: t0 + 1 });
    await rig.store().inbox.admit(entry, { atMs: t0 });
    expect((await claim({ atMs: t0 + 10 }))?.row.expiresMs).toBe(t0 + 1);
  });

  it("lets ephemeral messages pass each other and the session", async () => {
    const key = names.next("s");
    const claimFor = { owner: "w", leaseMs: minute };
    await startTurn(rig.store(), entryOf(names, key));
    for (let round = 0; round < 3; round += 1) {
      const admitted = await rig.store().inbox.admit(entryOf(names, key, { ephemeral: true }), { atMs: t0, claimFor });
      expect(admitted).toMatchObject({ lease: { epoch: 1 } });
    }
    expect((await rig.store().inbox.counts()).running).toBe(4);
  });

  it("recovers: foreign turns are queued again with a higher epoch, what nobody waits for expires", async () => {
    const key = names.next("s");
    const entry = entryOf(names, key);
    const lease = await startTurn(rig.store(), entry, "before");
    const behind = entryOf(names, key);
    await rig.store().inbox.admit(behind, { atMs: t0 });
    const mine = await startTurn(rig.store(), entryOf(names, names.next("s")), "now");
    const running = entryOf(names, key, { ephemeral: true });
    await startTurn(rig.store(), running, "before");
    const waiting = entryOf(names, key, { ephemeral: true });
    await rig.store().inbox.admit(waiting, { atMs: t0 });
    const store = await rig.reopen();
    expect(await store.inbox.recover("now", t0 + 10)).toEqual({ requeued: 1, expired: 2 });
    for (const ephemeral of [running, waiting]) {
      expect(await store.inbox.get(ephemeral.message.id)).toMatchObject({ state: "expired", endedMs: t0 + 10 });
    }
    expect(await store.turns.get(running.runId)).toMatchObject({ state: "aborted" });
    expect(await store.inbox.get(entry.message.id)).toMatchObject({ state: "queued", leaseEpoch: lease.epoch + 1 });
    await expect(store.turns.finish(lease, resultOf())).rejects.toMatchObject(lost);
    await store.inbox.renew(mine, t0 + minute);
    const again = await claim({ owner: "now", atMs: t0 + 11 });
    expect(again).toMatchObject({ row: { message: { id: entry.message.id }, attempts: 2 } });
    expect(again?.lease.epoch).toBeGreaterThan(lease.epoch);
  });

  it("counts what waits and what runs", async () => {
    expect(await rig.store().inbox.counts()).toEqual({ queued: 0, running: 0, oldestQueuedMs: null });
    await startTurn(rig.store(), entryOf(names, names.next("s")));
    await rig.store().inbox.admit(entryOf(names, names.next("s")), { atMs: t0 + 7 });
    await rig.store().inbox.admit(entryOf(names, names.next("s")), { atMs: t0 + 3 });
    expect(await rig.store().inbox.counts()).toEqual({ queued: 2, running: 1, oldestQueuedMs: t0 + 3 });
  });

  it("prunes ended messages by age and leaves what is unfinished", async () => {
    const old = entryOf(names, names.next("s"));
    const part = { id: names.next("part") };
    const lease = await startTurn(rig.store(), old);
    const { address } = old.message;
    const draft = {
      ...part,
      address,
      replyToId: null,
      reply: { markdown: "x" },
      expiresMs: t0,
      state: "sent",
    } as const;
    await rig.store().turns.finish(lease, resultOf({ outbox: [draft], atMs: t0 - 5_000 }));
    const open = entryOf(names, names.next("s"));
    await rig.store().inbox.admit(open, { atMs: t0 - 9_000 });
    expect(await rig.store().prune({ beforeMs: t0 - 4_999, limit: 1_000 })).toBe(2);
    expect(await rig.store().inbox.get(old.message.id)).toBeNull();
    expect(await rig.store().turns.get(old.runId)).toBeNull();
    expect(await rig.store().outbox.get(part.id)).toBeNull();
    expect(await rig.store().inbox.get(open.message.id)).not.toBeNull();
  });
}
