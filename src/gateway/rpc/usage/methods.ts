/** Handlers of usage: what was used and what it cost, and what another installation spent. */
import { AppError } from "../../../domain/app-error.ts";
import type { ParamsOf } from "../../../protocol/method.ts";
import { sessionsUsage, sessionsUsageLogs, sessionsUsageTimeseries } from "../../../protocol/methods/session-usage.ts";
import { usageCheck, usageCost, usageImport, usageStatus } from "../../../protocol/methods/usage.ts";
import type { LedgerEntry } from "../../../store/ledger-port.ts";
import { handle, type BoundMethod } from "../handler.ts";
import type { RpcServices } from "../services.ts";
import { sessionKeyOf } from "../session-target.ts";
import { sessionLogs, sessionSeries } from "./series.ts";
import { usageOfSessions } from "./sessions.ts";
import { addTotals, noTotals, usageTotals } from "./totals.ts";
import { dayMs } from "../../../domain/local-time.ts";

export function usageMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(usageStatus, async ({ sessionKey }) => {
      const nowMs = deps.clock.nowMs();
      const filter = sessionKey === undefined ? {} : { sessionKey: sessionKeyOf(deps, sessionKey) };
      const { ledger } = deps.store;
      const [today, models] = await Promise.all([
        ledger.totals({ ...filter, sinceMs: nowMs - (nowMs % dayMs) }),
        ledger.by("model", filter),
      ]);
      // Every call has one model, so that these are all there is.
      const total = models.reduce(addTotals, noTotals);
      return { updatedAt: nowMs, today: usageTotals(today), total: usageTotals(total), models: models.map(keyed) };
    }),
    handle(usageCost, (params) => cost({ deps }, params)),
    handle(usageImport, ({ calls }) => importCalls({ deps }, calls)),
    handle(usageCheck, async () => {
      const sums = await deps.store.ledger.recount();
      return { sound: sums.every(({ differing }) => differing === 0), sums: [...sums] };
    }),
    handle(sessionsUsage, (params) => usageOfSessions(deps, params)),
    handle(sessionsUsageTimeseries, (params) => sessionSeries(deps, params)),
    handle(sessionsUsageLogs, (params) => sessionLogs(deps, params)),
  ];
}

async function cost({ deps }: Pick<RpcServices, "deps">, params: ParamsOf<typeof usageCost>) {
  const nowMs = deps.clock.nowMs();
  const days = params.days ?? 30;
  const sinceMs = nowMs - (nowMs % dayMs) - (days - 1) * dayMs;
  const filter = {
    sinceMs,
    ...(params.sessionKey === undefined ? {} : { sessionKey: sessionKeyOf(deps, params.sessionKey) }),
    ...(params.agentId === undefined ? {} : { agentId: params.agentId }),
  };
  const { ledger } = deps.store;
  const group = params.by ?? "model";
  const [daily, groups] = await Promise.all([
    ledger.by("day", filter),
    group === "day" ? [] : ledger.by(group, filter),
  ]);
  return {
    updatedAt: nowMs,
    days,
    daily: daily.map((row) => ({ ...keyed(row), date: row.key })),
    groups: groups.map(keyed),
    totals: usageTotals(daily.reduce(addTotals, noTotals)),
  };
}

function keyed(row: Parameters<typeof usageTotals>[0] & { readonly key: string }) {
  return { key: row.key, ...usageTotals(row) };
}

async function importCalls({ deps }: Pick<RpcServices, "deps">, calls: ParamsOf<typeof usageImport>["calls"]) {
  // A clock that is wrong by a day is forgiven; a call of next year would be in no sum that anybody asks for.
  const latestMs = deps.clock.nowMs() + dayMs;
  const late = calls.find(({ atMs }) => atMs > latestMs);
  if (late !== undefined) {
    throw new AppError("RPC_003", "a call to import was made in the future", {
      details: { param: "calls", id: late.id },
    });
  }
  const entries = calls.map((call): LedgerEntry => ({
    ...call,
    runId: "",
    sessionKey: sessionKeyOf(deps, call.sessionKey),
    costFrom: call.costMicros === null ? "unknown" : "provider",
    latencyMs: null,
    origin: "import",
  }));
  const booked = await deps.store.ledger.book(entries);
  return { ok: true as const, booked, known: entries.length - booked };
}
