/** How long a turn may wait for a model that cannot be asked now, and the waiting itself, which those who read along hear of. */
import { limits } from "../../domain/limits.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";

/** Milliseconds; none where the turn would be over by then. */
export function patienceOf({ row, deadlineMs }: Turn, { clock }: Pick<AgentDeps, "clock">): number {
  const mostMs = row.ephemeral ? limits.modelWaitApiMs : limits.modelWaitMs;
  return Math.max(0, Math.min(mostMs, deadlineMs - clock.monotonicMs()));
}

/** By the wall clock. False where the turn ended meanwhile. */
export async function waitUntil(untilMs: number, turn: Turn, deps: Pick<AgentDeps, "bus" | "clock">): Promise<boolean> {
  const { clock } = deps;
  try {
    for (let leftMs = untilMs - clock.nowMs(); leftMs > 0; leftMs = untilMs - clock.nowMs()) {
      if (leftMs > limits.modelAgainMs) {
        const seconds = Math.ceil(leftMs / 1_000);
        const text = `No model can answer at the moment; it is tried again in ${seconds} s.`;
        emitOf(turn, deps, { type: "run.notice", kind: "failover", text });
      }
      await clock.sleep(Math.min(leftMs, limits.modelWaitNoticeMs), turn.signal);
    }
    return !turn.signal.aborted;
  } catch (reason) {
    if (turn.signal.aborted) return false;
    throw reason;
  }
}
