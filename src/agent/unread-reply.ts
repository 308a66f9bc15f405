/**
 * Replies that a transcript holds and nobody has read: delivery says so in an entry of its own behind them. What arrived
 * after all is read.
 */
import { deliveryMarkOf, type DeliveryMark } from "../domain/delivery-mark.ts";
import type { TranscriptDraft } from "../store/session-port.ts";

/** What stands behind each such reply, by the last entry of its turn. */
export function unreadReplies<Entry extends TranscriptDraft>(entries: readonly Entry[]): ReadonlyMap<Entry, string> {
  const marks = lastMarks(entries);
  const notes = new Map<Entry, string>();
  for (const mark of marks) {
    if (mark.state === "sent") continue;
    const said = entries.findLast((entry) => isSaidBy(entry, mark.runId));
    if (said !== undefined) notes.set(said, noteOf(mark));
  }
  return notes;
}

/** The last word about each part counts. */
function lastMarks(entries: readonly TranscriptDraft[]): Iterable<DeliveryMark> {
  const byPart = new Map<string, DeliveryMark>();
  for (const entry of entries) {
    const mark = entry.type === "custom" ? deliveryMarkOf(entry.body) : null;
    if (mark !== null) byPart.set(mark.partId, mark);
  }
  return byPart.values();
}

function isSaidBy({ type, body }: TranscriptDraft, runId: string): boolean {
  const { role } = (body["message"] ?? {}) as { readonly role?: unknown };
  return type === "message" && role === "assistant" && body["runId"] === runId;
}

/** True of a whole reply and of the last of several parts alike. */
function noteOf({ piecesSeen }: DeliveryMark): string {
  return piecesSeen > 0
    ? "\n\n[Not all of this reply reached the chat.]"
    : "\n\n[This reply, or the rest of it, did not reach the chat.]";
}
