/** Rules of the trace: every change of a message or a part tells of itself in its own commit, under each of its ids. */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import { createNames, drain, draftOf, entryOf, failure, resultOf, startTurn, t0 } from "./samples.ts";

export function traceRules(rig: Rig): void {
  const names = createNames("trace");
  const of = (id: string) => rig.store().trace.of(id);
  const types = async (id: string): Promise<string[]> => (await of(id)).map((event) => event.type);
  const claim = (atMs: number) => rig.store().inbox.claim({ owner: "w", leaseMs: 1_000, atMs, agingMs: 0 });
  beforeEach(() => drain(rig.store()));

  it("tells the whole way of a message under its id, its run's and its part's, over a restart too", async () => {
    const entry = entryOf(names, names.next("s"));
    const first = await startTurn(rig.store(), entry);
    const { inbox, turns } = rig.store();
    await inbox.retry(first, { atMs: t0 + 1, untilMs: t0 + 5, reason: "no model answered" });
    const second = await claim(t0 + 5);
    if (second !== null) await inbox.release(second.lease, t0 + 6);
    await claim(t0 + 7);
    await inbox.recover("next", t0 + 8, () => 2);
    const last = await claim(t0 + 10);
    const part = draftOf(names, names.next("chat"));
    if (last !== null) await turns.finish(last.lease, resultOf({ outbox: [part], atMs: t0 + 11 }));
    const { outbox } = await rig.reopen();
    await outbox.sending(part.id, t0 + 12);
    await outbox.settle(part.id, { state: "prepared", nextAttemptMs: t0 + 13, error: failure }, t0 + 12);
    await outbox.sending(part.id, t0 + 13);
    await outbox.progress(part.id, 1, ["7"], t0 + 13);
    await outbox.recover(t0 + 14);
    await outbox.settle(part.id, { state: "sent", platformMessageIds: ["7", "8"] }, t0 + 15);
    const partId = part.id;
    const told = [
      ["inbox.queued", 0, { channel: "irc", accountId: "default" }],
      ["inbox.running", 0, { attempt: 1, epoch: 1 }],
      ["inbox.retry", 1, { reason: "no model answered", attempt: 1, epoch: 1, untilMs: t0 + 5 }],
      ["inbox.running", 5, { attempt: 2, epoch: 2 }],
      ["inbox.released", 6, { attempt: 2, epoch: 2 }],
      ["inbox.running", 7, { attempt: 2, epoch: 3 }],
      ["inbox.recovered", 8, { attempt: 2, epoch: 4, untilMs: t0 + 10 }],
      ["inbox.running", 10, { attempt: 3, epoch: 5 }],
      ["inbox.replied", 11, { reason: "answered", attempt: 3 }],
      ["outbox.prepared", 11, { partId }],
      ["outbox.sending", 12, { partId, attempt: 1 }],
      ["outbox.prepared", 12, { partId, attempt: 1, chunksSent: 0, error: failure.code, nextAttemptMs: t0 + 13 }],
      ["outbox.sending", 13, { partId, attempt: 2 }],
      ["outbox.progress", 13, { partId, chunksSent: 1, platformMessageIds: ["7"] }],
      ["outbox.unknown", 14, { partId, recovered: true, attempt: 2, chunksSent: 1 }],
      ["outbox.sent", 15, { partId, attempt: 2, platformMessageIds: ["7", "8"] }],
    ].map(([type, sinceMs, data]) => ({ type, atMs: t0 + Number(sinceMs), data }));
    for (const id of [entry.message.id, entry.runId, part.id]) expect(await of(id)).toEqual(told);
  });

  it("tells the end of every message, with its reason", async () => {
    const ends = ["merged", "expired", "dead"] as const;
    for (const state of ends) {
      const entry = entryOf(names, names.next("s"), { dueMs: t0 + 9 });
      await rig.store().inbox.admit(entry, { atMs: t0 });
      await rig.store().inbox.end(entry.message.id, state, `why ${state}`, t0 + 1);
      expect(await of(entry.runId)).toMatchObject([
        { type: "inbox.queued", data: { dueMs: t0 + 9 } },
        { type: `inbox.${state}`, atMs: t0 + 1, data: { reason: `why ${state}`, attempt: 0 } },
      ]);
    }
    const refused = entryOf(names, names.next("s"));
    await rig.store().inbox.reject(refused, "sender-not-allowed", t0);
    await rig.store().inbox.reject(refused, "sender-not-allowed", t0);
    expect(await of(refused.message.id)).toMatchObject([
      { type: "inbox.rejected", data: { reason: "sender-not-allowed" } },
    ]);
  });

  it("tells of a part that answers no message under its own id, and of what a person decided", async () => {
    const part = draftOf(names, names.next("chat"), { state: "held" });
    const key = names.next("s");
    const { outbox, deadLetters } = rig.store();
    await outbox.add(part, { sessionKey: key, runId: null, atMs: t0 });
    await outbox.add(part, { sessionKey: key, runId: null, atMs: t0 });
    await outbox.decide(part.id, { allow: false, error: failure }, t0 + 1);
    await deadLetters.replay(part.id, { atMs: t0 + 2, expiresMs: t0 + 9 });
    await outbox.settle(part.id, { state: "expired", error: failure }, t0 + 3);
    await deadLetters.purge({ ids: [part.id] }, t0 + 4);
    expect((await of(part.id)).map(({ type, data }) => [type, data])).toEqual([
      ["outbox.held", { partId: part.id }],
      ["outbox.failed", { partId: part.id, allowed: false, error: failure.code }],
      ["outbox.prepared", { partId: part.id, resubmitted: true, chunksSent: 0 }],
      ["outbox.expired", { partId: part.id, attempt: 0, chunksSent: 0, error: failure.code }],
      ["outbox.purged", { partId: part.id }],
    ]);
    await rig.store().sessions.delete(key);
    expect(await of(part.id)).toEqual([]);
  });

  it("tells of a part that waits between two of its pieces", async () => {
    const part = draftOf(names, names.next("chat"));
    const { outbox } = rig.store();
    await outbox.add(part, { sessionKey: "s", runId: null, atMs: t0 });
    await outbox.postpone(part.id, t0 + 1);
    await outbox.sending(part.id, t0 + 2);
    await outbox.postpone(part.id, t0 + 9);
    expect(await types(part.id)).toEqual(["outbox.prepared", "outbox.sending", "outbox.prepared"]);
    expect((await of(part.id)).at(-1)).toMatchObject({
      atMs: t0 + 2,
      data: { postponed: true, nextAttemptMs: t0 + 9 },
    });
  });

  it("tells nothing of what was refused", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    await rig.store().inbox.end(entry.message.id, "dead", "by hand", t0);
    const before = await of(entry.runId);
    const part = draftOf(names, names.next("chat"));
    await expect(rig.store().turns.finish(lease, resultOf({ outbox: [part] }))).rejects.toMatchObject({
      code: "STORE_003",
    });
    expect(await of(entry.runId)).toEqual(before);
    expect(await of(part.id)).toEqual([]);
  });

  it("outlives the rows, and goes with the session all the same", async () => {
    const key = names.next("s");
    const entry = entryOf(names, key);
    const lease = await startTurn(rig.store(), entry);
    const part = draftOf(names, names.next("chat"), { state: "sent" });
    await rig.store().turns.finish(lease, resultOf({ outbox: [part], atMs: t0 - 9_000 }));
    await rig.store().trace.add([{ messageId: null, runId: entry.runId, type: "run.ended", atMs: t0, data: { key } }]);
    await rig.store().prune({ beforeMs: t0 - 8_000, limit: 100_000 });
    expect(await rig.store().inbox.get(entry.message.id)).toBeNull();
    for (const id of [entry.message.id, entry.runId, part.id]) {
      expect((await types(id)).toSorted()).toEqual(
        ["inbox.queued", "inbox.running", "inbox.replied", "outbox.sent", "run.ended"].toSorted(),
      );
    }
    await rig.store().sessions.open(key, "main", { sessionId: names.next("id"), atMs: t0 });
    await rig.store().sessions.delete(key);
    for (const id of [entry.message.id, entry.runId, part.id]) expect(await types(id)).toEqual([]);
  });

  it("M5, M6: counts what was known already, what came too late and what ended in doubt, over a restart too", async () => {
    const before = await rig.store().totals();
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    for (let copy = 0; copy < 3; copy += 1) await rig.store().inbox.admit(entry, { atMs: t0 });
    await rig.store().inbox.end(entry.message.id, "dead", "by hand", t0);
    await expect(rig.store().inbox.renew(lease, t0 + 9)).rejects.toMatchObject({ code: "STORE_003" });
    await expect(rig.store().turns.finish(lease, resultOf())).rejects.toMatchObject({ code: "STORE_003" });
    const parts = [draftOf(names, names.next("chat")), draftOf(names, names.next("chat"))];
    for (const part of parts) {
      await rig.store().outbox.add(part, { sessionKey: "s", runId: null, atMs: t0 });
      await rig.store().outbox.sending(part.id, t0);
    }
    await rig.store().outbox.settle(parts[0]?.id ?? "", { state: "unknown", error: failure }, t0);
    await rig.store().outbox.settle(parts[0]?.id ?? "", { state: "unknown", error: failure }, t0);
    const store = await rig.reopen();
    const recovered = await store.outbox.recover(t0);
    expect(await store.totals()).toEqual({
      duplicates: before.duplicates + 3,
      leasesLost: before.leasesLost + 2,
      unknownSends: before.unknownSends + 1 + recovered.length,
    });
    expect(recovered.map((row) => row.id)).toContain(parts[1]?.id);
  });
}
