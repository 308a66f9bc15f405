/** An event on its way to the clients: serialised once, with what decides who gets it. */
import type { Scope } from "../../domain/scopes.ts";
import { eventDeclaration, type EventName } from "../../protocol/events.ts";
import type { OutgoingEvent } from "../../protocol/frames.ts";

export interface WireEvent extends OutgoingEvent {
  readonly scope: Scope | null;
  /** The session it belongs to; absent for events of the gateway itself. */
  readonly sessionKey?: string;
  /** Set for the payloads of tools, which not everybody who hears the session gets. */
  readonly toolsOfRun?: string;
  /** May be left out for a client that does not keep up; it is told that something is missing. */
  readonly dropIfSlow: boolean;
}

export interface WireEventOptions {
  readonly sessionKey?: string;
  readonly toolsOfRun?: string;
  readonly dropIfSlow?: boolean;
  readonly stateVersion?: string;
  /** Where one event has several names in the tutorial's dialect. */
  readonly tutorialName?: string;
}

export function wireEvent(name: EventName, payload: unknown, options: WireEventOptions = {}): WireEvent {
  return serialisedEvent(name, JSON.stringify(payload), options);
}

/** For a payload that is JSON already. */
export function serialisedEvent(name: EventName, payload: string, options: WireEventOptions = {}): WireEvent {
  const declaration = eventDeclaration(name);
  const { sessionKey, toolsOfRun, stateVersion } = options;
  return {
    name,
    payload,
    scope: declaration.scope,
    tutorialName: options.tutorialName ?? declaration.tutorialName,
    dropIfSlow: options.dropIfSlow ?? false,
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(toolsOfRun === undefined ? {} : { toolsOfRun }),
    ...(stateVersion === undefined ? {} : { stateVersion }),
  };
}
