/** What a transcript of another installation says of use, whatever else stands in it and however it is cut. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { newTally, readUsage, type TranscriptCall, type UsageTally } from "./transcript-usage.ts";

const at = "2026-02-03T04:05:06.007Z";

function answer(changes: Record<string, unknown> = {}, message: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: "message",
    id: "0000000a",
    parentId: null,
    timestamp: at,
    message: {
      role: "assistant",
      content: [{ type: "text", text: "Sunny." }],
      api: "anthropic-messages",
      provider: "anthropic",
      model: "claude",
      usage: {
        input: 10,
        output: 20,
        cacheRead: 3,
        cacheWrite: 4,
        totalTokens: 37,
        cost: { input: 0.00003, output: 0.0003, cacheRead: 0.0000009, cacheWrite: 0.000015, total: 0.0003459 },
      },
      stopReason: "stop",
      ...message,
    },
    ...changes,
  });
}

async function read(text: string | Buffer, size = 64 * 1024): Promise<{ calls: TranscriptCall[]; tally: UsageTally }> {
  const bytes = Buffer.from(text);
  // One piece of memory for all chunks, as a file is read: what is kept of a line must have been copied.
  const memory = Buffer.alloc(size);
  function* pieces(): Generator<Uint8Array> {
    for (let from = 0; from < bytes.length; from += size) {
      const length = bytes.copy(memory, 0, from, Math.min(from + size, bytes.length));
      yield memory.subarray(0, length);
    }
  }
  const tally = newTally();
  const calls: TranscriptCall[] = [];
  for await (const call of readUsage(pieces(), tally)) calls.push(call);
  return { calls, tally };
}

describe("use in transcripts", () => {
  it("X3: is the same however the bytes are cut, and whatever stands between the answers", async () => {
    const noise = fc.constantFrom(
      JSON.stringify({
        type: "message",
        id: "1",
        message: { role: "user", content: 'I am an "assistant" with "usage" — ✨' },
      }),
      JSON.stringify({ type: "compaction", id: "2", summary: "ünïcödé\n" }),
      JSON.stringify({ type: "message", message: { role: "toolResult", content: [{ data: "A".repeat(300) }] } }),
      "",
    );
    const lines = fc.array(
      fc.oneof(
        noise,
        fc.nat(9).map((id) => answer({ id: `0000000${id}` })),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 400 }), fc.boolean(), async (list, size, ends) => {
        const text = [JSON.stringify({ type: "session", version: 3, id: "sid", timestamp: at }), ...list].join("\n");
        const { calls, tally } = await read(ends ? `${text}\n` : text, size);
        const ids = list.flatMap((line) => /"id":"0000000(\d)"/.exec(line)?.[1] ?? []);
        expect(calls.map(({ sessionId, costMicros }) => [sessionId, costMicros])).toEqual(ids.map(() => ["sid", 346]));
        expect(new Set(calls.map(({ id }) => id)).size).toBe(new Set(ids).size);
        expect(tally).toMatchObject({ calls: ids.length, broken: 0, odd: 0, tooLong: 0, own: 0 });
      }),
    );
  });

  it("X4: takes the cost that the line tells, by kind, and none where there is none or a zero", async () => {
    const { calls } = await read(answer());
    expect(calls[0]).toMatchObject({
      atMs: Date.parse(at),
      provider: "anthropic",
      model: "claude",
      usage: { input: 10, output: 20, cacheRead: 3, cacheWrite: 4 },
      costMicros: 346,
      costs: { input: 30, output: 300, cacheRead: 1, cacheWrite: 15 },
    });
    const costOf = async (cost: unknown, tokens: Record<string, unknown> = { input: 1 }) => {
      const [call] = (await read(answer({}, { usage: { ...tokens, cost } }))).calls;
      return [call?.costMicros, call?.costs];
    };
    expect(await costOf({ total: 0.5 })).toEqual([500_000, null]);
    expect(await costOf({ total: 0.1 + 0.2 })).toEqual([300_000, null]);
    expect(await costOf({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 })).toEqual([null, null]);
    for (const none of [undefined, null, "0.5", {}, { total: -1 }, { total: "1" }, { total: 1e9 }, { total: null }])
      expect(await costOf(none)).toEqual([null, null]);
    // Shares that do not make the total are no shares of it.
    expect(await costOf({ input: 1, output: 1, cacheRead: 1, cacheWrite: 1, total: 0.5 })).toEqual([500_000, null]);
  });

  it("reads the names under which older versions and other programs wrote their counts", async () => {
    const usageOf = async (usage: unknown) => (await read(answer({}, { usage }))).calls[0]?.usage;
    expect(
      await usageOf({ input_tokens: 1, output_tokens: 2, cache_read_input_tokens: 3, cache_creation_input_tokens: 4 }),
    ).toEqual({
      input: 1,
      output: 2,
      cacheRead: 3,
      cacheWrite: 4,
    });
    expect(await usageOf({ prompt_tokens: 1, completion_tokens: 2.4 })).toMatchObject({ input: 1, output: 2 });
    const time = (await read(answer({ timestamp: undefined }, { timestamp: 1_770_000_000_000 }))).calls[0]?.atMs;
    expect(time).toBe(1_770_000_000_000);
  });

  it("a copy, a branch and a backup of an answer are the same call, another answer is not", async () => {
    const idOf = async (line: string) => (await read(line)).calls[0]?.id;
    const id = await idOf(answer());
    expect(await idOf(`${JSON.stringify({ type: "session", id: "fork" })}\n${answer({ parentId: "x" })}`)).toBe(id);
    expect(await idOf(answer({ id: "0000000b" }))).not.toBe(id);
    expect(await idOf(answer({ timestamp: "2026-02-03T04:05:06.008Z" }))).not.toBe(id);
    expect(await idOf(answer({}, { model: "other" }))).not.toBe(id);
  });

  it("a line that cannot be used costs that line, and is told with its number", async () => {
    const bad = [
      '{"type":"message","message":{"role":"assistant","usage":{',
      "not a transcript at all",
      answer({ timestamp: "yesterday" }),
      answer({}, { provider: undefined }),
      answer({}, { model: "x".repeat(300) }),
      answer({}, { usage: { input: "many" } }),
      answer({}, { usage: { input: 1e12 } }),
      answer({}, { usage: { input: 1, output: null, cacheRead: {} } }),
    ];
    const fine = [
      answer({ runId: "run-1" }),
      answer({}, { usage: null }),
      answer({}, { usage: { input: 0, output: 0 } }),
      answer({}, { role: "user" }),
      "",
      "   ",
    ];
    const { calls, tally } = await read([...bad, ...fine, answer()].join("\r\n"));
    expect(calls).toHaveLength(1);
    expect(tally).toEqual({ lines: 15, calls: 1, own: 1, broken: 2, tooLong: 0, odd: 6, firstBad: [1, 2, 3, 4, 5] });
  });

  it("bytes that are no text, a mark at the beginning and depth do no harm", async () => {
    const broken = Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from(`"}\n`)]);
    const text = answer({}, { content: "CUT" });
    const [before = "", after = ""] = text.split("CUT");
    const odd = Buffer.concat([Buffer.from(before), Buffer.from([0xe2, 0x28, 0xa1]), Buffer.from(`${after}\n`)]);
    const deep = `{"role":"assistant","usage":${"[".repeat(100_000)}${"]".repeat(100_000)}}\n`;
    const { calls, tally } = await read(
      Buffer.concat([Buffer.from(`\ufeff${answer()}\n`), broken, odd, Buffer.from(deep)]),
    );
    expect(calls).toHaveLength(2);
    expect(tally).toMatchObject({ lines: 4, calls: 2, broken: 0, odd: 0 });
  });

  it("X3: a line over the limit is passed over, and told of where it was an answer", async () => {
    const huge = "A".repeat(20 * 1024 * 1024);
    const lines = [
      JSON.stringify({ type: "message", message: { role: "toolResult", content: huge } }),
      answer({}, { content: huge }),
      answer(),
    ];
    const { calls, tally } = await read(lines.join("\n"));
    expect(calls).toHaveLength(1);
    expect(tally).toMatchObject({ lines: 3, tooLong: 1, broken: 0, firstBad: [2] });
    const edge = (bytes: number) => {
      const empty = answer({}, { content: "" });
      return answer({}, { content: "A".repeat(bytes - Buffer.byteLength(empty)) });
    };
    expect((await read(edge(limits.usageLineBytes))).tally).toMatchObject({ calls: 1, tooLong: 0 });
    expect((await read(edge(limits.usageLineBytes + 1))).tally).toMatchObject({ calls: 0, tooLong: 1 });
    expect((await read(edge(limits.usageLineBytes + 1), 8 * 1024 * 1024)).tally).toMatchObject({ tooLong: 1 });
  });
});
