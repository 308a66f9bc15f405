/** Methods of the chat: say something, read what was said, stop an answer. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method, type AliasCall } from "../method.ts";

const sessionKey = z.string().min(1).max(limits.sessionKeyChars);
const agentId = z.string().min(1).max(128);
const idempotencyKey = z.string().min(1).max(256);

/** A file inside a frame, as chat clients send it. */
export const inlineAttachmentSchema = z.object({
  type: z.string().optional(),
  mimeType: z.string().optional(),
  fileName: z.string().optional(),
  /** Base64, with or without a data URL in front. */
  content: z.string(),
});
export type InlineAttachment = z.infer<typeof inlineAttachmentSchema>;

export const runStatusSchema = z.enum(["started", "in_flight", "ok"]);

export const chatSend = method({
  name: "chat.send",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject({
    sessionKey,
    message: z.string(),
    idempotencyKey,
    agentId: agentId.optional(),
    thinking: z.string().max(32).optional(),
    deliver: z.boolean().optional(),
    timeoutMs: z.number().int().nonnegative().optional(),
    attachments: z.array(inlineAttachmentSchema).max(limits.attachmentsPerMessage).optional(),
  }),
  result: z.strictObject({ runId: z.string(), status: runStatusSchema }),
  summary: "Sends a message to the assistant; the idempotency key is the run's id. The answer comes as `chat` events.",
  aliases: [{ name: "chat", adapt: adaptTutorialChat }],
});

export const chatHistory = method({
  name: "chat.history",
  scope: "operator.read",
  params: z.strictObject({
    sessionKey,
    agentId: agentId.optional(),
    sessionId: z.string().min(1).optional(),
    limit: z.number().int().min(1).max(1000).optional(),
    maxChars: z.number().int().min(1).max(500_000).optional(),
  }),
  result: z.strictObject({
    sessionKey: z.string(),
    sessionId: z.string().nullable(),
    messages: z.array(z.record(z.string(), z.unknown())),
    /** True where older messages were left out to keep the answer within its size. */
    truncated: z.boolean(),
  }),
  summary: "The newest messages of a session, oldest first, at most 6 MiB of them.",
});

export const chatAbort = method({
  name: "chat.abort",
  scope: "operator.write",
  params: z.strictObject({
    sessionKey,
    agentId: agentId.optional(),
    runId: z.string().min(1).optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), aborted: z.boolean(), runIds: z.array(z.string()) }),
  summary: "Stops one run of a session, or all of them. What was said so far is kept.",
});

export const chatInject = method({
  name: "chat.inject",
  scope: "operator.admin",
  params: z.strictObject({
    sessionKey,
    agentId: agentId.optional(),
    message: z.string().min(1),
    label: z.string().max(100).optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), messageId: z.string() }),
  summary: "Writes a note into a session as the assistant's, without running a model.",
});

/** The tutorial's `chat` has no idempotency key: the request itself, sent once on its connection, stands in for it. */
function adaptTutorialChat(params: Readonly<Record<string, unknown>>, call: AliasCall): Record<string, unknown> {
  return { sessionKey: "main", idempotencyKey: `${call.connectionId}:${call.requestId}`, ...params };
}
