/** Rules of sessions and transcripts: made once, listed in pages, reset without loss, deleted without a trace. */
import { expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { SessionRow, TranscriptDraft } from "../session-port.ts";
import {
  addressOf,
  createNames,
  draftOf,
  entryOf,
  ledgerOf,
  resultOf,
  startTurn,
  t0,
  transcriptDraft,
  usage,
} from "./samples.ts";

export function sessionRules(rig: Rig): void {
  const names = createNames("session");
  const open = (sessionKey: string, agentId = "main", atMs = t0) =>
    rig
      .store()
      .sessions.open(sessionKey, agentId, { sessionId: names.next("id"), atMs, address: addressOf(sessionKey) });

  it("makes a session on first use and finds it afterwards", async () => {
    const key = names.next("s");
    const opened = await Promise.all([open(key), open(key), open(key)]);
    expect(opened.map((one) => one.created)).toEqual([true, false, false]);
    const store = await rig.reopen();
    const row = await store.sessions.get(key);
    expect(row).toEqual({
      sessionKey: key,
      sessionId: opened[0]?.row.sessionId,
      agentId: "main",
      createdMs: t0,
      updatedMs: t0,
      settings: {},
      lastAddress: addressOf(key),
      usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      costMicros: 0,
      messageCount: 0,
    });
    const later = await store.sessions.open(key, "main", { sessionId: "unused", atMs: t0 + 5 });
    expect(later.row).toEqual({ ...row, updatedMs: t0 + 5 });
    expect(await store.sessions.get("nobody")).toBeNull();
  });

  it("sets and removes single settings and keeps the others", async () => {
    const key = names.next("s");
    await open(key);
    await rig.store().sessions.patch(key, { model: "a/b", label: "Tea", nested: { one: 1 } }, t0 + 1);
    const row = await rig.store().sessions.patch(key, { model: null, nested: { two: 2 }, thinking: "high" }, t0 + 2);
    expect(row).toMatchObject({ settings: { label: "Tea", nested: { two: 2 }, thinking: "high" }, updatedMs: t0 + 2 });
    expect(row?.settings).not.toHaveProperty("model");
    await rig.reopen();
    expect(await rig.store().sessions.get(key)).toEqual(row);
    expect(await rig.store().sessions.patch("nobody", { a: 1 }, t0)).toBeNull();
  });

  it("I5: finds what was said, in sessions that were begun anew too, newest first, a page at a time", async () => {
    const key = names.next("s");
    const other = names.next("s");
    await open(key);
    await open(other);
    const say = (where: string, text: string) => rig.store().sessions.append(where, [transcriptDraft(names, text)], t0);
    await say(key, 'The "needle" is 100% \\ mine_');
    await rig.store().sessions.reset(key, names.next("id"), t0 + 1);
    await say(key, "a NEEDLE again");
    await say(other, "needle elsewhere");
    await say(other, "nothing");
    const find = (query: string, options: { limit?: number; sessionKey?: string; cursor?: string } = {}) =>
      rig.store().sessions.search(query, { limit: 10, ...options });
    expect((await find("needle", { sessionKey: key })).hits.map(({ entry }) => JSON.stringify(entry.body))).toEqual([
      expect.stringContaining("NEEDLE again"),
      expect.stringContaining("mine_"),
    ]);
    expect((await find('"needle" is 100% \\ mine_')).hits).toMatchObject([{ sessionKey: key }]);
    const first = await find("needle", { limit: 2 });
    expect(first.hits).toHaveLength(2);
    const second = await find("needle", { limit: 2, cursor: first.nextCursor ?? "" });
    expect([second.hits.length, second.nextCursor]).toEqual([1, null]);
    // Words of the line's own making are not what somebody said, and a wildcard is a character.
    expect((await find("assistant", { sessionKey: other })).hits).toEqual([]);
    expect((await find("n_thing", { sessionKey: other })).hits).toEqual([]);
    await expect(find("x", { cursor: "stranger" })).rejects.toMatchObject({ code: "RPC_003" });
  });

  it("appends entries in order, as a chain, with ids that stay unique", async () => {
    const key = names.next("s");
    await open(key);
    const [one, two, three] = [transcriptDraft(names, "1"), transcriptDraft(names, "2"), transcriptDraft(names, "3")];
    await Promise.all([
      rig.store().sessions.append(key, [one, two], t0 + 1),
      rig.store().sessions.append(key, [three], t0 + 2),
    ]);
    const branch = { ...transcriptDraft(names, "4"), id: one.id, parentId: one.id, type: "custom" as const };
    const [renamed] = await rig.store().sessions.append(key, [branch], t0 + 3);
    const entries = await rig.store().sessions.transcript(key);
    expect(entries.map((entry) => [entry.seq, entry.parentId])).toEqual([
      [1, null],
      [2, one.id],
      [3, two.id],
      [4, one.id],
    ]);
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(4);
    expect(entries[3]).toEqual(renamed);
    expect(entries[0]?.body).toEqual(one.body);
    expect(await rig.store().sessions.get(key)).toMatchObject({ messageCount: 3, updatedMs: t0 + 3 });
    await expect(rig.store().sessions.append("nobody", [one], t0)).rejects.toMatchObject({ code: "RPC_007" });
  });

  it("reads the newest entries, or those behind or in front of a known one", async () => {
    const key = names.next("s");
    await open(key);
    const drafts = Array.from({ length: 250 }, (_, index) => transcriptDraft(names, String(index)));
    await rig.store().sessions.append(key, drafts, t0);
    const read = async (options: { afterSeq?: number; beforeSeq?: number; limit?: number }): Promise<number[]> =>
      (await rig.store().sessions.transcript(key, options)).map((entry) => entry.seq);
    expect(await read({ limit: 3 })).toEqual([248, 249, 250]);
    expect(await read({ afterSeq: 247 })).toEqual([248, 249, 250]);
    expect(await read({ afterSeq: 100, limit: 2 })).toEqual([249, 250]);
    expect(await read({ beforeSeq: 101, limit: 2 })).toEqual([99, 100]);
    expect(await read({ afterSeq: 98, beforeSeq: 101 })).toEqual([99, 100]);
    expect(await read({ beforeSeq: 1, limit: 2 })).toEqual([]);
    expect(await read({})).toHaveLength(250);
    expect(await read({ limit: 0 })).toEqual([]);
    expect(await rig.store().sessions.transcript("nobody")).toEqual([]);
  });

  it("begins anew at a reset and keeps settings and history", async () => {
    const key = names.next("s");
    const { row } = await open(key);
    const entry = entryOf(names, key);
    const lease = await startTurn(rig.store(), entry);
    const said = transcriptDraft(names, "before");
    await rig.store().turns.finish(lease, resultOf({ transcript: [said], ledger: [ledgerOf(names, key)] }));
    await rig.store().sessions.patch(key, { thinking: "low" }, t0 + 10);
    expect(await rig.store().sessions.get(key)).toMatchObject({ usage, messageCount: 1 });
    const nextId = names.next("id");
    const after = await rig.store().sessions.reset(key, nextId, t0 + 20);
    expect(after).toMatchObject({ sessionId: nextId, settings: { thinking: "low" }, messageCount: 0, costMicros: 0 });
    expect(await rig.store().sessions.transcript(key)).toEqual([]);
    const [fresh] = await rig.store().sessions.append(key, [transcriptDraft(names, "after")], t0 + 30);
    expect(fresh).toMatchObject({ seq: 1, parentId: null });
    const old = await rig.store().sessions.transcript(key, { sessionId: row.sessionId });
    expect(old).toMatchObject([{ id: said.id, seq: 1 }]);
    expect((await rig.store().sessions.history(key)).map((one) => one.sessionId)).toEqual([nextId, row.sessionId]);
    await expect(rig.store().sessions.reset(key, row.sessionId, t0)).rejects.toMatchObject({ code: "RPC_006" });
    expect(await rig.store().sessions.reset("nobody", names.next("id"), t0)).toBeNull();
    expect(await rig.store().sessions.transcript("other", { sessionId: row.sessionId })).toEqual([]);
  });

  it("imports a transcript with its branches, once", async () => {
    const key = names.next("s");
    const [one, two] = [transcriptDraft(names, "1"), transcriptDraft(names, "2")];
    const three: TranscriptDraft = { ...transcriptDraft(names, "3", t0 + 7), parentId: one.id };
    const row = { sessionKey: key, agentId: "main", sessionId: names.next("id"), createdMs: t0 };
    await rig.store().sessions.import(row, [one, two, three]);
    expect((await rig.store().sessions.transcript(key)).map((entry) => entry.parentId)).toEqual([null, one.id, one.id]);
    expect(await rig.store().sessions.get(key)).toMatchObject({
      sessionId: row.sessionId,
      updatedMs: t0 + 7,
      messageCount: 3,
    });
    await expect(rig.store().sessions.import({ ...row, sessionId: "x" }, [one])).rejects.toMatchObject({
      code: "RPC_006",
    });
    const other = { ...row, sessionKey: names.next("s") };
    await expect(rig.store().sessions.import(other, [one])).rejects.toMatchObject({ code: "RPC_006" });
    const twice = { ...other, sessionId: names.next("id") };
    await expect(rig.store().sessions.import(twice, [one, one])).rejects.toMatchObject({ code: "RPC_003" });
    expect(await rig.store().sessions.get(other.sessionKey)).toBeNull();
  });

  it("lists sessions in pages, last changed first, none twice and none left out", async () => {
    const agent = names.next("agent");
    // Ties in time are broken by key, so that a page ends between two equals as well.
    for (let index = 0; index < 25; index += 1) await open(names.next("listed"), agent, t0 + Math.floor(index / 4));
    const seen: SessionRow[] = [];
    let cursor: string | null = null;
    do {
      const page: { rows: readonly SessionRow[]; nextCursor: string | null; total: number } = await rig
        .store()
        .sessions.list({ limit: 4, agentId: agent, ...(cursor === null ? {} : { cursor }) });
      expect(page.total).toBe(25);
      seen.push(...page.rows);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(25);
    expect(new Set(seen.map((row) => row.sessionKey)).size).toBe(25);
    expect(seen.map((row) => row.updatedMs)).toEqual(seen.map((row) => row.updatedMs).toSorted((a, b) => b - a));
    const all = await rig.store().sessions.list({ limit: 1_000 });
    expect(all.total).toBe(all.rows.length);
    await expect(rig.store().sessions.list({ limit: 1, cursor: "rubbish" })).rejects.toMatchObject({ code: "RPC_003" });
  });

  it("filters sessions by activity and by a piece of key or label, wildcards taken literally", async () => {
    const agent = names.next("agent");
    const [plain, labelled] = [names.next("100%_sure"), names.next("s")];
    await open(plain, agent, t0);
    await open(labelled, agent, t0 + 50);
    await rig.store().sessions.patch(labelled, { label: "Holiday plans" }, t0 + 60);
    const keys = async (options: { search?: string; activeSinceMs?: number }): Promise<string[]> => {
      const page = await rig.store().sessions.list({ limit: 10, agentId: agent, ...options });
      expect(page.total).toBe(page.rows.length);
      return page.rows.map((row) => row.sessionKey);
    };
    expect(await keys({ search: "%_s" })).toEqual([plain]);
    expect(await keys({ search: "holiday" })).toEqual([labelled]);
    expect(await keys({ search: "\\" })).toEqual([]);
    expect(await keys({ activeSinceMs: t0 + 60 })).toEqual([labelled]);
    expect(await keys({})).toEqual([labelled, plain]);
  });

  it("deletes everything of a session and nothing of another", async () => {
    const [key, other] = [names.next("s"), names.next("s")];
    const chat = names.next("chat");
    const finishOne = async (sessionKey: string): Promise<{ runId: string; messageId: string; partId: string }> => {
      const entry = entryOf(names, sessionKey);
      const lease = await startTurn(rig.store(), entry);
      const part = draftOf(names, chat);
      await rig.store().trace.add([{ messageId: entry.message.id, runId: null, type: "t", atMs: t0, data: {} }]);
      await rig.store().turns.finish(
        lease,
        resultOf({
          transcript: [transcriptDraft(names, "x")],
          outbox: [part],
          ledger: [ledgerOf(names, sessionKey)],
        }),
      );
      return { runId: entry.runId, messageId: entry.message.id, partId: part.id };
    };
    const gone = await finishOne(key);
    const kept = await finishOne(other);
    const total = (await rig.store().sessions.list({ limit: 1 })).total;
    const spent = await rig.store().ledger.totals({});
    const waiting = entryOf(names, key);
    const lease = await startTurn(rig.store(), waiting);
    expect(await rig.store().sessions.delete(key)).toBe(true);
    expect(await rig.store().sessions.delete(key)).toBe(false);
    await expect(rig.store().turns.finish(lease, resultOf())).rejects.toMatchObject({ code: "STORE_003" });
    const store = await rig.reopen();
    expect(await store.sessions.get(key)).toBeNull();
    expect(await store.sessions.history(key)).toEqual([]);
    expect(await store.sessions.transcript(key, { sessionId: gone.runId })).toEqual([]);
    expect(await store.inbox.get(gone.messageId)).toBeNull();
    expect(await store.turns.get(gone.runId)).toBeNull();
    expect(await store.outbox.get(gone.partId)).toBeNull();
    expect(await store.trace.of(gone.messageId)).toEqual([]);
    expect(await store.ledger.totals({ sessionKey: key })).toMatchObject({ calls: 0 });
    expect(await store.ledger.totals({})).toEqual(spent);
    expect((await store.sessions.list({ limit: 1 })).total).toBe(total - 1);
    expect(await store.inbox.get(kept.messageId)).not.toBeNull();
    expect((await store.trace.of(kept.messageId)).map((event) => event.type)).toContain("inbox.replied");
    expect(await store.sessions.transcript(other)).toHaveLength(1);
    // The part of the other session stood behind the deleted one in the same chat.
    const ready = await store.outbox.ready({
      accounts: [{ channel: "irc", accountId: "default" }],
      atMs: t0,
      limit: 1_000,
    });
    expect(ready.map((row) => row.id)).toContain(kept.partId);
  });
}
