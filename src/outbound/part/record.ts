/**
 * What became of a part, written and then told: its row, the chat's notice and the transcript's word in one commit. A
 * medium that refuses is waited for, since what was sent is known here alone.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import { deliveryMarkBody, isSpoken } from "../../domain/delivery-mark.ts";
import { writeWithPatience } from "../../store/patience.ts";
import type { OutboxDraft, OutboxRow, PartOutcome } from "../../store/port.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import type { DeliveryWork } from "../contract.ts";
import { toldUnsent, undecidedDoubt, withKnown } from "./known-so-far.ts";
import { isSuperseded } from "./superseded.ts";

/** The piece was sent and only this process knows: nothing else leaves before the row says so. */
export function recordProgress({ id, chunksSent, platformMessageIds }: OutboxRow, work: DeliveryWork): Promise<void> {
  return patiently(work, () => work.store.outbox.progress(id, chunksSent, platformMessageIds, work.clock.nowMs()));
}

export async function recordSent(row: OutboxRow, work: DeliveryWork): Promise<void> {
  const { id, platformMessageIds } = row;
  const transcript = toldUnsent(row) ? markOf(row, { state: "sent", error: null }, work) : null;
  await settle(row, { state: "sent", platformMessageIds, ...(transcript && { transcript }) }, work);
  const platformMessageId = platformMessageIds.at(-1) ?? null;
  const { runId, address } = row;
  work.bus.emit({ type: "message.sent", partId: id, runId, address, platformMessageId, atMs: work.clock.nowMs() });
}

/** It is tried again at `nextAttemptMs`. */
export function recordRetry(
  row: OutboxRow,
  next: { readonly nextAttemptMs: number; readonly error: AppErrorJson },
  work: DeliveryWork,
): Promise<void> {
  return settle(row, { state: "prepared", ...next }, work);
}

/** It goes on later, behind what is confirmed; no attempt is counted. */
export function recordWait({ id }: OutboxRow, untilMs: number, work: DeliveryWork): Promise<void> {
  return patiently(work, () => work.store.outbox.postpone(id, untilMs));
}

export async function recordDoubt(row: OutboxRow, error: AppErrorJson, work: DeliveryWork): Promise<void> {
  await settle(row, { state: "unknown", error }, work);
  tellUnsent(row, "unknown", error, work);
}

/** It is given up. What was said of it in a transcript is marked there as unread, unless another part says it. */
export async function recordUnsent(
  row: OutboxRow,
  end: { readonly state: "failed" | "expired"; readonly error: AppErrorJson; readonly notice?: OutboxDraft },
  work: DeliveryWork,
): Promise<void> {
  const transcript = isSuperseded(end.error) ? null : markOf(row, end, work);
  const error = withKnown(row, end.error, transcript === null ? {} : { toldUnsent: true });
  await settle(row, { ...end, error, ...(transcript && { transcript }) }, work);
  if (isSuperseded(error)) return withoutTrace(row, work);
  tellUnsent(row, end.state, error, work);
}

/** Its text is said by another part: it is no loss that somebody would have to hear of or could make good. */
async function withoutTrace({ id }: OutboxRow, { store, clock }: DeliveryWork): Promise<void> {
  await store.deadLetters.purge({ ids: [id] }, clock.nowMs());
}

/** Somebody stopped the turn that it belongs to. */
export function recordStopped(row: OutboxRow, reason: unknown, work: DeliveryWork): Promise<void> {
  const error = withKnown(row, AppError.from(reason, "RUN_001").toJSON(), undecidedDoubt(row));
  return recordUnsent(row, { state: "failed", error }, work);
}

export async function recordHeld(row: OutboxRow, work: DeliveryWork): Promise<void> {
  await settle(row, { state: "held" }, work);
  const { id: partId, sessionKey, address } = row;
  work.bus.emit({ type: "outbox.held", partId, sessionKey, address, atMs: work.clock.nowMs() });
}

async function settle(row: OutboxRow, outcome: PartOutcome, work: DeliveryWork): Promise<void> {
  const { store, clock, failpoints } = work;
  await failpoints.reach("before-settle");
  const atMs = clock.nowMs();
  await patiently(work, () => store.outbox.settle(row.id, outcome, atMs));
  await failpoints.reach("settled");
}

function patiently({ clock, log, closing }: DeliveryWork, write: () => Promise<void>): Promise<void> {
  return writeWithPatience(write, { clock, log, signal: closing });
}

/** Null where the transcript holds nothing of the part: a deletion, a reaction, a notice. */
function markOf(
  row: OutboxRow,
  { state, error }: { readonly state: "failed" | "expired" | "sent"; readonly error: AppErrorJson | null },
  { clock, ids }: DeliveryWork,
): TranscriptDraft | null {
  const { id, action, chunksSent } = row;
  // What was said outside of a turn stands in the transcript by the part's own id.
  const runId = row.runId ?? (isSpoken(id) ? id : null);
  if (runId === null || action.type === "delete" || action.type === "react") return null;
  const mark = { partId: id, runId, state, piecesSeen: chunksSent, code: error?.code ?? null };
  return { id: ids.hex(4), type: "custom", atMs: clock.nowMs(), body: deliveryMarkBody(mark) };
}

function tellUnsent(
  { id, runId, address }: OutboxRow,
  state: "unknown" | "failed" | "expired",
  error: AppErrorJson,
  { bus, clock }: DeliveryWork,
): void {
  bus.emit({ type: "message.unsent", partId: id, runId, address, state, error, atMs: clock.nowMs() });
}
