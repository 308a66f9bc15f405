/**
 * Hands the events of a run to whoever waits for it. One subscription serves every open request, so that an event
 * costs one look-up however many callers wait.
 */
import type { AppEvent, EventBus } from "../../domain/events.ts";

export type RunEvent = Extract<AppEvent, { readonly sessionKey: string; readonly runId: string }>;

export interface RunRelay {
  /** Every event of the run from now on. Returns the way to stop; it says whether somebody else still follows. */
  follow(runId: string, listener: (event: RunEvent) => void): () => { readonly others: boolean };
}

export function createRunRelay(bus: EventBus): RunRelay {
  const followers = new Map<string, Set<(event: RunEvent) => void>>();
  let unsubscribe: (() => void) | null = null;
  const deliver = (event: AppEvent): void => {
    if (!("runId" in event) || !("sessionKey" in event)) return;
    // A copy: a listener that hears the end stops listening while the set is walked.
    for (const listener of Array.from(followers.get(event.runId) ?? [])) listener(event);
  };
  return {
    follow: (runId, listener) => {
      const listeners = followers.get(runId) ?? new Set();
      listeners.add(listener);
      followers.set(runId, listeners);
      unsubscribe ??= bus.on(deliver);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && followers.get(runId) === listeners) followers.delete(runId);
        if (followers.size === 0) {
          unsubscribe?.();
          unsubscribe = null;
        }
        return { others: listeners.size > 0 };
      };
    },
  };
}
