/** A part as its platform will show it: cut into pieces that fit, with room for the word that one may be a repetition. */
import type { OutboundPiece, Rendered } from "../../channels/contract.ts";
import { measureText } from "../../domain/text.ts";
import type { DeliverySettings } from "../../domain/delivery-policy.ts";
import type { OutboxRow } from "../../store/port.ts";
import { fitAttachments } from "./attachments.ts";
import type { Route } from "../contract.ts";
import { mayRepeat } from "./known-so-far.ts";

/** In front of a piece that may be there already. A person sees why it comes twice. */
export const repeatLabel = "(may repeat) ";

/** The text's size in one message: the account's own limit where it is lower than the platform's. */
export function pieceMax(
  { manifest }: Pick<Route, "manifest">,
  settings: Pick<DeliverySettings, "textChunkLimit">,
): number {
  const { max, unit } = manifest.text;
  return Math.min(settings.textChunkLimit ?? max, max - measureText(repeatLabel, unit));
}

/**
 * Every piece, in order. Pure: the same part gives the same pieces at every attempt, so that one which is half sent goes on
 * at the right place. A part that only deletes or reacts has none.
 */
export function piecesOf(row: OutboxRow, route: Route, settings: DeliverySettings): readonly OutboundPiece[] {
  if (row.action.type === "delete" || row.action.type === "react") return [];
  const { markdown, attachments = [], buttons } = fitAttachments(row.reply, route.manifest);
  const rendered = route.render(markdown, { max: pieceMax(route, settings), mode: settings.chunkMode });
  const shown: readonly Rendered[] = rendered.length === 0 && attachments.length > 0 ? [{ text: "" }] : rendered;
  return shown.map((one, index) => ({
    ...one,
    id: `${row.id}.${index}`,
    address: row.address,
    label: null,
    replyToId: index === 0 ? row.replyToId : null,
    attachments: index === 0 ? attachments : [],
    ...(buttons !== undefined && index === shown.length - 1 ? { buttons } : {}),
  }));
}

/** The piece as it leaves now. */
export function labelled(piece: OutboundPiece, row: OutboxRow): OutboundPiece {
  return mayRepeat(row) ? { ...piece, label: repeatLabel } : piece;
}
