/** What a deleted session leaves in the files: nothing. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createNames,
  draftOf,
  entryOf,
  ledgerOf,
  resultOf,
  startTurn,
  t0,
  transcriptDraft,
} from "../conformance/samples.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { openSqliteStore } from "./open-store.ts";

const names = createNames("erase");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-erase-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function filesHolding(canary: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && (await readFile(join(folder, name))).includes(canary)) found.push(name);
  }
  return found;
}

it("I9: delete erases a session's content from every table and file, reset keeps it", async () => {
  const store = await openSqliteStore({ file: join(folder, "canary.sqlite"), log: silentLog });
  const canary = "CANARY-7f3a91";
  const talk = async (sessionKey: string, secret: string, rounds: number): Promise<void> => {
    await store.sessions.open(sessionKey, "main", { sessionId: names.next(`id-${secret}`), atMs: t0 });
    await store.sessions.patch(sessionKey, { label: secret }, t0);
    for (let round = 0; round < rounds; round += 1) {
      const entry = entryOf(names, sessionKey, { options: { secret }, dedupeKey: names.next(secret) });
      const said = {
        ...entry,
        message: { ...entry.message, content: [{ type: "text" as const, text: secret.repeat(round) }] },
      };
      const lease = await startTurn(store, said);
      const step = { runId: entry.runId, index: 0, kind: "model", record: { secret }, atMs: t0 } as const;
      await store.turns.appendStep(lease, step, { ledger: [ledgerOf(names, sessionKey, { senderId: secret })] });
      await store.trace.add([{ messageId: entry.message.id, runId: entry.runId, type: "t", atMs: t0, data: secret }]);
      const part = draftOf(names, secret, { reply: { markdown: secret.repeat(50) } });
      const transcript = [transcriptDraft(names, secret.repeat(round * 20))];
      await store.turns.finish(lease, resultOf({ text: secret, transcript, outbox: [part] }));
      await store.sessions.append("other", [transcriptDraft(names, "neighbour")], t0);
    }
  };
  await store.sessions.open("other", "main", { sessionId: "other-id", atMs: t0 });
  await talk(`key-${canary}`, canary, 25);
  await talk("kept", "KEPT-12345", 5);
  await store.sessions.reset(`key-${canary}`, names.next("id"), t0);
  await store.compact();
  expect(await filesHolding(canary, "canary")).not.toEqual([]);
  const waiting = entryOf(names, `key-${canary}`);
  await store.inbox.admit(waiting, { atMs: t0 });
  expect(await store.sessions.delete(`key-${canary}`)).toBe(true);
  expect(await filesHolding(canary, "canary")).toEqual([]);
  expect(await filesHolding("KEPT-12345", "canary")).not.toEqual([]);
  expect(await store.sessions.transcript("other")).toHaveLength(30);
  await store.close();
  expect(await filesHolding(canary, "canary")).toEqual([]);
});
