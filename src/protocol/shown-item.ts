/**
 * A message and a part as an operator is shown them. Their words are in here: what returns one of these needs the scope
 * that may read transcripts.
 */
import { z } from "zod";

const count = z.number().int().nonnegative();

const errorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});

export const shownMessageSchema = z.strictObject({
  id: z.string(),
  runId: z.string(),
  sessionKey: z.string(),
  agentId: z.string(),
  channel: z.string(),
  accountId: z.string(),
  chatId: z.string(),
  platformMessageId: z.string(),
  senderId: z.string(),
  senderName: z.string().nullable(),
  state: z.string(),
  reason: z.string().nullable(),
  attempts: count,
  admittedMs: z.number(),
  endedMs: z.number().nullable(),
  text: z.string(),
});
export type ShownMessage = z.infer<typeof shownMessageSchema>;

export const shownPartSchema = z.strictObject({
  id: z.string(),
  messageId: z.string().nullable(),
  runId: z.string().nullable(),
  sessionKey: z.string(),
  channel: z.string(),
  accountId: z.string(),
  chatId: z.string(),
  threadId: z.string().nullable(),
  /** `send`, `edit`, `delete` or `react`. */
  action: z.string(),
  state: z.string(),
  attempts: count,
  nextAttemptMs: z.number(),
  expiresMs: z.number(),
  chunksSent: count,
  platformMessageIds: z.array(z.string()),
  error: errorSchema.nullable(),
  createdMs: z.number(),
  updatedMs: z.number(),
  text: z.string(),
  attachments: count,
});
export type ShownPart = z.infer<typeof shownPartSchema>;
