/** Keeps the context of every turn: what was learnt of the models' counting, and which sessions could not be summed up. */
import type { Config } from "../../config/schema/root.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { SessionStore } from "../../store/session-port.ts";
import type { ContextKeeper, MemoryNotes } from "./contract.ts";
import { createTokenCounter, type Pause } from "./token-estimate.ts";
import { createTokenScale } from "./token-scale.ts";
import { OpenTurnContext } from "./turn-context.ts";

export interface KeeperDeps {
  readonly sessions: Pick<SessionStore, "append" | "patch">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly config: () => Config;
  /** Absent where an agent keeps no notes. */
  readonly notes?: MemoryNotes | undefined;
  /** As the event loop has it where absent. */
  readonly pause?: Pause;
}

export function createContextKeeper(deps: KeeperDeps): ContextKeeper {
  const shared = {
    ...deps,
    counter: createTokenCounter(),
    scale: createTokenScale(),
    pause: deps.pause ?? nextRound,
    rest: createRest(deps.clock),
  };
  return { open: (turn) => new OpenTurnContext(turn, shared) };
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sessions whose summary failed: for a while they are cut without asking, or each of their turns would wait for a failure. */
export interface Rest {
  failed(sessionKey: string): void;
  isDue(sessionKey: string): boolean;
}

function createRest(clock: Clock): Rest {
  const until = new Map<string, number>();
  return {
    failed(sessionKey) {
      until.delete(sessionKey);
      until.set(sessionKey, clock.monotonicMs() + limits.summaryRetryMs);
      if (until.size > limits.summaryRetrySessions) until.delete(until.keys().next().value as string);
    },
    isDue: (sessionKey) => (until.get(sessionKey) ?? 0) <= clock.monotonicMs(),
  };
}
