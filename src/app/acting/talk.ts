/** What the tools that speak need, put together from the way of a message. */
import type { Config } from "../../config/schema/root.ts";
import type { EventBus } from "../../domain/events.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { Store } from "../../store/port.ts";
import type { TalkToolDeps } from "../../tools/registry.ts";
import { createErrands, type Errands } from "./errands.ts";
import type { MessageWay } from "../message-way.ts";
import { createSayPort } from "./say-port.ts";
import { createSessionPort } from "./session-port.ts";

export interface Talk extends TalkToolDeps {
  readonly errands: Errands;
}

export interface TalkDeps {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly config: () => Config;
  readonly way: Pick<MessageWay, "admit" | "turns" | "rules" | "initialStateOf" | "sessionOfChat" | "wakeDelivery">;
}

export function createTalk(deps: TalkDeps): Talk {
  const { way, config } = deps;
  return {
    config,
    sessions: createSessionPort(deps),
    errands: createErrands({ ...deps, admit: way.admit, turns: way.turns, log: deps.log.child("helpers") }),
    say: createSayPort({
      ...deps,
      rules: way.rules,
      initialStateOf: way.initialStateOf,
      sessionOfChat: (address) => way.sessionOfChat(address),
      wakeDelivery: () => way.wakeDelivery(),
    }),
  };
}
