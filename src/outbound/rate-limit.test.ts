import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import type { Address } from "../domain/message.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { createRateLimit, type Ceiling, type RateLimit } from "./rate-limit.ts";

function chat(chatId: string, chatKind: Address["chatKind"] = "dm"): Address {
  return { channel: "fake", accountId: "default", chatId, chatKind };
}

/** Takes room as often as there is any, each answered at once. Returns how often. */
function drain(rate: RateLimit, address: Address, ceiling: Ceiling): number {
  for (let taken = 0; ; taken += 1) {
    const room = rate.take(address, ceiling);
    if (!room.ok) return taken;
    room.done();
  }
}

/** The most arrivals in any window of that length. */
function busiest(arrivalsMs: readonly number[], windowMs: number): number {
  const sorted = arrivalsMs.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.map((from, index) => sorted.slice(index).filter((at) => at - from < windowMs).length));
}

interface Step {
  readonly chat: number;
  readonly pauseMs: number;
  /** From the send to its arrival at the platform, and from there to the answer. */
  readonly outMs: number;
  readonly backMs: number;
}

/** Sends what there is room for, and notes when the platform sees it. */
async function simulate(
  steps: readonly Step[],
  ceiling: Ceiling,
  kind: Address["chatKind"],
): Promise<Map<number, number[]>> {
  const clock = new FakeClock();
  const rate = createRateLimit(clock);
  const arrivals = new Map<number, number[]>();
  for (const step of steps) {
    await clock.advance(step.pauseMs);
    const room = rate.take(chat(String(step.chat), kind), ceiling);
    if (!room.ok) {
      expect(room.waitMs).toBeGreaterThan(0);
      continue;
    }
    const at = clock.monotonicMs() + step.outMs;
    arrivals.set(step.chat, [...(arrivals.get(step.chat) ?? []), at]);
    clock.after(step.outMs + step.backMs, () => room.done());
  }
  return arrivals;
}

const steps = fc.array(
  fc.record({
    chat: fc.integer({ min: 0, max: 3 }),
    pauseMs: fc.integer({ min: 0, max: 120 }),
    outMs: fc.integer({ min: 0, max: 900 }),
    backMs: fc.integer({ min: 0, max: 900 }),
  }),
  { maxLength: 120 },
);

describe("what a platform allows", () => {
  it("L7: in no window of a second does the platform see more than its limit, however long answers take", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), async (plan, messagesPerSecond) => {
        const arrivals = await simulate(plan, { messagesPerSecond }, "dm");
        expect(busiest([...arrivals.values()].flat(), 1_000)).toBeLessThanOrEqual(messagesPerSecond);
      }),
      { numRuns: 60 },
    );
  });

  it("L7: nor does one chat, direct or not", async () => {
    const perChat = { messagesPerSecond: 1_000, messagesPerChat: { directPerSecond: 2, groupPerMinute: 3 } };
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        for (const one of (await simulate(plan, perChat, "dm")).values())
          expect(busiest(one, 1_000)).toBeLessThanOrEqual(2);
        for (const one of (await simulate(plan, perChat, "group")).values())
          expect(busiest(one, 60_000)).toBeLessThanOrEqual(3);
      }),
      { numRuns: 30 },
    );
  });

  it("L7: all of the limit can be used, and it is there again a second later", async () => {
    const clock = new FakeClock();
    const rate = createRateLimit(clock);
    for (let second = 0; second < 3; second += 1) {
      expect(drain(rate, chat("a"), { messagesPerSecond: 30 })).toBe(30);
      await clock.advance(1_050);
    }
  });

  it("a chat that has used up its own leaves room for the others", () => {
    const rate = createRateLimit(new FakeClock());
    const ceiling = { messagesPerSecond: 30, messagesPerChat: { directPerSecond: 1 } };
    expect(drain(rate, chat("a"), ceiling)).toBe(1);
    expect(rate.take(chat("a"), ceiling)).toMatchObject({ ok: false, scope: "chat" });
    expect(drain(rate, chat("b"), ceiling)).toBe(1);
    expect(rate.accountWaitMs(chat("a"), ceiling)).toBe(0);
  });

  it("says how long the account has no room, and does not know it while every answer is on its way", async () => {
    const clock = new FakeClock();
    const rate = createRateLimit(clock);
    const ceiling = { messagesPerSecond: 1 };
    const room = rate.take(chat("a"), ceiling);
    expect(rate.accountWaitMs(chat("a"), ceiling)).toBe(Number.POSITIVE_INFINITY);
    if (room.ok) room.done();
    const waitMs = rate.accountWaitMs(chat("a"), ceiling);
    await clock.advance(waitMs - 1);
    expect(rate.take(chat("b"), ceiling).ok).toBe(false);
    await clock.advance(1);
    expect(rate.take(chat("b"), ceiling).ok).toBe(true);
  });
});

