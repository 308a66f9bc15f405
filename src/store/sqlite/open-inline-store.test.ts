/** The store of simulations against the rules of every store, and against what a simulated process does to it. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { storeConformance } from "../conformance.ts";
import { createNames, draftOf, entryOf, resultOf, startTurn, t0 } from "../conformance/samples.ts";
import type { Store } from "../port.ts";
import { Database } from "./database.ts";
import { openInlineStore, type InlineStoreOptions } from "./open-inline-store.ts";

const inMemory = (): Database => new Database(":memory:", { readOnly: false, cacheKiB: 4_096, busyTimeoutMs: 0 });
const alive = new AbortController().signal;
const atOnce = (): Promise<void> => Promise.resolve();

storeConformance("SQLite in this process", async () => {
  const database = inMemory();
  const open = (): Store => openInlineStore({ database, delay: atOnce, signal: alive });
  let store = open();
  return {
    store,
    async reopen() {
      await store.close();
      store = open();
      return store;
    },
    async close() {
      await store.close();
      database.close();
    },
  };
});

/** A disk whose writes become durable when the test says so. */
function handDisk(): { delay: () => Promise<void>; turn: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  return {
    delay: () => new Promise((resolve) => waiting.push(resolve)),
    async turn() {
      for (const done of waiting.splice(0)) done();
      await settled();
    },
  };
}

/** Everything that is due without a clock has happened. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** What the promise has said so far. */
function watch(promise: Promise<unknown>): { said: string } {
  const seen = { said: "nothing" };
  promise.then(
    () => (seen.said = "resolved"),
    (thrown: unknown) => (seen.said = AppError.from(thrown).code),
  );
  return seen;
}

describe("a simulated process", () => {
  const put = (store: Store, key: string): Promise<void> => store.documents.put("n", key, key, t0);
  const keys = async (store: Store): Promise<string[]> =>
    (await store.documents.list("n")).map((document) => document.key);

  it("waits for its disk, and leaves what was durable to the next one", async () => {
    const database = inMemory();
    const disk = handDisk();
    const died = new AbortController();
    const store = openInlineStore({ database, delay: disk.delay, signal: died.signal });
    const first = watch(put(store, "a"));
    await settled();
    expect([first.said, await keys(store)]).toEqual(["nothing", []]);
    await disk.turn();
    expect([first.said, await keys(store)]).toEqual(["resolved", ["a"]]);
    const late = watch(put(store, "b"));
    const closing = watch(store.close());
    died.abort();
    await disk.turn();
    const afterwards = [watch(put(store, "c")), watch(keys(store)), watch(store.probe())];
    await disk.turn();
    expect([late.said, closing.said, ...afterwards.map((one) => one.said)]).toEqual(Array(5).fill("nothing"));
    const heir = openInlineStore({ database, delay: atOnce, signal: alive });
    expect(await keys(heir)).toEqual(["a"]);
    database.close();
  });

  it("hears nothing of a write that became durable in the moment of its death", async () => {
    const database = inMemory();
    const died = new AbortController();
    const options: InlineStoreOptions = { database, delay: atOnce, signal: died.signal };
    const store = openInlineStore({
      ...options,
      fault() {
        // The write is carried out after this, and whoever asked for it is gone.
        queueMicrotask(() => died.abort());
        return null;
      },
    });
    const last = watch(put(store, "a"));
    await settled();
    expect(last.said).toBe("nothing");
    expect(await keys(openInlineStore({ ...options, signal: alive }))).toEqual(["a"]);
    database.close();
  });

  it("applies writes in the order of their making, however long each takes", async () => {
    const database = inMemory();
    const waits: (() => void)[] = [];
    const delay = (): Promise<void> => new Promise((resolve) => waits.push(resolve));
    const store = openInlineStore({ database, delay, signal: alive });
    const [first, second] = [watch(put(store, "x")), watch(store.documents.delete("n", "x"))];
    waits[1]?.();
    await settled();
    expect([first.said, second.said]).toEqual(["nothing", "nothing"]);
    waits[0]?.();
    await settled();
    expect([first.said, second.said, await keys(store)]).toEqual(["resolved", "resolved", []]);
    database.close();
  });

  it("is told that its disk is full or broken, write by write, and nothing of that write is kept", async () => {
    const database = inMemory();
    const faults = [new AppError("STORE_002", "full"), new AppError("STORE_001", "broken")];
    const asked: string[] = [];
    const store = openInlineStore({
      database,
      delay: atOnce,
      signal: alive,
      fault(name) {
        asked.push(name);
        return faults.shift() ?? null;
      },
    });
    await expect(put(store, "a")).rejects.toMatchObject({ code: "STORE_002" });
    await expect(put(store, "b")).rejects.toMatchObject({ code: "STORE_001" });
    await put(store, "c");
    expect(await keys(store)).toEqual(["c"]);
    expect(asked).toEqual(["putDocument", "putDocument", "putDocument"]);
    database.close();
  });

  it("tells the same story twice", async () => {
    const story = async (): Promise<unknown> => {
      const database = inMemory();
      const names = createNames("story");
      const store = openInlineStore({ database, delay: atOnce, signal: alive });
      const entries = ["a", "b", "a"].map((session) => entryOf(names, session));
      const leases = await Promise.all(entries.slice(0, 2).map((entry) => startTurn(store, entry)));
      await store.inbox.admit(entries[2] ?? entryOf(names, "c"), { atMs: t0 });
      for (const lease of leases) await store.turns.finish(lease, resultOf({ outbox: [draftOf(names, "chat")] }));
      await store.inbox.claim({ owner: "w", leaseMs: 1, atMs: t0 + 1, agingMs: 0 });
      const told = await store.trace.recent(1_000);
      database.close();
      return told;
    };
    const first = await story();
    expect(first).toHaveLength(10);
    expect(await story()).toEqual(first);
  });
});
