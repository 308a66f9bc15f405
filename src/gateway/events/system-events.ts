/**
 * The last thousand things that happened to the gateway itself, in order, kept over a restart. Written a moment after
 * they happened and when the gateway closes; what a kill takes is that moment.
 */
import type { AppEvent } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { DocumentStore } from "../../store/document-port.ts";

export interface SystemEvent {
  readonly type: string;
  readonly ts: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SystemEvents {
  /** Reads what an earlier process left. */
  load(): Promise<void>;
  add(event: SystemEvent): void;
  /** The newest `limit`, oldest first. */
  recent(limit: number): readonly SystemEvent[];
  close(): Promise<void>;
}

export interface SystemEventsDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
}

const namespace = "system-events";
const key = "recent";
const writeAfterMs = 1_000;

export function createSystemEvents(deps: SystemEventsDeps): SystemEvents {
  let events: SystemEvent[] = [];
  let timer: Timer | null = null;
  let dirty = false;

  async function write(): Promise<void> {
    timer = null;
    if (!dirty) return;
    dirty = false;
    try {
      await deps.documents.put(namespace, key, events, deps.clock.nowMs());
    } catch (error) {
      dirty = true;
      deps.log.warn("The system events could not be kept.", { error });
    }
  }

  return {
    async load() {
      const stored = await deps.documents.get(namespace, key);
      const before = Array.isArray(stored) ? stored.filter(isSystemEvent) : [];
      events = [...before, ...events].slice(-limits.systemEvents);
    },
    add(event) {
      events.push(event);
      // Cut rarely rather than for each event: an array that is shifted a thousand times a second is copied as often.
      if (events.length > limits.systemEvents * 1.25) events = events.slice(-limits.systemEvents);
      dirty = true;
      timer ??= deps.clock.after(writeAfterMs, () => void write());
    },
    recent: (limit) => events.slice(-Math.min(limit, limits.systemEvents)),
    async close() {
      timer?.cancel();
      events = events.slice(-limits.systemEvents);
      await write();
    },
  };
}

/** Null for what is no system event: the way of a message has a trace of its own. */
export function systemEventOf(event: AppEvent): SystemEvent | null {
  switch (event.type) {
    case "gateway.started":
    case "gateway.stopping":
    case "channel.state":
    case "profile.state":
    case "config.changed":
    case "config.refused":
    case "health.changed":
    case "session.created":
    case "session.changed": {
      const { type, atMs, ...data } = event;
      return { type, ts: atMs, data };
    }
    default:
      return null;
  }
}

function isSystemEvent(value: unknown): value is SystemEvent {
  return typeof value === "object" && value !== null && "type" in value && "ts" in value && "data" in value;
}
