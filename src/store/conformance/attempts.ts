/** Rules of attempts that failed or crashed: when a message is taken again, who waits behind it, and who does not. */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { Lease } from "../port.ts";
import { createNames, drain, entryOf, resultOf, startTurn, t0 } from "./samples.ts";

const minute = 60_000;
const lost = { code: "STORE_003" };

export function attemptRules(rig: Rig): void {
  const names = createNames("attempt");
  const claim = (atMs: number, owner = "w") => rig.store().inbox.claim({ owner, leaseMs: minute, atMs, agingMs: 0 });
  const fail = (lease: Lease, untilMs: number, atMs = t0) =>
    rig.store().inbox.retry(lease, { atMs, untilMs, reason: "no model answered" });
  beforeEach(() => drain(rig.store()));

  it("M9, M12: takes a message again when its pause is over and not before, its session waits, another does not", async () => {
    const key = names.next("s");
    const lease = await startTurn(rig.store(), entryOf(names, key));
    const behind = entryOf(names, key);
    const elsewhere = entryOf(names, names.next("s"));
    for (const entry of [behind, elsewhere]) await rig.store().inbox.admit(entry, { atMs: t0 });
    await fail(lease, t0 + 4_000);
    expect(await rig.store().inbox.get(lease.messageId)).toMatchObject({
      state: "queued",
      attempts: 1,
      leaseOwner: null,
      endedMs: null,
    });
    expect((await claim(t0 + 1))?.row.message.id).toBe(elsewhere.message.id);
    expect(await claim(t0 + 3_999)).toBeNull();
    expect(await rig.store().inbox.nextDueMs(t0)).toBe(t0 + 4_000);
    const store = await rig.reopen();
    await store.inbox.recover("w", t0 + 3_999);
    expect(await claim(t0 + 3_999)).toBeNull();
    const again = await claim(t0 + 4_000);
    expect(again).toMatchObject({ row: { message: { id: lease.messageId }, attempts: 2 }, lease: { epoch: 2 } });
    expect(await store.inbox.nextDueMs(t0)).toBeNull();
    expect(await claim(t0 + 9_000)).toBeNull();
    if (again !== null) await store.turns.finish(again.lease, resultOf());
    expect((await claim(t0 + 9_000))?.row.message.id).toBe(behind.message.id);
  });

  it("takes back the lease of an attempt that was given up, and keeps its steps for the next one", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const step = { runId: entry.runId, index: 0, kind: "model", record: { said: 1 }, atMs: t0 } as const;
    await rig.store().turns.appendStep(lease, step, { ledger: [] });
    await fail(lease, t0 + 1);
    await expect(fail(lease, t0 + 1)).rejects.toMatchObject(lost);
    await expect(rig.store().inbox.renew(lease, t0 + minute)).rejects.toMatchObject(lost);
    await expect(rig.store().turns.finish(lease, resultOf())).rejects.toMatchObject(lost);
    expect(await rig.store().turns.steps(entry.runId)).toEqual([step]);
    expect(await rig.store().turns.get(entry.runId)).toMatchObject({ state: "running" });
  });

  it("counts a message that waits for its next attempt among the queued, and can end it", async () => {
    const key = names.next("s");
    const lease = await startTurn(rig.store(), entryOf(names, key));
    const behind = entryOf(names, key);
    await rig.store().inbox.admit(behind, { atMs: t0 + 5 });
    await fail(lease, t0 + minute);
    expect(await rig.store().inbox.counts()).toEqual({ queued: 2, running: 0, oldestQueuedMs: t0 });
    await rig.store().inbox.end(lease.messageId, "dead", "three attempts", t0 + 6);
    expect(await rig.store().inbox.nextDueMs(t0)).toBeNull();
    expect((await claim(t0 + 6))?.row.message.id).toBe(behind.message.id);
  });

  it("does not take a message new in its place when it comes to a session that waits", async () => {
    const key = names.next("s");
    const lease = await startTurn(rig.store(), entryOf(names, key));
    await fail(lease, t0 + 1_000);
    const claimFor = { owner: "w", leaseMs: minute };
    const next = await rig.store().inbox.admit(entryOf(names, key), { atMs: t0 + 2_000, claimFor });
    expect(next).toMatchObject({ outcome: "accepted", lease: null });
    expect((await claim(t0 + 2_000))?.row.message.id).toBe(lease.messageId);
  });

  it("lets what was under way in several crashes wait before it is tried again, and the innocent go on at once", async () => {
    const [key, other] = [names.next("s"), names.next("s")];
    const suspect = entryOf(names, key);
    await startTurn(rig.store(), suspect, "life-0");
    const behind = entryOf(names, key);
    await rig.store().inbox.admit(behind, { atMs: t0 });
    const pauseMs = (attempts: number): number => (attempts < 2 ? 0 : attempts * 1_000);
    await rig.store().inbox.recover("life-1", t0 + 10, pauseMs);
    const second = await claim(t0 + 10, "life-1");
    expect(second).toMatchObject({ row: { message: { id: suspect.message.id }, attempts: 2 } });
    const innocent = entryOf(names, other);
    await startTurn(rig.store(), innocent, "life-1");
    const store = await rig.reopen();
    expect(await store.inbox.recover("life-2", t0 + 20, pauseMs)).toEqual({ requeued: 2, expired: 0 });
    expect((await claim(t0 + 20, "life-2"))?.row.message.id).toBe(innocent.message.id);
    expect(await claim(t0 + 2_019, "life-2")).toBeNull();
    expect(await store.inbox.nextDueMs(t0 + 20)).toBe(t0 + 2_020);
    if (second !== null) await expect(store.turns.finish(second.lease, resultOf())).rejects.toMatchObject(lost);
    const third = await claim(t0 + 2_020, "life-2");
    expect(third).toMatchObject({ row: { message: { id: suspect.message.id }, attempts: 3 } });
    expect(third?.lease.epoch).toBeGreaterThan(second?.lease.epoch ?? 0);
  });

  it("ends at a restart what waited for an attempt that nobody waits for", async () => {
    const lease = await startTurn(rig.store(), entryOf(names, names.next("s"), { ephemeral: true }));
    await fail(lease, t0 + minute);
    const store = await rig.reopen();
    expect(await store.inbox.recover("next", t0 + 5)).toEqual({ requeued: 0, expired: 1 });
    expect(await store.inbox.get(lease.messageId)).toMatchObject({ state: "expired", endedMs: t0 + 5 });
  });
}