describe("what a 429 teaches", () => {
  const ceiling = { messagesPerSecond: 8, messagesPerChat: { directPerSecond: 4 } };

  it("L7: the chat is silent for as long as the platform asked, and the others are not", async () => {
    const clock = new FakeClock();
    const rate = createRateLimit(clock);
    rate.refused(chat("a"), 5_000);
    await clock.advance(4_999);
    expect(rate.take(chat("a"), ceiling)).toEqual({ ok: false, scope: "chat", waitMs: 1 });
    expect(rate.take(chat("b"), ceiling).ok).toBe(true);
    await clock.advance(1);
    expect(rate.take(chat("a"), ceiling).ok).toBe(true);
  });

  it("L7: where a second chat hears it too, it was the account", async () => {
    const clock = new FakeClock();
    const rate = createRateLimit(clock);
    rate.refused(chat("a"), 5_000);
    await clock.advance(1_000);
    rate.refused(chat("b"), 3_000);
    expect(rate.take(chat("c"), ceiling)).toEqual({ ok: false, scope: "account", waitMs: 3_000 });
    const apart = createRateLimit(clock);
    apart.refused(chat("a"), 1_000);
    await clock.advance(1_001);
    apart.refused(chat("b"), 1_000);
    expect(apart.take(chat("c"), ceiling).ok).toBe(true);
  });

  it("each one halves the rate down to a bound, and it comes back slowly", async () => {
    const clock = new FakeClock();
    const rate = createRateLimit(clock);
    rate.refused(chat("a"), 1);
    await clock.advance(2_000);
    expect(drain(rate, chat("a"), ceiling)).toBe(2);
    rate.refused(chat("a"), 1);
    await clock.advance(2_000);
    expect(drain(rate, chat("a"), ceiling)).toBe(1);
    for (let again = 0; again < 20; again += 1) rate.refused(chat("a"), 1);
    // A sixteenth of four a second is one in four seconds, and not never.
    await clock.advance(4_100);
    expect(drain(rate, chat("a"), ceiling)).toBe(1);
    await clock.advance(2_000);
    expect(rate.take(chat("a"), ceiling).ok).toBe(false);
    await clock.advance(10 * 60_000);
    expect(drain(rate, chat("a"), ceiling)).toBe(4);
  });

  it("remembers a bounded number of chats: the longest-silent of one more is forgotten", () => {
    const roomAfter = (others: number): boolean => {
      const rate = createRateLimit(new FakeClock());
      rate.refused(chat("first"), 60_000);
      for (let index = 0; index < others; index += 1) drain(rate, chat(`c${index}`), oneInAChat);
      return rate.take(chat("first"), oneInAChat).ok;
    };
    const oneInAChat = { messagesPerSecond: 1_000_000, messagesPerChat: { directPerSecond: 1 } };
    expect(roomAfter(limits.rateChats - 1)).toBe(false);
    expect(roomAfter(limits.rateChats)).toBe(true);
  });
});
