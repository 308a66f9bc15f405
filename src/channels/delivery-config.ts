/**
 * The settings about what leaves that every channel shares, and how they become the rules that delivery follows. It
 * decides nothing itself. What is not set keeps the house's own way: tried again where that helps, never twice unseen.
 */
import { z } from "zod";
import {
  defaultDeliverySettings as defaults,
  doubtPolicies,
  naturalDelay,
  permissions,
  reliabilities,
  streamings,
  type DeliverySettings,
} from "../domain/delivery-policy.ts";
import { chunkModes } from "./contract.ts";

const { policy, blocks } = defaults;
const pauseMs = z.number().int().min(0).max(3_600_000);

const retrySchema = z.object({
  attempts: z
    .number()
    .int()
    .min(0)
    .max(20)
    .default(policy.retry.attempts)
    .describe("How many more times a part is tried after its first attempt; then it is kept as failed."),
  minDelayMs: pauseMs.default(policy.retry.minDelayMs).describe("The first pause."),
  maxDelayMs: pauseMs
    .default(policy.retry.maxDelayMs)
    .describe("No pause is longer, unless the platform names one: what it asks for wins."),
  factor: z.number().min(1).max(10).default(policy.retry.factor).describe("Each pause is so many times the last."),
  jitter: z
    .number()
    .min(0)
    .max(1)
    .default(policy.retry.jitter)
    .describe("Each pause is longer by up to this share, so that chats do not come back all at once."),
});

const deliverySchema = z.object({
  reliability: z
    .enum(reliabilities)
    .default(policy.reliability)
    .describe(
      "fire-and-forget: one attempt, never again, also when it is not known whether it arrived. retry: any failure that is not final is tried again. retry-on-error: only what provably failed in a way that passes (network, rate limit, server error). With the last two, a send whose answer was lost follows onDoubt.",
    ),
  permission: z
    .enum(permissions)
    .default(policy.permission)
    .describe(
      "allow: parts leave. deny: none does; each is kept as failed. require-approval: each is held until a person allows it. Asked when a part is written and again right before it is sent.",
    ),
  onDoubt: z
    .enum(doubtPolicies)
    .default(policy.onDoubt)
    .describe(
      "About a part that may have arrived, on a platform where nobody can look: resend-labelled sends it again and says so in front; hold-and-ask keeps it until a person decides; drop keeps it as failed.",
    ),
  retry: retrySchema.refine(...ordered("minDelayMs", "maxDelayMs")).prefault({}),
});

const blockStreamingSchema = z.object({
  minChars: z.number().int().min(1).max(100_000).default(blocks.minChars).describe("A block is at least this long."),
  maxChars: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(blocks.maxChars)
    .describe("And at most this long, or as long as a message of the platform may be."),
  idleMs: pauseMs.default(blocks.idleMs).describe("After this silence what there is leaves, however short."),
});

const humanDelaySchema = z.object({
  mode: z
    .enum(["off", "natural", "custom"])
    .default("off")
    .describe("A pause between two parts of one answer: none, 0.8 to 2.5 s, or between minMs and maxMs."),
  minMs: pauseMs.default(naturalDelay.minMs),
  maxMs: pauseMs.default(naturalDelay.maxMs),
});

/** A range that ends before it begins was meant otherwise, and nobody can tell how. */
function ordered<Least extends string, Most extends string>(least: Least, most: Most) {
  const holds = (range: Readonly<Record<Least | Most, number>>): boolean => range[least] <= range[most];
  const path: PropertyKey[] = [most];
  return [holds, { path, message: `expected a ${most} that is not smaller than ${least}` }] as const;
}

/** Spread into a channel's own schema, like `policyConfigShape`. */
export const deliveryConfigShape = {
  textChunkLimit: z
    .number()
    .int()
    .min(50)
    .optional()
    .describe("Longest message that is sent, in the platform's unit; the platform's own limit where it is lower."),
  chunkMode: z
    .enum(chunkModes)
    .default(defaults.chunkMode)
    .describe(
      "How a long text is cut: markdown keeps blocks and code whole, text looks at lines and sentences alone, paragraph makes each paragraph a message.",
    ),
  delivery: deliverySchema.prefault({}).describe("What is tried again, what is done about a doubt, and who allows it."),
  streaming: z
    .enum(streamings)
    .default(defaults.streaming)
    .describe(
      "off: an answer leaves when it is whole. block: finished pieces of it leave while the rest is written. edit: one message grows, where the platform can edit; elsewhere as off.",
    ),
  blockStreaming: blockStreamingSchema
    .refine(...ordered("minChars", "maxChars"))
    .prefault({})
    .describe("Sizes for streaming: block."),
  humanDelay: humanDelaySchema.refine(...ordered("minMs", "maxMs")).prefault({}),
};

const deliveryConfigSchema = z.object(deliveryConfigShape);

/**
 * The rules of one account. `config` is an account's settings after its channel's schema; what does not fit gives the
 * defaults, except that a part which nobody could have allowed is not sent: a mistake never opens a way out.
 */
export function deliverySettingsOf(config: unknown): DeliverySettings {
  const parsed = deliveryConfigSchema.safeParse(config ?? {});
  if (!parsed.success) return { ...defaults, policy: { ...policy, permission: "require-approval" } };
  const { textChunkLimit, chunkMode, delivery, streaming, blockStreaming, humanDelay } = parsed.data;
  return {
    textChunkLimit: textChunkLimit ?? null,
    chunkMode,
    policy: delivery,
    streaming,
    blocks: blockStreaming,
    humanDelay: delayOf(humanDelay),
  };
}

function delayOf({ mode, minMs, maxMs }: z.output<typeof humanDelaySchema>): DeliverySettings["humanDelay"] {
  switch (mode) {
    case "off":
      return null;
    case "natural":
      return naturalDelay;
    case "custom":
      return { minMs, maxMs };
  }
}
