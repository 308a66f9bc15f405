/** `health` and `status`: whether the gateway is well, in short and at length. */
import { z } from "zod";
import { method } from "../method.ts";

const count = z.number().int().nonnegative();

export const healthSchema = z.strictObject({
  ok: z.literal(true),
  /** When it was looked at last; unchanged health is not looked at for every question. */
  ts: count,
  durationMs: count,
  defaultAgentId: z.string(),
  channelOrder: z.array(z.string()),
  channelLabels: z.record(z.string(), z.string()),
  channels: z.record(z.string(), z.unknown()),
});
export type HealthPayload = z.infer<typeof healthSchema>;

export const health = method({
  name: "health",
  scope: "operator.read",
  params: z.strictObject({ probe: z.boolean().optional(), includeSensitive: z.boolean().optional() }),
  result: healthSchema,
  summary: "The health of gateway and channels from a cache; `probe` looks anew.",
});

export const status = method({
  name: "status",
  scope: "operator.read",
  params: z.strictObject({ includeChannelSummary: z.boolean().optional() }),
  result: z.strictObject({
    version: z.string(),
    protocol: count,
    uptimeMs: count,
    ready: z.boolean(),
    failing: z.array(z.string()),
    draining: z.boolean(),
    connections: count,
    loopDelay: z.strictObject({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() }),
    agents: z.array(
      z.strictObject({ id: z.string(), name: z.string(), isDefault: z.boolean(), model: z.string().nullable() }),
    ),
    channels: z.array(z.record(z.string(), z.unknown())),
    sessions: z.strictObject({ total: count }),
    inbox: z.strictObject({ queued: count, running: count, oldestQueuedMs: z.number().nullable() }),
    outbox: z.record(z.string(), count),
    runs: z.array(
      z.strictObject({ runId: z.string(), sessionKey: z.string(), agentId: z.string(), startedMs: z.number() }),
    ),
  }),
  summary: "What the gateway is doing: queues, runs, channels, agents and clients.",
});
