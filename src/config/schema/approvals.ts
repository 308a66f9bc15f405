/** `approvals`: who is asked, and for how long, before something is done that cannot be undone. */
import * as z from "zod";
import { about, names, positive } from "./leaf.ts";

export function approvalsSchema() {
  return z.object({
    timeoutSeconds: about(positive(), "How long an answer is waited for; then it is no."),
    exec: z.object({
      enabled: about(z.boolean(), "Whether questions are asked in chats, of whoever may answer them there."),
      mode: about(z.enum(["session", "targets", "both"]), "To which."),
      targets: about(
        z.array(
          z.object({
            channel: about(z.string(), "Channel."),
            to: about(z.string(), "Chat."),
            accountId: about(z.string().optional(), "Account."),
          }),
        ),
        "Chats that are asked.",
      ),
      approvers: about(
        names(),
        "Senders that may answer in chats besides owners, with their channel in front: telegram:123.",
      ),
    }),
  });
}
