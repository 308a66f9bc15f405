/** Methods of dead letters: what could not be brought to its end, kept until a person replays or purges it. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";
import { shownMessageSchema, shownPartSchema } from "../shown-item.ts";

const id = z.string().min(1).max(512);
const ids = z.array(id).min(1).max(limits.deadLettersPerRequest);

const letterSchema = z.strictObject({
  kind: z.enum(["message", "part"]),
  id: z.string(),
  atMs: z.number(),
  reason: z.string(),
  channel: z.string(),
  accountId: z.string(),
  chatId: z.string(),
  sessionKey: z.string(),
  runId: z.string().nullable(),
  /** The first words of it, to know it by. */
  excerpt: z.string(),
});
export type ShownDeadLetter = z.infer<typeof letterSchema>;

export const dlqList = method({
  name: "dlq.list",
  scope: "operator.read",
  params: z.strictObject({
    limit: z.number().int().min(1).max(limits.deadLettersPerRequest).optional(),
    beforeMs: z.number().int().nonnegative().optional(),
  }),
  result: z.strictObject({ total: z.number().int().nonnegative(), letters: z.array(letterSchema) }),
  summary: "What was never answered or never arrived, newest first; `beforeMs` goes on behind an earlier answer.",
});

export const dlqShow = method({
  name: "dlq.show",
  scope: "operator.read",
  params: z.strictObject({ id }),
  result: z.strictObject({
    letter: letterSchema,
    message: shownMessageSchema.nullable(),
    part: shownPartSchema.nullable(),
  }),
  summary: "One dead letter whole: its text, its attempts and its error.",
});

export const dlqReplay = method({
  name: "dlq.replay",
  scope: "operator.write",
  params: z.strictObject({ id: id.optional(), ids: ids.optional() }),
  result: z.strictObject({
    results: z.array(
      z.strictObject({
        id: z.string(),
        /** `gone`: it is no dead letter (any more), for instance because it was replayed before. */
        outcome: z.enum(["replayed", "refused", "gone"]),
        /** Why it was refused, in the words of admission or delivery. */
        reason: z.string().nullable(),
      }),
    ),
  }),
  summary: "Puts dead letters back to work, each once, if they would be let in or let out today.",
});

export const dlqPurge = method({
  name: "dlq.purge",
  scope: "operator.admin",
  params: z.strictObject({ ids: ids.optional(), olderThanMs: z.number().int().nonnegative().optional() }),
  result: z.strictObject({ purged: z.number().int().nonnegative() }),
  summary: "Takes dead letters off the list and drops their content: these, or all that ended longer ago than that.",
});
