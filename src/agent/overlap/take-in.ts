/** Puts what was taken in into the turn: now, or at the next attempt from its row. */
import { withTaint } from "../../domain/taint.ts";
import type { Turn } from "../turn.ts";
import type { SaidRecord } from "./said.ts";

export function takeIn(turn: Turn, { message, entries, taint, replyToId }: SaidRecord): void {
  turn.conversation.push(message);
  turn.transcript.push(...entries);
  turn.taint = withTaint(turn.taint, taint);
  turn.replyToId = replyToId;
}
