import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { TranscriptEntry } from "../../store/session-port.ts";
import { loadHistory } from "./load-history.ts";

const idOf = (seq: number): string => seq.toString(16).padStart(8, "0");

function entriesOf(count: number, changes: Readonly<Record<number, Partial<TranscriptEntry>>> = {}): TranscriptEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    id: idOf(index + 1),
    seq: index + 1,
    parentId: null,
    type: "message" as const,
    atMs: index,
    body: {},
    ...changes[index + 1],
  }));
}

function compaction(firstKeptEntryId: string): Partial<TranscriptEntry> {
  return { type: "compaction", body: { summary: "so far", firstKeptEntryId, tokensBefore: 1 } };
}

/** Reads as the store does, and counts how. */
function storeOf(entries: readonly TranscriptEntry[]) {
  const reads: number[] = [];
  return {
    reads,
    transcript: (
      _key: string,
      { beforeSeq = Number.MAX_SAFE_INTEGER, limit = -1 }: { beforeSeq?: number; limit?: number } = {},
    ) => {
      const found = entries.filter(({ seq }) => seq < beforeSeq).slice(-limit);
      reads.push(found.length);
      return Promise.resolve(found);
    },
  };
}

async function load(entries: readonly TranscriptEntry[], inputId = "ffff0001") {
  const store = storeOf(entries);
  return { ...(await loadHistory(store, "key", inputId)), reads: store.reads };
}

describe("the history of a turn", () => {
  it("is read in one short read where it is short, and in pages where it is long", async () => {
    expect(await load([])).toMatchObject({ entries: [], knowsInput: false, reads: [0] });
    expect((await load(entriesOf(100))).reads).toEqual([100]);
    const long = await load(entriesOf(777));
    expect(long.reads).toEqual([100, 250, 250, 177]);
    expect(long.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 777 }, (_, index) => index + 1));
  });

  it("I7: is read back to the newest summary and what that keeps, and no further", async () => {
    const near = entriesOf(5_000, { 4_990: compaction(idOf(4_950)), 2_000: compaction(idOf(1_990)) });
    expect((await load(near)).reads).toEqual([100]);
    const far = entriesOf(5_000, { 4_990: compaction(idOf(4_400)) });
    const { entries, reads } = await load(far);
    expect(reads).toEqual([100, 250, 250, 250]);
    expect(entries.some(({ id }) => id === idOf(4_400))).toBe(true);
  });

  it("has an end, however long the session is", async () => {
    const { entries } = await load(entriesOf(limits.contextEntries + 2_000));
    expect(entries.length).toBeLessThan(limits.contextEntries + 250);
    expect(entries.at(-1)?.seq).toBe(limits.contextEntries + 2_000);
  });

  it("of a turn that was begun before is what stood in front of its message, and the summary that it made", async () => {
    const inputId = idOf(8);
    const again = await load(entriesOf(10, { 9: compaction(inputId) }), inputId);
    expect(again.knowsInput).toBe(true);
    expect(again.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
  });
});
