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
    case "outbox.held":
      return heldPart(event);
    case "outbox.decided":
      return wireEvent("outbox.decided", { partId: event.partId, decision: event.decision, ts: event.atMs });
    case "message.unsent":
      return unsentPart(event);
    case "approval.requested": {
      const { id, approval, atMs: createdAtMs, expiresMs: expiresAtMs } = event;
      return wireEvent("exec.approval.requested", { id, approval, createdAtMs, expiresAtMs });
    }
    case "approval.resolved":
      return resolvedApproval(event);
    case "dlq.changed":
      return deadLetters(event.change, event.ids, event.atMs);
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

/** What nobody answered is a no. */
function resolvedApproval({ id, sessionKey, state, by, decision, atMs: ts }: EventOf<"approval.resolved">): WireEvent {
  const { answer } = (decision ?? { answer: "deny" }) as { answer: string };
  return wireEvent("exec.approval.resolved", { id, sessionKey, state, decision: answer, resolvedBy: by, ts });
}

/** Without its words: whoever may read them asks for the list. */
function heldPart({ partId, sessionKey, address, atMs: ts }: EventOf<"outbox.held">): WireEvent {
  const { channel, accountId, chatId } = address;
  return wireEvent("outbox.held", { partId, sessionKey, channel, accountId, chatId, ts });
}

function unsentPart({ partId, state, address, atMs: ts }: EventOf<"message.unsent">): WireEvent {
  if (state !== "unknown") return deadLetters("added", [partId], ts);
  const { channel, accountId, chatId } = address;
  return wireEvent("outbox.unknown", { partId, channel, accountId, chatId, ts });
}

function deadLetters(change: EventOf<"dlq.changed">["change"], ids: readonly string[], ts: number): WireEvent {
  return wireEvent("dlq.changed", { change, ids, ts });
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
