/** Methods of usage: what was used and what it cost, read from the ledger. */
import { z } from "zod";
import { method } from "../method.ts";

const totals = z.strictObject({
  calls: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  cacheReadTokens: z.number().int(),
  cacheWriteTokens: z.number().int(),
  totalTokens: z.number().int(),
  costUsd: z.number(),
  /** Calls of models without a known price; their cost is not in the sum. */
  unpricedCalls: z.number().int(),
});
export type UsageTotals = z.infer<typeof totals>;

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

export const usageCost = method({
  name: "usage.cost",
  scope: "operator.read",
  params: z.strictObject({
    days: z.number().int().min(1).max(3660).optional(),
    by: z.enum(["day", "session", "model", "agent", "channel"]).optional(),
    sessionKey: z.string().min(1).optional(),
  }),
  result: z.strictObject({
    updatedAt: z.number(),
    days: z.number().int(),
    daily: z.array(totals.extend({ key: z.string() })),
    groups: z.array(totals.extend({ key: z.string() })),
    totals,
  }),
  summary: "Cost by day (30 days unless told otherwise), and by whatever else is asked for.",
});
