/**
 * One part on its way out: rendered, cut into pieces, sent in order, and each confirmation written before the next
 * piece leaves. What went wrong is told as a typed end; what becomes of it is decided in `settle.ts`.
 */
import { AppError } from "../domain/app-error.ts";
import type { OutboundPiece } from "../channels/contract.ts";
import type { OutboxRow } from "../store/port.ts";
import type { DeliveryDeps, Route } from "./contract.ts";

export type SendEnd =
  | { readonly outcome: "sent"; readonly platformMessageIds: readonly string[] }
  | { readonly outcome: "not-sent"; readonly error: AppError }
  | { readonly outcome: "unknown"; readonly error: AppError; readonly piece: OutboundPiece };

/** In front of a piece that may be there already. A person sees why it comes twice. */
export const repeatLabel = "(may repeat) ";

export async function sendPart(
  row: OutboxRow,
  route: Route,
  deps: DeliveryDeps,
  signal: AbortSignal,
): Promise<SendEnd> {
  let pieces: readonly string[];
  try {
    pieces = route.render(row.reply.markdown);
  } catch (thrown) {
    // Rendering is pure: the same text fails the same way tomorrow.
    const cause = AppError.from(thrown);
    return {
      outcome: "not-sent",
      error: new AppError("MSG_001", `The reply could not be rendered: ${cause.message}`, { cause, retry: "never" }),
    };
  }
  const platformMessageIds = [...row.platformMessageIds];
  for (let index = row.chunksSent; index < pieces.length; index += 1) {
    const piece = pieceOf(row, index, pieces[index] as string);
    const sent = await route.connection.send(piece, signal);
    if (sent.outcome === "unknown") return { outcome: "unknown", error: sent.error, piece };
    if (sent.outcome === "not-sent") return { outcome: "not-sent", error: sent.error };
    if (sent.platformMessageId !== null) platformMessageIds.push(sent.platformMessageId);
    if (index < pieces.length - 1)
      await deps.store.outbox.progress(row.id, index + 1, platformMessageIds, deps.clock.nowMs());
  }
  return { outcome: "sent", platformMessageIds };
}

/** The piece a part would send next, as it would send it. */
export function nextPiece(row: OutboxRow, route: Route): OutboundPiece | null {
  const text = route.render(row.reply.markdown)[row.chunksSent];
  return text === undefined ? null : pieceOf(row, row.chunksSent, text);
}

function pieceOf(row: OutboxRow, index: number, text: string): OutboundPiece {
  const repeated = index === row.chunksSent && mayRepeat(row);
  return {
    id: `${row.id}.${index}`,
    address: row.address,
    text: repeated ? repeatLabel + text : text,
    replyToId: index === 0 ? row.replyToId : null,
    attachments: index === 0 ? (row.reply.attachments ?? []) : [],
  };
}

/** True where an earlier attempt may have got through and nobody can look. */
export function mayRepeat(row: Pick<OutboxRow, "error">): boolean {
  return row.error?.details["mayHaveBeenSent"] === true;
}
