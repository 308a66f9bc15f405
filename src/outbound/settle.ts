/**
 * What becomes of a part after an attempt: sent, tried again later, given up, or in doubt. The queue alone repeats;
 * nothing below it does. A part in doubt is settled by what the channel can prove, and never becomes sent by itself.
 */
import { AppError, type AppErrorJson } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { OutboxRow, PartOutcome } from "../store/port.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { DeliveryDeps, DeliveryWork, Route } from "./contract.ts";
import { confirmed, mayRepeat, nextPiece, recordProgress, type SendEnd } from "./send-part.ts";

export async function settlePart(end: SendEnd, route: Route, deps: DeliveryWork): Promise<void> {
  const { row } = end;
  switch (end.outcome) {
    case "sent":
      return write(row, { state: "sent", platformMessageIds: row.platformMessageIds }, deps);
    case "not-sent":
      return write(row, retryOrGiveUp(row, end.error, deps), deps);
    case "unknown": {
      const error = end.error.toJSON();
      await write(row, { state: "unknown", error }, deps);
      return settleDoubt({ ...row, state: "unknown", error }, route, deps);
    }
  }
}

/** Decides about a part in doubt, at once or, where somebody has to look, when the channel is connected again. */
export async function settleDoubt(row: OutboxRow, route: Route, deps: DeliveryWork): Promise<void> {
  switch (route.manifest.idempotency) {
    case "native":
      return write(row, again(row, doubtOf(row.error).toJSON(), deps), deps);
    case "read-back":
      return lookBack(row, route, deps);
    case "blind":
      return settleBlind(row, deps);
  }
}

function settleBlind(row: OutboxRow, deps: DeliveryWork): Promise<void> {
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

async function lookBack(row: OutboxRow, route: Route, deps: DeliveryWork): Promise<void> {
  const piece = nextPiece(row, route);
  const find = route.connection.find?.bind(route.connection);
  if (piece === null || find === undefined) return;
  let found: { platformMessageId: string } | null;
  try {
    found = await withinTime((signal) => find(piece, signal), deps);
  } catch (thrown) {
    deps.log.warn("whether a part arrived could not be looked up yet", {
      part: row.id,
      error: AppError.from(thrown).toJSON(),
    });
    return;
  }
  const error = doubtOf(row.error).toJSON();
  if (found === null) return write(row, again(row, error, deps), deps);
  const known = confirmed(row, found.platformMessageId);
  if (known.chunksSent >= route.render(row.reply.markdown).length)
    return write(known, { state: "sent", platformMessageIds: known.platformMessageIds }, deps);
  // Counted while it is still in doubt: a crash behind this line looks for the next piece, not for this one.
  await recordProgress(known, deps);
  return write(known, { state: "prepared", nextAttemptMs: 0, error }, deps);
}

/** A look that ignores its signal is left behind. */
async function withinTime<T>(look: (signal: AbortSignal) => Promise<T>, deps: DeliveryWork): Promise<T> {
  const late = new AbortController();
  const signal = AbortSignal.any([deps.closing, late.signal]);
  signal.throwIfAborted();
  const given = Promise.withResolvers<T>();
  const giveUp = (): void => given.reject(new AppError("CONN_001", "The platform did not tell in time."));
  signal.addEventListener("abort", giveUp, { once: true });
  const timer = deps.clock.after(lookBackTimeoutMs, () => late.abort());
  look(signal).then(given.resolve, given.reject);
  try {
    return await given.promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", giveUp);
  }
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

/** 1, 2, 4 s … and then no more; what the platform asks for wins over our own pause, but nothing outlives its expiry. */
function retryOrGiveUp(row: OutboxRow, error: AppError, deps: DeliveryDeps): PartOutcome {
  const { attempts } = row;
  const told = stillInDoubt(row, error.toJSON());
  if (error.retry === "never" || attempts >= limits.deliveryAttempts) return { state: "failed", error: told };
  const pauseMs = error.retryAfterMs ?? backoffOf(attempts);
  return { state: "prepared", nextAttemptMs: Math.min(deps.clock.nowMs() + pauseMs, row.expiresMs), error: told };
}

/** An attempt that certainly failed takes nothing back of the doubt about the one before. */
function stillInDoubt(row: OutboxRow, error: AppErrorJson): AppErrorJson {
  return mayRepeat(row) ? { ...error, details: { ...error.details, mayHaveBeenSent: true } } : error;
}

/** Writes the outcome and tells it. */
export async function write(row: OutboxRow, outcome: PartOutcome, deps: DeliveryWork): Promise<void> {
  const { store, clock, log, closing } = deps;
  const atMs = clock.nowMs();
  await writeWithPatience(() => store.outbox.settle(row.id, outcome, atMs), { clock, log, signal: closing });
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
