/** `memory`: what the assistant keeps beyond a conversation. */
import * as z from "zod";
import { about, modelReference, positive } from "./leaf.ts";

export function memorySchema() {
  return z.object({
    backend: about(z.enum(["builtin", "none"]), "What holds it."),
    citations: about(z.enum(["auto", "on", "off"]), "Whether an answer names what it remembers from where."),
    search: z.object({
      enabled: about(z.boolean(), "Whether it can be searched."),
      provider: about(z.string().optional(), "Provider of embeddings; without one, words are searched."),
      model: about(modelReference().optional(), "Its model."),
      maxResults: about(positive(), "Results per search."),
      shareInGroups: about(
        z.boolean(),
        "Whether groups may be shown MEMORY.md and notes that no head marks; private notes never are.",
      ),
    }),
  });
}
