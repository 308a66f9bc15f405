/** `logs.tail`: the log, a page at a time, without losing a line where the file is rotated. */
import { z } from "zod";
import { method } from "../method.ts";

export const logsTail = method({
  name: "logs.tail",
  scope: "operator.read",
  params: z.strictObject({
    cursor: z.union([z.string().max(512), z.number().int().nonnegative()]).optional(),
    limit: z.number().int().min(1).max(5000).optional(),
    maxBytes: z.number().int().min(1).max(1_000_000).optional(),
    scope: z.string().max(128).optional(),
  }),
  result: z.strictObject({
    file: z.string(),
    cursor: z.union([z.string(), z.number()]),
    lines: z.array(z.string()),
    truncated: z.boolean(),
  }),
  summary: "Lines of the log, newest last; the cursor of one answer goes on behind it.",
});
