/** Rules of what is told of use: over random histories, every kept sum is what counting the rows by hand gives. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { Store } from "../port.ts";
import type { TranscriptDraft } from "../session-port.ts";
import type { LatencyStats, LedgerEntry, MessageCounts } from "../ledger-port.ts";
import { createNames, drain, entryOf, ledgerOf, resultOf, startTurn, type Names } from "./samples.ts";
import { dayMs } from "../../domain/local-time.ts";

/** Long before every other rule's times: each history has forty days of its own from here on. */
const start = Date.UTC(2003, 0, 1);

const call = fc.record({
  day: fc.nat(3),
  offset: fc.nat(dayMs - 1),
  model: fc.constantFrom("one", "two"),
  sender: fc.constantFrom("ann", "bob"),
  cost: fc.option(fc.nat(5_000)),
  latency: fc.option(fc.oneof(fc.nat(40), fc.nat(90_000), fc.nat(10_000_000))),
  estimated: fc.boolean(),
  /** Told of again later, as a worker does that crashed before it heard of its commit. */
  twice: fc.boolean(),
});

const line = fc.record({
  day: fc.nat(3),
  offset: fc.nat(dayMs - 1),
  role: fc.constantFrom("user", "assistant", "toolResult", "system"),
  tools: fc.array(fc.constantFrom("read", "write", "a b", ""), { maxLength: 3 }),
  failed: fc.boolean(),
});

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("turn" as const),
      session: fc.nat(3),
      calls: fc.array(call, { maxLength: 4 }),
      lines: fc.array(line, { maxLength: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("book" as const),
      session: fc.nat(3),
      calls: fc.array(call, { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const), session: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), session: fc.nat(3) }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
type Line = typeof line extends fc.Arbitrary<infer T> ? T : never;
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** The same history, kept as a list of everything. */
class Book {
  readonly #names: Names;
  readonly #base: number;
  readonly #prefix: string;
  calls: LedgerEntry[] = [];
  /** Calls that were not booked though they were new, or were though they were known. */
  misbooked = 0;
  readonly lines = new Map<string, { atMs: number; line: Line }[]>();
  #told: LedgerEntry[] = [];

  constructor(names: Names, base: number) {
    this.#names = names;
    this.#base = base;
    this.#prefix = names.next("s");
  }

  key(session: number): string {
    return `${this.#prefix}-${session}`;
  }

  async apply(store: Store, one: Act): Promise<void> {
    const key = this.key(one.session);
    if (one.kind === "turn") {
      const lease = await startTurn(store, entryOf(this.#names, key));
      const step = { runId: lease.runId, index: 0, kind: "model", record: {}, atMs: this.#base } as const;
      const [first, ...others] = this.#book(key, one.calls);
      await store.turns.appendStep(lease, step, { ledger: first === undefined ? [] : [first] });
      // The last call of an earlier turn is told of once more: its id is known.
      const ledger = [...others, ...this.#told.slice(-1)];
      await store.turns.finish(lease, resultOf({ transcript: this.#say(key, one.lines), ledger }));
      return;
    }
    if (one.kind === "book") {
      const entries = this.#book(key, one.calls);
      const [booked, again] = [await store.ledger.book(entries), await store.ledger.book(entries)];
      this.misbooked += Math.abs(entries.length - booked) + again;
      return;
    }
    if (one.kind === "reset") {
      await store.sessions.reset(key, this.#names.next("id"), this.#base);
      return;
    }
    if (!(await store.sessions.delete(key))) return;
    this.lines.delete(key);
    this.#told = [];
    this.calls = this.calls.map((entry) =>
      entry.sessionKey === key ? { ...entry, sessionKey: "deleted", senderId: "", channel: entry.channel } : entry,
    );
  }

  #book(key: string, calls: readonly Call[]): LedgerEntry[] {
    const entries = calls.map((one) =>
      ledgerOf(this.#names, key, {
        atMs: this.#base + one.day * dayMs + one.offset,
        senderId: one.sender,
        model: one.model,
        costMicros: one.cost,
        latencyMs: one.latency,
        estimated: one.estimated,
      }),
    );
    this.calls.push(...entries);
    this.#told.push(...entries.filter((_, index) => calls[index]?.twice === true));
    return entries;
  }

  #say(key: string, lines: readonly Line[]): TranscriptDraft[] {
    const said = lines.map((one) => ({ atMs: this.#base + one.day * dayMs + one.offset, line: one }));
    this.lines.set(key, [...(this.lines.get(key) ?? []), ...said]);
    return said.map(({ atMs, line: one }) => ({
      id: this.#names.hex8(),
      type: "message",
      atMs,
      body: { message: bodyOf(one) },
    }));
  }
}

function bodyOf({ role, tools, failed }: Line): Record<string, unknown> {
  if (role === "toolResult") return { role, toolName: tools[0] ?? 7, isError: failed, content: [] };
  const content = [{ type: "text", text: "x" }, "stray", ...tools.map((name) => ({ type: "toolCall", id: "1", name }))];
  return { role, content, ...(failed ? { stopReason: "error" } : {}) };
}

export function usageRules(rig: Rig): void {
  const names = createNames("usage");
  let histories = 0;

  it("X2: recounted from the rows, every sum is what was kept, over random histories with deletions and duplicates", async () => {
    await drain(rig.store());
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 14 }), async (history) => {
        histories += 1;
        const base = start + histories * 40 * dayMs;
        const book = new Book(names, base);
        for (const one of history) await book.apply(rig.store(), one);
        expect(book.misbooked).toBe(0);
        const store = rig.store();
        const span = { sinceMs: base, untilMs: base + 4 * dayMs };
        expect((await store.ledger.recount()).filter(({ differing }) => differing > 0)).toEqual([]);
        const sessions = await store.ledger.by("session", span);
        expect(new Map(sessions.map(({ key, calls, costMicros }) => [key, [calls, costMicros]]))).toEqual(
          new Map(
            [...Map.groupBy(book.calls, ({ sessionKey }) => sessionKey)].map(([key, own]) => [
              key,
              [own.length, spent(own)],
            ]),
          ),
        );
        const users = Map.groupBy(book.calls, (one) =>
          one.sessionKey === "deleted" ? "deleted" : `irc:${one.senderId}`,
        );
        expect(new Map((await store.ledger.by("user", span)).map(({ key, calls }) => [key, calls]))).toEqual(
          new Map([...users].map(([key, own]) => [key, own.length])),
        );
        await compareLatency(store, book.calls, span);
        await compareSessions(store, book, span);
      }),
      { numRuns: 12 },
    );
  });

  it("X2: counts whatever stands in a transcript as the recount counts it", async () => {
    const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("a\u0000b", "é", '"', "read"));
    const named = fc.constantFrom("x".repeat(128), "x".repeat(129), "", "a b", "a\u0000b", "mcp:x/y.z-1", "\n");
    const part = fc.oneof(odd, fc.record({ type: fc.constantFrom("toolCall", "text", 3), name: fc.oneof(named, odd) }));
    const message = fc.record(
      {
        role: fc.oneof(fc.constantFrom("user", "assistant", "toolResult"), odd),
        content: fc.oneof(fc.array(part, { maxLength: 4 }), odd),
        stopReason: fc.oneof(fc.constant("error"), odd),
        errorMessage: odd,
        isError: fc.oneof(fc.boolean(), odd),
        toolName: odd,
      },
      { requiredKeys: [] },
    );
    const bodies = fc.array(fc.oneof(message, odd), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(bodies, fc.integer({ min: -5, max: 5 }), async (messages, hours) => {
        const key = names.next("odd");
        const store = rig.store();
        await store.sessions.open(key, "main", { sessionId: names.next("id"), atMs: 0 });
        const atMs = hours * 7_200_000;
        const entries = messages.map((one) => ({
          id: names.hex8(),
          type: "message" as const,
          atMs,
          body: { message: one },
        }));
        await store.sessions.append(key, entries, start);
        expect((await store.ledger.recount()).filter(({ differing }) => differing > 0)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
}

type Span = { readonly sinceMs: number; readonly untilMs: number };

function spent(calls: readonly LedgerEntry[]): number {
  return calls.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0);
}

async function compareLatency(store: Store, calls: readonly LedgerEntry[], span: Span): Promise<void> {
  const told = await store.ledger.latency("day", span);
  const measured = calls.filter(({ latencyMs }) => latencyMs !== null);
  const days = Map.groupBy(measured, dateOf);
  expect(told.map(({ key }) => key)).toEqual([...days.keys()].toSorted());
  for (const { key, ...stats } of told) sameLatency(stats, days.get(key) ?? []);
  const [all] = await store.ledger.latency(null, span);
  if (all !== undefined) sameLatency(all, measured);
}

/** Exact but for the percentiles: these are at most an eighth above the true ones. */
function sameLatency(told: LatencyStats, calls: readonly LedgerEntry[]): void {
  const sorted = calls.map(({ latencyMs }) => latencyMs ?? 0).toSorted((left, right) => left - right);
  const total = sorted.reduce((sum, one) => sum + one, 0);
  expect(told).toMatchObject({
    count: sorted.length,
    averageMs: Math.round(total / sorted.length),
    leastMs: sorted[0],
    mostMs: sorted.at(-1),
  });
  for (const [share, value] of [
    [0.5, told.p50Ms],
    [0.95, told.p95Ms],
  ] as const) {
    const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    expect(value).toBeGreaterThanOrEqual(exact);
    // Above seventy minutes there is one bucket alone.
    if (exact < 2 ** 22) expect(value).toBeLessThanOrEqual(exact * 1.125);
  }
}

async function compareSessions(store: Store, book: Book, span: Span): Promise<void> {
  const { rows, matched } = await store.ledger.sessions({ ...span, limit: 10 });
  const keys = new Set([...book.calls.map(({ sessionKey }) => sessionKey), ...counting(book).keys()]);
  expect(new Set(rows.map(({ sessionKey }) => sessionKey))).toEqual(keys);
  expect(matched).toBe(keys.size);
  for (const row of rows) {
    const own = book.calls.filter(({ sessionKey }) => sessionKey === row.sessionKey);
    const lines = counting(book).get(row.sessionKey) ?? [];
    const times = [...own, ...lines].map(({ atMs }) => atMs);
    expect([row.firstMs, row.lastMs]).toEqual([Math.min(...times), Math.max(...times)]);
    expect(row.calls.reduce((sum, one) => sum + one.costMicros, 0)).toBe(spent(own));
    expect(new Set(row.calls.map(({ model }) => model))).toEqual(new Set(own.map(({ model }) => `openai/${model}`)));
    expect(row.messages).toEqual(messagesOf(lines));
    expect(toolsOf(row.tools)).toEqual(countTools(lines));
    const calls = await store.ledger.calls(row.sessionKey, { ...span, limit: 1_000 });
    expect(calls.map(({ atMs }) => atMs)).toEqual(own.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    const alone = await store.ledger.sessions({ ...span, sessionKey: row.sessionKey, limit: 1 });
    const [first] = alone.rows;
    expect({ ...alone, rows: [{ ...first, latency: [] }] }).toEqual({ rows: [row], matched: 1 });
    const measured = own.filter(({ latencyMs }) => latencyMs !== null);
    const days = new Set<string | null>(measured.map(dateOf));
    expect(new Set(first?.latency.map(({ day }) => day))).toEqual(measured.length === 0 ? days : days.add(null));
    for (const { day, ...stats } of first?.latency ?? []) {
      sameLatency(stats, day === null ? measured : measured.filter((one) => dateOf(one) === day));
    }
  }
  const activity = await store.ledger.activity(span);
  const all = [...counting(book).values()].flat();
  expect(activity.messages).toEqual(messagesOf(all));
  expect(toolsOf(activity.tools)).toEqual(countTools(all));
}

/** The lines that are messages, of each session that has one. */
function counting(book: Book): Map<string, { atMs: number; line: Line }[]> {
  return new Map(
    [...book.lines]
      .map(([key, lines]) => [key, lines.filter(({ line: { role } }) => role !== "system")] as const)
      .filter(([, lines]) => lines.length > 0),
  );
}

function messagesOf(lines: readonly { atMs: number; line: Line }[]): (MessageCounts & { day: string })[] {
  return [...Map.groupBy(lines, dateOf)]
    .map(([day, own]) => {
      const of = (role: string): Line[] => own.map((one) => one.line).filter((one) => one.role === role);
      return {
        day,
        user: of("user").length,
        assistant: of("assistant").length,
        toolCalls: of("assistant").reduce((sum, { tools }) => sum + tools.length, 0),
        toolResults: of("toolResult").length,
        errors: [...of("assistant"), ...of("toolResult")].filter(({ failed }) => failed).length,
      };
    })
    .toSorted((left, right) => (left.day < right.day ? -1 : 1));
}

function countTools(lines: readonly { atMs: number; line: Line }[]): Record<string, [calls: number, errors: number]> {
  const counts: Record<string, [number, number]> = {};
  const add = (name: unknown, atMs: number, calls: number, errors: number): void => {
    const known = name === "read" || name === "write" ? name : "(other)";
    const [asked, failed] = counts[`${dateOf({ atMs })} ${known}`] ?? [0, 0];
    counts[`${dateOf({ atMs })} ${known}`] = [asked + calls, failed + errors];
  };
  for (const {
    atMs,
    line: { role, tools, failed },
  } of lines) {
    if (role === "assistant") for (const name of tools) add(name, atMs, 1, 0);
    if (role === "toolResult" && failed) add(tools[0], atMs, 0, 1);
  }
  return counts;
}

function toolsOf(tools: readonly { day: string; tool: string; calls: number; errors: number }[]) {
  return Object.fromEntries(tools.map(({ day, tool, calls, errors }) => [`${day} ${tool}`, [calls, errors]]));
}

function dateOf({ atMs }: { readonly atMs: number }): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
