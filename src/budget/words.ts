/** What people read of budgets: amounts, purses and refusals, in plain sentences. */
import { dollarsOf } from "../domain/money.ts";
import { leftMicros, type PurseKey, type PurseState } from "../domain/purse.ts";
import type { Pause } from "../store/budget-port.ts";

/** `of this chat`: as whoever is in it would say. */
function ofPurse({ kind, id }: PurseKey): string {
  switch (kind) {
    case "global":
      return "of this gateway";
    case "agent":
      return `of the agent ${id}`;
    case "user":
      return "of this person";
    case "chat":
      return "of this chat";
    case "job":
      return `of the job ${id}`;
  }
}

/** `of user telegram:123`: for whoever is elsewhere. */
export function purseName({ kind, id }: PurseKey): string {
  return kind === "global" ? "of this gateway" : `of ${kind} ${id}`;
}

function sumsOf({ spentMicros, heldMicros }: PurseState): string {
  return `${dollarsOf(spentMicros)} spent${heldMicros > 0 ? `, ${dollarsOf(heldMicros)} set aside for other calls` : ""}`;
}

export function budgetName(state: PurseState, whose: string = ofPurse(state)): string {
  const period = state.period === "day" ? "daily" : "monthly";
  return `The ${period} budget of ${dollarsOf(state.limitMicros + state.extraMicros)} ${whose}`;
}

/** Below this share of a budget it is as good as empty, whatever the next call would need. */
const emptyShare = 0.05;

export function shortSentence(state: PurseState, neededMicros: number, whose?: string): string {
  const may = state.limitMicros + state.extraMicros;
  const isEmpty = leftMicros(state) <= may * emptyShare;
  const what = isEmpty ? "is used up" : `does not pay for this answer, which may cost ${dollarsOf(neededMicros)}`;
  return `${budgetName(state, whose)} ${what} (${sumsOf(state)}).`;
}

export function warningSentence(state: PurseState): string {
  const share = Math.floor(((state.spentMicros + state.heldMicros) / (state.limitMicros + state.extraMicros)) * 100);
  return `${budgetName(state, purseName(state))} is used up to ${share} % (${sumsOf(state)}).`;
}

export function pauseSentence({ agentId, reason }: Pick<Pause, "agentId" | "reason">): string {
  const what = agentId === null ? "The assistant" : `The agent ${agentId}`;
  return `${what} is paused by an owner${reason === null ? "" : ` (${reason})`}.`;
}

export function unpricedSentence(model: string): string {
  return `The price of ${model} is not known, and a budget applies: it is not asked.`;
}
