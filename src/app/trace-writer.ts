/**
 * Keeps what happened: events of a message or a turn, written in batches beside the way of the message, which never
 * waits for it. Text is not kept here, the transcript has it.
 */
import { AppError } from "../domain/app-error.ts";
import type { AppEvent, EventBus } from "../domain/events.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";

type TraceEvent = Parameters<Store["trace"]["add"]>[0][number];

const flushMs = 500;
/** More than this waiting means that the store is in trouble: the oldest go, the way of the messages goes on. */
const maxWaiting = 10_000;

export interface TraceWriter {
  close(): Promise<void>;
}

export function createTraceWriter(deps: { bus: EventBus; store: Store; clock: Clock; log: Log }): TraceWriter {
  const { bus, store, clock, log } = deps;
  let waiting: TraceEvent[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    try {
      await store.trace.add(batch);
    } catch (thrown) {
      log.warn("trace events could not be written", { count: batch.length, error: AppError.from(thrown).toJSON() });
    }
  };
  const stop = bus.on((event) => {
    const traced = traceOf(event);
    if (traced === null) return;
    waiting.push(traced);
    if (waiting.length > maxWaiting) waiting.shift();
  });
  const timer: Timer = clock.every(flushMs, flush);
  return {
    async close() {
      stop();
      timer.cancel();
      await flush();
    },
  };
}

function traceOf(event: AppEvent): TraceEvent | null {
  switch (event.type) {
    case "message.received":
    case "message.refused": {
      const { type, atMs, messageId, ...data } = event;
      return { messageId, runId: null, type, atMs, data };
    }
    case "run.started": {
      const { type, atMs, messageId, runId, ...data } = event;
      return { messageId, runId, type, atMs, data };
    }
    case "run.ended": {
      const { type, atMs, runId, text: _text, toolCalls: _calls, ...data } = event;
      return { messageId: null, runId, type, atMs, data };
    }
    case "tool.started":
    case "tool.completed":
    case "tool.failed": {
      const { type, atMs, runId, callId, tool } = event;
      return { messageId: null, runId, type, atMs, data: { callId, tool } };
    }
    case "message.sent":
    case "message.unsent": {
      const { type, atMs, runId, ...data } = event;
      return { messageId: null, runId, type, atMs, data };
    }
    default:
      return null;
  }
}
