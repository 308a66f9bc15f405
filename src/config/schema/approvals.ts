/** `approvals`: who is asked, and for how long, before something is done that cannot be undone. */
import * as z from "zod";
import { names, positive } from "./leaf.ts";

export function approvalsSchema() {
  return z.object({
    timeoutSeconds: positive().describe("How long an answer is waited for; then it is no."),
    exec: z.object({
      enabled: z.boolean().describe("Whether questions about commands are sent to chats."),
      mode: z.enum(["session", "targets", "both"]).describe("To which."),
      targets: z
        .array(
          z.object({
            channel: z.string().describe("Channel."),
            to: z.string().describe("Chat."),
            accountId: z.string().optional().describe("Account."),
          }),
        )
        .describe("Chats that are asked."),
      approvers: names().describe("Sender ids that may answer; empty is nobody but the gateway's own surfaces."),
    }),
  });
}
