/** The SQLite store against the rules of every store, and against what only a file on a disk can do to it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeConformance } from "../conformance.ts";
import { openSqliteStore } from "./open-store.ts";
import { silentLog } from "./fixtures/silent-log.ts";

storeConformance("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  const open = () => openSqliteStore({ file: join(folder, "store.sqlite"), log: silentLog });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
