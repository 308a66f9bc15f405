/** Sums of the ledger as they go over the wire: micro-dollars become dollars here and nowhere before. Pure. */
import { addUsage, noUsage, totalTokens } from "../../../domain/money.ts";
import type { CostTotals, UsageTotals } from "../../../protocol/methods/usage.ts";
import type { LatencyStats, LedgerTotals } from "../../../store/ledger-port.ts";

export const noTotals: LedgerTotals = Object.freeze({
  calls: 0,
  usage: noUsage,
  costMicros: 0,
  costs: noUsage,
  unpriced: 0,
  estimated: 0,
  reported: 0,
});

export function addTotals(left: LedgerTotals, right: LedgerTotals): LedgerTotals {
  return {
    calls: left.calls + right.calls,
    usage: addUsage(left.usage, right.usage),
    costMicros: left.costMicros + right.costMicros,
    costs: addUsage(left.costs, right.costs),
    unpriced: left.unpriced + right.unpriced,
    estimated: left.estimated + right.estimated,
    reported: left.reported + right.reported,
  };
}

export function usd(micros: number): number {
  return micros / 1_000_000;
}

export function costTotalsOf({ usage, costMicros, costs, unpriced }: LedgerTotals): CostTotals {
  return {
    input: usage.input,
    output: usage.output,
    cacheRead: usage.cacheRead,
    cacheWrite: usage.cacheWrite,
    totalTokens: totalTokens(usage),
    totalCost: usd(costMicros),
    inputCost: usd(costs.input),
    outputCost: usd(costs.output),
    cacheReadCost: usd(costs.cacheRead),
    cacheWriteCost: usd(costs.cacheWrite),
    missingCostEntries: unpriced,
  };
}

export function usageTotals(totals: LedgerTotals): UsageTotals {
  const { usage } = totals;
  return {
    ...costTotalsOf(totals),
    calls: totals.calls,
    inputTokens: usage.input,
    outputTokens: usage.output,
    cacheReadTokens: usage.cacheRead,
    cacheWriteTokens: usage.cacheWrite,
    costUsd: usd(totals.costMicros),
    unpricedCalls: totals.unpriced,
    estimatedCalls: totals.estimated,
    reportedCalls: totals.reported,
  };
}

export function latencyOf({ count, averageMs, leastMs, mostMs, p50Ms, p95Ms }: LatencyStats) {
  return { count, avgMs: averageMs, p50Ms, p95Ms, minMs: leastMs, maxMs: mostMs };
}

/** `<provider>/<model>` in two; a model's own name may have slashes. */
export function modelParts(ref: string): { provider: string; model: string } {
  const at = ref.indexOf("/");
  return at < 0 ? { provider: ref, model: ref } : { provider: ref.slice(0, at), model: ref.slice(at + 1) };
}
