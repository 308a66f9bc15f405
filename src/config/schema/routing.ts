/** `router` and `bindings`: which model and which agent a message gets. */
import * as z from "zod";
import { count, modelReference } from "./leaf.ts";

export function routerSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether the model is chosen by how hard the question is."),
    thresholds: z.object({
      balanced: z.number().min(0).max(1).describe("Score from which the middle tier answers."),
      capable: z.number().min(0).max(1).describe("Score from which the strongest does."),
    }),
    tiers: z.object({
      fast: modelReference().optional().describe("Model for easy questions."),
      balanced: modelReference().optional().describe("Model for ordinary ones."),
      capable: modelReference().optional().describe("Model for hard ones."),
    }),
    toolLimits: z.object({
      fast: count().describe("Most tools shown to the fast tier; 0 is no limit."),
      balanced: count().describe("The same for the middle tier."),
      capable: count().describe("The same for the strongest."),
    }),
  });
}

export function bindingsSchema() {
  return z.array(
    z.object({
      agentId: z.string().min(1).describe("Agent that answers."),
      match: z.object({
        channel: z.string().min(1).describe("Channel."),
        accountId: z.string().optional().describe("Account of ours; absent is every one."),
        peer: z
          .string()
          .meta({ alsoAccepts: { type: "object" } })
          .optional()
          .describe("Chat or person."),
      }),
    }),
  );
}

export function channelsSchema() {
  return z.record(z.string(), z.record(z.string(), z.unknown()));
}
