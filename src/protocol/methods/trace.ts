/** `trace.get`: the way of one message through the house. */
import { z } from "zod";
import { method } from "../method.ts";
import { shownMessageSchema, shownPartSchema } from "../shown-item.ts";

export const traceEventSchema = z.strictObject({
  type: z.string(),
  atMs: z.number(),
  /** Since the event before it; 0 for the first. */
  gapMs: z.number(),
  /** What happened, in words. */
  what: z.string(),
  /** Why, where something is known. */
  why: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});
export type ShownTraceEvent = z.infer<typeof traceEventSchema>;

export const traceGet = method({
  name: "trace.get",
  scope: "operator.read",
  params: z.strictObject({ id: z.string().min(1).max(1_024) }),
  result: z.strictObject({
    id: z.string(),
    messageId: z.string().nullable(),
    runId: z.string().nullable(),
    sessionKey: z.string().nullable(),
    /** From the first event to the last. */
    tookMs: z.number(),
    events: z.array(traceEventSchema),
    message: shownMessageSchema.nullable(),
    parts: z.array(shownPartSchema),
  }),
  summary:
    "What happened to a message and when: by its id, its run's, a part's, or channel:account:chat:id as the platform knows it.",
});
