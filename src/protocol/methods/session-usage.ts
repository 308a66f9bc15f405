/** Methods of the usage of sessions, under the names and in the forms that clients in the field ask for. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";
import { costTotals, latencyStats } from "./usage.ts";

const count = z.number().int();
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const key = z.string().min(1).max(limits.sessionKeyChars);

const messageCounts = z.strictObject({
  /** Of persons and of the assistant. */
  total: count,
  user: count,
  assistant: count,
  toolCalls: count,
  toolResults: count,
  errors: count,
});
export type MessageTotals = z.infer<typeof messageCounts>;

const toolUsage = z.strictObject({
  totalCalls: count,
  uniqueTools: count,
  tools: z.array(z.strictObject({ name: z.string(), count })),
});

const modelUsage = z.strictObject({
  provider: z.string().optional(),
  model: z.string().optional(),
  count,
  totals: costTotals,
});

const modelDay = z.strictObject({
  date,
  provider: z.string().optional(),
  model: z.string().optional(),
  tokens: count,
  cost: z.number(),
  count,
});

const dailyLatency = latencyStats.extend({ date });

const sessionDailyUsage = z.strictObject({ date, tokens: count, cost: z.number() });

const sessionCostSummary = costTotals.extend({
  sessionId: z.string().optional(),
  firstActivity: z.number(),
  lastActivity: z.number(),
  durationMs: z.number(),
  activityDates: z.array(date),
  dailyBreakdown: z.array(sessionDailyUsage),
  dailyMessageCounts: z.array(messageCounts.extend({ date })),
  /** This and `latency`: where one session is asked for. */
  dailyLatency: z.array(dailyLatency).optional(),
  dailyModelUsage: z.array(modelDay),
  messageCounts,
  toolUsage,
  modelUsage: z.array(modelUsage),
  latency: latencyStats.optional(),
});
export type SessionCostSummary = z.infer<typeof sessionCostSummary>;

const sessionEntry = z.strictObject({
  key: z.string(),
  label: z.string().optional(),
  sessionId: z.string().optional(),
  updatedAt: z.number().optional(),
  agentId: z.string(),
  channel: z.string().optional(),
  modelProvider: z.string().optional(),
  model: z.string().optional(),
  usage: sessionCostSummary.nullable(),
});

const aggregates = z.strictObject({
  messages: messageCounts,
  tools: toolUsage,
  byModel: z.array(modelUsage),
  byProvider: z.array(modelUsage),
  byAgent: z.array(z.strictObject({ agentId: z.string(), totals: costTotals })),
  byChannel: z.array(z.strictObject({ channel: z.string(), totals: costTotals })),
  /** Absent where one agent is asked for: latencies are kept by model. */
  latency: latencyStats.optional(),
  dailyLatency: z.array(dailyLatency).optional(),
  modelDaily: z.array(modelDay),
  daily: z.array(
    z.strictObject({ date, tokens: count, cost: z.number(), messages: count, toolCalls: count, errors: count }),
  ),
});
export type UsageAggregates = z.infer<typeof aggregates>;

export const sessionsUsage = method({
  name: "sessions.usage",
  scope: "operator.read",
  params: z.strictObject({
    key: key.optional(),
    agentId: z.string().min(1).optional(),
    agentScope: z.literal("all").optional(),
    startDate: date.optional(),
    endDate: date.optional(),
    range: z.enum(["7d", "30d", "90d", "1y", "all"]).optional(),
    limit: z.number().int().min(1).optional(),
    // Clients in the field ask for these. Days are UTC, and a session's use is counted under its key over all its resets.
    mode: z.enum(["utc", "gateway", "specific"]).optional(),
    timeZone: z.string().min(1).optional(),
    utcOffset: z
      .string()
      .regex(/^UTC[+-]\d{1,2}(?::[0-5]\d)?$/)
      .optional(),
    groupBy: z.enum(["instance", "family"]).optional(),
    includeHistorical: z.boolean().optional(),
    includeContextWeight: z.boolean().optional(),
  }),
  result: z.strictObject({
    updatedAt: z.number(),
    startDate: date,
    endDate: date,
    timeZone: z.literal("UTC"),
    sessions: z.array(sessionEntry),
    totals: costTotals,
    aggregates,
    overview: z.strictObject({
      matchedSessions: count,
      returnedSessions: count,
      durationCount: count,
      durationSumMs: z.number(),
    }),
  }),
  summary: "What each session used and cost in a span of days (UTC), the last active first, and everything together.",
});

export const sessionsUsageTimeseries = method({
  name: "sessions.usage.timeseries",
  scope: "operator.read",
  params: z.strictObject({ key, limit: z.number().int().min(1).max(limits.usageCalls).optional() }),
  result: z.strictObject({
    sessionId: z.string().optional(),
    points: z.array(
      z.strictObject({
        timestamp: z.number(),
        input: count,
        output: count,
        cacheRead: count,
        cacheWrite: count,
        totalTokens: count,
        /** 0 of a call without a known price. */
        cost: z.number(),
        /** Of this call and all before it, also those that are not in the answer. */
        cumulativeTokens: count,
        cumulativeCost: z.number(),
        model: z.string(),
        costFrom: z.enum(["provider", "price", "unknown"]),
        estimated: z.boolean(),
        latencyMs: z.number().nullable(),
        firstTokenMs: z.number().nullable(),
      }),
    ),
  }),
  summary: "The calls of a session one by one, oldest first; the newest where there are more than asked for.",
});

export const sessionsUsageLogs = method({
  name: "sessions.usage.logs",
  scope: "operator.read",
  params: z.strictObject({ key, limit: z.number().int().min(1).max(1_000).optional() }),
  result: z.strictObject({
    logs: z.array(
      z.strictObject({
        timestamp: z.number(),
        role: z.enum(["user", "assistant", "tool", "toolResult"]),
        content: z.string(),
        tokens: count.optional(),
        cost: z.number().optional(),
      }),
    ),
  }),
  summary: "The last lines of a session with what each answer used and cost.",
});
