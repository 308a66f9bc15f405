/**
 * The life of one account's connection, as a table: which event leads from which state to which. Pure. It knows
 * nothing of time, attempts or sockets; who drives it decides which event happened.
 *
 * DISCONNECTED        not wanted, or not started yet
 * CONNECTING          the first attempt since somebody wanted it
 * CONNECTED           the platform accepted us
 * RECONNECTING        it failed or was lost: waiting for the next attempt, or in the middle of it
 * ERROR               the breaker is open: nothing is tried until the cool-down is over
 * PERMANENTLY_FAILED  given up: wrong credentials, wrong settings, or every attempt used up. Only a person starts it again
 */
import type { ConnectionState } from "../domain/events.ts";

export const connectionEvents = [
  /** Somebody wants it up: begins at once, from whatever state. */
  "start",
  /** An attempt succeeded. */
  "connected",
  /** An attempt failed and another one is to come. */
  "failed",
  /** The connection went away and another attempt is to come. */
  "lost",
  /** This failure opened the breaker. */
  "tripped",
  /** The breaker's cool-down is over: one attempt is made to see. */
  "retry",
  /** Trying again cannot help: credentials or settings are wrong. */
  "refused",
  /** The last allowed attempt failed. */
  "exhausted",
  /** Nobody wants it any more. */
  "stop",
] as const;
export type ConnectionEvent = (typeof connectionEvents)[number];

/** The state that follows, or null where the event cannot happen in this state. */
export function nextConnectionState(state: ConnectionState, event: ConnectionEvent): ConnectionState | null {
  return table[state][event] ?? null;
}

const table: Readonly<Record<ConnectionState, Readonly<Partial<Record<ConnectionEvent, ConnectionState>>>>> = {
  DISCONNECTED: {
    start: "CONNECTING",
    refused: "PERMANENTLY_FAILED",
    stop: "DISCONNECTED",
  },
  CONNECTING: {
    start: "CONNECTING",
    connected: "CONNECTED",
    failed: "RECONNECTING",
    refused: "PERMANENTLY_FAILED",
    stop: "DISCONNECTED",
  },
  CONNECTED: {
    start: "CONNECTING",
    lost: "RECONNECTING",
    tripped: "ERROR",
    refused: "PERMANENTLY_FAILED",
    exhausted: "PERMANENTLY_FAILED",
    stop: "DISCONNECTED",
  },
  RECONNECTING: {
    start: "CONNECTING",
    connected: "CONNECTED",
    failed: "RECONNECTING",
    tripped: "ERROR",
    refused: "PERMANENTLY_FAILED",
    exhausted: "PERMANENTLY_FAILED",
    stop: "DISCONNECTED",
  },
  ERROR: {
    start: "CONNECTING",
    retry: "RECONNECTING",
    stop: "DISCONNECTED",
  },
  PERMANENTLY_FAILED: {
    start: "CONNECTING",
    stop: "DISCONNECTED",
  },
};
