/**
 * Handlers of the outbox: what waits for a person, and the person's word. A decision is made once; whoever comes second
 * is told so. Who decided, and why, stands in the trace beside what followed.
 */
import { AppError, type AppErrorJson } from "../../../domain/app-error.ts";
import { deliveryMarkBody } from "../../../domain/delivery-mark.ts";
import type { PartDecision } from "../../../domain/events.ts";
import { limits } from "../../../domain/limits.ts";
import type { ParamsOf, ResultOf } from "../../../protocol/method.ts";
import { outboxApprove, outboxDeny, outboxList, outboxResolve } from "../../../protocol/methods/outbox.ts";
import type { OutboxRow, PartOutcome } from "../../../store/port.ts";
import type { TranscriptDraft } from "../../../store/session-port.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";
import { shownPart } from "./shown.ts";

const defaultParts = 50;

export function outboxMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { clock, store } = deps;
  return [
    handle(outboxList, (params) => list(deps, params)),
    handle(outboxApprove, async ({ id }, caller) => {
      const atMs = clock.nowMs();
      const allowed = await store.outbox.decide(id, { allow: true, expiresMs: atMs + limits.replyTtlMs }, atMs);
      if (!allowed) return alreadyDecided(deps, id);
      return decided(deps, { id, decision: "approved", caller, reason: undefined });
    }),
    handle(outboxDeny, async ({ id, reason }, caller) => {
      const error = deniedBy(caller, reason);
      const denied = await store.outbox.decide(id, { allow: false, error: error.toJSON() }, clock.nowMs());
      if (!denied) return alreadyDecided(deps, id);
      await markUnsaid(deps, id);
      return decided(deps, { id, decision: "denied", caller, reason });
    }),
    handle(outboxResolve, (params, caller) => resolve(deps, params, caller)),
  ];
}

/** A part that a person did not let out; no replay lets it out either. */
export function wasDenied({ error }: Pick<OutboxRow, "error">): boolean {
  return error?.details["reason"] === "denied";
}

type Answer = ResultOf<typeof outboxResolve>;
type Deps = RpcServices["deps"];

async function list({ store }: Deps, { state, limit = defaultParts }: ParamsOf<typeof outboxList>) {
  const wanted = state === undefined ? (["held", "unknown"] as const) : [state];
  const [counts, ...rows] = await Promise.all([
    store.outbox.counts(),
    ...wanted.map((one) => store.outbox.inState(one, limit)),
  ]);
  return { state: state ?? null, counts: { ...counts }, parts: rows.flat().slice(0, limit).map(shownPart) };
}

async function resolve(deps: Deps, { id, as }: ParamsOf<typeof outboxResolve>, caller: Caller): Promise<Answer> {
  const { outbox } = deps.store;
  const row = await outbox.get(id);
  if (row === null) throw noSuchPart();
  if (row.state !== "unknown") return { id, outcome: "already-decided", state: row.state };
  const atMs = deps.clock.nowMs();
  try {
    await outbox.settle(id, outcomeOf(row, as, { caller, deps }), atMs);
    if (as === "resend" && !(await outbox.resubmit(id, { atMs, expiresMs: atMs + limits.replyTtlMs })))
      return await alreadyDecided(deps, id);
  } catch (thrown) {
    // Somebody else was quicker: the operator's policy, its expiry, or another person.
    if (AppError.from(thrown).code !== "STORE_003") throw thrown;
    return alreadyDecided(deps, id);
  }
  return decided(deps, { id, decision: as, caller, reason: undefined });
}

/** Sent again, it has to say that it may be there already: the doubt is written down before it goes on. */
function outcomeOf(
  row: OutboxRow,
  as: "resend" | "sent" | "drop",
  { caller, deps }: { caller: Caller; deps: Deps },
): PartOutcome {
  if (as === "sent") return { state: "sent", platformMessageIds: row.platformMessageIds };
  const lost = new AppError("MSG_002", "Whether it arrived was not known.").toJSON();
  const details = { ...(row.error ?? lost).details, mayHaveBeenSent: row.chunksSent, by: caller.principal.id };
  const error = { ...(row.error ?? lost), details };
  if (as === "resend") return { state: "unknown", error };
  const transcript = markOf({ ...row, error }, deps);
  return transcript === null
    ? { state: "failed", error }
    : { state: "failed", error: { ...error, details: { ...details, toldUnsent: true } }, transcript };
}

/** What the transcript says of a reply that a person kept back: the conversation held words that nobody read. */
async function markUnsaid(deps: Deps, id: string): Promise<void> {
  const row = await deps.store.outbox.get(id);
  const mark = row === null ? null : markOf(row, deps);
  if (row === null || mark === null) return;
  try {
    await deps.store.sessions.append(row.sessionKey, [mark], mark.atMs);
  } catch (thrown) {
    // The session was deleted meanwhile: there is nothing left that could mislead anybody.
    if (AppError.from(thrown).code !== "RPC_007") throw thrown;
  }
}

/** Null where the transcript holds nothing of the part. */
function markOf(row: OutboxRow, { clock, ids }: Deps): TranscriptDraft | null {
  const { id: partId, runId, action, chunksSent: piecesSeen, createdMs: writtenMs, error } = row;
  if (runId === null || action.type === "delete" || action.type === "react") return null;
  const mark = { partId, runId, state: "failed" as const, piecesSeen, code: error?.code ?? null, writtenMs };
  return { id: ids.hex(4), type: "custom", atMs: clock.nowMs(), body: deliveryMarkBody(mark) };
}

function deniedBy(caller: Caller, reason: string | undefined): AppError {
  const message = reason === undefined ? "It was not allowed to be sent." : `It was not allowed to be sent: ${reason}`;
  return new AppError("MSG_002", message, {
    retry: "never",
    details: { reason: "denied", by: caller.principal.id } satisfies AppErrorJson["details"],
  });
}

interface Decision {
  readonly id: string;
  readonly decision: PartDecision;
  readonly caller: Caller;
  readonly reason: string | undefined;
}

async function decided(deps: Deps, { id, decision, caller, reason }: Decision): Promise<Answer> {
  const atMs = deps.clock.nowMs();
  const by = caller.principal.id;
  const row = await deps.store.outbox.get(id);
  const outcome = decision === "approved" || decision === "denied" ? decision : ("resolved" as const);
  const type = `outbox.${outcome}`;
  const as = outcome === "resolved" ? { as: decision } : {};
  const data = { partId: id, by, ...as, ...(reason === undefined ? {} : { reason }) };
  deps.log.info("A part was decided about.", { partId: id, decision, by });
  await deps.store.trace.add([{ ...tracedWith(row, id), type, atMs, data }]);
  deps.bus.emit({ type: "outbox.decided", partId: id, decision, by, atMs });
  if (decision === "denied" || decision === "drop")
    deps.bus.emit({ type: "dlq.changed", change: "added", ids: [id], atMs });
  deps.wake();
  return { id, outcome, state: row?.state ?? "sent" };
}

/** A part of no message and no run is found by its own id. */
function tracedWith(row: OutboxRow | null, id: string): { messageId: string | null; runId: string | null } {
  const messageId = row?.messageId ?? null;
  return { messageId, runId: row?.runId ?? (messageId === null ? id : null) };
}

async function alreadyDecided({ store }: Deps, id: string): Promise<Answer> {
  const row = await store.outbox.get(id);
  if (row === null) throw noSuchPart();
  return { id, outcome: "already-decided", state: row.state };
}

function noSuchPart(): AppError {
  return new AppError("RPC_007", "there is no such part in the outbox");
}
