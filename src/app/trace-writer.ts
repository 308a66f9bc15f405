/**
 * Keeps what happens between two states of a message: its first word, its tools, what its turn has cost. Written in
 * batches beside the way of the message, which never waits for it; the states themselves are the store's to tell, in the
 * commits that change them. Text is not kept here, the transcript has it.
 */
import type { AppEvent, EventBus } from "../domain/events.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";
import { createBatchWriter } from "./batch-writer.ts";

type TraceEvent = Parameters<Store["trace"]["add"]>[0][number];

const maxWaiting = 10_000;

export interface TraceWriter {
  close(): Promise<void>;
}

export function createTraceWriter(deps: { bus: EventBus; store: Store; clock: Clock; log: Log }): TraceWriter {
  const { bus, store, clock, log } = deps;
  const events = createBatchWriter<TraceEvent>({
    write: (batch) => store.trace.add(batch),
    name: "trace events",
    maxWaiting,
    clock,
    log,
  });
  const stop = bus.on((event) => {
    const traced = traceOf(event);
    if (traced !== null) events.add(traced);
  });
  return {
    close() {
      stop();
      return events.close();
    },
  };
}

function traceOf(event: AppEvent): TraceEvent | null {
  switch (event.type) {
    case "run.text": {
      // Of a text that grows, the moment at which there was something to show; nothing of the text.
      const first = event.text !== "" && event.soFar === event.text;
      return first ? ofRun(event, "run.first-text", {}) : null;
    }
    case "run.ended": {
      const { type, atMs: _at, runId: _run, text: _text, toolCalls: _calls, ...data } = event;
      return ofRun(event, type, data);
    }
    case "run.steps":
    case "run.parked":
    case "model.chosen":
    case "model.failed": {
      const { type, atMs: _at, runId: _run, sessionKey: _session, agentId: _agent, ...data } = event;
      return ofRun(event, type, data);
    }
    case "tool.decided": {
      const { callId, tool, effect, rule, says } = event;
      return ofRun(event, event.type, { callId, tool, effect, rule, says });
    }
    case "tool.started":
    case "tool.completed":
    case "tool.failed":
      return ofRun(event, event.type, { callId: event.callId, tool: event.tool });
    default:
      return null;
  }
}

function ofRun({ runId, atMs }: { runId: string; atMs: number }, type: string, data: object): TraceEvent {
  return { messageId: null, runId, type, atMs, data };
}
