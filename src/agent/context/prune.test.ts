import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Config } from "../../config/schema/root.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import { openSession, callOf, modelOf, round, says } from "./keeper.fixture.ts";
import { prune, type PruneFacts } from "./prune.ts";
import type { TalkLine } from "./talk.ts";
import { conversationTokens } from "./token-estimate.ts";

type Settings = Config["agents"]["defaults"]["contextPruning"];

const settings: Settings = {
  mode: "adaptive",
  ttl: "1h",
  keepLastAssistants: 3,
  softTrimRatio: 0.3,
  hardClearRatio: 0.5,
};
const large = `HEAD ${"x".repeat(10_000)} TAIL`;
const hourMs = 3_600_000;

/** So many exchanges with a large result each, a minute apart; a silence before those of `silences`. */
function talk(exchanges: number, silences: readonly number[] = []): TalkLine[] {
  let atMs = 0;
  return Array.from({ length: exchanges }, (_, index) => {
    atMs += silences.includes(index) ? hourMs : 60_000;
    const messages = [says("user", "look"), ...round(`c${index}`, large), says("assistant", "seen")];
    return messages.map((message) => ({ message, entryId: String(index), atMs }));
  }).flat();
}

function outputs(messages: readonly ModelMessage[]): string[] {
  return messages.flatMap((message) => (message.role === "tool" ? message.results.map(({ output }) => output) : []));
}

function pruned(lines: readonly TalkLine[], changes: Partial<PruneFacts> = {}) {
  const facts = { settings, filled: 0.4, nowMs: lines.at(-1)?.atMs ?? 0, ...changes };
  return prune(lines, facts);
}

describe("old tool results", () => {
  it("G12: are shown by beginning and end, and then as a note, as the window fills; below that whole", () => {
    const lines = talk(10);
    expect(pruned(lines, { filled: 0.29 })).toMatchObject({ results: 0 });
    const [soft] = outputs(pruned(lines, { filled: 0.3 }).messages);
    expect(soft).toMatch(/^HEAD x+\n\[… \d+ characters left out here: an old result …\]\nx+ TAIL$/);
    const [hard] = outputs(pruned(lines, { filled: 0.5 }).messages);
    expect(hard).toBe(`[An old result of ${large.length} characters is left out here.]`);
  });

  it("G12: the latest answers keep theirs, and so does what is short", () => {
    const lines = [
      ...talk(10),
      ...[says("user", "look"), ...round("s", "short")].map((message) => ({ message, entryId: "s", atMs: 0 })),
    ];
    const shown = outputs(pruned(lines, { filled: 0.9 }).messages);
    expect(shown.at(-1)).toBe("short");
    expect(shown.at(-2)).toBe(large);
    const none = pruned(talk(10), { filled: 0.9, settings: { ...settings, keepLastAssistants: 100 } });
    expect(none.results).toBe(0);
  });

  it("G12: a pruned request is shorter, what was said stays, and the transcript is not touched", async () => {
    const session = openSession();
    for (let index = 0; index < 10; index += 1)
      session.say(says("user", `look ${index}`), ...round(`c${index}`, large), says("assistant", `seen ${index}`));
    const before = structuredClone(session.entries);
    const ask = async (contextWindow: number) =>
      (await session.turn(says("user", "?")).assemble(callOf({ model: modelOf({ contextWindow }) }))).messages;
    const whole = await ask(1_000_000);
    const shorter = await ask(60_000);
    expect(conversationTokens(shorter)).toBeLessThan(conversationTokens(whole) / 2);
    const words = (messages: readonly ModelMessage[]) => messages.filter(({ role }) => role !== "tool");
    expect(words(shorter)).toEqual(words(whole));
    expect(session.entries).toEqual(before);
    expect(session.asked).toEqual([]);
  });

  it("G12: by cache-ttl only what lies behind a silence that outlives the cache", () => {
    const byTtl: Settings = { ...settings, mode: "cache-ttl" };
    const count = (lines: readonly TalkLine[], nowMs = lines.at(-1)?.atMs ?? 0) =>
      pruned(lines, { filled: 0.9, settings: byTtl, nowMs }).results;
    expect(count(talk(12))).toBe(0);
    expect(count(talk(12, [6]))).toBe(6);
    expect(count(talk(12), hourMs * 3)).toBe(10);
  });

  it("G12: is off where it is off", () => {
    expect(pruned(talk(20), { filled: 1, settings: { ...settings, mode: "off" } }).results).toBe(0);
  });

  it("G12: a longer talk begins as the shorter one did but for every fourth answer, so that a prompt cache holds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 40 }),
        fc.constantFrom<Settings["mode"]>("adaptive", "cache-ttl"),
        (exchanges, mode) => {
          const lines = talk(exchanges + 1, [5, 17]);
          // Four lines an exchange, two answers in each: the call and the word.
          const facts = { filled: 0.6, settings: { ...settings, mode } };
          const now = pruned(lines.slice(0, -4), facts).messages;
          const next = pruned(lines, facts).messages;
          const moved = now.some((message, index) => JSON.stringify(message) !== JSON.stringify(next[index]));
          // Behind a new silence the cache is cold, and whatever moves costs nothing.
          const isCold = mode === "cache-ttl" && [5, 17].includes(exchanges);
          if (exchanges % 2 === 0 && !isCold) expect(moved).toBe(false);
        },
      ),
    );
  });
});
