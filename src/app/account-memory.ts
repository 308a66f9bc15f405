/**
 * What an account remembers behind a restart, kept in the house's store: each account has names of its own, so that
 * none reads or overwrites what another one keeps.
 */
import type { AccountMemory } from "../channels/contract.ts";
import type { Clock } from "../platform/clock.ts";
import type { DocumentStore } from "../store/document-port.ts";

const namespace = "channel";

export function createAccountMemory(
  documents: Pick<DocumentStore, "get" | "put">,
  clock: Clock,
): (channel: string, accountId: string) => AccountMemory {
  return (channel, accountId) => {
    // Quoted, so that no choice of names can make two accounts' keys the same.
    const keyOf = (name: string): string => JSON.stringify([channel, accountId, name]);
    return {
      get: (name) => documents.get(namespace, keyOf(name)),
      put: (name, value) => documents.put(namespace, keyOf(name), value, clock.nowMs()),
    };
  };
}
