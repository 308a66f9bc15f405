/**
 * Where a session is set to `interrupt`: a message that has just been let in ends the turn that runs before it, also one
 * that waits for a person. What came too early for that is found by the turn itself, between two steps.
 */
import type { Config } from "../../config/schema/root.ts";
import type { EventBus } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { InboxEntry, Store } from "../../store/port.ts";
import type { TurnRegistry } from "../turn-registry.ts";
import { queueModeOf } from "./queue-mode.ts";
import { mayJoin } from "./sort-waiting.ts";

export interface GiveWayDeps {
  readonly store: Store;
  readonly registry: Pick<TurnRegistry, "active" | "supersede">;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly bus: EventBus;
  /** A message may have its turn. */
  readonly wakeQueue: () => void;
}

/** Open questions that are looked through, newest first. */
const openQuestions = 500;

/** Only for what the same person wrote in the same chat: nobody ends a turn of somebody else by writing. */
export async function giveWay(entry: InboxEntry, deps: GiveWayDeps): Promise<void> {
  const { store, registry, config } = deps;
  const { sessionKey, message, ephemeral } = entry;
  if (ephemeral) return;
  const session = await store.sessions.get(sessionKey);
  if (queueModeOf(session?.settings["queueMode"], config(), message.address.channel) !== "interrupt") return;
  const now = await store.inbox.byRunId(entry.runId);
  // It has its turn already, or is part of one.
  if (now?.state !== "queued") return;
  for (const { runId } of registry.active().filter((turn) => turn.sessionKey === sessionKey)) {
    const row = await store.inbox.byRunId(runId);
    if (row !== null && runId !== entry.runId && mayJoin(row, entry)) registry.supersede(runId);
  }
  await withdrawQuestions(entry, deps);
}

/** A turn that waits for a person goes on with a "no", finds the newer message behind it, and ends. */
async function withdrawQuestions(entry: InboxEntry, { store, clock, bus, wakeQueue }: GiveWayDeps): Promise<void> {
  const atMs = clock.nowMs();
  const open = await store.approvals.list({ state: "open", limit: openQuestions, atMs });
  const asked = open.filter(({ kind, sessionKey }) => kind !== "budget" && sessionKey === entry.sessionKey);
  for (const { id, runId } of asked) {
    const row = runId === null ? null : await store.inbox.byRunId(runId);
    if (row === null || !mayJoin(row, entry)) continue;
    const replay = { atMs, expiresMs: atMs + limits.inboundTtlMs, admittedAfterMs: atMs };
    const outcome = await store.approvals.decide(id, { allow: false, by: "a newer message", decision: null, replay });
    if (outcome.outcome !== "decided") continue;
    const { state, decidedBy, decision, sessionKey } = outcome.row;
    bus.emit({ type: "approval.resolved", id, sessionKey, state, by: decidedBy, decision, atMs });
    wakeQueue();
  }
}
