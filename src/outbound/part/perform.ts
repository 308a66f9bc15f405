/** One step of a part on its platform: a message, an edit, a deletion, a reaction. Never throws. */
import type { OutboundPiece, SendOutcome } from "../../channels/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt } from "../contract.ts";
import { actionOf } from "./known-so-far.ts";

/** `piece` is null where the step shows no text. */
export async function perform(row: OutboxRow, piece: OutboundPiece | null, attempt: Attempt): Promise<SendOutcome> {
  const { failpoints } = attempt.work;
  try {
    const outcome = await act(row, piece, attempt);
    if (outcome.outcome === "sent") await failpoints.reach("platform-accepted");
    return outcome;
  } catch (thrown) {
    // Against its contract; it may have sent before it stumbled.
    return { outcome: "unknown", error: AppError.from(thrown, "MSG_002") };
  }
}

async function act(row: OutboxRow, piece: OutboundPiece | null, { route, work }: Attempt): Promise<SendOutcome> {
  const { connection } = route;
  const action = actionOf(row);
  // Behind its first piece an edit goes on as messages of its own.
  if (action.type === "send" || (action.type === "edit" && row.chunksSent > 0)) {
    return piece === null ? { outcome: "sent", platformMessageId: null } : connection.send(piece, work.closing);
  }
  switch (action.type) {
    case "edit": {
      if (connection.edit === undefined || piece === null) return cannot(row, "edit");
      const outcome = await connection.edit(piece, action.messageId, work.closing);
      return outcome.outcome === "sent"
        ? { outcome: "sent", platformMessageId: outcome.platformMessageId ?? action.messageId }
        : outcome;
    }
    case "delete":
      if (connection.delete === undefined) return cannot(row, "delete");
      return withoutId(await connection.delete(row.address, action.messageId, work.closing));
    case "react":
      if (connection.react === undefined) return cannot(row, "react to");
      return withoutId(await connection.react(row.address, action.messageId, action.emoji, work.closing));
  }
}

/** A deletion or a reaction is no message: the id stays with the part that is one. */
function withoutId(outcome: SendOutcome): SendOutcome {
  return outcome.outcome === "sent" ? { outcome: "sent", platformMessageId: null } : outcome;
}

function cannot(row: OutboxRow, what: string): SendOutcome {
  const error = new AppError("MSG_004", `${row.address.channel} cannot ${what} this message.`, { retry: "never" });
  return { outcome: "not-sent", error };
}
