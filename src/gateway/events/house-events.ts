/**
 * Events of the gateway itself as clients see them: sessions, channels, configuration, shutdown. One wire event per
 * transition, none for a state that stayed as it was; values of the configuration are told redacted or not at all.
 */
import type { ConfigAccess } from "../../config/contract.ts";
import { getAt, parsePath } from "../../config/dot-path.ts";
import type { AppEvent, EventOf } from "../../domain/events.ts";
import { wireEvent, type WireEvent } from "../ws/wire-event.ts";

/** At most this many changed values are told; the paths are told all. */
const toldValues = 50;

/** Null where clients are not told. */
export function houseEvent(event: AppEvent, config: ConfigAccess): WireEvent | null {
  switch (event.type) {
    case "session.created":
      return sessionChanged(event.sessionKey, "created", event.atMs);
    case "session.changed":
      return sessionChanged(event.sessionKey, event.change, event.atMs);
    case "channel.state":
      return channelEvent(event);
    case "config.changed":
      return configChanged(event, config);
    case "config.refused":
      return wireEvent("config.refused", { reason: event.reason, ts: event.atMs });
    default:
      return null;
  }
}

function sessionChanged(sessionKey: string, change: string, ts: number): WireEvent {
  return wireEvent("sessions.changed", { sessionKey, change, ts }, { sessionKey });
}

function channelEvent(event: EventOf<"channel.state">): WireEvent | null {
  const is = event.state === "CONNECTED";
  const was = event.previous === "CONNECTED";
  if (is === was) return null;
  const { channel, accountId, state, reason, atMs: ts } = event;
  const payload = { channel, accountId, state, ...(reason === undefined ? {} : { reason }), ts };
  return wireEvent(is ? "channel.connected" : "channel.disconnected", payload);
}

function configChanged(
  { version, changedPaths, atMs: ts }: EventOf<"config.changed">,
  config: ConfigAccess,
): WireEvent {
  const redacted = config.redacted();
  const values = Object.fromEntries(changedPaths.slice(0, toldValues).map((path) => [path, valueAt(redacted, path)]));
  return wireEvent("config.changed", { version, changedPaths, values, ts });
}

function valueAt(config: unknown, path: string): unknown {
  try {
    return getAt(config, parsePath(path)) ?? null;
  } catch {
    // A key named like a property of every object can be written in the file, but not followed: its value is not told.
    return null;
  }
}
