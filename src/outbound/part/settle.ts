/**
 * What becomes of a part after an attempt: sent, tried again later, given up, or in doubt. The queue alone repeats;
 * nothing below it does.
 */
import type { AppError } from "../../domain/app-error.ts";
import { factsOf, mayRetry, passesByItself, retryPauseMs } from "../../domain/delivery-policy.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt } from "../contract.ts";
import { settleDoubt } from "./doubt.ts";
import { actionOf, isRepeatable, isTriedEnough, refusedAttempts, withKnown } from "./known-so-far.ts";
import { recordDoubt, recordRetry, recordSent, recordStopped, recordUnsent, recordWait } from "./record.ts";
import type { SendEnd } from "./send-part.ts";

export async function settlePart(end: SendEnd, attempt: Attempt): Promise<void> {
  const { row } = end;
  const { work } = attempt;
  switch (end.outcome) {
    case "sent":
      return recordSent(row, work);
    case "no-room":
      return recordWait(row, work.clock.nowMs() + end.waitMs, work);
    case "stopped":
      return recordStopped(row, end.reason, work);
    case "not-sent":
      return retryOrGiveUp(row, end.error, attempt);
    case "unknown": {
      const nobodyCanTell = attempt.route.manifest.idempotency === "blind" && !isRepeatable(row);
      const error = withKnown(row, end.error.toJSON(), nobodyCanTell ? { mayHaveBeenSent: row.chunksSent } : {});
      await recordDoubt(row, error, work);
      return settleDoubt({ ...row, state: "unknown", error }, attempt);
    }
  }
}

/** 1, 2, 4 s … and then no more; what the platform asks for wins over our own pause, but nothing outlives its expiry. */
async function retryOrGiveUp(row: OutboxRow, error: AppError, attempt: Attempt): Promise<void> {
  const { settings, work, stop } = attempt;
  if (stop.aborted) return recordStopped(row, stop.reason, work);
  const facts = factsOf(error);
  if (isTooMuch(facts)) work.rate.refused(row.address, error.retryAfterMs);
  const { reliability, retry } = settings.policy;
  // What is decided from is written down: after a restart nobody knows the cause any more.
  const told = withKnown(row, { ...error.toJSON(), details: { ...error.details, ...readFacts(facts) } });
  if (mayRetry(reliability, facts)) {
    if (isTriedEnough(row, retry)) return recordUnsent(row, { state: "failed", error: told }, work);
    const pauseMs = error.retryAfterMs ?? retryPauseMs(retry, refusedAttempts(row), work.ids.random());
    const nextAttemptMs = Math.min(work.clock.nowMs() + pauseMs, row.expiresMs);
    return recordRetry(row, { nextAttemptMs, error: told }, work);
  }
  if (await saysItsOwnAnew(row, facts.final || !passesByItself(facts), attempt)) {
    return recordRetry(row, { nextAttemptMs: 0, error: withKnown(row, told, { sendInstead: true }) }, work);
  }
  return recordUnsent(row, { state: "failed", error: told }, work);
}

/**
 * A turn that replaces what it said before, in a message that somebody has deleted since: the text is what counts, so it
 * is said anew. Somebody else's edit of such a message just fails.
 */
async function saysItsOwnAnew(row: OutboxRow, gone: boolean, { work }: Attempt): Promise<boolean> {
  const action = actionOf(row);
  if (action.type !== "edit" || row.chunksSent > 0 || row.runId === null || !gone) return false;
  const edited = await work.store.outbox.byPlatformId(row.address, action.messageId);
  return edited !== null && edited.id !== row.id && edited.runId === row.runId;
}

function isTooMuch({ code, status }: ReturnType<typeof factsOf>): boolean {
  return status === 429 || (status === null && code === "CONN_003");
}

function readFacts({ networkCode, status }: ReturnType<typeof factsOf>): Record<string, unknown> {
  return { ...(networkCode !== null && { networkCode }), ...(status !== null && { status }) };
}
