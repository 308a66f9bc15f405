/** Everything that `sessions.usage` matched, together: of all sessions from the kept sums, of one from its own rows. */
import type { UsageAggregates } from "../../../protocol/methods/session-usage.ts";
import type {
  LatencyStats,
  LedgerStore,
  LedgerTotals,
  MessageCounts,
  SessionUsage,
} from "../../../store/ledger-port.ts";
import { grouped, messageTotals, modelDays, modelsOf, tokensAndCost, toolUsageOf } from "./summary.ts";
import { addTotals, costTotalsOf, latencyOf, modelParts, noTotals } from "./totals.ts";

export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Aggregated {
  readonly totals: LedgerTotals;
  readonly aggregates: UsageAggregates;
}

type Keyed = LedgerTotals & { readonly key: string };

export async function aggregatesOf(ledger: LedgerStore, span: Span, agentId: string | undefined): Promise<Aggregated> {
  const filter = { ...span, ...(agentId === undefined ? {} : { agentId }) };
  const [models, channels, agents, activity, whole, days] = await Promise.all([
    ledger.by("model-day", filter),
    ledger.by("channel", filter),
    ledger.by("agent", filter),
    ledger.activity(filter),
    agentId === undefined ? ledger.latency(null, span) : [],
    agentId === undefined ? ledger.latency("day", span) : [],
  ]);
  const calls = models.map((row) => ({ ...row, day: row.key.slice(0, 10), model: row.key.slice(11) }));
  return {
    totals: models.reduce<LedgerTotals>(addTotals, noTotals),
    aggregates: {
      ...callAggregates(calls),
      ...activityAggregates(calls, activity),
      byAgent: agents.map((row) => ({ agentId: row.key, totals: costTotalsOf(row) })),
      byChannel: channels.map((row) => ({ channel: row.key, totals: costTotalsOf(row) })),
      ...latencyAggregates(
        whole[0],
        days.map(({ key, ...stats }) => [key, stats] as const),
      ),
    },
  };
}

/** Of one session, or of none where it did nothing in the span. */
export function aggregatesOfSession([session]: readonly SessionUsage[]): Aggregated {
  const { calls = [], messages = [], tools = [], latency = [], agentId } = session ?? {};
  const totals = calls.reduce<LedgerTotals>(addTotals, noTotals);
  const channels: Keyed[] = grouped(calls, ({ channel }) => channel).map(([key, own]) => ({ key, ...own }));
  return {
    totals,
    aggregates: {
      ...callAggregates(calls),
      ...activityAggregates(calls, { messages, tools }),
      byAgent: agentId === undefined ? [] : [{ agentId, totals: costTotalsOf(totals) }],
      byChannel: channels.map((row) => ({ channel: row.key, totals: costTotalsOf(row) })),
      ...latencyAggregates(
        latency.find(({ day }) => day === null),
        latency.flatMap(({ day, ...stats }) => (day === null ? [] : [[day, stats] as const])),
      ),
    },
  };
}

type Call = LedgerTotals & { readonly day: string; readonly model: string };

function callAggregates(calls: readonly Call[]) {
  const providers = grouped(calls, ({ model }) => modelParts(model).provider);
  return {
    byModel: modelsOf(grouped(calls, ({ model }) => model)),
    byProvider: providers.map(([provider, totals]) => ({
      provider,
      count: totals.calls,
      totals: costTotalsOf(totals),
    })),
    modelDaily: modelDays(calls),
  };
}

function activityAggregates(calls: readonly Call[], { messages, tools }: Pick<SessionUsage, "messages" | "tools">) {
  const spent = new Map(grouped(calls, ({ day }) => day));
  const said = new Map(messages.map((counts): [string, MessageCounts] => [counts.day, counts]));
  const days = [...new Set([...spent.keys(), ...said.keys()])].toSorted();
  return {
    messages: messageTotals(messages),
    tools: toolUsageOf(tools),
    daily: days.map((date) => {
      const counts = said.get(date);
      return {
        date,
        ...tokensAndCost(spent.get(date) ?? noTotals),
        messages: (counts?.user ?? 0) + (counts?.assistant ?? 0),
        toolCalls: counts?.toolCalls ?? 0,
        errors: counts?.errors ?? 0,
      };
    }),
  };
}

function latencyAggregates(whole: LatencyStats | undefined, days: readonly (readonly [string, LatencyStats])[]) {
  if (whole === undefined) return {};
  return {
    latency: latencyOf(whole),
    dailyLatency: days.map(([date, stats]) => ({ date, ...latencyOf(stats) })),
  };
}
