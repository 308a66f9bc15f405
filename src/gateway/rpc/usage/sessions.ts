/** `sessions.usage`: each session's summary in a span of days, and everything that matched together. */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { ParamsOf } from "../../../protocol/method.ts";
import type { sessionsUsage } from "../../../protocol/methods/session-usage.ts";
import type { LedgerTotals, SessionUsage } from "../../../store/ledger-port.ts";
import type { RpcServices } from "../services.ts";
import { sessionKeyOf } from "../session-target.ts";
import { aggregatesOf, aggregatesOfSession, type Span } from "./aggregates.ts";
import { grouped, summaryOf } from "./summary.ts";
import { costTotalsOf, modelParts } from "./totals.ts";
import { dayMs } from "../../../domain/local-time.ts";

const defaultSessions = 50;

type Deps = RpcServices["deps"];

export async function usageOfSessions(deps: Deps, params: ParamsOf<typeof sessionsUsage>) {
  const nowMs = deps.clock.nowMs();
  const span = spanOf(params, nowMs);
  const { ledger } = deps.store;
  const sessionKey = params.key === undefined ? undefined : sessionKeyOf(deps, params.key);
  const { rows, matched } = await ledger.sessions({
    ...span,
    limit: Math.min(params.limit ?? defaultSessions, limits.usageSessions),
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(params.agentId === undefined ? {} : { agentId: params.agentId }),
  });
  const sessions = rows.map(entryOf);
  const { totals, aggregates } =
    sessionKey === undefined ? await aggregatesOf(ledger, span, params.agentId) : aggregatesOfSession(rows);
  return {
    updatedAt: nowMs,
    startDate: dateOf(span.sinceMs),
    endDate: dateOf(span.untilMs - 1),
    timeZone: "UTC" as const,
    sessions,
    totals: costTotalsOf(totals),
    aggregates,
    overview: {
      matchedSessions: matched,
      returnedSessions: rows.length,
      durationCount: rows.length,
      durationSumMs: rows.reduce((sum, { firstMs, lastMs }) => sum + lastMs - firstMs, 0),
    },
  };
}

function spanOf({ startDate, endDate, range }: ParamsOf<typeof sessionsUsage>, nowMs: number): Span {
  const tomorrowMs = nowMs - (nowMs % dayMs) + dayMs;
  if (startDate !== undefined && endDate !== undefined) {
    const span = { sinceMs: dayOf(startDate), untilMs: dayOf(endDate) + dayMs };
    if (span.sinceMs < span.untilMs) return span;
    throw new AppError("RPC_003", "endDate is before startDate", { details: { param: "endDate" } });
  }
  if (startDate !== undefined || endDate !== undefined) {
    const param = startDate === undefined ? "startDate" : "endDate";
    throw new AppError("RPC_003", "startDate and endDate go together", { details: { param } });
  }
  if (range === "all") return { sinceMs: 0, untilMs: tomorrowMs };
  const days = { "7d": 7, "30d": 30, "90d": 90, "1y": 365 }[range ?? "30d"];
  return { sinceMs: tomorrowMs - days * dayMs, untilMs: tomorrowMs };
}

/** A date that is none (2026-02-31) is refused and not taken for another. */
function dayOf(date: string): number {
  const ms = Date.parse(`${date}T00:00:00.000Z`);
  if (Number.isNaN(ms) || ms < 0 || dateOf(ms) !== date) {
    throw new AppError("RPC_003", `${date} is no day that usage can be asked of`, { details: { param: "startDate" } });
  }
  return ms;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function entryOf(session: SessionUsage) {
  const byChannel = grouped(session.calls, ({ channel }) => channel);
  const byModel = grouped(session.calls, ({ model }) => model);
  const channel = mostUsed(byChannel);
  const model = mostUsed(byModel);
  return {
    key: session.sessionKey,
    agentId: session.agentId,
    ...(session.label === null ? {} : { label: session.label }),
    ...(session.sessionId === null ? {} : { sessionId: session.sessionId }),
    ...(session.updatedMs === null ? {} : { updatedAt: session.updatedMs }),
    ...(channel === undefined ? {} : { channel }),
    ...(model === undefined ? {} : { modelProvider: modelParts(model).provider, model: modelParts(model).model }),
    usage: summaryOf(session),
  };
}

function mostUsed(groups: readonly (readonly [key: string, totals: LedgerTotals])[]): string | undefined {
  return groups.toSorted(([, left], [, right]) => right.calls - left.calls)[0]?.[0];
}
