/** Rules of purses and holds: what is set aside never exceeds a limit, and every call is settled, given back or lost. */
import { beforeEach, expect, it } from "vitest";
import type { PurseKey, PurseLimit } from "../../domain/purse.ts";
import type { HoldRequest, Payer, Reservation } from "../budget-port.ts";
import type { Rig } from "../conformance.ts";
import type { Lease } from "../port.ts";
import type { LedgerEntry } from "../ledger-port.ts";
import { createNames, drain, entryOf, ledgerOf, resultOf, startTurn, t0 } from "./samples.ts";
import { dayMs } from "../../domain/local-time.ts";

export function budgetRules(rig: Rig): void {
  const names = createNames("budget");
  beforeEach(() => drain(rig.store()));
  let days = 0;

  /** A day and an agent that no other rule uses, and what is needed to spend on it. */
  function scene(limitMicros = 1_000) {
    days += 1;
    const sinceMs = Date.UTC(2031, 0, 1) + days * dayMs;
    const agentId = names.next("agent");
    const payer: Payer = {
      runId: names.next("run"),
      sessionKey: names.next("s"),
      agentId,
      channel: "irc",
      senderId: names.next("ann"),
      jobId: null,
      chat: null,
    };
    const purse = (key: PurseKey, limit = limitMicros): PurseLimit => ({
      ...key,
      period: "day",
      sinceMs,
      untilMs: sinceMs + dayMs,
      limitMicros: limit,
    });
    const agentPurse = purse({ kind: "agent", id: agentId });
    const ask = (changes: Partial<HoldRequest> = {}): HoldRequest => ({
      id: names.next("call"),
      payer,
      provider: "openai",
      model: "gpt-x",
      origin: "chat",
      atMs: sinceMs + 1_000,
      worst: { inputMicros: 100, outputMicrosPerToken: 1 },
      outputTokens: 100,
      leastOutputTokens: 100,
      warnAt: 0.8,
      purses: [agentPurse],
      ...changes,
    });
    const paid = (id: string, costMicros: number | null, changes: Partial<LedgerEntry> = {}): LedgerEntry =>
      ledgerOf(names, payer.sessionKey, {
        id,
        costMicros,
        runId: payer.runId,
        agentId,
        senderId: payer.senderId,
        atMs: sinceMs + 2_000,
        ...changes,
      });
    const balance = async (asked: PurseLimit = agentPurse) => {
      const all = await rig.store().budgets.balances({ atMs: asked.sinceMs, asked: [asked] });
      const found = all.filter(
        ({ kind, id, untilMs }) => kind === asked.kind && id === asked.id && untilMs === asked.untilMs,
      );
      expect(found).toHaveLength(1);
      const { spentMicros, heldMicros, extraMicros } = found[0] as (typeof found)[0];
      return [spentMicros, heldMicros, extraMicros];
    };
    return { sinceMs, payer, purse, agentPurse, ask, paid, balance };
  }

  async function turnOf(payer: Payer): Promise<Lease> {
    const { runId, sessionKey, agentId } = payer;
    return startTurn(rig.store(), entryOf(names, sessionKey, { runId, agentId }));
  }

  const step = (runId: string, index: number) => ({ runId, index, kind: "model" as const, record: {}, atMs: t0 });
  const lostIds = async () => (await rig.store().budgets.lost(1_000)).map(({ id }) => id);

  it("holds the worst case until the ledger row of the same id settles it, over a restart too", async () => {
    const { payer, ask, paid, balance } = scene();
    const lease = await turnOf(payer);
    const first = ask();
    const held = await rig.store().budgets.reserve(first);
    expect(held).toEqual({ outcome: "held", reservedMicros: 200, outputTokens: 100, warnings: [] });
    expect(await rig.store().budgets.reserve(first)).toMatchObject({ outcome: "held", reservedMicros: 200 });
    expect(await balance()).toEqual([0, 200, 0]);
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [paid(first.id, 37)] });
    expect(await balance()).toEqual([37, 0, 0]);
    // Told again, it is counted once.
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [paid(first.id, 37)] });
    const store = await rig.reopen();
    expect(await balance()).toEqual([37, 0, 0]);
    await expect(store.budgets.reserve(first)).rejects.toMatchObject({ code: "SYS_001" });
    expect(await store.budgets.release(first.id)).toBe(false);
    expect(await balance()).toEqual([37, 0, 0]);
  });

  it("grants one of many concurrent calls what is left, and names the purse to the others", async () => {
    const { ask, agentPurse, balance } = scene(1_000);
    const answers = await Promise.all(Array.from({ length: 20 }, () => rig.store().budgets.reserve(ask())));
    expect(answers.filter(({ outcome }) => outcome === "held")).toHaveLength(5);
    const refused = answers.find(({ outcome }) => outcome === "short");
    expect(refused).toEqual({
      outcome: "short",
      purse: { ...agentPurse, spentMicros: 0, heldMicros: 1_000, extraMicros: 0 },
      neededMicros: 200,
      passing: true,
    });
    expect(await balance()).toEqual([0, 1_000, 0]);
  });

  it("shortens an answer to what is left, exactly, and not below the least", async () => {
    const { ask } = scene(1_000);
    const wish = { worst: { inputMicros: 100, outputMicrosPerToken: 2 }, outputTokens: 10_000, leastOutputTokens: 50 };
    expect(await rig.store().budgets.reserve(ask(wish))).toMatchObject({ reservedMicros: 1_000, outputTokens: 450 });
    const { ask: ask2, purse, payer } = scene(200);
    expect(await rig.store().budgets.reserve(ask2(wish))).toMatchObject({ reservedMicros: 200, outputTokens: 50 });
    const other = [purse({ kind: "user", id: `irc:${payer.senderId}` }, 399)];
    // 200 are held by the call before, so that 199 are left: one too few.
    const refused = await rig.store().budgets.reserve(ask2({ ...wish, purses: other }));
    expect(refused).toMatchObject({ outcome: "short", neededMicros: 200, passing: true });
    expect(
      await rig.store().budgets.reserve(ask2({ ...wish, purses: [purse(other[0] as PurseKey, 400)] })),
    ).toMatchObject({
      reservedMicros: 200,
      outputTokens: 50,
    });
  });

  it("lets go for nothing what costs nothing, whatever is left", async () => {
    const { ask, agentPurse } = scene(0);
    const free = { worst: { inputMicros: 0, outputMicrosPerToken: 0 } };
    expect(await rig.store().budgets.reserve(ask(free))).toMatchObject({ outcome: "held", reservedMicros: 0 });
    expect(await rig.store().budgets.reserve(ask())).toMatchObject({
      outcome: "short",
      purse: agentPurse,
      passing: false,
    });
  });

  it("asks every purse, each for itself, and moves them together", async () => {
    const { ask, paid, payer, purse, balance } = scene();
    const lease = await turnOf(payer);
    const chat = "irc:default:#talk";
    const purses = [
      purse({ kind: "agent", id: payer.agentId }, 5_000),
      purse({ kind: "user", id: `irc:${payer.senderId}` }, 5_000),
      purse({ kind: "chat", id: payer.sessionKey }, 5_000),
      purse({ kind: "chat", id: chat }, 5_000),
      purse({ kind: "job", id: "nightly" }, 450),
    ];
    const request = () => ask({ purses, payer: { ...payer, jobId: "nightly", chat } });
    const [one, two] = [request(), request()];
    await rig.store().budgets.reserve(one);
    await rig.store().budgets.reserve(two);
    const third = await rig.store().budgets.reserve(request());
    expect(third).toMatchObject({ outcome: "short", purse: { kind: "job", id: "nightly", heldMicros: 400 } });
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [paid(one.id, 11)] });
    for (const one of purses) expect(await balance(one)).toEqual([11, 200, 0]);
    expect(await rig.store().budgets.release(two.id)).toBe(true);
    for (const one of purses) expect(await balance(one)).toEqual([11, 0, 0]);
  });

  it("warns of a purse once in its period, and anew after more was allowed", async () => {
    const { ask, agentPurse } = scene(1_000);
    const warned = async () => {
      const answer = await rig.store().budgets.reserve(ask());
      return answer.outcome === "held" ? answer.warnings.map(({ heldMicros }) => heldMicros) : answer.outcome;
    };
    expect([await warned(), await warned(), await warned()]).toEqual([[], [], []]);
    expect([await warned(), await warned(), await warned()]).toEqual([[800], [], "short"]);
    const approval = await askFor(agentPurse);
    await rig.store().approvals.decide(approval, {
      allow: true,
      by: "owner",
      decision: null,
      grant: { purse: agentPurse, micros: 500 },
      replay: { atMs: t0, expiresMs: t0, admittedAfterMs: t0 },
    });
    expect([await warned(), await warned()]).toEqual([[1_200], []]);
  });

  async function askFor(purse: PurseLimit): Promise<string> {
    const id = names.hex8();
    const draft = { kind: "budget", subject: purse, subjectKey: id, runId: null, sessionKey: "s" } as const;
    await rig.store().approvals.request({ ...draft, id, createdMs: t0 - 1, expiresMs: t0 + 1 });
    return id;
  }

  it("counts what was spent before there was a limit, and calls without a hold, in the period of each", async () => {
    const { ask, paid, payer, purse, balance, sinceMs } = scene();
    const lease = await turnOf(payer);
    const before = [paid(names.next("call"), 30), paid(names.next("call"), 7, { atMs: sinceMs + 5 * 3_600_000 })];
    const elsewhere = [
      paid(names.next("call"), 1_000, { atMs: sinceMs - 1 }),
      paid(names.next("call"), 1_000, { atMs: sinceMs + dayMs }),
      paid(names.next("call"), 1_000, { agentId: "other", senderId: "other", sessionKey: "other" }),
      paid(names.next("call"), null),
    ];
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [...before, ...elsewhere] });
    const purses = [
      purse({ kind: "agent", id: payer.agentId }),
      purse({ kind: "user", id: `irc:${payer.senderId}` }),
      purse({ kind: "chat", id: payer.sessionKey }),
    ];
    for (const one of purses) expect(await balance(one)).toEqual([37, 0, 0]);
    const first = ask({ purses });
    await rig.store().budgets.reserve(first);
    await rig.store().turns.appendStep(lease, step(payer.runId, 1), { ledger: [paid(names.next("call"), 5)] });
    for (const one of purses) expect(await balance(one)).toEqual([42, 200, 0]);
    // A purse that gets its limit now finds the call that is under way for it.
    const late = purse({ kind: "global", id: "" }, 1e9);
    await rig.store().budgets.reserve(ask({ purses: [late] }));
    expect((await balance(late))[1]).toBe(400);
  });

  it("counts nothing that another installation spent, neither as it is booked nor when a purse is made", async () => {
    const { payer, agentPurse, purse, ask, paid, balance } = scene();
    const elsewhere = (): LedgerEntry => paid(names.next("call"), 900, { runId: "", origin: "import" });
    const ofUser = purse({ kind: "user", id: `${payer.channel}:${payer.senderId}` });
    const ofChat = purse({ kind: "chat", id: payer.sessionKey });
    // Late in the day, it is in the sums of whole days; early, it is counted row by row.
    const late = { atMs: agentPurse.untilMs - 1 };
    await rig.store().ledger.book([elsewhere(), { ...elsewhere(), ...late }]);
    for (const limit of [agentPurse, ofUser, ofChat]) expect(await balance(limit)).toEqual([0, 0, 0]);
    const purses = [agentPurse, ofUser, ofChat];
    expect(await rig.store().budgets.reserve(ask({ purses }))).toMatchObject({ outcome: "held" });
    expect(await rig.store().ledger.book([elsewhere()])).toBe(1);
    for (const limit of purses) expect(await balance(limit)).toEqual([0, 200, 0]);
    const earlier = { ...agentPurse, sinceMs: agentPurse.sinceMs - dayMs };
    await rig.store().budgets.reserve(ask({ purses: [earlier] }));
    expect(await balance(earlier)).toContain(0);
  });

  it("settles in the period in which it was held, also where that is over, and counts it nowhere else", async () => {
    const { ask, paid, payer, agentPurse, balance, sinceMs } = scene();
    const lease = await turnOf(payer);
    const late = ask({ atMs: sinceMs + dayMs - 1 });
    await rig.store().budgets.reserve(late);
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), {
      ledger: [paid(late.id, 60, { atMs: sinceMs + dayMs + 90_000 })],
    });
    const next = { ...agentPurse, sinceMs: sinceMs + dayMs, untilMs: sinceMs + 2 * dayMs };
    expect([await balance(), await balance(next)]).toEqual([
      [60, 0, 0],
      [0, 0, 0],
    ]);
    const user = { ...next, kind: "user" as const, id: `irc:${payer.senderId}` };
    expect(await balance(user)).toEqual([0, 0, 0]);
  });

  it.each([
    "ended without it",
    "given back",
    "put off",
    "taken by another worker",
    "found after a crash",
    "removed",
  ] as const)("loses the hold of a turn that was %s, in that commit, and keeps it counted", async (how) => {
    const { ask, payer, balance } = scene();
    const lease = await turnOf(payer);
    const request = ask();
    await rig.store().budgets.reserve(request);
    expect(await lostIds()).not.toContain(request.id);
    const { inbox, turns, sessions } = rig.store();
    if (how === "ended without it") await turns.finish(lease, resultOf());
    else if (how === "given back") await inbox.release(lease, t0);
    else if (how === "put off") await inbox.retry(lease, { atMs: t0, untilMs: t0 + 5, reason: "x" });
    else if (how === "taken by another worker")
      await inbox.claim({ owner: "thief", leaseMs: 1, atMs: t0 + 3_600_000, agingMs: 0 });
    else if (how === "found after a crash") await (await rig.reopen()).inbox.recover("next", t0);
    else await sessions.delete(payer.sessionKey);
    expect(await lostIds()).toContain(request.id);
    expect((await balance()).slice(0, 2)).toEqual(how === "removed" ? [200, 0] : [0, 200]);
  });

  it("settles the hold of a call that was broken off when its turn was given back, in that commit", async () => {
    const { ask, payer, paid, balance } = scene();
    const lease = await turnOf(payer);
    const request = ask();
    await rig.store().budgets.reserve(request);
    await rig.store().inbox.release(lease, t0, [paid(request.id, 70)]);
    expect(await lostIds()).not.toContain(request.id);
    expect((await balance()).slice(0, 2)).toEqual([70, 0]);
    expect((await rig.store().sessions.get(payer.sessionKey))?.costMicros).toBe(70);
    // A lease that is gone books nothing.
    const stale = rig.store().inbox.release(lease, t0, [paid(names.next("call"), 5)]);
    await expect(stale).rejects.toMatchObject({ code: "STORE_003" });
    expect((await balance()).slice(0, 2)).toEqual([70, 0]);
  });

  it("keeps the hold of a turn that goes on, and of one whose row comes with its end", async () => {
    const { ask, paid, payer, balance } = scene();
    const lease = await turnOf(payer);
    const request = ask();
    await rig.store().budgets.reserve(request);
    await rig.store().inbox.renew(lease, t0 + 1e9);
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [] });
    await rig.store().budgets.loseOrphans(request.atMs + 1);
    expect(await lostIds()).not.toContain(request.id);
    await rig.store().turns.finish(lease, resultOf({ ledger: [paid(request.id, 150)] }));
    expect(await lostIds()).not.toContain(request.id);
    expect(await balance()).toEqual([150, 0, 0]);
  });

  it("settles the hold of a call that broke off as its turn was given back, once", async () => {
    const { ask, paid, payer, balance } = scene();
    const lease = await turnOf(payer);
    const [broken, untold] = [ask(), ask()];
    await rig.store().budgets.reserve(broken);
    await rig.store().budgets.reserve(untold);
    await rig.store().inbox.release(lease, t0, [paid(broken.id, 150)]);
    expect(await lostIds()).not.toContain(broken.id);
    expect(await lostIds()).toContain(untold.id);
    expect(await balance()).toEqual([150, 200, 0]);
    expect(await rig.store().sessions.get(payer.sessionKey)).toMatchObject({ costMicros: 150 });
  });

  it("finds holds that no turn holds on to, and not before their time", async () => {
    const { ask } = scene();
    const request = ask();
    await rig.store().budgets.reserve(request);
    expect(await rig.store().budgets.loseOrphans(request.atMs)).toBe(0);
    expect(await rig.store().budgets.loseOrphans(request.atMs + 1)).toBe(1);
    expect(await lostIds()).toContain(request.id);
  });

  it("settles a lost call by hand, in the ledger, or gives it back; an open one it leaves alone", async () => {
    const { ask, payer, balance, sinceMs } = scene();
    const [billed, never, open] = [ask(), ask(), ask()];
    for (const request of [billed, never]) await rig.store().budgets.reserve(request);
    await rig.store().budgets.loseOrphans(sinceMs + dayMs);
    await rig.store().budgets.reserve(open);
    expect(await rig.store().budgets.settleLost(open.id, 1, t0)).toBe(false);
    expect(await rig.store().budgets.settleLost(billed.id, 120, sinceMs + 9)).toBe(true);
    expect(await rig.store().budgets.settleLost(billed.id, 120, sinceMs + 9)).toBe(false);
    expect(await rig.store().budgets.release(never.id)).toBe(true);
    expect(await balance()).toEqual([120, 200, 0]);
    expect(await rig.store().ledger.totals({ sessionKey: payer.sessionKey })).toMatchObject({
      calls: 1,
      costMicros: 120,
    });
    const lost = await rig.store().budgets.lost(1_000);
    expect(lost.filter(({ runId }) => runId === payer.runId)).toEqual([]);
  });

  it("forgets who paid with the session, and not what was paid", async () => {
    const { ask, paid, payer, purse, balance } = scene();
    const purses = [purse({ kind: "agent", id: payer.agentId }), purse({ kind: "chat", id: payer.sessionKey })];
    const lease = await turnOf(payer);
    const [done, going] = [ask({ purses }), ask({ purses })];
    for (const request of [done, going]) await rig.store().budgets.reserve(request);
    await rig.store().turns.appendStep(lease, step(payer.runId, 0), { ledger: [paid(done.id, 50)] });
    await rig.store().sessions.delete(payer.sessionKey);
    expect(await balance()).toEqual([250, 0, 0]);
    const [lost] = (await rig.store().budgets.lost(1_000)).filter(({ id }) => id === going.id);
    expect(lost).toMatchObject({ senderId: "", sessionKey: "deleted", runId: "", reservedMicros: 200 });
    // Settled now, the ledger gets its row, and the purse has paid already.
    expect(await rig.store().budgets.settleLost(going.id, 20, t0)).toBe(true);
    expect(await balance()).toEqual([250, 0, 0]);
  });

  it("gives no money while spending is paused, for an agent or for all, over a restart too", async () => {
    const { ask, payer, balance } = scene();
    const pause = { agentId: payer.agentId, atMs: t0, by: "owner", reason: "a loop" };
    const outcome = async (): Promise<Reservation["outcome"]> => (await rig.store().budgets.reserve(ask())).outcome;
    const resume = (agentId: string | null, all: boolean) =>
      rig.store().budgets.resume({ agentId, all }, { atMs: t0, expiresMs: t0, admittedAfterMs: 0 });
    await rig.store().budgets.pause(pause);
    await rig.reopen();
    expect(await rig.store().budgets.pauses()).toEqual([pause]);
    expect(await rig.store().budgets.reserve(ask())).toEqual({ outcome: "paused", pause });
    expect((await rig.store().budgets.reserve(ask({ payer: { ...payer, agentId: "other" } }))).outcome).toBe("held");
    expect((await resume("other", false)).lifted).toEqual([]);
    expect((await resume(payer.agentId, false)).lifted).toEqual([pause]);
    expect(await outcome()).toBe("held");
    const all = { ...pause, agentId: null, reason: null };
    await rig.store().budgets.pause(all);
    await rig.store().budgets.pause(pause);
    expect(await outcome()).toBe("paused");
    expect((await resume(null, false)).lifted).toEqual([all]);
    expect(await outcome()).toBe("paused");
    expect(await rig.store().budgets.pause(all, "order-1")).toBe(true);
    expect((await resume(null, true)).lifted).toHaveLength(2);
    expect(await outcome()).toBe("held");
    // An order that is carried out again after it was taken back changes nothing.
    expect(await rig.store().budgets.pause(all, "order-1")).toBe(false);
    expect(await rig.store().budgets.pauses()).toEqual([]);
    expect((await balance())[1]).toBe(400);
  });

  it("tells a session once in a while, over a restart too", async () => {
    const [session, what] = [names.next("s"), names.next("what")];
    const may = (atMs: number, runId: string, sessionKey = session) =>
      rig.store().budgets.mayTell(what, { sessionKey, runId }, { atMs, everyMs: 100 });
    expect([await may(t0, "1"), await may(t0 + 99, "2"), await may(t0, "3", "another")]).toEqual([true, false, true]);
    await rig.reopen();
    // Whoever was to tell it, and died, tells it when it is run again.
    expect([await may(t0 + 9, "1"), await may(t0 + 99, "2"), await may(t0 + 110, "4")]).toEqual([true, false, true]);
    expect([await may(t0 + 150, "1"), await may(t0 + 150, "4")]).toEqual([false, true]);
  });

  it("drops periods that are over with the rest of what is old, and none before", async () => {
    const { ask, balance, sinceMs } = scene();
    const request = ask();
    await rig.store().budgets.reserve(request);
    await rig.store().prune({ beforeMs: sinceMs + dayMs, limit: 10_000 });
    expect(await rig.store().budgets.release(request.id)).toBe(true);
    expect(await balance()).toEqual([0, 0, 0]);
    await rig.store().prune({ beforeMs: sinceMs + dayMs + 1, limit: 10_000 });
    expect(await balance()).toEqual([0, 0, 0]);
  });
}
