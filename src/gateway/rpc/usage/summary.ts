/** A session's use as the field knows it: sums, days, messages, tools, models and latencies. Pure. */
import { totalTokens } from "../../../domain/money.ts";
import type { MessageTotals, SessionCostSummary } from "../../../protocol/methods/session-usage.ts";
import type { LedgerTotals, MessageCounts, SessionUsage, ToolCount } from "../../../store/ledger-port.ts";
import { addTotals, costTotalsOf, latencyOf, modelParts, noTotals, usd } from "./totals.ts";

export function summaryOf(session: SessionUsage): SessionCostSummary {
  const { calls, messages, latency, firstMs, lastMs } = session;
  const days = grouped(calls, ({ day }) => day);
  const whole = latency.find(({ day }) => day === null);
  return {
    ...costTotalsOf(calls.reduce(addTotals, noTotals)),
    ...(session.sessionId === null ? {} : { sessionId: session.sessionId }),
    firstActivity: firstMs,
    lastActivity: lastMs,
    durationMs: lastMs - firstMs,
    activityDates: [...new Set([...calls, ...messages].map(({ day }) => day))].toSorted(),
    dailyBreakdown: days.map(([date, totals]) => ({ date, ...tokensAndCost(totals) })),
    dailyMessageCounts: messages.map((counts) => ({ date: counts.day, ...messageTotals([counts]) })),
    dailyModelUsage: modelDays(calls),
    messageCounts: messageTotals(messages),
    toolUsage: toolUsageOf(session.tools),
    modelUsage: modelsOf(grouped(calls, ({ model }) => model)),
    ...(whole === undefined
      ? {}
      : {
          latency: latencyOf(whole),
          dailyLatency: latency.flatMap(({ day, ...stats }) =>
            day === null ? [] : [{ date: day, ...latencyOf(stats) }],
          ),
        }),
  };
}

/** Groups in the order of their first row, each summed. */
export function grouped<Row extends LedgerTotals>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): (readonly [key: string, totals: LedgerTotals])[] {
  return [...Map.groupBy(rows, keyOf)].map(([key, own]) => [key, own.reduce<LedgerTotals>(addTotals, noTotals)]);
}

export function tokensAndCost({ usage, costMicros }: LedgerTotals): { tokens: number; cost: number } {
  return { tokens: totalTokens(usage), cost: usd(costMicros) };
}

export function modelDays(calls: readonly (LedgerTotals & { readonly day: string; readonly model: string })[]) {
  return grouped(calls, ({ day, model }) => `${day} ${model}`).map(([key, totals]) => ({
    date: key.slice(0, 10),
    ...modelParts(key.slice(11)),
    ...tokensAndCost(totals),
    count: totals.calls,
  }));
}

export function modelsOf(groups: readonly (readonly [ref: string, totals: LedgerTotals])[]) {
  return groups
    .toSorted(([, left], [, right]) => right.costMicros - left.costMicros || right.calls - left.calls)
    .map(([ref, totals]) => ({ ...modelParts(ref), count: totals.calls, totals: costTotalsOf(totals) }));
}

export function messageTotals(days: readonly MessageCounts[]): MessageTotals {
  const sum = (of: (counts: MessageCounts) => number): number => days.reduce((all, counts) => all + of(counts), 0);
  return {
    total: sum(({ user, assistant }) => user + assistant),
    user: sum(({ user }) => user),
    assistant: sum(({ assistant }) => assistant),
    toolCalls: sum(({ toolCalls }) => toolCalls),
    toolResults: sum(({ toolResults }) => toolResults),
    errors: sum(({ errors }) => errors),
  };
}

export function toolUsageOf(tools: readonly ToolCount[]) {
  const counts = [...Map.groupBy(tools, ({ tool }) => tool)]
    .map(([name, own]) => ({ name, count: own.reduce((sum, { calls }) => sum + calls, 0) }))
    .filter(({ count }) => count > 0)
    .toSorted((left, right) => right.count - left.count || (left.name < right.name ? -1 : 1));
  return { totalCalls: counts.reduce((sum, { count }) => sum + count, 0), uniqueTools: counts.length, tools: counts };
}
