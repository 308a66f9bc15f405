/** `router` and `bindings`: which model and which agent a message gets. */
import * as z from "zod";
import { priorities } from "../../domain/message.ts";
import { about, count, modelReference } from "./leaf.ts";

export function routerSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether the model is chosen by how hard the question is."),
    thresholds: z.object({
      balanced: about(z.number().min(0).max(1), "Score from which the middle tier answers."),
      capable: about(z.number().min(0).max(1), "Score from which the strongest does."),
    }),
    tiers: z.object({
      fast: about(modelReference().optional(), "Model for easy questions."),
      balanced: about(modelReference().optional(), "Model for ordinary ones."),
      capable: about(modelReference().optional(), "Model for hard ones."),
    }),
    toolLimits: z.object({
      fast: about(count(), "Most tools shown to the fast tier; 0 is no limit."),
      balanced: about(count(), "The same for the middle tier."),
      capable: about(count(), "The same for the strongest."),
    }),
  });
}

export function bindingsSchema() {
  return z.array(
    z.object({
      agentId: about(z.string().min(1), "Agent that answers."),
      priority: about(
        z.enum(priorities).optional(),
        "How soon its messages get their turn when many wait; normal where nothing is said. Waiting raises it.",
      ),
      match: z.object({
        channel: about(z.string().min(1), "Channel."),
        accountId: about(z.string().optional(), "Account of ours; absent is every one."),
        peer: about(
          z
            .string()
            .meta({ alsoAccepts: { type: "object" } })
            .optional(),
          "Chat or person.",
        ),
        sender: about(
          z.string().optional(),
          "Who wrote, by the platform's unchangeable id, whatever the chat; a name matches nothing.",
        ),
      }),
    }),
  );
}

export function channelsSchema() {
  return z.record(z.string(), z.record(z.string(), z.unknown()));
}
