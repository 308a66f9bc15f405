/** What follows for the house when somebody stops a turn: nothing more is said for it, and nothing more is asked. */
import type { Turns } from "../agent/contract.ts";
import type { TurnRegistry } from "../agent/turn-registry.ts";
import { AppError } from "../domain/app-error.ts";
import type { Delivery } from "../outbound/contract.ts";
import type { EventBus } from "../domain/events.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";
import type { Acting } from "./acting/contract.ts";

export interface StopParts {
  readonly delivery: () => Delivery;
  readonly approvals: Acting["approvals"];
  readonly store: { readonly inbox: Pick<Store["inbox"], "byRunId"> };
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The turns as the house sees them: one that is stopped says nothing more, whether it is still written or on its way, and
 * asks nothing more either: parked, it is due to end at once.
 */
export function stoppingDelivery(registry: TurnRegistry, parts: StopParts): Turns {
  const { delivery, log, bus, clock } = parts;
  const quietly = (stopped: Promise<unknown>): void => {
    stopped.catch((thrown: unknown) => {
      log.warn("what was still to be said could not be stopped", { error: AppError.from(thrown).toJSON() });
    });
  };
  return {
    ...registry,
    abort(runId, reason) {
      quietly(delivery().abort(runId, reason));
      const wasThere = registry.abort(runId, reason);
      quietly(withdraw({ runIds: [runId], sessionKey: null, reason }, registry, parts));
      return wasThere;
    },
    abortSession(sessionKey, reason) {
      bus.emit({ type: "session.stopped", sessionKey, reason, atMs: clock.nowMs() });
      quietly(delivery().abortSession(sessionKey, reason));
      const runIds = registry.abortSession(sessionKey, reason);
      quietly(withdraw({ runIds, sessionKey, reason }, registry, parts));
      return runIds;
    },
  };
}

interface Stopped {
  readonly runIds: readonly string[];
  /** Every turn of this session, too. */
  readonly sessionKey: string | null;
  readonly reason: string;
}

/** What these turns ask is refused, by nobody but the stop. What was parked before a restart is known by its question alone. */
async function withdraw(
  { runIds, sessionKey, reason }: Stopped,
  registry: Pick<TurnRegistry, "expect" | "abort">,
  { approvals, store }: Pick<StopParts, "approvals" | "store">,
): Promise<void> {
  for (const asked of await approvals.pending()) {
    const { id, runId } = asked;
    if (runId === null || (!runIds.includes(runId) && asked.sessionKey !== sessionKey)) continue;
    const row = await store.inbox.byRunId(runId);
    // What a program asks for itself is no turn's.
    if (row === null || row.endedMs !== null) continue;
    if (!registry.abort(runId, reason)) {
      registry.expect({ runId, sessionKey: row.sessionKey });
      registry.abort(runId, reason);
    }
    await approvals.answer(id, "deny", { id: "stop", via: "gateway" });
  }
}
