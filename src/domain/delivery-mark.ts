/**
 * What a transcript says when a reply did not arrive, or arrived after all: the body of an entry of type `custom`.
 * Without it a conversation would hold words that nobody read. Pure; written by delivery, read by the agent.
 */
import { isErrorCode, type ErrorCode } from "./error-codes.ts";

export interface DeliveryMark {
  readonly partId: string;
  /** The turn that said it. */
  readonly runId: string;
  /** `sent`: it arrived after all. */
  readonly state: "failed" | "expired" | "sent";
  /** How many messages of it were seen in the chat. */
  readonly piecesSeen: number;
  /** Why it did not arrive. */
  readonly code: ErrorCode | null;
}

/** A part that somebody had said outside of a turn's answer is named so, and the transcript of its session holds it. */
export function spokenPartId(hash: string): string {
  return `send-${hash}`;
}

export function isSpoken(partId: string): boolean {
  return partId.startsWith("send-");
}

export const deliveryMarkType = "delivery";

export function deliveryMarkBody(mark: DeliveryMark): Readonly<Record<string, unknown>> {
  return { customType: deliveryMarkType, data: mark };
}

/** The mark in an entry's body; null where it is something else. */
export function deliveryMarkOf(body: Readonly<Record<string, unknown>>): DeliveryMark | null {
  const { customType, data } = body;
  if (customType !== deliveryMarkType || typeof data !== "object" || data === null) return null;
  const { partId, runId, state, piecesSeen, code } = data as Readonly<Record<string, unknown>>;
  if (typeof partId !== "string" || typeof runId !== "string" || typeof piecesSeen !== "number") return null;
  if (state !== "failed" && state !== "expired" && state !== "sent") return null;
  return {
    partId,
    runId,
    state,
    piecesSeen,
    code: isErrorCode(code) ? code : null,
  };
}
