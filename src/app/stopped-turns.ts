/** What follows for the house when somebody stops a turn: nothing more is said for it, and nothing more is asked. */
import type { Turns } from "../agent/contract.ts";
import type { TurnRegistry } from "../agent/turn-registry.ts";
import { AppError } from "../domain/app-error.ts";
import type { Delivery } from "../outbound/contract.ts";
import type { EventBus } from "../domain/events.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Acting } from "./acting/contract.ts";

export interface StopParts {
  readonly delivery: () => Delivery;
  readonly approvals: Acting["approvals"];
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The turns as the house sees them: one that is stopped says nothing more, whether it is still written or on its way, and
 * asks nothing more either: parked, it is due to end at once.
 */
export function stoppingDelivery(registry: TurnRegistry, parts: StopParts): Turns {
  const { delivery, approvals, log, bus, clock } = parts;
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
      quietly(withdraw(wasThere ? [runId] : [], approvals));
      return wasThere;
    },
    abortSession(sessionKey, reason) {
      bus.emit({ type: "session.stopped", sessionKey, reason, atMs: clock.nowMs() });
      quietly(delivery().abortSession(sessionKey, reason));
      const runIds = registry.abortSession(sessionKey, reason);
      quietly(withdraw(runIds, approvals));
      return runIds;
    },
  };
}

/** What these turns ask is refused, by nobody but the stop. */
async function withdraw(runIds: readonly string[], approvals: Acting["approvals"]): Promise<void> {
  if (runIds.length === 0) return;
  const open = (await approvals.pending()).filter(({ runId }) => runId !== null && runIds.includes(runId));
  for (const { id } of open) await approvals.answer(id, "deny", { id: "stop", via: "gateway" });
}
