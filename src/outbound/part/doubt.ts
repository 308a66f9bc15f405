/**
 * A part that may have arrived and may not. It is settled by what the channel can prove and by what the operator wants,
 * and never becomes sent by itself.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import { retryPauseMs } from "../../domain/delivery-policy.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt, DeliveryWork } from "../contract.ts";
import {
  crashesOf,
  isRepeatable,
  isTriedEnough,
  mayRepeat,
  refusedAttempts,
  withKnown,
  type KnownFacts,
} from "./known-so-far.ts";
import { recordDoubt, recordProgress, recordRetry, recordSent, recordStopped, recordUnsent } from "./record.ts";
import { piecesOf } from "./render-part.ts";
import { confirmed } from "./send-part.ts";

/** Decides about it, at once or, where somebody has to look, when the channel is connected again. */
export async function settleDoubt(row: OutboxRow, attempt: Attempt): Promise<void> {
  const { route, settings, stop } = attempt;
  if (stop.aborted) return recordStopped(row, stop.reason, attempt.work);
  // To look is no attempt; to do again what nobody sees twice is one.
  if (route.manifest.idempotency === "read-back" && !isRepeatable(row)) return lookBack(row, attempt);
  await attempt.work.failpoints.reach("doubt-decided");
  // Of a message that is repeated in secret whoever begins its answer anew has to know that it may be there.
  const unseen: KnownFacts = isRepeatable(row) ? {} : { mayBeThere: row.chunksSent };
  const repeatable = isRepeatable(row) || route.manifest.idempotency === "native";
  if (settings.policy.reliability === "fire-and-forget")
    return giveUp(row, repeatable ? unseen : inDoubt(row), attempt);
  return repeatable ? again(row, withKnown(row, doubtOf(row.error), unseen), attempt) : settleBlind(row, attempt);
}

/** Whether nobody but a person decides about it, who is given as long as it takes. */
export function isHeldInDoubt(row: OutboxRow, { route, settings: { policy } }: Attempt): boolean {
  if (isRepeatable(row) || route.manifest.idempotency !== "blind") return false;
  return policy.onDoubt === "hold-and-ask" && policy.reliability !== "fire-and-forget";
}

/** The same part with one more attempt that the end of the process has cut off. */
export function cutOff(row: OutboxRow): OutboxRow {
  return { ...row, error: withKnown(row, doubtOf(row.error), { crashes: crashesOf(row) + 1 }) };
}

async function settleBlind(row: OutboxRow, attempt: Attempt): Promise<void> {
  const labelled = withKnown(row, doubtOf(row.error), inDoubt(row));
  switch (attempt.settings.policy.onDoubt) {
    case "resend-labelled":
      return again(row, labelled, attempt);
    case "drop":
      return giveUp(row, inDoubt(row), attempt);
    case "hold-and-ask":
      // It stays in doubt, visible in the outbox, until a person says what to do; sent again, it says why it comes twice.
      return mayRepeat(row) ? undefined : recordDoubt(row, labelled, attempt.work);
  }
}

async function lookBack(row: OutboxRow, attempt: Attempt): Promise<void> {
  const { route, settings, work } = attempt;
  const pieces = piecesOf(row, route, settings);
  const piece = pieces[row.chunksSent];
  const find = route.connection.find?.bind(route.connection);
  if (piece === undefined || find === undefined) return;
  let found: { platformMessageId: string } | null;
  try {
    found = await withinTime((signal) => find(piece, signal), work);
  } catch (thrown) {
    const error = AppError.from(thrown).toJSON();
    work.log.warn("whether a part arrived could not be looked up yet", { part: row.id, error });
    return;
  }
  await work.failpoints.reach("doubt-decided");
  const error = doubtOf(row.error);
  if (found === null) {
    return settings.policy.reliability === "fire-and-forget" ? giveUp(row, {}, attempt) : again(row, error, attempt);
  }
  const known = confirmed(row, found.platformMessageId);
  if (known.chunksSent >= pieces.length) return recordSent(known, work);
  // Counted while it is still in doubt: a crash behind this line looks for the next piece, not for this one.
  await recordProgress(known, work);
  return recordRetry(known, { nextAttemptMs: 0, error }, work);
}

/** A look that ignores its signal is left behind. */
async function withinTime<T>(look: (signal: AbortSignal) => Promise<T>, work: DeliveryWork): Promise<T> {
  const late = new AbortController();
  const signal = AbortSignal.any([work.closing, late.signal]);
  signal.throwIfAborted();
  const given = Promise.withResolvers<T>();
  const giveUpLooking = (): void => given.reject(new AppError("CONN_001", "The platform did not tell in time."));
  signal.addEventListener("abort", giveUpLooking, { once: true });
  const timer = work.clock.after(lookBackTimeoutMs, () => late.abort());
  look(signal).then(given.resolve, given.reject);
  try {
    return await given.promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", giveUpLooking);
  }
}

const lookBackTimeoutMs = 15_000;

/** The first time at once, since the person waits; then like any failure. */
function again(row: OutboxRow, error: AppErrorJson, { settings, work }: Attempt): Promise<void> {
  const { retry } = settings.policy;
  if (isTriedEnough(row, retry)) return recordUnsent(row, { state: "failed", error }, work);
  const refused = refusedAttempts(row);
  const pauseMs = refused <= 1 ? 0 : retryPauseMs(retry, refused - 1, work.ids.random());
  const nextAttemptMs = pauseMs === 0 ? 0 : work.clock.nowMs() + pauseMs;
  return recordRetry(row, { nextAttemptMs, error }, work);
}

function giveUp(row: OutboxRow, known: KnownFacts, { work }: Attempt): Promise<void> {
  return recordUnsent(row, { state: "failed", error: withKnown(row, doubtOf(row.error), known) }, work);
}

/** Whoever sends it again, at whatever time, says that it may be a repetition. */
function inDoubt({ chunksSent }: OutboxRow): KnownFacts {
  return { mayHaveBeenSent: chunksSent };
}

function doubtOf(error: AppErrorJson | null): AppErrorJson {
  const stopped = "The gateway stopped while this was being sent; it may have arrived.";
  return error ?? new AppError("MSG_002", stopped).toJSON();
}
