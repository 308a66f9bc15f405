/** Houses that are built wrong on purpose, each in one way: a checker that does not find them proves nothing. */
import { AppError } from "../../src/domain/app-error.ts";
import type { SimulatedProcess } from "../../src/drill/simulation/simulated-process.ts";
import type { InboxRow, Store } from "../../src/store/port.ts";

/** Says that a message is stored, and stores it a moment later. */
export function acknowledgesBeforeCommit(store: Store, process: SimulatedProcess): Store {
  return {
    ...store,
    inbox: withMethods(store.inbox, {
      admit(entry, options) {
        process.clock.after(20, () => void store.inbox.admit(entry, withoutClaim(options)));
        const row: InboxRow = {
          ...entry,
          state: "queued",
          reason: null,
          attempts: 0,
          admittedMs: options.atMs,
          leaseOwner: null,
          leaseEpoch: 0,
          leaseUntilMs: 0,
          endedMs: null,
        };
        return Promise.resolve({ outcome: "accepted", row, lease: null });
      },
    }),
  };
}

function withoutClaim({ claimFor: _claim, ...rest }: Parameters<Store["inbox"]["admit"]>[1]): typeof rest {
  return rest;
}

/** Sends first and writes down afterwards that it was going to. */
export function sendsBeforeItSaysSo(store: Store): Store {
  const said = new Map<string, number>();
  const catchUp = async (id: string): Promise<void> => {
    const atMs = said.get(id);
    said.delete(id);
    if (atMs !== undefined) await store.outbox.sending(id, atMs);
  };
  return {
    ...store,
    outbox: withMethods(store.outbox, {
      sending(id, atMs) {
        said.set(id, atMs);
        return Promise.resolve();
      },
      async progress(id, ...rest) {
        await catchUp(id);
        await store.outbox.progress(id, ...rest);
      },
      async settle(id, ...rest) {
        await catchUp(id);
        await store.outbox.settle(id, ...rest);
      },
    }),
  };
}

/** Lets a worker whose lease is another's say its answer all the same. */
export function writesWithoutFencing(store: Store): Store {
  return {
    ...store,
    turns: withMethods(store.turns, {
      async finish(lease, result) {
        try {
          await store.turns.finish(lease, result);
        } catch (thrown) {
          if (AppError.from(thrown).code !== "STORE_003") throw thrown;
          const row = await store.inbox.get(lease.messageId);
          if (row === null) return;
          if (row.endedMs === null) {
            // As if the number on the lease meant nothing.
            await store.turns.finish({ ...lease, owner: row.leaseOwner ?? "", epoch: row.leaseEpoch }, result);
            return;
          }
          for (const draft of result.outbox) {
            const context = { sessionKey: row.sessionKey, runId: lease.runId, atMs: result.atMs };
            await store.outbox.add(draft, { ...context, messageId: lease.messageId });
          }
        }
      },
    }),
  };
}

/** The area with some of its methods replaced; the others stay what they are. */
function withMethods<Area extends object>(area: Area, methods: Partial<Area>): Area {
  return new Proxy(area, {
    get: (target, name) => (Object.hasOwn(methods, name) ? methods : target)[name as keyof Area],
  });
}
