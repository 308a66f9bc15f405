/** One part from `prepared` to the end of one attempt: asked whether it may, rendered, given room, sent, settled. */
import type { OutboundPiece } from "../../channels/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt } from "../contract.ts";
import type { ExpirePart } from "./expire-part.ts";
import { mayLeave } from "./may-leave.ts";
import type { Pacing } from "../pacing.ts";
import { recordHeld, recordStopped, recordUnsent } from "./record.ts";
import { piecesOf } from "./render-part.ts";
import type { Room } from "../rate-limit.ts";
import { sendPart, type SendEnd } from "./send-part.ts";
import { settlePart } from "./settle.ts";

export interface Surroundings {
  readonly expire: ExpirePart;
  readonly pacing: Pacing;
}

export async function deliverPart(row: OutboxRow, attempt: Attempt, around: Surroundings): Promise<void> {
  const { route, work } = attempt;
  const { clock, store, rate } = work;
  const verdict = mayLeave(row, attempt);
  switch (verdict.leave) {
    case "expired":
      return around.expire(row, verdict.error);
    case "no":
      return recordUnsent(row, { state: "failed", error: verdict.error.toJSON() }, work);
    case "ask":
      return recordHeld(row, work);
    case "stopped":
      return recordStopped(row, verdict.reason, work);
    case "yes":
      break;
  }
  const paceMs = around.pacing.waitMs(row, clock.nowMs());
  if (paceMs > 0) return store.outbox.postpone(row.id, clock.nowMs() + paceMs);
  const pieces = rendered(row, attempt);
  if (pieces instanceof AppError) return recordUnsent(row, { state: "failed", error: pieces.toJSON() }, work);
  const room = rate.take(row.address, route.manifest);
  if (room.ok) return send(row, { pieces, room }, attempt, around);
  // Of a whole account nothing is asked for before it has room: its parts need not be touched.
  if (room.scope === "chat") await store.outbox.postpone(row.id, clock.nowMs() + room.waitMs);
}

async function send(
  row: OutboxRow,
  { pieces, room }: { pieces: readonly OutboundPiece[]; room: Extract<Room, { ok: true }> },
  attempt: Attempt,
  { pacing }: Surroundings,
): Promise<void> {
  const { settings, work } = attempt;
  let end: SendEnd;
  try {
    if (!(await markSending(row, attempt))) return;
    const sending: OutboxRow = { ...row, state: "sending", attempts: row.attempts + 1 };
    end = await sendPart(sending, pieces, room, attempt);
  } finally {
    room.done();
  }
  if (end.row.chunksSent > row.chunksSent) pacing.seen(row, settings, work.clock.nowMs());
  return settlePart(end, attempt);
}

/** False where the part is somebody else's by now: it was stopped, or removed, since it was read. */
async function markSending(row: OutboxRow, { work }: Attempt): Promise<boolean> {
  try {
    await work.store.outbox.sending(row.id, work.clock.nowMs());
  } catch (thrown) {
    if (thrown instanceof AppError && (thrown.code === "STORE_003" || thrown.code === "RPC_007")) return false;
    throw thrown;
  }
  await work.failpoints.reach("before-send");
  return true;
}

/** Rendering is pure: what fails once fails the same way tomorrow. */
function rendered(row: OutboxRow, { route, settings }: Attempt): readonly OutboundPiece[] | AppError {
  try {
    return piecesOf(row, route, settings);
  } catch (thrown) {
    const cause = AppError.from(thrown);
    return new AppError("MSG_001", `The reply could not be rendered: ${cause.message}`, { cause, retry: "never" });
  }
}
