/** Methods of budgets: what is left, what may be spent, and the switch that stops all of it. Amounts are US dollars. */
import { z } from "zod";
import { periods, purseKinds } from "../../domain/purse.ts";
import { method } from "../method.ts";

const id = z.string().min(1).max(512);
const usd = z.number().nonnegative().max(1_000_000_000);
const when = z.number().int();

const purseSchema = z.strictObject({
  kind: z.enum(purseKinds),
  /** Empty for the global one. */
  id: z.string(),
  period: z.enum(periods),
  sinceMs: when,
  untilMs: when,
  limitUsd: z.number(),
  /** Allowed on top of the limit, for this period alone. */
  extraUsd: z.number(),
  spentUsd: z.number(),
  /** Set aside for calls under way, or lost in a crash and counted at their worst. */
  heldUsd: z.number(),
});

const pauseSchema = z.strictObject({
  /** Null: all agents. */
  agentId: z.string().nullable(),
  atMs: when,
  by: z.string(),
  reason: z.string().nullable(),
});

export const budgetGet = method({
  name: "budget.get",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    timeZone: z.string(),
    warnAt: z.number(),
    unpriced: z.enum(["refuse", "allow"]),
    pauses: z.array(pauseSchema),
    purses: z.array(purseSchema),
    lost: z.array(
      z.strictObject({
        id: z.string(),
        atMs: when,
        runId: z.string(),
        sessionKey: z.string(),
        agentId: z.string(),
        model: z.string(),
        usd: z.number(),
      }),
    ),
    approvals: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(purseKinds),
        purse: z.string(),
        period: z.enum(periods),
        proposedUsd: z.number(),
        sessionKey: z.string(),
        createdMs: when,
        expiresMs: when,
      }),
    ),
  }),
  summary: "What every budget has left, calls that were lost in a crash, open questions for more, and pauses.",
});

export const budgetSet = method({
  name: "budget.set",
  scope: "operator.admin",
  params: z.strictObject({
    kind: z.enum(purseKinds),
    /** Absent for the global one; `*` for whoever has none of their own. */
    id: id.optional(),
    /** Null removes the limit; absent leaves it. */
    day: usd.nullable().optional(),
    month: usd.nullable().optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), day: z.number().nullable(), month: z.number().nullable() }),
  summary: "Writes a limit into the configuration, or removes it.",
});

const decided = z.strictObject({
  id: z.string(),
  /** `late`: somebody was here before, or its time is over; `state` is how it stands. */
  outcome: z.enum(["allowed", "denied", "late"]),
  state: z.string(),
  usd: z.number(),
  /** Messages that waited for it and are answered now. */
  replayed: z.number().int(),
});

export const budgetAllow = method({
  name: "budget.allow",
  scope: "operator.admin",
  params: z.strictObject({ id, usd: usd.positive().optional() }),
  result: decided,
  summary:
    "Allows more for the rest of a period and lets the waiting messages go on; without an amount, what was proposed.",
});

export const budgetDeny = method({
  name: "budget.deny",
  scope: "operator.admin",
  params: z.strictObject({ id }),
  result: decided,
  summary: "Allows no more; the waiting messages stay on the list of dead letters.",
});

export const budgetSettle = method({
  name: "budget.settle",
  scope: "operator.admin",
  params: z.strictObject({ id, usd }),
  result: z.strictObject({ ok: z.literal(true), id: z.string() }),
  summary: "Says what a call really cost that was lost in a crash.",
});

const agentId = z.string().min(1).max(64).optional();

export const budgetPause = method({
  name: "budget.pause",
  scope: "operator.admin",
  params: z.strictObject({ agentId, reason: z.string().min(1).max(200).optional() }),
  result: z.strictObject({ ok: z.literal(true) }),
  summary: "Stops all calls of models, those under way too, for one agent or for all; messages are kept.",
});

export const budgetResume = method({
  name: "budget.resume",
  scope: "operator.admin",
  params: z.strictObject({ agentId }),
  result: z.strictObject({ ok: z.literal(true), lifted: z.number().int(), replayed: z.number().int() }),
  summary: "Ends the pause of one agent, or every pause; messages that waited are answered.",
});
