/** `memory`: what the assistant keeps beyond a conversation. */
import * as z from "zod";
import { modelReference, positive } from "./leaf.ts";

export function memorySchema() {
  return z.object({
    backend: z.enum(["builtin", "none"]).describe("What holds it."),
    citations: z.enum(["auto", "on", "off"]).describe("Whether an answer names what it remembers from where."),
    search: z.object({
      enabled: z.boolean().describe("Whether it can be searched."),
      provider: z.string().optional().describe("Provider of embeddings; without one, words are searched."),
      model: modelReference().optional().describe("Its model."),
      maxResults: positive().describe("Results per search."),
    }),
  });
}
