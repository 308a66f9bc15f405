/** Handlers of budgets. The desk decides and keeps; here dollars become micro-dollars and back. */
import type { LostHold } from "../../../store/budget-port.ts";
import type { AllowOutcome, BudgetOverview } from "../../../budget/contract.ts";
import { AppError } from "../../../domain/app-error.ts";
import type { PurseKind, PurseSpan, PurseState } from "../../../domain/purse.ts";
import type { ParamsOf, ResultOf } from "../../../protocol/method.ts";
import {
  budgetAllow,
  budgetDeny,
  budgetGet,
  budgetPause,
  budgetResume,
  budgetSet,
  budgetSettle,
} from "../../../protocol/methods/budget.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";

export function budgetMethods(services: RpcServices): readonly BoundMethod[] {
  const { budgets } = services.deps;
  const byOf = ({ principal }: Caller): string => principal.id;
  return [
    handle(budgetGet, async () => shown(await budgets.overview())),
    handle(budgetSet, (params, caller) => setLimit(services, params, caller)),
    handle(budgetAllow, async ({ id, usd }, caller) => {
      const amount = usd === undefined ? {} : { micros: microsOf(usd) };
      return decided(id, await budgets.allow(id, { by: byOf(caller), ...amount }));
    }),
    handle(budgetDeny, async ({ id }, caller) => decided(id, await budgets.deny(id, byOf(caller)))),
    handle(budgetSettle, async ({ id, usd }, caller) => {
      if (!(await budgets.settle(id, { by: byOf(caller), costMicros: microsOf(usd) }))) {
        throw new AppError("RPC_007", "there is no such lost call");
      }
      return { ok: true as const, id };
    }),
    handle(budgetPause, async ({ agentId = null, reason = null }, caller) => {
      await budgets.pause({ agentId, reason, by: byOf(caller) });
      return { ok: true as const };
    }),
    handle(budgetResume, async ({ agentId = null }, caller) => ({
      ok: true as const,
      ...(await budgets.resume({ agentId, by: byOf(caller) })),
    })),
  ];
}

const tables: Readonly<Record<Exclude<PurseKind, "global">, string>> = {
  agent: "agents",
  user: "users",
  chat: "chats",
  job: "jobs",
};

/** By the configuration's own writer, so that it is written, checked and applied like every other setting. */
async function setLimit(
  { deps, configWrites }: RpcServices,
  { kind, id, day, month }: ParamsOf<typeof budgetSet>,
  caller: Caller,
): Promise<ResultOf<typeof budgetSet>> {
  if ((kind === "global") !== (id === undefined)) {
    const needed = kind === "global" ? "the global budget has no id" : `a budget of kind ${kind} needs an id`;
    throw new AppError("RPC_003", `invalid budget.set params: at /id: ${needed}`);
  }
  if (day === undefined && month === undefined) {
    throw new AppError("RPC_003", "invalid budget.set params: day or month must be given");
  }
  const limits = { ...(day === undefined ? {} : { day }), ...(month === undefined ? {} : { month }) };
  const entry = kind === "global" ? { global: limits } : { [tables[kind]]: { [id ?? ""]: limits } };
  configWrites.take(budgetSet.name, caller);
  const { config } = await deps.config.write({ kind: "patch", patch: { budgets: entry } });
  const { budgets } = config;
  const table = { agent: budgets.agents, user: budgets.users, chat: budgets.chats, job: budgets.jobs };
  const written = kind === "global" ? budgets.global : (table[kind][id ?? ""] ?? {});
  return { ok: true, day: written.day ?? null, month: written.month ?? null };
}

function shown(overview: BudgetOverview): ResultOf<typeof budgetGet> {
  const { timeZone, warnAt, unpriced, pauses, purses, lost, approvals } = overview;
  return {
    timeZone,
    warnAt,
    unpriced,
    pauses: pauses.map((pause) => ({ ...pause })),
    purses: purses.map(shownPurse),
    lost: lost.map(shownLost),
    approvals: approvals.map(({ id, subject, sessionKey, createdMs, expiresMs }) => {
      // Written by the desk, and by nobody else.
      const { purse, proposedMicros } = subject as { purse: PurseSpan; proposedMicros: number };
      const { kind, period } = purse;
      return {
        id,
        kind,
        purse: purse.id,
        period,
        proposedUsd: usdOf(proposedMicros),
        sessionKey,
        createdMs,
        expiresMs,
      };
    }),
  };
}

function shownPurse(state: PurseState) {
  const { kind, id, period, sinceMs, untilMs } = state;
  return {
    kind,
    id,
    period,
    sinceMs,
    untilMs,
    limitUsd: usdOf(state.limitMicros),
    extraUsd: usdOf(state.extraMicros),
    spentUsd: usdOf(state.spentMicros),
    heldUsd: usdOf(state.heldMicros),
  };
}

function shownLost({ id, atMs, runId, sessionKey, agentId, model, reservedMicros }: LostHold) {
  return { id, atMs, runId, sessionKey, agentId, model, usd: usdOf(reservedMicros) };
}

function decided(id: string, outcome: AllowOutcome): ResultOf<typeof budgetAllow> {
  switch (outcome.outcome) {
    case "unknown":
      throw new AppError("RPC_007", "there is no such question about a budget: see openclaw budget show");
    case "allowed":
      return { id, outcome: "allowed", state: "allowed", usd: usdOf(outcome.micros), replayed: outcome.replayed };
    default:
      return { id, outcome: outcome.outcome, state: outcome.row.state, usd: 0, replayed: 0 };
  }
}

function usdOf(micros: number): number {
  return micros / 1_000_000;
}

function microsOf(usd: number): number {
  return Math.round(usd * 1_000_000);
}
