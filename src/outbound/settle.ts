/**
 * What becomes of a part after an attempt: sent, tried again later, given up, or in doubt. The queue alone repeats;
 * nothing below it does. A part in doubt is settled by what the channel can prove, and never becomes sent by itself.
 */
import { AppError, type AppErrorJson } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { OutboxRow, PartOutcome } from "../store/port.ts";
import type { DeliveryDeps, Route } from "./contract.ts";
import { nextPiece, type SendEnd } from "./send-part.ts";

/** `row` is the part as it was before this attempt. */
export async function settlePart(before: OutboxRow, end: SendEnd, deps: DeliveryDeps, route: Route): Promise<void> {
  const row = { ...before, attempts: before.attempts + 1 };
  switch (end.outcome) {
    case "sent":
      return write(row, { state: "sent", platformMessageIds: end.platformMessageIds }, deps);
    case "not-sent":
      return write(row, retryOrGiveUp(row, end.error, deps), deps);
    case "unknown":
      await write(row, { state: "unknown", error: end.error.toJSON() }, deps);
      return settleDoubt({ ...row, state: "unknown", error: end.error.toJSON() }, route, deps);
  }
}

/** Decides about a part in doubt, at once or, where somebody has to look, when the channel is connected again. */
export async function settleDoubt(row: OutboxRow, route: Route, deps: DeliveryDeps): Promise<void> {
  switch (route.manifest.idempotency) {
    case "native":
      return write(row, again(row, doubtOf(row.error).toJSON(), deps), deps);
    case "read-back":
      return lookBack(row, route, deps);
    case "blind":
      return settleBlind(row, deps);
  }
}

function settleBlind(row: OutboxRow, deps: DeliveryDeps): Promise<void> {
  switch (deps.blindPolicy(row.address.channel)) {
    case "resend-labelled": {
      const error: AppErrorJson = { ...doubtOf(row.error).toJSON(), details: { mayHaveBeenSent: true } };
      return write(row, again(row, error, deps), deps);
    }
    case "drop":
      return write(row, { state: "failed", error: doubtOf(row.error).toJSON() }, deps);
    case "hold-and-ask":
      // It stays in doubt, visible in the outbox, until a person says what to do.
      return Promise.resolve();
  }
}

async function lookBack(row: OutboxRow, route: Route, deps: DeliveryDeps): Promise<void> {
  const piece = nextPiece(row, route);
  if (piece === null || route.connection.find === undefined) return;
  let found: { platformMessageId: string } | null;
  try {
    found = await route.connection.find(piece, AbortSignal.timeout(lookBackTimeoutMs));
  } catch (thrown) {
    deps.log.warn("whether a part arrived could not be looked up yet", {
      part: row.id,
      error: AppError.from(thrown).toJSON(),
    });
    return;
  }
  const nowMs = deps.clock.nowMs();
  const error = doubtOf(row.error).toJSON();
  if (found === null) return write(row, { state: "prepared", nextAttemptMs: 0, error }, deps);
  const ids = [...row.platformMessageIds, found.platformMessageId];
  const last = row.chunksSent + 1 >= route.render(row.reply.markdown).length;
  if (last) return write(row, { state: "sent", platformMessageIds: ids }, deps);
  await write(row, { state: "prepared", nextAttemptMs: 0, error }, deps);
  await deps.store.outbox.sending(row.id, nowMs);
  await deps.store.outbox.progress(row.id, row.chunksSent + 1, ids, nowMs);
  await write(row, { state: "prepared", nextAttemptMs: 0, error }, deps);
}

const lookBackTimeoutMs = 15_000;

/** After a doubt: the first time at once, since the person waits; then like any failure. */
function again(row: OutboxRow, error: AppErrorJson, deps: DeliveryDeps): PartOutcome {
  if (row.attempts >= limits.deliveryAttempts) return { state: "failed", error };
  const nextAttemptMs = row.attempts <= 1 ? 0 : deps.clock.nowMs() + backoffOf(row.attempts - 1);
  return { state: "prepared", nextAttemptMs, error };
}

function backoffOf(attempts: number): number {
  return Math.min(limits.deliveryBackoffMs * 2 ** (attempts - 1), limits.deliveryBackoffCapMs);
}

/** 1, 2, 4 s … and then no more; what the platform asks for wins over our own pause. */
function retryOrGiveUp(row: OutboxRow, error: AppError, deps: DeliveryDeps): PartOutcome {
  const { attempts } = row;
  if (error.retry === "never" || attempts >= limits.deliveryAttempts) return { state: "failed", error: error.toJSON() };
  const backoffMs = backoffOf(attempts);
  return {
    state: "prepared",
    nextAttemptMs: deps.clock.nowMs() + (error.retryAfterMs ?? backoffMs),
    error: error.toJSON(),
  };
}

/** Writes the outcome and tells it. */
export async function write(row: OutboxRow, outcome: PartOutcome, deps: DeliveryDeps): Promise<void> {
  const atMs = deps.clock.nowMs();
  await deps.store.outbox.settle(row.id, outcome, atMs);
  const { runId, address } = row;
  if (outcome.state === "sent") {
    deps.bus.emit({
      type: "message.sent",
      partId: row.id,
      runId,
      address,
      platformMessageId: outcome.platformMessageIds.at(-1) ?? null,
      atMs,
    });
  } else if (outcome.state !== "prepared") {
    deps.bus.emit({
      type: "message.unsent",
      partId: row.id,
      runId,
      address,
      state: outcome.state,
      error: outcome.error,
      atMs,
    });
  }
}

function doubtOf(error: AppErrorJson | null): AppError {
  return error === null
    ? new AppError("MSG_002", "The gateway stopped while this was being sent; it may have arrived.")
    : AppError.fromJSON(error);
}
