/**
 * Who is connected, as clients are told. Changes within a moment are told together, and never with the whole list
 * where that would be long: two hundred clients that each learn of two hundred others are forty thousand entries.
 */
import type { EventBus } from "../domain/events.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { PresenceEntry } from "../protocol/methods/system.ts";
import type { Connections } from "./ws/connections.ts";
import { serialisedEvent } from "./ws/wire-event.ts";

export interface Presence {
  joined(connectionId: string, entry: PresenceEntry): void;
  left(connectionId: string): void;
  version(): number;
  list(): readonly PresenceEntry[];
  /** The list as JSON. */
  listJson(): string;
  close(): void;
}

export interface PresenceDeps {
  readonly clock: Clock;
  readonly bus: EventBus;
  readonly connections: Connections;
  /** The state versions as JSON, as every presence and health event carries them. */
  readonly stateVersion: () => string;
}

/** A frame about presence is at most this long. */
const frameBytes = 900;
/** With more clients than this the whole list is not even tried. */
const shortList = 16;
const gatherMs = 50;

interface Known {
  readonly entry: PresenceEntry;
  readonly json: string;
}

interface Change {
  readonly who: Known;
  readonly here: boolean;
}

export function createPresence(deps: PresenceDeps): Presence {
  const known = new Map<string, Known>();
  let changed = new Map<string, Change>();
  let version = 0;
  let timer: Timer | null = null;
  let toldMs = Number.NEGATIVE_INFINITY;

  function note(connectionId: string, change: Change): void {
    version += 1;
    changed.set(connectionId, change);
    // A change after a quiet time is told at once (though behind the hello of whoever came); a rush is gathered.
    timer ??= deps.clock.after(Math.max(0, toldMs + gatherMs - deps.clock.monotonicMs()), tell);
  }

  function tell(): void {
    timer = null;
    toldMs = deps.clock.monotonicMs();
    const batch = changed;
    changed = new Map();
    deps.connections.broadcast(
      serialisedEvent("presence", payload(batch), { dropIfSlow: true, stateVersion: deps.stateVersion() }),
    );
    deps.bus.emit({ type: "presence.changed", version, atMs: deps.clock.nowMs() });
  }

  function payload(batch: ReadonlyMap<string, Change>): string {
    if (known.size <= shortList) {
      const full = `{"presence":${listJson()},"full":true}`;
      if (Buffer.byteLength(full) <= frameBytes) return full;
    }
    const changes = [...batch.values()];
    const came = changes.filter(({ here }) => here).map(({ who }) => who.json);
    const left = changes.filter(({ here }) => !here).map(({ who }) => who.entry.instanceId ?? "");
    const difference = `{"presence":[${came.join(",")}],"full":false,"left":${JSON.stringify(left)}}`;
    return Buffer.byteLength(difference) <= frameBytes ? difference : '{"presence":[],"full":false,"resync":true}';
  }

  function listJson(): string {
    return `[${Array.from(known.values(), ({ json }) => json).join(",")}]`;
  }

  return {
    joined(connectionId, entry) {
      const row = { entry, json: JSON.stringify(entry) };
      known.set(connectionId, row);
      note(connectionId, { who: row, here: true });
    },
    left(connectionId) {
      const who = known.get(connectionId);
      if (who === undefined) return;
      known.delete(connectionId);
      note(connectionId, { who, here: false });
    },
    version: () => version,
    list: () => Array.from(known.values(), ({ entry }) => entry),
    listJson,
    close() {
      timer?.cancel();
      timer = null;
    },
  };
}
