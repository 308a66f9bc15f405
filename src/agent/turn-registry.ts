/**
 * The turns that run now, by run id: the handle to stop one, and the place where those who wait for its end are told.
 * What has ended is asked from the store, so that waiting works over a restart too.
 */
import { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import { runOfMerge } from "./overlap/merge-reason.ts";
import { noUsage } from "../domain/money.ts";
import type { Clock } from "../platform/clock.ts";
import type { Store, TurnRow } from "../store/port.ts";
import type { Turns } from "./contract.ts";

export interface ActiveTurn {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly startedMs: number;
}

export interface TurnRegistry extends Turns {
  /** A turn that was let in and waits for its worker: it can be aborted before it begins. */
  expect(turn: Pick<ActiveTurn, "runId" | "sessionKey">): void;
  /** Registers a turn; its signal aborts with the reason somebody gave. `end` must be called when it is over. */
  begin(turn: ActiveTurn & { readonly asksNoModel?: boolean }): { readonly signal: AbortSignal; end(): void };
  /** A waiting turn that was taken into another one: it never begins, and whoever waits for it waits for that one. */
  taken(turn: Pick<ActiveTurn, "runId" | "sessionKey" | "agentId">): void;
  /** Ends a running turn for the sake of a newer message. False where nothing of that id runs. */
  supersede(runId: string): boolean;
  /** Ends every turn that runs (of one agent, or of all) with this error, now, but for those that ask no model. */
  interrupt(agentId: string | null, error: AppError): void;
  /** Tells every running turn that the process stops: each gives its message back for the next start. */
  parkAll(): void;
  /** Aborts with `parkAll`: from then on nobody waits for a medium that refuses. */
  stopping(): AbortSignal;
}

/** The abort reason of a turn that is to be given back rather than ended. */
export class Parked extends Error {
  override readonly name = "Parked";
}

/** Whether a turn was ended for the sake of a newer message: what was said stays, and nobody said "stop". */
export function isSuperseded(reason: unknown): boolean {
  return reason instanceof AppError && reason.details["reason"] === superseded;
}

const superseded = "superseded";

interface Entry extends Pick<ActiveTurn, "runId" | "sessionKey"> {
  readonly abort: AbortController;
}

interface RunningEntry extends ActiveTurn, Entry {
  readonly asksNoModel?: boolean;
}

export function createTurnRegistry(deps: { store: Store; bus: EventBus; clock: Clock }): TurnRegistry {
  const running = new Map<string, RunningEntry>();
  const waiting = new Map<string, Entry>();
  const stop = new AbortController();

  function abort(runId: string, reason: string): boolean {
    // One that is being parked is in both.
    const entries = [running.get(runId), waiting.get(runId)].filter((entry) => entry !== undefined);
    for (const entry of entries) entry.abort.abort(new AppError("RUN_001", `The turn was aborted: ${reason}.`));
    return entries.length > 0;
  }

  return {
    expect({ runId, sessionKey }) {
      waiting.set(runId, { runId, sessionKey, abort: new AbortController() });
      // More never wait at once: the oldest was taken by another node, or its message was removed.
      if (waiting.size > limits.inboxDepth) waiting.delete(waiting.keys().next().value as string);
    },
    begin(turn) {
      // Somebody may have aborted it while it waited: it begins aborted, and ends as such in the store.
      const entry: RunningEntry = { ...turn, abort: waiting.get(turn.runId)?.abort ?? new AbortController() };
      waiting.delete(turn.runId);
      running.set(turn.runId, entry);
      return {
        signal: entry.abort.signal,
        end: () => {
          if (running.get(turn.runId) === entry) running.delete(turn.runId);
        },
      };
    },
    taken: (turn) => {
      waiting.delete(turn.runId);
      tellTaken(turn, deps);
    },
    supersede(runId) {
      const entry = running.get(runId);
      const details = { reason: superseded };
      entry?.abort.abort(new AppError("RUN_001", "The turn was aborted: a newer message came.", { details }));
      return entry !== undefined;
    },
    abort,
    abortSession(sessionKey, reason) {
      const entries = [...running.values(), ...waiting.values()].filter((entry) => entry.sessionKey === sessionKey);
      return [...new Set(entries.map(({ runId }) => runId))].filter((runId) => abort(runId, reason));
    },
    wait: (runId, timeoutMs) => waitForEnd(runId, timeoutMs, deps),
    active: () =>
      [...running.values()].map(({ runId, sessionKey, agentId, startedMs }) => ({
        runId,
        sessionKey,
        agentId,
        startedMs,
      })),
    interrupt(agentId, error) {
      for (const entry of running.values()) {
        const isMeant = agentId === null || entry.agentId === agentId;
        if (isMeant && entry.asksNoModel !== true) entry.abort.abort(error);
      }
    },
    parkAll() {
      const reason = new Parked("The gateway is stopping.");
      stop.abort(reason);
      for (const entry of running.values()) entry.abort.abort(reason);
    },
    stopping: () => stop.signal,
  };
}

/** Clients follow a run until it ends; what is said to its message is told by the run that took it in. */
function tellTaken(
  { runId, sessionKey, agentId }: Pick<ActiveTurn, "runId" | "sessionKey" | "agentId">,
  { bus, clock }: { bus: EventBus; clock: Clock },
): void {
  bus.emit({
    type: "run.ended",
    outcome: "final",
    text: "",
    stopReason: "stop",
    usage: noUsage,
    costMicros: 0,
    model: "none",
    toolCalls: [],
    runId,
    sessionKey,
    agentId,
    atMs: clock.nowMs(),
  });
}

/** Where the message was taken into another turn, that one's end is its end. */
async function waitForEnd(
  runId: string,
  timeoutMs: number,
  deps: { store: Store; bus: EventBus; clock: Clock },
): Promise<TurnRow | null> {
  const untilMs = deps.clock.monotonicMs() + timeoutMs;
  const row = await endOf(runId, timeoutMs, deps);
  if (row !== null) return row;
  const into = await mergedInto(runId, deps.store);
  const leftMs = untilMs - deps.clock.monotonicMs();
  return into === null || leftMs <= 0 ? null : waitForEnd(into, leftMs, deps);
}

/** Listens first and looks second: an end between the two would otherwise be missed. */
async function endOf(
  runId: string,
  timeoutMs: number,
  deps: { store: Store; bus: EventBus; clock: Clock },
): Promise<TurnRow | null> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = deps.bus.on("run.ended", (event) => {
    if (event.runId === runId) resolve();
  });
  const timer = deps.clock.after(timeoutMs, resolve);
  try {
    const now = await deps.store.turns.get(runId);
    if (now !== null && now.state !== "running") return now;
    if (now === null && (await mergedInto(runId, deps.store)) !== null) return null;
    await promise;
    const row = await deps.store.turns.get(runId);
    return row !== null && row.state !== "running" ? row : null;
  } finally {
    stop();
    timer.cancel();
  }
}

async function mergedInto(runId: string, { inbox }: Store): Promise<string | null> {
  const row = await inbox.byRunId(runId);
  return row?.state === "merged" ? runOfMerge(row.reason ?? "") : null;
}
