/** Rules of messages that are parked behind a question: who takes them when, and that an answer sets them going. */
import { beforeEach, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { ApprovalDraft } from "../budget-port.ts";
import type { Rig } from "../conformance.ts";
import type { Lease } from "../port.ts";
import { createNames, drain, entryOf, ledgerOf, resultOf, startTurn, t0 } from "./samples.ts";

export function parkingRules(rig: Rig): void {
  const names = createNames("parking");
  beforeEach(() => drain(rig.store()));

  const untilMs = t0 + 10_000;

  async function question(changes: Partial<ApprovalDraft> = {}): Promise<ApprovalDraft> {
    const draft: ApprovalDraft = {
      id: names.next("ask"),
      kind: "exec",
      subject: { shown: "rm -rf ./built" },
      subjectKey: names.next("about"),
      runId: null,
      sessionKey: names.next("s"),
      createdMs: t0,
      expiresMs: untilMs,
      ...changes,
    };
    await rig.store().approvals.request(draft);
    return draft;
  }

  async function parked(approvalId: string, sessionKey = names.next("s")) {
    const entry = entryOf(names, sessionKey);
    const lease = await startTurn(rig.store(), entry);
    const step = { runId: entry.runId, index: 0, kind: "model" as const, record: { asked: true }, atMs: t0 };
    await rig.store().turns.appendStep(lease, step, { ledger: [] });
    await rig.store().inbox.park(lease, { approvalId, atMs: t0, untilMs });
    return { entry, lease };
  }

  const claim = (atMs: number) => rig.store().inbox.claim({ owner: "w", leaseMs: 60_000, atMs, agingMs: 0 });
  const claimed = async (atMs: number) => (await claim(atMs))?.row.message.id ?? null;
  const decide = (id: string, allow: boolean, atMs: number) =>
    rig.store().approvals.decide(id, {
      allow,
      by: "ann",
      decision: { answer: allow ? "allow-once" : "deny" },
      replay: { atMs, expiresMs: atMs + 500, admittedAfterMs: 0 },
    });
  const behind = async (id: string) => (await rig.store().inbox.parkedBehind(id)).map(({ message }) => message.id);

  for (const allow of [true, false]) {
    it(`goes on when it is answered with ${allow ? "yes" : "no"}, behind its steps and with no attempt lost`, async () => {
      const asked = await question();
      const [one, two, other] = [await parked(asked.id), await parked(asked.id), await parked((await question()).id)];
      expect(await behind(asked.id)).toEqual([one.entry.message.id, two.entry.message.id]);
      expect(await claimed(t0 + 9)).toBeNull();
      expect(await decide(asked.id, allow, t0 + 10)).toMatchObject({ outcome: "decided", replayed: 2 });
      const first = await claim(t0 + 10);
      expect(first?.row).toMatchObject({ runId: one.entry.runId, attempts: 1, state: "running" });
      expect(await rig.store().turns.steps(one.entry.runId)).toMatchObject([{ index: 0, record: { asked: true } }]);
      expect(await claimed(t0 + 10)).toBe(two.entry.message.id);
      expect(await claimed(t0 + 10)).toBeNull();
      expect((await rig.store().inbox.get(other.entry.message.id))?.state).toBe("queued");
    });
  }

  it("has time to be answered behind its question, however late that ends", async () => {
    const { entry } = await parked((await question()).id);
    expect((await rig.store().inbox.get(entry.message.id))?.expiresMs).toBe(untilMs + limits.inboundTtlMs);
  });

  it("goes on by itself at its time, and not before", async () => {
    const asked = await question();
    const { entry } = await parked(asked.id);
    expect(await claimed(untilMs - 1)).toBeNull();
    expect(await claimed(untilMs)).toBe(entry.message.id);
  });

  it("outlives a restart: the answer finds it, and the next start does not set it going before", async () => {
    const asked = await question();
    const { entry } = await parked(asked.id);
    const store = await rig.reopen();
    await store.inbox.recover("another-owner", t0 + 1);
    expect(await claimed(t0 + 2)).toBeNull();
    expect(await behind(asked.id)).toEqual([entry.message.id]);
    await decide(asked.id, true, t0 + 3);
    expect(await claimed(t0 + 3)).toBe(entry.message.id);
  });

  it("is due at once where the answer came before it was parked, or its time was over", async () => {
    const answered = await question();
    await decide(answered.id, true, t0);
    const one = await parked(answered.id);
    expect(await claimed(t0)).toBe(one.entry.message.id);
    const over = await question({ expiresMs: t0 });
    const two = await parked(over.id);
    const unknown = await parked("nothing");
    expect([await claimed(t0), await claimed(t0)]).toEqual([two.entry.message.id, unknown.entry.message.id]);
  });

  it("keeps its session waiting and nobody else's, and hands its place on when it has ended", async () => {
    const asked = await question();
    const { entry } = await parked(asked.id);
    const next = entryOf(names, entry.sessionKey);
    const elsewhere = entryOf(names, names.next("s"));
    for (const waiting of [next, elsewhere]) await rig.store().inbox.admit(waiting, { atMs: t0 + 1 });
    expect([await claimed(t0 + 2), await claimed(t0 + 2)]).toEqual([elsewhere.message.id, null]);
    await decide(asked.id, true, t0 + 3);
    const again = await claim(t0 + 3);
    expect(again?.row.message.id).toBe(entry.message.id);
    if (again !== null) await rig.store().turns.finish(again.lease, resultOf({}));
    expect(await claimed(t0 + 4)).toBe(next.message.id);
  });

  it("is no longer behind it once it was taken, whatever becomes of it then", async () => {
    const asked = await question({ expiresMs: untilMs });
    const { entry } = await parked(asked.id);
    const lease = (await claim(untilMs))?.lease as Lease;
    expect(await behind(asked.id)).toEqual([]);
    await rig.store().inbox.retry(lease, { atMs: untilMs, untilMs: untilMs + 5_000, reason: "the model was busy" });
    expect(await behind(asked.id)).toEqual([]);
    expect(await claimed(untilMs + 4_999)).toBeNull();
    expect(await claimed(untilMs + 5_000)).toBe(entry.message.id);
  });

  it("can be parked again behind another question", async () => {
    const [first, second] = [await question(), await question()];
    const { entry } = await parked(first.id);
    await decide(first.id, true, t0 + 1);
    const lease = (await claim(t0 + 1))?.lease as Lease;
    await rig.store().inbox.park(lease, { approvalId: second.id, atMs: t0 + 2, untilMs });
    expect([await behind(first.id), await behind(second.id)]).toEqual([[], [entry.message.id]]);
    await decide(second.id, false, t0 + 3);
    expect((await claim(t0 + 3))?.row).toMatchObject({ runId: entry.runId, attempts: 1 });
  });

  it("needs its lease, and books what was spent before the question in the same commit", async () => {
    const asked = await question();
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const paid = ledgerOf(names, entry.sessionKey, { runId: entry.runId });
    const options = { approvalId: asked.id, atMs: t0, untilMs, spent: [paid] };
    await expect(rig.store().inbox.park({ ...lease, epoch: lease.epoch + 1 }, options)).rejects.toMatchObject({
      code: "STORE_003",
    });
    expect(await behind(asked.id)).toEqual([]);
    await rig.store().inbox.park(lease, options);
    await expect(rig.store().inbox.park(lease, options)).rejects.toMatchObject({ code: "STORE_003" });
    expect(await rig.store().ledger.totals({ sessionKey: entry.sessionKey })).toMatchObject({ calls: 1 });
  });

  it("knows the newest question about a thing, in whatever state", async () => {
    const first = await question();
    expect(await rig.store().approvals.latest("never asked")).toBeNull();
    await decide(first.id, false, t0 + 1);
    expect(await rig.store().approvals.latest(first.subjectKey)).toMatchObject({ id: first.id, state: "denied" });
    const second = await question({ subjectKey: first.subjectKey });
    const store = await rig.reopen();
    expect(await store.approvals.latest(first.subjectKey)).toMatchObject({ id: second.id, state: "open" });
  });
}
