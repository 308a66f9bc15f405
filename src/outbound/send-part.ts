/**
 * One part on its way out: rendered, cut into pieces, sent in order, and each confirmation written before the next
 * piece leaves. What went wrong is told as a typed end; what becomes of it is decided in `settle.ts`.
 */
import { AppError } from "../domain/app-error.ts";
import type { OutboundPiece } from "../channels/contract.ts";
import type { OutboxRow } from "../store/port.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { DeliveryWork, Route } from "./contract.ts";

/** How an attempt ended. `row` is the part as it stands then: pieces that were confirmed in this attempt count. */
export type SendEnd = { readonly row: OutboxRow } & (
  | { readonly outcome: "sent" }
  | { readonly outcome: "not-sent"; readonly error: AppError }
  | { readonly outcome: "unknown"; readonly error: AppError }
);

/** In front of a piece that may be there already. A person sees why it comes twice. */
export const repeatLabel = "(may repeat) ";

/** `before` is the part as it was when this attempt began. */
export async function sendPart(before: OutboxRow, route: Route, work: DeliveryWork): Promise<SendEnd> {
  let row: OutboxRow = { ...before, state: "sending", attempts: before.attempts + 1 };
  let pieces: readonly string[];
  try {
    pieces = route.render(row.reply.markdown);
  } catch (thrown) {
    // Rendering is pure: the same text fails the same way tomorrow.
    const cause = AppError.from(thrown);
    const message = `The reply could not be rendered: ${cause.message}`;
    return { row, outcome: "not-sent", error: new AppError("MSG_001", message, { cause, retry: "never" }) };
  }
  for (let index = row.chunksSent; index < pieces.length; index += 1) {
    const sent = await route.connection.send(pieceOf(row, index, pieces[index] as string), work.closing);
    if (sent.outcome !== "sent") return { row, outcome: sent.outcome, error: sent.error };
    row = confirmed(row, sent.platformMessageId);
    if (index < pieces.length - 1) await recordProgress(row, work);
  }
  return { row, outcome: "sent" };
}

/** The part with one more piece confirmed. A doubt about that piece is over with it. */
export function confirmed(row: OutboxRow, platformMessageId: string | null): OutboxRow {
  const ids = platformMessageId === null ? [] : [platformMessageId];
  return {
    ...row,
    chunksSent: row.chunksSent + 1,
    platformMessageIds: [...row.platformMessageIds, ...ids],
    error: null,
  };
}

/** The piece was sent and only this process knows: nothing else leaves before the row says so. */
export function recordProgress({ id, chunksSent, platformMessageIds }: OutboxRow, work: DeliveryWork): Promise<void> {
  const { store, clock, log, closing } = work;
  return writeWithPatience(() => store.outbox.progress(id, chunksSent, platformMessageIds, clock.nowMs()), {
    clock,
    log,
    signal: closing,
  });
}

/** The piece a part would send next, as it would send it. */
export function nextPiece(row: OutboxRow, route: Route): OutboundPiece | null {
  const text = route.render(row.reply.markdown)[row.chunksSent];
  return text === undefined ? null : pieceOf(row, row.chunksSent, text);
}

function pieceOf(row: OutboxRow, index: number, text: string): OutboundPiece {
  return {
    id: `${row.id}.${index}`,
    address: row.address,
    text: mayRepeat(row) ? repeatLabel + text : text,
    replyToId: index === 0 ? row.replyToId : null,
    attachments: index === 0 ? (row.reply.attachments ?? []) : [],
  };
}

/** True where an earlier attempt at the next piece may have got through and nobody can look. */
export function mayRepeat(row: Pick<OutboxRow, "error">): boolean {
  return row.error?.details["mayHaveBeenSent"] === true;
}
