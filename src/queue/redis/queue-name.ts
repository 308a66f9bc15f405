/**
 * The name of a store's queue in Redis: given once, and kept in the store. Two installations on one Redis would otherwise
 * take each other's tickets, and what these called for would wait for a sweep.
 */
import type { Store } from "../../store/port.ts";

/** Of several nodes that give the name at the same moment, all use the one that stayed, after their next start at the latest. */
export async function queueName(store: Store, { fresh, atMs }: { fresh: string; atMs: number }): Promise<string> {
  const known = await storedName(store);
  if (known !== null) return known;
  await store.documents.put("queue", "name", `dispatch-${fresh}`, atMs);
  return (await storedName(store)) ?? `dispatch-${fresh}`;
}

async function storedName(store: Store): Promise<string | null> {
  const name = await store.documents.get("queue", "name");
  return typeof name === "string" && name !== "" ? name : null;
}
