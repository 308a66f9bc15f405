/**
 * How many messages wait or run, without asking the store at each one. Counted along the events, and set right from
 * the store now and then, since a lease that moves to another worker tells no event.
 */
import type { EventBus } from "../domain/events.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Store } from "../store/port.ts";

export interface Backlog {
  start(): Promise<void>;
  count(): number;
  close(): void;
}

const recountMs = 30_000;

export function createBacklog({ store, bus, clock }: { store: Store; bus: EventBus; clock: Clock }): Backlog {
  let waiting = 0;
  let timer: Timer | undefined;
  const recount = async (): Promise<void> => {
    const { queued, running } = await store.inbox.counts();
    waiting = queued + running;
  };
  const stops = [
    bus.on("message.received", () => {
      waiting += 1;
    }),
    bus.on("run.ended", () => {
      waiting = Math.max(0, waiting - 1);
    }),
  ];
  return {
    async start() {
      await recount();
      timer = clock.every(recountMs, recount);
    },
    count: () => waiting,
    close() {
      timer?.cancel();
      for (const stop of stops) stop();
    },
  };
}
