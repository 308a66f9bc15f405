/** Handlers of `health` and `status`. */
import { health, status } from "../../protocol/methods/health.ts";
import { protocolVersion } from "../../protocol/version.ts";
import { handle, Serialised, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";

export function healthMethods(services: RpcServices): readonly BoundMethod[] {
  return [
    handle(health, ({ probe }) => (probe === true ? lookAnew(services) : new Serialised(services.health.json()))),
    handle(status, () => statusOf(services)),
  ];
}

/** What a platform says now, and not what it said last; one that is slow is told as it was known. */
const probeTimeoutMs = 5_000;

async function lookAnew({ deps, health: state }: RpcServices): Promise<Serialised> {
  await deps.channels.probe({ timeoutMs: probeTimeoutMs });
  state.refresh();
  return new Serialised(state.json());
}

async function statusOf({ deps, connections }: RpcServices) {
  const { store, health: view } = deps;
  const [ready, inbox, outbox, sessions] = await Promise.all([
    view.ready(),
    store.inbox.counts(),
    store.outbox.counts(),
    store.sessions.list({ limit: 1 }),
  ]);
  return {
    version: deps.version,
    protocol: protocolVersion,
    uptimeMs: Math.round(view.uptimeMs()),
    ready: ready.ready,
    failing: [...ready.failing],
    draining: view.draining(),
    connections: connections.size(),
    loopDelay: view.loopDelay(),
    agents: deps.agents().map((agent) => ({ ...agent })),
    channels: deps.channels.status().map((channel) => ({ ...channel })),
    sessions: { total: sessions.total },
    inbox,
    outbox: { ...outbox },
    runs: deps.turns
      .active()
      .map(({ runId, sessionKey, agentId, startedMs }) => ({ runId, sessionKey, agentId, startedMs })),
  };
}
