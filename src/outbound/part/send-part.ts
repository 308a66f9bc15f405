/**
 * One part on its way out: its steps in order, each with room on the platform, each confirmation written before the next
 * leaves. What went wrong is told as a typed end; what becomes of it is decided in `settle.ts`.
 */
import type { OutboundPiece } from "../../channels/contract.ts";
import type { AppError } from "../../domain/app-error.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt } from "../contract.ts";
import { perform } from "./perform.ts";
import type { Room } from "../rate-limit.ts";
import { recordProgress } from "./record.ts";
import { labelled } from "./render-part.ts";

/** How an attempt ended. `row` is the part as it stands then: pieces that were confirmed in this attempt count. */
export type SendEnd = { readonly row: OutboxRow } & (
  | { readonly outcome: "sent" }
  | { readonly outcome: "not-sent"; readonly error: AppError }
  | { readonly outcome: "unknown"; readonly error: AppError }
  /** The platform allows no more for now; nothing of the next piece has left. */
  | { readonly outcome: "no-room"; readonly waitMs: number }
  /** Somebody stopped the turn; nothing of the next piece has left. */
  | { readonly outcome: "stopped"; readonly reason: unknown }
);

/**
 * `row` says `sending`. `first` is the room that its first step was given; each later one asks for its own, and gives it
 * back when the platform has answered.
 */
export async function sendPart(
  row: OutboxRow,
  pieces: readonly OutboundPiece[],
  first: Extract<Room, { ok: true }>,
  attempt: Attempt,
): Promise<SendEnd> {
  const { route, stop, work } = attempt;
  const steps = stepsOf(row, pieces);
  let now = row;
  let room: Room = first;
  for (let index = row.chunksSent; index < steps; index += 1) {
    if (index > row.chunksSent) {
      if (stop.aborted) return { row: now, outcome: "stopped", reason: stop.reason };
      room = work.rate.take(row.address, route.manifest);
    }
    if (!room.ok) return { row: now, outcome: "no-room", waitMs: room.waitMs };
    const piece = pieces[index];
    const sent = await perform(now, piece === undefined ? null : labelled(piece, now), attempt);
    room.done();
    if (sent.outcome !== "sent") return { row: now, outcome: sent.outcome, error: sent.error };
    now = confirmed(now, sent.platformMessageId);
    if (index < steps - 1) await recordProgress(now, work);
  }
  return { row: now, outcome: "sent" };
}

/** A deletion or a reaction is one step without a piece. */
export function stepsOf(row: OutboxRow, pieces: readonly OutboundPiece[]): number {
  return row.action.type === "delete" || row.action.type === "react" ? 1 : pieces.length;
}

/** The part with one more piece confirmed. */
export function confirmed(row: OutboxRow, platformMessageId: string | null): OutboxRow {
  const ids = platformMessageId === null ? [] : [platformMessageId];
  return {
    ...row,
    chunksSent: row.chunksSent + 1,
    platformMessageIds: [...row.platformMessageIds, ...ids],
  };
}
