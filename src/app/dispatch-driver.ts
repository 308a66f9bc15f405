/** Which way of dispatch the configuration names. What it does not name is not loaded. */
import type { Config } from "../config/schema/root.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { DispatchOptions, DispatchQueue } from "../queue/contract.ts";
import { createLocalQueue } from "../queue/local/dispatch-queue.ts";
import type { Store } from "../store/port.ts";

export type DispatchDriver = (options: DispatchOptions) => DispatchQueue;

/** A driver redis without an address is no configuration: the loader has refused it. */
export async function dispatchDriver(
  { driver, url }: Config["queue"],
  { store, clock, ids }: { store: Store; clock: Clock; ids: Ids },
): Promise<DispatchDriver> {
  if (driver === "local" || url === undefined) return createLocalQueue;
  const [{ createRedisQueue }, { queueName }] = await Promise.all([
    import("../queue/redis/dispatch-queue.ts"),
    import("../queue/redis/queue-name.ts"),
  ]);
  const name = await queueName(store, { fresh: ids.uuid(), atMs: clock.nowMs() });
  return (options) => createRedisQueue(options, { url, name });
}
