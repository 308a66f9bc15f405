/** `sessions_history`: what was said in a conversation. Whoever said it, here it is data and no order. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Tool } from "../contract.ts";
import type { SessionsPort } from "./port.ts";

const inputSchema = z.object({
  sessionKey: z.string().min(1).max(limits.sessionKeyChars),
  limit: z.number().int().min(1).max(limits.historyLinesPerTool).optional(),
});

export function createSessionsHistoryTool(sessions: SessionsPort): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "sessions_history",
    description: "Reads the newest lines of a conversation, by its key from sessions_list.",
    inputSchema,
    effect: "pure",
    async run({ sessionKey, limit = 20 }, context) {
      const found = await sessions.find(context, sessionKey);
      if (found === null) throw unknownSession(sessionKey);
      const lines = await sessions.lines(found.sessionKey, limit);
      const text = lines.map((line) => `${line.role}: ${line.text}`).join("\n");
      const from = { class: "foreign", source: `session ${found.sessionKey}` } as const;
      return { text: text === "" ? "Nothing was said in it yet." : text, from };
    },
  };
}

/** The same words whether there is none or it may not be seen. */
export function unknownSession(named: string): AppError {
  return new AppError(
    "RUN_003",
    `There is no session ${JSON.stringify(named)} that you may see. Use a key that sessions_list shows.`,
  );
}
