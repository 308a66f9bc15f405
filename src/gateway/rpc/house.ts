/** Handlers about the gateway itself: log, usage, presence, events, stopping. */
import { AppError } from "../../domain/app-error.ts";
import { totalTokens } from "../../domain/money.ts";
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
import { usageCost, usageStatus, type UsageTotals } from "../../protocol/methods/usage.ts";
import type { LedgerTotals } from "../../store/port.ts";
import { wireEvent } from "../ws/wire-event.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf, sessionTarget } from "./session-target.ts";

const dayMs = 24 * 3_600_000;
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

export function usageMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(usageStatus, async ({ sessionKey }) => {
      const nowMs = deps.clock.nowMs();
      const filter = sessionKey === undefined ? {} : { sessionKey: sessionKeyOf(deps, sessionKey) };
      const { ledger } = deps.store;
      const [today, total, models] = await Promise.all([
        ledger.totals({ ...filter, sinceMs: nowMs - (nowMs % dayMs) }),
        ledger.totals(filter),
        ledger.by("model", filter),
      ]);
      return { updatedAt: nowMs, today: usage(today), total: usage(total), models: models.map(keyed) };
    }),
    handle(usageCost, (params) => cost({ deps }, params)),
  ];
}

async function cost({ deps }: Pick<RpcServices, "deps">, params: ParamsOf<typeof usageCost>) {
  const nowMs = deps.clock.nowMs();
  const days = params.days ?? 30;
  const sinceMs = nowMs - (nowMs % dayMs) - (days - 1) * dayMs;
  const filter = {
    sinceMs,
    ...(params.sessionKey === undefined ? {} : { sessionKey: sessionKeyOf(deps, params.sessionKey) }),
  };
  const { ledger } = deps.store;
  const group = params.by ?? "model";
  const [daily, groups, totals] = await Promise.all([
    ledger.by("day", filter),
    group === "day" ? [] : ledger.by(group, filter),
    ledger.totals(filter),
  ]);
  return { updatedAt: nowMs, days, daily: daily.map(keyed), groups: groups.map(keyed), totals: usage(totals) };
}

function usage({ calls, usage: tokens, costMicros, unpriced }: LedgerTotals): UsageTotals {
  return {
    calls,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    totalTokens: totalTokens(tokens),
    costUsd: costMicros / 1_000_000,
    unpricedCalls: unpriced,
  };
}

function keyed(row: LedgerTotals & { readonly key: string }) {
  return { key: row.key, ...usage(row) };
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
