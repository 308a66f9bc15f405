import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite/open-store.ts";
import { createAccountMemory } from "./account-memory.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "openclaw-memory-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

function open(dir: string): Promise<SqliteStore> {
  return openSqliteStore({ file: path.join(dir, "store.sqlite"), log: silentLog() });
}

describe("what an account remembers", () => {
  it("is there behind a restart", async () => {
    const dir = await folder();
    const first = await open(dir);
    const memory = createAccountMemory(first.documents, new FakeClock())("fake", "one");
    expect(await memory.get("offset")).toBeUndefined();
    await memory.put("offset", 41);
    await memory.put("offset", { update: 42 });
    await first.close();
    const second = await open(dir);
    onTestFinished(() => second.close());
    expect(await createAccountMemory(second.documents, new FakeClock())("fake", "one").get("offset")).toEqual({
      update: 42,
    });
  });

  it("belongs to one account, whatever the names", async () => {
    const store = await open(await folder());
    onTestFinished(() => store.close());
    const memoryOf = createAccountMemory(store.documents, new FakeClock());
    const owners = [
      ["fake", "one"],
      ["fake", "two"],
      ["fake:one", "two"],
      ["fake", "one:two"],
      ['fake","one', "two"],
      ["fake", 'one","two'],
    ] as const;
    for (const [index, [channel, accountId]] of owners.entries())
      await memoryOf(channel, accountId).put("offset", index);
    const kept = await Promise.all(owners.map(([channel, accountId]) => memoryOf(channel, accountId).get("offset")));
    expect(kept).toEqual(owners.map((_owner, index) => index));
  });
});
