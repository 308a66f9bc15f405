/** What every message costs before anybody has said a word. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

export const promptShow = method({
  name: "prompt.show",
  scope: "operator.admin",
  params: z.strictObject({
    agentId: z.string().min(1).optional(),
    sessionKey: z.string().min(1).max(limits.sessionKeyChars).optional(),
    /** As if the router had chosen this tier. */
    tier: z.enum(["fast", "balanced", "capable"]).optional(),
  }),
  result: z.strictObject({
    agentId: z.string(),
    sections: z.array(z.strictObject({ name: z.string(), bytes: z.number().int(), text: z.string() })),
    tools: z.array(z.strictObject({ name: z.string(), bytes: z.number().int() })),
    totalBytes: z.number().int(),
  }),
  summary: "The system prompt by section and the tools that are offered, with their sizes.",
});
