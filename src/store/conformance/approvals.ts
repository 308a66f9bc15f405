/** Rules of approvals, and of messages that wait for one or for the end of a pause. */
import { beforeEach, expect, it } from "vitest";
import type { PurseSpan } from "../../domain/purse.ts";
import { waitingFor, type ApprovalDraft, type ReplayRule } from "../budget-port.ts";
import type { Rig } from "../conformance.ts";
import { createNames, drain, entryOf, resultOf, startTurn, t0 } from "./samples.ts";

export function approvalRules(rig: Rig): void {
  const names = createNames("approval");
  beforeEach(() => drain(rig.store()));

  const draft = (changes: Partial<ApprovalDraft> = {}): ApprovalDraft => ({
    id: names.hex8(),
    kind: "budget",
    subject: { purse: ["ü", null] },
    subjectKey: names.next("about"),
    runId: null,
    sessionKey: names.next("s"),
    createdMs: t0,
    expiresMs: t0 + 1_000,
    ...changes,
  });
  const replay = (changes: Partial<ReplayRule> = {}): ReplayRule => ({
    atMs: t0 + 10,
    expiresMs: t0 + 500,
    admittedAfterMs: 0,
    ...changes,
  });
  const yes = (changes: Partial<ReplayRule> = {}) => ({
    allow: true,
    by: "ann",
    decision: { micros: 5 },
    replay: replay(changes),
  });

  /** A message that ended for this reason, with a finished step behind it. */
  async function waiting(reason: string, sessionKey = names.next("s")) {
    const entry = entryOf(names, sessionKey);
    const lease = await startTurn(rig.store(), entry);
    const step = { runId: entry.runId, index: 0, kind: "model" as const, record: { paid: true }, atMs: t0 };
    await rig.store().turns.appendStep(lease, step, { ledger: [] });
    await rig
      .store()
      .turns.finish(lease, resultOf({ state: "error", inbox: { state: "dead", reason }, resumable: true }));
    return entry;
  }
  const stateOf = async (id: string) => (await rig.store().inbox.get(id))?.state;

  it("asks once about one thing, and anew when that was decided or its time is over", async () => {
    const first = draft();
    expect(await rig.store().approvals.request(first)).toMatchObject({
      created: true,
      row: { id: first.id, state: "open" },
    });
    await rig.reopen();
    const again = draft({ subjectKey: first.subjectKey });
    expect(await rig.store().approvals.request(again)).toMatchObject({
      created: false,
      row: { ...first, state: "open" },
    });
    await rig.store().approvals.decide(first.id, { ...yes(), allow: false });
    expect(await rig.store().approvals.request(again)).toMatchObject({ created: true, row: { id: again.id } });
    const late = draft({ subjectKey: first.subjectKey, createdMs: again.expiresMs });
    expect(await rig.store().approvals.request(late)).toMatchObject({ created: true, row: { id: late.id } });
    expect(await rig.store().approvals.get(again.id)).toMatchObject({ state: "expired", decidedBy: null });
  });

  it("counts the first of many answers, and tells the others how it stands, over a restart too", async () => {
    const asked = draft();
    await rig.store().approvals.request(asked);
    const answers = await Promise.all(
      ["ann", "bob", "cy"].map((by, index) =>
        rig.store().approvals.decide(asked.id, { ...yes(), by, allow: index > 0 }),
      ),
    );
    expect(answers.map(({ outcome }) => outcome)).toEqual(["decided", "late", "late"]);
    const store = await rig.reopen();
    const row = { ...asked, state: "denied", decidedBy: "ann", decidedMs: t0 + 10, decision: { micros: 5 } };
    expect(await store.approvals.get(asked.id)).toEqual(row);
    expect(answers[2]).toEqual({ outcome: "late", row });
    expect(await store.approvals.decide("nothing", yes())).toEqual({ outcome: "unknown" });
  });

  it("takes no answer after its time", async () => {
    const asked = draft();
    await rig.store().approvals.request(asked);
    const late = await rig.store().approvals.decide(asked.id, yes({ atMs: asked.expiresMs }));
    expect(late).toMatchObject({ outcome: "late", row: { state: "expired", decidedBy: null } });
  });

  it("lists by state, newest first, and what nobody answered in time as expired", async () => {
    const [one, two, three] = [draft(), draft({ expiresMs: t0 + 5 }), draft()];
    for (const each of [one, two, three]) await rig.store().approvals.request(each);
    const mine = async (state: "open" | "expired", atMs: number) => {
      const rows = await rig.store().approvals.list({ state, limit: 100, atMs });
      return rows.map(({ id }) => id).filter((id) => [one.id, two.id, three.id].includes(id));
    };
    expect(await mine("open", t0 + 4)).toEqual([three.id, two.id, one.id]);
    expect(await mine("open", t0 + 5)).toEqual([three.id, one.id]);
    expect(await mine("expired", t0 + 5)).toEqual([two.id]);
    expect(await rig.store().approvals.list({ limit: 1, atMs: t0 })).toMatchObject([{ id: three.id }]);
  });

  it("with a yes grants the money and puts every waiting message back to work, behind its steps", async () => {
    const asked = draft();
    await rig.store().approvals.request(asked);
    const reason = waitingFor({ approval: asked.id });
    const [first, second] = [await waiting(reason), await waiting(reason)];
    const other = await waiting(waitingFor({ approval: "another" }));
    expect(await rig.store().deadLetters.get(first.message.id)).toMatchObject({ kind: "message", reason });
    const purse: PurseSpan = { kind: "agent", id: names.next("agent"), period: "day", sinceMs: 5, untilMs: 10 };
    const decided = await rig.store().approvals.decide(asked.id, { ...yes(), grant: { purse, micros: 77 } });
    expect(decided).toMatchObject({ outcome: "decided", replayed: 2 });
    const [balance] = (await rig.store().budgets.balances({ atMs: 5, asked: [] })).filter(({ id }) => id === purse.id);
    expect(balance).toEqual({ ...purse, spentMicros: 0, heldMicros: 0, extraMicros: 77 });
    const store = await rig.reopen();
    expect([await stateOf(first.message.id), await stateOf(second.message.id)]).toEqual(["queued", "queued"]);
    expect(await stateOf(other.message.id)).toBe("dead");
    expect(await store.turns.steps(first.runId)).toMatchObject([{ index: 0, record: { paid: true } }]);
    const claimed = await store.inbox.claim({ owner: "w", leaseMs: 9, atMs: t0 + 11, agingMs: 0 });
    expect(claimed?.row).toMatchObject({ runId: first.runId, attempts: 1, expiresMs: t0 + 500 });
    // Granted and put back once.
    const again = await store.approvals.decide(asked.id, { ...yes(), grant: { purse, micros: 77 } });
    expect(again.outcome).toBe("late");
    expect((await store.budgets.balances({ atMs: 5, asked: [purse] })).find(({ id }) => id === purse.id)).toMatchObject(
      { extraMicros: 77 },
    );
  });

  it("with a no leaves the messages where they are", async () => {
    const asked = draft();
    await rig.store().approvals.request(asked);
    const entry = await waiting(waitingFor({ approval: asked.id }));
    expect(await rig.store().approvals.decide(asked.id, { ...yes(), allow: false })).toMatchObject({ replayed: 0 });
    expect(await stateOf(entry.message.id)).toBe("dead");
    expect(await rig.store().deadLetters.replay(entry.message.id, { atMs: t0, expiresMs: t0 + 9 })).toBe(true);
    expect(await rig.store().turns.steps(entry.runId)).toHaveLength(1);
  });

  it("does not leave behind a message that ends after the yes it waits for", async () => {
    const asked = draft();
    await rig.store().approvals.request(asked);
    await rig.store().approvals.decide(asked.id, yes());
    const entry = await waiting(waitingFor({ approval: asked.id }));
    expect(await stateOf(entry.message.id)).toBe("queued");
    const paused = await waiting(waitingFor({ pauseOf: names.next("agent") }));
    expect(await stateOf(paused.message.id)).toBe("queued");
  });

  it("puts messages back to work when their pause is over, but not those that are too old", async () => {
    const agentId = names.next("agent");
    await rig.store().budgets.pause({ agentId, atMs: t0, by: "ann", reason: null });
    const entry = await waiting(waitingFor({ pauseOf: agentId }));
    expect(await stateOf(entry.message.id)).toBe("dead");
    const lift = (admittedAfterMs: number) =>
      rig.store().budgets.resume({ agentId, all: false }, replay({ admittedAfterMs }));
    expect(await lift(t0 + 1)).toMatchObject({ replayed: 0 });
    expect(await stateOf(entry.message.id)).toBe("dead");
    await rig.store().budgets.pause({ agentId, atMs: t0, by: "ann", reason: null });
    expect(await lift(t0)).toMatchObject({ replayed: 1, lifted: [{ agentId }] });
    expect(await stateOf(entry.message.id)).toBe("queued");
  });

  it("outlives its session where a message of another one waits for it, and forgets who asked", async () => {
    const asked = draft();
    await rig.store().sessions.open(asked.sessionKey, "main", { sessionId: names.next("id"), atMs: t0 });
    await rig.store().approvals.request(asked);
    const entry = await waiting(waitingFor({ approval: asked.id }));
    await rig.store().sessions.delete(asked.sessionKey);
    expect(await rig.store().approvals.get(asked.id)).toMatchObject({
      state: "open",
      sessionKey: "deleted",
      runId: null,
    });
    expect(await rig.store().approvals.decide(asked.id, yes())).toMatchObject({ outcome: "decided", replayed: 1 });
    expect(await stateOf(entry.message.id)).toBe("queued");
  });

  it("goes with its session", async () => {
    const asked = draft();
    await rig.store().sessions.open(asked.sessionKey, "main", { sessionId: names.next("id"), atMs: t0 });
    await rig.store().approvals.request(asked);
    await rig.store().sessions.delete(asked.sessionKey);
    expect(await rig.store().approvals.get(asked.id)).toBeNull();
  });
}
