/** A vault without a disk, for tests that move the clock: everything in it is done within the turn of the event loop. */
import type { Clock } from "../platform/clock.ts";
import type { SecretInfo, SecretScope, Vault } from "./contract.ts";

export interface MemoryVault extends Vault {
  /** The next write ends with this; what was there stays. */
  failNextWrite(error: Error): void;
  /** How often something was written. */
  readonly writes: number;
}

export function memoryVault(clock: Clock): MemoryVault {
  const entries = new Map<string, { readonly info: SecretInfo; readonly value: string }>();
  const lines = new Map<string, Promise<unknown>>();
  let failure: Error | null = null;
  let writes = 0;

  function hold<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (lines.get(key) ?? Promise.resolve()).then(work);
    lines.set(
      key,
      mine.catch(() => "whoever asked hears of it"),
    );
    return mine;
  }

  function put(scope: SecretScope, name: string, value: string, expiresMs: number | null): void {
    if (failure !== null) {
      const error = failure;
      failure = null;
      throw error;
    }
    writes += 1;
    const key = `${scope} ${name}`;
    const updatedMs = clock.nowMs();
    const createdMs = entries.get(key)?.info.createdMs ?? updatedMs;
    entries.set(key, { info: { scope, name, createdMs, updatedMs, expiresMs }, value });
  }

  function read(key: string): string | null {
    const entry = entries.get(key);
    const isOver = entry === undefined || (entry.info.expiresMs !== null && entry.info.expiresMs <= clock.nowMs());
    return isOver ? null : entry.value;
  }

  return {
    get writes() {
      return writes;
    },
    failNextWrite: (error) => {
      failure = error;
    },
    list: () => Promise.resolve([...entries.values()].map(({ info }) => info)),
    scoped: (scope) => ({
      read: (name) => Promise.resolve(read(`${scope} ${name}`)),
      write: (name, value, options) =>
        hold(`${scope} ${name}`, async () => put(scope, name, value, options?.expiresMs ?? null)),
      update: (name, change) =>
        hold(`${scope} ${name}`, async () => {
          const next = await change(read(`${scope} ${name}`));
          if (next !== null) put(scope, name, next.value, next.expiresMs ?? null);
        }),
      remove: (name) => hold(`${scope} ${name}`, async () => entries.delete(`${scope} ${name}`)),
    }),
    rotate: () => Promise.resolve(),
  };
}
