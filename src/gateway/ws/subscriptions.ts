/**
 * What one connection wants to hear. Without a choice, all sessions; with one, those alone. The payloads of tools are
 * for whoever started the run or chose its session, and for nobody else.
 */

export interface Subscriptions {
  subscribe(sessionKey: string): void;
  /** Hears all sessions again. */
  subscribeAll(): void;
  unsubscribe(sessionKey: string): void;
  unsubscribeAll(): void;
  started(runId: string): void;
  ended(runId: string): void;
  hearsSession(sessionKey: string): boolean;
  hearsTools(sessionKey: string, runId: string): boolean;
  list(): "all" | readonly string[];
  /** Entries held, for the counters. */
  size(): number;
}

/** A client that asks for more than this wants all. */
const maxSessions = 1_000;
const maxRuns = 1_000;

export function createSubscriptions(): Subscriptions {
  let sessions: Set<string> | null = null;
  const runs = new Set<string>();
  return {
    subscribe(sessionKey) {
      sessions ??= new Set();
      if (sessions.size < maxSessions) sessions.add(sessionKey);
    },
    subscribeAll() {
      sessions = null;
    },
    unsubscribe(sessionKey) {
      sessions?.delete(sessionKey);
    },
    unsubscribeAll() {
      sessions = new Set();
    },
    started(runId) {
      if (runs.size < maxRuns) runs.add(runId);
    },
    ended(runId) {
      runs.delete(runId);
    },
    hearsSession: (sessionKey) => sessions === null || sessions.has(sessionKey),
    hearsTools: (sessionKey, runId) => runs.has(runId) || (sessions !== null && sessions.has(sessionKey)),
    list: () => (sessions === null ? "all" : [...sessions]),
    size: () => (sessions?.size ?? 0) + runs.size,
  };
}
