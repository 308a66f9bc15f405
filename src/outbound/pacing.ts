/** Pauses between the parts of one answer, as a person's typing would make them. Kept in memory: a restart is a pause. */
import { delayWithin, type DeliverySettings } from "../domain/delivery-policy.ts";
import type { OutboxRow } from "../store/port.ts";

export interface Pacing {
  /** How long this part waits for the one before it of the same answer; 0 where it need not. */
  waitMs(row: OutboxRow, nowMs: number): number;
  /** A part was seen: the next one of its answer keeps its distance. */
  seen(row: OutboxRow, settings: DeliverySettings, nowMs: number): void;
}

export function createPacing(random: () => number): Pacing {
  const nextMs = new Map<string, number>();
  return {
    waitMs({ runId, action }, nowMs) {
      if (runId === null || action.type !== "send") return 0;
      return Math.max(0, (nextMs.get(runId) ?? 0) - nowMs);
    },
    seen({ runId }, { humanDelay }, nowMs) {
      if (runId === null || humanDelay === null) return;
      // Re-inserting moves it to the end; the first of the map is the answer that has been quiet for longest.
      nextMs.delete(runId);
      nextMs.set(runId, nowMs + delayWithin(humanDelay, random()));
      if (nextMs.size > answersAtOnce) nextMs.delete(nextMs.keys().next().value as string);
    },
  };
}

/** Answers that are paced at the same time; of more, the quietest lose their pause. */
const answersAtOnce = 1_000;
