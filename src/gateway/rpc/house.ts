/** Handlers about the gateway itself: log, presence, events, stopping. */
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { logsTail } from "../../protocol/methods/logs.ts";
import {
  gatewayRestart,
  gatewayStop,
  lastHeartbeat,
  systemEvent,
  systemEvents,
  systemPresence,
} from "../../protocol/methods/system.ts";
import { wireEvent } from "../ws/wire-event.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

const defaultLines = 200;

export function logMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(logsTail, async ({ cursor, limit, maxBytes, scope }) => {
      const page = await deps.tailLog({
        limit: limit ?? defaultLines,
        ...(cursor === undefined ? {} : { cursor: String(cursor) }),
        ...(scope === undefined ? {} : { scope }),
      });
      const kept = maxBytes === undefined ? page.lines : newestWithin(page.lines, maxBytes);
      return {
        file: "openclaw.log",
        cursor: page.cursor,
        lines: [...kept],
        truncated: kept.length < page.lines.length,
      };
    }),
  ];
}

function newestWithin(lines: readonly string[], maxBytes: number): readonly string[] {
  let bytes = 0;
  const first = lines.findLastIndex((line) => (bytes += Buffer.byteLength(line) + 1) > maxBytes);
  return lines.slice(first + 1);
}

export function systemMethods(services: RpcServices): readonly BoundMethod[] {
  const { deps, connections } = services;
  return [
    handle(systemPresence, () => [...services.presence.list()]),
    handle(systemEvent, ({ text }) => {
      const ts = deps.clock.nowMs();
      services.systemEvents.add({ type: "system-event", ts, data: { text } });
      connections.broadcast(wireEvent("system-event", { text, ts }));
      return { ok: true as const };
    }),
    handle(systemEvents, ({ limit }) => ({
      events: services.systemEvents.recent(limit ?? 100).map(({ type, ts, data }) => ({ type, ts, data: { ...data } })),
    })),
    handle(lastHeartbeat, () => deps.store.documents.get("heartbeat", "last")),
    handle(gatewayStop, ({ reason }, caller) => {
      if (deps.requestStop === undefined)
        throw new AppError("SYS_007", "this gateway is stopped from where it was started");
      deps.log.warn("A client asked the gateway to stop.", { principal: caller.principal.id, reason });
      deps.requestStop(reason ?? "stopped by an administrator");
      return { ok: true as const };
    }),
    handle(gatewayRestart, (params, caller) => restart(services, params, caller)),
  ];
}

async function restart({ deps }: RpcServices, params: ParamsOf<typeof gatewayRestart>, caller: Caller) {
  const { restarts } = deps;
  if (restarts === undefined) throw new AppError("SYS_007", "this gateway is restarted from where it was started");
  const chat = await chatToTell(deps, params);
  deps.log.warn("A client asked the gateway to restart.", { principal: caller.principal.id, reason: params.reason });
  const reason = params.reason ?? "restarted by an administrator";
  await restarts.request({ id: `restart-${deps.ids.uuid()}`, reason, chat });
  return { ok: true as const, restartExpectedMs: restarts.expectedMs, told: chat !== null };
}

/** Where a session last spoke, or the chat that is named; null where nobody is to be told. */
async function chatToTell(deps: RpcServices["deps"], { sessionKey, to }: ParamsOf<typeof gatewayRestart>) {
  const key = sessionTarget(deps, { sessionKey, agentId: undefined }).sessionKey;
  if (to !== undefined) {
    const { chatKind = "dm", threadId, ...where } = to;
    const accountId = to.accountId ?? deps.channels.status().find((row) => row.channel === to.channel)?.accountId;
    const thread = threadId === undefined ? {} : { threadId };
    return { sessionKey: key, address: { ...where, accountId: accountId ?? "default", chatKind, ...thread } };
  }
  if (sessionKey === undefined) return null;
  const address = (await deps.store.sessions.get(key))?.lastAddress ?? null;
  return address === null ? null : { sessionKey: key, address };
}
