/** A call that was paid for in advance, and a turn that was refused, on a stage. For tests. */
import type { PurseLimit } from "../../../domain/purse.ts";
import { t0 } from "../../../store/conformance/samples.ts";
import type { Stage } from "../../fake-deps.fixture.ts";

export const payer = Object.freeze({
  runId: "run-1",
  sessionKey: "agent:main:main",
  agentId: "main",
  channel: "irc",
  senderId: "ann",
  jobId: null,
  chat: null,
});

/** The day of `t0`. */
export const purse: PurseLimit = Object.freeze({
  kind: "agent",
  id: "main",
  period: "day",
  sinceMs: Date.UTC(2026, 10, 20),
  untilMs: Date.UTC(2026, 10, 21),
  limitMicros: 5_000_000,
});

/** At `t0`, and for nearly all that the purse has. */
export async function holdFor({ store }: Stage, callId: string): Promise<void> {
  await store.budgets.reserve({
    id: callId,
    payer,
    provider: "openai",
    model: "m",
    origin: "chat",
    atMs: t0,
    worst: { inputMicros: 4_980_000, outputMicrosPerToken: 0 },
    outputTokens: 1,
    leastOutputTokens: 1,
    warnAt: 1,
    purses: [purse],
  });
}

/** Returns the id of the open question. */
export async function askForMore({ deps }: Stage, changes: Partial<PurseLimit> = {}): Promise<string> {
  const state = { ...purse, spentMicros: 4_980_000, heldMicros: 0, extraMicros: 0, ...changes };
  const details = { purse: state, neededMicros: 50_000 };
  const error = { code: "BUDGET_001", message: "m", retry: "later", details } as const;
  const address = { channel: "irc", accountId: "default", chatId: "ann", chatKind: "dm" } as const;
  const kept = await deps.budgets.refused({ ...payer, error, address });
  return kept?.reason.replace("approval:", "") ?? "none";
}

/** What the methods that decide can be called with, and the questions and the lost call that they are about. */
export async function budgetParams(stage: Stage): Promise<Record<string, object>> {
  const far = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  const [allowed, denied] = [await askForMore(stage, far), await askForMore(stage, { ...far, id: "other" })];
  await holdFor(stage, "lost-1");
  await stage.store.budgets.loseOrphans(Number.MAX_SAFE_INTEGER);
  return {
    "budget.set": { kind: "global", day: 1 },
    "budget.allow": { id: allowed },
    "budget.deny": { id: denied },
    "budget.settle": { id: "lost-1", usd: 0.1 },
  };
}
