/** Methods of agents: run one turn, wait for its end, and who there is. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";
import { inlineAttachmentSchema } from "./chat.ts";

const name = z.string().min(1).max(256);

export const agent = method({
  name: "agent",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject({
    message: z.string().min(1),
    idempotencyKey: name,
    agentId: z.string().min(1).max(128).optional(),
    sessionKey: z.string().min(1).max(limits.sessionKeyChars).optional(),
    /** A model other than the agent's own; only for administrators. */
    model: name.optional(),
    thinking: z.string().max(32).optional(),
    /** Where the answer goes with `deliver`: a channel and a chat there. */
    deliver: z.boolean().optional(),
    channel: name.optional(),
    to: name.optional(),
    accountId: name.optional(),
    threadId: name.optional(),
    /** Seconds, as the protocol has it. */
    timeout: z.number().int().nonnegative().optional(),
    extraSystemPrompt: z
      .string()
      .max(64 * 1024)
      .optional(),
    attachments: z.array(inlineAttachmentSchema).max(limits.attachmentsPerMessage).optional(),
    label: z.string().max(128).optional(),
  }),
  result: z.strictObject({
    runId: z.string(),
    status: z.enum(["accepted", "in_flight", "ok"]),
    acceptedAt: z.number().int(),
  }),
  summary: "Starts a turn and answers with its run id at once.",
});

export const agentWait = method({
  name: "agent.wait",
  scope: "operator.write",
  params: z.strictObject({ runId: name, timeoutMs: z.number().int().nonnegative().max(3_600_000).optional() }),
  result: z.strictObject({
    runId: z.string(),
    status: z.enum(["ok", "error", "timeout"]),
    startedAt: z.number().optional(),
    endedAt: z.number().optional(),
    text: z.string().optional(),
    stopReason: z.string().optional(),
    model: z.string().optional(),
    error: z.string().optional(),
    /** Row of the error table. */
    errorCode: z.string().optional(),
    aborted: z.boolean().optional(),
  }),
  summary: "Waits for a run to end, over a restart too; `timeout` where it has not by then.",
});

export const agentIdentity = method({
  name: "agent.identity.get",
  scope: "operator.read",
  params: z.strictObject({ agentId: z.string().min(1).optional(), sessionKey: z.string().min(1).optional() }),
  result: z.strictObject({ agentId: z.string(), name: z.string().optional() }),
  summary: "The name an agent goes by.",
});

export const agentsList = method({
  name: "agents.list",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    defaultId: z.string(),
    mainKey: z.string(),
    scope: z.enum(["per-sender", "global"]),
    agents: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string().optional(),
        model: z.strictObject({ primary: z.string().optional() }).optional(),
      }),
    ),
  }),
  summary: "The configured agents.",
});

export const modelsList = method({
  name: "models.list",
  scope: "operator.read",
  params: z.strictObject({
    agentId: z.string().min(1).optional(),
    view: z.enum(["default", "configured", "provider-config", "all"]).optional(),
  }),
  result: z.strictObject({
    models: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        provider: z.string(),
        contextWindow: z.number().int().optional(),
        maxTokens: z.number().int().optional(),
        reasoning: z.boolean(),
        input: z.array(z.string()),
        /** USD per million tokens; null where nobody knows the price, which is not the same as free. */
        cost: z
          .strictObject({ input: z.number(), output: z.number(), cacheRead: z.number(), cacheWrite: z.number() })
          .nullable(),
        /** False where nobody knows what it costs: then `cost` is null, which is not the same as free. */
        priceKnown: z.boolean(),
        /** Whether it can be asked now, as far as its logins are concerned. */
        available: z.boolean(),
        /** How the best of its logins stands. */
        authState: z.enum(["ok", "not-needed", "missing", "expired", "refused", "no-credit", "cooling-down"]),
      }),
    ),
  }),
  summary: "The models that can be used, with window and price.",
});
