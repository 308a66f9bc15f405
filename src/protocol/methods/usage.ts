/** Methods of usage: what was used and what it cost, read from the ledger. Days are UTC everywhere. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const count = z.number().int();

/** Totals under the names that the field knows them by. Costs are USD; the four are what is known of the total by kind. */
export const costTotals = z.strictObject({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite: count,
  totalTokens: count,
  totalCost: z.number(),
  inputCost: z.number(),
  outputCost: z.number(),
  cacheReadCost: z.number(),
  cacheWriteCost: z.number(),
  /** Calls without a known price; their cost is not in the sum. */
  missingCostEntries: count,
});
export type CostTotals = z.infer<typeof costTotals>;

const totals = costTotals.extend({
  calls: count,
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  costUsd: z.number(),
  /** The same as `missingCostEntries`. */
  unpricedCalls: count,
  /** Calls whose tokens are an estimate, as of those that broke off. */
  estimatedCalls: count,
  /** Calls whose cost the provider itself told; of the others it is computed from a price. */
  reportedCalls: count,
});
export type UsageTotals = z.infer<typeof totals>;

/** Counts, sums and extremes are exact; a percentile is at most an eighth above the true one and never below it. */
export const latencyStats = z.strictObject({
  count,
  avgMs: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  minMs: z.number(),
  maxMs: z.number(),
});

export const usageStatus = method({
  name: "usage.status",
  scope: "operator.read",
  params: z.strictObject({ sessionKey: z.string().min(1).optional() }),
  result: z.strictObject({
    updatedAt: z.number(),
    today: totals,
    total: totals,
    models: z.array(totals.extend({ key: z.string() })),
  }),
  summary: "Usage of today and of all time, and by model.",
});

export const usageGroups = [
  "day",
  "session",
  "model",
  "provider",
  "agent",
  "channel",
  "user",
  "profile",
  "origin",
] as const;

export const usageCost = method({
  name: "usage.cost",
  scope: "operator.read",
  params: z.strictObject({
    days: z.number().int().min(1).max(3660).optional(),
    by: z.enum(usageGroups).optional(),
    sessionKey: z.string().min(1).optional(),
    agentId: z.string().min(1).optional(),
  }),
  result: z.strictObject({
    updatedAt: z.number(),
    days: z.number().int(),
    daily: z.array(totals.extend({ key: z.string(), date: z.string() })),
    groups: z.array(totals.extend({ key: z.string() })),
    totals,
  }),
  summary: "Cost by day (30 days unless told otherwise), and by whatever else is asked for.",
});

const tokens = z.number().int().min(0).max(1_000_000_000);
const text = z.string().max(256);

/** One call that another installation made, as its transcript tells it. */
export const importedCall = z.strictObject({
  /** The same call has the same id, however often and from whatever copy it is read. */
  id: z.string().min(1).max(128),
  atMs: z.number().int().positive(),
  sessionKey: z.string().min(1).max(limits.sessionKeyChars),
  agentId: z.string().min(1).max(128),
  channel: text,
  senderId: text,
  provider: text.min(1),
  model: text.min(1),
  usage: z.strictObject({ input: tokens, output: tokens, cacheRead: tokens, cacheWrite: tokens }),
  /** Micro-dollars, as the line has it. */
  costMicros: z.number().int().nonnegative().max(1_000_000_000_000).nullable(),
  costs: z
    .strictObject({
      input: z.number().int().nonnegative(),
      output: z.number().int().nonnegative(),
      cacheRead: z.number().int().nonnegative(),
      cacheWrite: z.number().int().nonnegative(),
    })
    .nullable(),
  estimated: z.boolean(),
});
export type ImportedCall = z.infer<typeof importedCall>;

export const usageImport = method({
  name: "usage.import",
  scope: "operator.admin",
  params: z.strictObject({ calls: z.array(importedCall).min(1).max(limits.usageImportCalls) }),
  result: z.strictObject({ ok: z.literal(true), booked: z.number().int(), known: z.number().int() }),
  summary: "Books calls that another installation made, for the sums alone. Known ones are skipped.",
});

export const usageCheck = method({
  name: "usage.check",
  scope: "operator.admin",
  params: z.strictObject({}),
  result: z.strictObject({
    sound: z.boolean(),
    sums: z.array(
      z.strictObject({
        sum: z.enum(["days", "sessions", "latencies", "messages", "tools"]),
        rows: count,
        /** Rows that counting gives otherwise. */
        differing: count,
      }),
    ),
  }),
  summary: "Counts every kept sum anew from the calls and transcripts, and changes nothing. Seconds of a large ledger.",
});
