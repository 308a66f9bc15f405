/** `sessions_list`: which conversations there are, as far as the asking turn may see them. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import type { Tool } from "../contract.ts";
import type { SessionsPort } from "./port.ts";

const inputSchema = z.object({
  limit: z.number().int().min(1).max(limits.sessionsPerTool).optional(),
  search: z.string().min(1).max(200).optional(),
});

export function createSessionsListTool(sessions: SessionsPort): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "sessions_list",
    description: "Lists the conversations that you may see, newest first.",
    inputSchema,
    effect: "pure",
    async run({ limit = 20, search }, context) {
      const rows = await sessions.list(context, { limit, ...(search === undefined ? {} : { search }) });
      const shown = rows.map(({ updatedMs, ...row }) => ({ ...row, updatedAt: new Date(updatedMs).toISOString() }));
      // Labels and keys are words of others.
      return { text: JSON.stringify(shown), from: { class: "foreign", source: "the list of sessions" } };
    },
  };
}
