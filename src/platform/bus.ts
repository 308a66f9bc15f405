/**
 * The one event bus. Fan-out is synchronous and every listener sees the events in the order they were emitted,
 * also when a listener emits. It refuses nothing and keeps nothing: what must survive is a row of the store.
 */
import type { AppEvent, AppEventType, EventBus, EventOf } from "../domain/events.ts";
import type { Log } from "./log.ts";

type Listener = (event: AppEvent) => unknown;
interface Subscription {
  readonly type: AppEventType | null;
  readonly listener: Listener;
  active: boolean;
}

export function createEventBus(log: Log): EventBus {
  // Replaced, never changed, so that a walk over it sees those who were there when the event was emitted.
  let subscriptions: readonly Subscription[] = [];
  const waiting: AppEvent[] = [];
  let delivering = false;

  function emit(event: AppEvent): void {
    waiting.push(event);
    // A listener that emits gets its event delivered after the present one, to everybody in the same order.
    if (delivering) return;
    delivering = true;
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) deliver(next);
    } finally {
      delivering = false;
    }
  }

  function deliver(event: AppEvent): void {
    for (const subscription of subscriptions) {
      if (!subscription.active || (subscription.type !== null && subscription.type !== event.type)) continue;
      try {
        const result = subscription.listener(event);
        // The type asks for a synchronous listener; an async function fits it all the same, and must not end the process.
        if (result instanceof Promise) result.catch((error: unknown) => complain(event, error));
      } catch (error) {
        complain(event, error);
      }
    }
  }

  function complain(event: AppEvent, error: unknown): void {
    log.error("A listener of the event bus failed.", { event: event.type, error });
  }

  function subscribe(type: AppEventType | null, listener: Listener): () => void {
    const subscription: Subscription = { type, listener, active: true };
    subscriptions = [...subscriptions, subscription];
    return () => {
      subscription.active = false;
      subscriptions = subscriptions.filter((other) => other !== subscription);
    };
  }

  function on(listener: (event: AppEvent) => void): () => void;
  function on<T extends AppEventType>(type: T, listener: (event: EventOf<T>) => void): () => void;
  function on(first: AppEventType | Listener, second?: (event: never) => void): () => void {
    if (typeof first === "function") return subscribe(null, first);
    return subscribe(first, second as Listener);
  }

  return { emit, on };
}
