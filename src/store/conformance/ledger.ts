/** Rules of the ledger: whatever is asked, the sums equal a recount of the rows. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { addUsage, noUsage } from "../../domain/money.ts";
import type { Rig } from "../conformance.ts";
import type { LedgerEntry, LedgerFilter, LedgerTotals } from "../ledger-port.ts";
import { createNames, drain, entryOf, ledgerOf, resultOf, startTurn } from "./samples.ts";

const hour = 3_600_000;
/** Long before every other rule's times, so that the sums below are of these entries alone. */
const start = Date.UTC(2001, 0, 1);
const span = 4 * 24 * hour;

const groups = {
  day: (entry: LedgerEntry) => new Date(entry.atMs).toISOString().slice(0, 10),
  session: (entry: LedgerEntry) => entry.sessionKey,
  model: (entry: LedgerEntry) => `${entry.provider}/${entry.model}`,
  agent: (entry: LedgerEntry) => entry.agentId,
  channel: (entry: LedgerEntry) => entry.channel,
  provider: (entry: LedgerEntry) => entry.provider,
  user: (entry: LedgerEntry) => `${entry.channel}:${entry.senderId}`,
  profile: (entry: LedgerEntry) => entry.profileId ?? "",
  origin: (entry: LedgerEntry) => entry.origin,
  "model-day": (entry: LedgerEntry) =>
    `${new Date(entry.atMs).toISOString().slice(0, 10)} ${entry.provider}/${entry.model}`,
};

export function ledgerRules(rig: Rig): void {
  const names = createNames("ledger");

  it("sums to what a recount of the rows gives, for every group and every cut", async () => {
    await drain(rig.store());
    const entries = Array.from({ length: 300 }, (_, index) =>
      ledgerOf(names, `ledger-${index % 7}`, {
        atMs: start + Math.floor((span * index) / 300) + (index % 13),
        agentId: `agent-${index % 3}`,
        channel: index % 2 === 0 ? "irc" : "webchat",
        provider: index % 5 === 0 ? "anthropic" : "openai",
        model: `m-${index % 4}`,
        usage: { input: index, output: index * 2, cacheRead: index % 10, cacheWrite: 1 },
        costMicros: index % 11 === 0 ? null : index * 4,
        costs: index % 3 === 0 ? null : { input: index, output: index * 2, cacheRead: index, cacheWrite: 0 },
        senderId: `sender-${index % 6}`,
        profileId: index % 4 === 0 ? null : `login-${index % 4}`,
        ...(index % 5 === 0 ? { costFrom: "provider" as const } : {}),
        estimated: index % 9 === 0,
        origin: index % 8 === 0 ? "cron" : "chat",
      }),
    );
    const lease = await startTurn(rig.store(), entryOf(names, names.next("s")));
    await rig.store().turns.finish(lease, resultOf({ ledger: entries }));
    const cut = fc.oneof(
      fc.integer({ min: -hour, max: span + hour }),
      fc.nat(100).map((count) => count * hour),
    );
    const filter = fc.record(
      { since: cut, until: cut, session: fc.nat(8), agent: fc.nat(3) },
      { requiredKeys: ["until"] },
    );
    await fc.assert(
      fc.asyncProperty(
        filter,
        fc.constantFrom(...(Object.keys(groups) as (keyof typeof groups)[])),
        async (asked, group) => {
          const wanted: LedgerFilter = {
            sinceMs: start + (asked.since ?? -hour),
            untilMs: start + asked.until,
            ...(asked.session === undefined ? {} : { sessionKey: `ledger-${asked.session}` }),
            ...(asked.agent === undefined ? {} : { agentId: `agent-${asked.agent}` }),
          };
          const counted = entries.filter((entry) => passes(entry, wanted));
          expect(await rig.store().ledger.totals(wanted)).toEqual(recount(counted));
          const by = await rig.store().ledger.by(group, wanted);
          const expected = Map.groupBy(counted, groups[group]);
          expect(new Map(by.map(({ key, ...totals }) => [key, totals]))).toEqual(
            new Map([...expected].map(([key, rows]) => [key, recount(rows)])),
          );
          const order =
            group === "day" || group === "model-day" ? by.map((row) => row.key) : by.map((row) => -row.costMicros);
          expect(order).toEqual(order.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("gives back a call as it was booked, whatever of it is not known", async () => {
    const key = names.next("s");
    const known = ledgerOf(names, key, {
      atMs: start - 5_000,
      costMicros: 900,
      costFrom: "provider",
      costs: { input: 500, output: 300, cacheRead: 60, cacheWrite: 40 },
      profileId: "login-1",
      jobId: "job-1",
      latencyMs: 1_234.4,
      firstTokenMs: 99.6,
      estimated: true,
      origin: "cron",
    });
    const bare = ledgerOf(names, key, { atMs: start - 4_000, costMicros: null, costFrom: "price", latencyMs: null });
    expect(await rig.store().ledger.book([bare, known, known])).toBe(2);
    const calls = await rig.store().ledger.calls(key, { limit: 10 });
    const { sessionKey: _s, agentId: _a, channel: _c, senderId: _u, provider: _p, ...rest } = known;
    expect(calls).toEqual([
      { ...rest, model: "openai/gpt-x", latencyMs: 1_234, firstTokenMs: 100 },
      expect.objectContaining({
        id: bare.id,
        costMicros: null,
        costFrom: "unknown",
        costs: null,
        profileId: null,
        jobId: null,
        latencyMs: null,
        firstTokenMs: null,
      }),
    ]);
    expect(await rig.store().ledger.calls(key, { limit: 1 })).toEqual(calls.slice(1));
    expect(await rig.store().ledger.calls(key, { untilMs: start - 4_000, limit: 5 })).toEqual(calls.slice(0, 1));
  });

  it("adds up everything where nothing is asked for in particular", async () => {
    const before = await rig.store().ledger.totals({});
    const lease = await startTurn(rig.store(), entryOf(names, names.next("s")));
    await rig.store().turns.finish(lease, resultOf({ ledger: [ledgerOf(names, "x", { costMicros: null })] }));
    const after = await rig.store().ledger.totals({});
    expect([
      after.calls - before.calls,
      after.unpriced - before.unpriced,
      after.costMicros - before.costMicros,
    ]).toEqual([1, 1, 0]);
    expect(await rig.store().ledger.totals({ sinceMs: 5, untilMs: 5 })).toEqual(recount([]));
    expect(await rig.store().ledger.by("model", { sinceMs: 5, untilMs: 5 })).toEqual([]);
  });
}

function passes(entry: LedgerEntry, filter: LedgerFilter): boolean {
  return (
    entry.atMs >= (filter.sinceMs ?? 0) &&
    entry.atMs < (filter.untilMs ?? Number.MAX_VALUE) &&
    (filter.sessionKey === undefined || entry.sessionKey === filter.sessionKey) &&
    (filter.agentId === undefined || entry.agentId === filter.agentId)
  );
}

function recount(entries: readonly LedgerEntry[]): LedgerTotals {
  const priced = entries.filter((entry) => entry.costMicros !== null);
  return {
    calls: entries.length,
    usage: entries.reduce((sum, entry) => addUsage(sum, entry.usage), noUsage),
    costMicros: priced.reduce((sum, entry) => sum + (entry.costMicros ?? 0), 0),
    costs: priced.reduce((sum, { costs }) => addUsage(sum, costs ?? noUsage), noUsage),
    unpriced: entries.length - priced.length,
    estimated: entries.filter((entry) => entry.estimated).length,
    reported: priced.filter((entry) => entry.costFrom === "provider").length,
  };
}
