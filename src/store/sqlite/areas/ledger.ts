/** The ledger of the port: rows go to the writer, every question to the reader. */
import type { TokenCosts } from "../../../domain/money.ts";
import type {
  CallOrigin,
  DailyActivity,
  LatencyStats,
  LedgerCall,
  LedgerEntry,
  LedgerStore,
  LedgerTotals,
  MessageCounts,
  SessionUsage,
} from "../../ledger-port.ts";
import type { Access } from "../access.ts";
import type { LedgerArgs } from "../commands/ledger.ts";
import { statsOf, type BucketRecord } from "../queries/latency.ts";
import type { CallRecord, MessagesRecord, SessionFacts, SessionUsageRecords } from "../queries/usage.ts";
import { noTotals, type TotalsRecord } from "../records.ts";
import { storedMs, usageOf } from "./rows.ts";

export function ledgerStore(access: Access): LedgerStore {
  return {
    async totals(filter) {
      const [record] = await access.far("ledgerSums", { group: null, filter });
      return totalsOf(record ?? noTotals);
    },
    async by(group, filter) {
      const records = await access.far("ledgerSums", { group, filter });
      return records.map((record) => ({ key: record.key, ...totalsOf(record) }));
    },
    latency: (group, filter) => access.far("ledgerLatency", { group, filter }),
    async activity(filter): Promise<DailyActivity> {
      const { messages, tools } = await access.far("dailyActivity", filter);
      return { messages: messages.map(messagesOf), tools };
    },
    async sessions({ sinceMs, untilMs, sessionKey = null, agentId = null, limit }) {
      const asked = { sinceMs, untilMs: storedMs(untilMs), sessionKey, agentId, limit };
      const records = await access.far("sessionUsage", asked);
      return { rows: sessionsOf(records), matched: records.matched };
    },
    async calls(sessionKey, { sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER, limit }) {
      const records = await access.far("callsOfSession", { sessionKey, sinceMs, untilMs: storedMs(untilMs), limit });
      return records.map(callOf);
    },
    book: (entries) => access.write("book", { entries: entries.map(ledgerArgs) }),
    recount: () => access.far("recount", null),
  };
}

/** A call as the writer takes it. */
export function ledgerArgs(entry: LedgerEntry): LedgerArgs {
  const { usage, provider, model, costs = null, costMicros, costFrom, latencyMs, firstTokenMs = null } = entry;
  return {
    id: entry.id,
    atMs: entry.atMs,
    runId: entry.runId,
    sessionKey: entry.sessionKey,
    agentId: entry.agentId,
    channel: entry.channel,
    senderId: entry.senderId,
    profileId: entry.profileId ?? null,
    jobId: entry.jobId ?? null,
    model: model.startsWith(`${provider}/`) ? model : `${provider}/${model}`,
    input: usage.input,
    output: usage.output,
    cacheRead: usage.cacheRead,
    cacheWrite: usage.cacheWrite,
    costMicros,
    costFrom: costMicros === null ? "unknown" : (costFrom ?? "price"),
    costs:
      costs === null || costMicros === null ? null : [costs.input, costs.output, costs.cacheRead, costs.cacheWrite],
    estimated: entry.estimated,
    // A clock that was set back between begin and end would make it negative, which here means unknown.
    latencyMs: latencyMs === null ? -1 : Math.max(0, Math.round(latencyMs)),
    firstTokenMs: firstTokenMs === null ? null : Math.max(0, Math.round(firstTokenMs)),
    origin: entry.origin,
  };
}

function totalsOf(record: TotalsRecord): LedgerTotals {
  return {
    calls: record.calls,
    usage: usageOf(record),
    costMicros: record.cost_micros,
    costs: {
      input: record.input_cost,
      output: record.output_cost,
      cacheRead: record.cache_read_cost,
      cacheWrite: record.cache_write_cost,
    },
    unpriced: record.unpriced,
    estimated: record.estimated,
    reported: record.reported,
  };
}

function messagesOf(record: MessagesRecord): MessageCounts & { readonly day: string } {
  return {
    day: record.day,
    user: record.user,
    assistant: record.assistant,
    toolCalls: record.tool_calls,
    toolResults: record.tool_results,
    errors: record.errors,
  };
}

function callOf(record: CallRecord): LedgerCall {
  return {
    id: record.id,
    atMs: record.at_ms,
    runId: record.run_id,
    model: record.model,
    profileId: record.profile_id,
    jobId: record.job_id,
    origin: record.origin as CallOrigin,
    usage: usageOf(record),
    costMicros: record.cost_micros,
    costFrom: record.cost_from as LedgerCall["costFrom"],
    costs: costsOf(record),
    estimated: record.estimated === 1,
    latencyMs: record.latency_ms < 0 ? null : record.latency_ms,
    firstTokenMs: record.first_token_ms,
  };
}

function costsOf(record: CallRecord): TokenCosts | null {
  const { input_cost: input, output_cost: output, cache_read_cost: cacheRead, cache_write_cost: cacheWrite } = record;
  if (input === null || output === null || cacheRead === null || cacheWrite === null) return null;
  return { input, output, cacheRead, cacheWrite };
}

function sessionsOf(records: SessionUsageRecords): SessionUsage[] {
  const ofSession = <Row extends { session_key: string }>(rows: readonly Row[]): ((key: string) => readonly Row[]) => {
    const groups = Map.groupBy(rows, (row) => row.session_key);
    return (key) => groups.get(key) ?? [];
  };
  const calls = ofSession(records.calls);
  const messages = ofSession(records.messages);
  const tools = ofSession(records.tools);
  const buckets = ofSession(records.buckets);
  const spans = ofSession(records.spans);
  return records.sessions.map((session) => {
    const key = session.session_key;
    const active = [...spans(key), ...messages(key)];
    return {
      ...factsOf(session),
      firstMs: active.reduce((first, row) => Math.min(first, row.first_ms), Infinity),
      lastMs: active.reduce((last, row) => Math.max(last, row.last_ms), 0),
      calls: calls(key).map((row) => ({ day: row.day, model: row.model, channel: row.channel, ...totalsOf(row) })),
      messages: messages(key).map(messagesOf),
      tools: tools(key).map(({ day, tool, calls: asked, errors }) => ({ day, tool, calls: asked, errors })),
      latency: latencyOf(buckets(key)),
    };
  });
}

function factsOf(session: SessionFacts) {
  return {
    sessionKey: session.session_key,
    sessionId: session.session_id,
    label: session.label,
    agentId: session.agent_id,
    updatedMs: session.updated_ms,
  };
}

function latencyOf(buckets: readonly (BucketRecord & { day: string })[]): (LatencyStats & { day: string | null })[] {
  if (buckets.length === 0) return [];
  const days = [...Map.groupBy(buckets, ({ day }) => day)].map(([day, own]) => ({ day, ...statsOf(own) }));
  return [{ day: null, ...statsOf(buckets) }, ...days];
}
