/** The sign that somebody is writing, on a clock that stands still until it is moved. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Address } from "../domain/message.ts";
import { createEventBus } from "../platform/bus.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import type { InboxRow } from "../store/port.ts";
import { startTyping } from "./typing.ts";

const intervalMs = 6_000;

function world() {
  const clock = new FakeClock();
  const bus = createEventBus(silentLog());
  const rows = new Map<string, Partial<InboxRow>>();
  const shown: { readonly atMs: number; readonly chatId: string; readonly signal: AbortSignal }[] = [];
  const state = { connected: true, has: true, permitted: true, fails: null as AppError | null };
  const typing = startTyping({
    bus,
    clock,
    log: silentLog(),
    intervalMs: () => intervalMs,
    store: { inbox: { get: (id: string) => Promise.resolve((rows.get(id) as InboxRow | undefined) ?? null) } } as never,
    permission: () => (state.permitted ? null : new AppError("SEC_001", "no")),
    route: () =>
      state.connected
        ? ({
            connection: state.has
              ? {
                  typing: ({ chatId }: Address, signal: AbortSignal) => {
                    shown.push({ atMs: clock.monotonicMs(), chatId, signal });
                    return state.fails === null ? Promise.resolve() : Promise.reject(state.fails);
                  },
                }
              : {},
          } as never)
        : null,
  });
  const addressOf = (chatId: string): Address => ({ channel: "page", accountId: "a", chatId, chatKind: "dm" });
  return {
    clock,
    shown,
    state,
    typing,
    come(id: string, { chatId = "c", row = {} }: { chatId?: string; row?: Partial<InboxRow> } = {}) {
      const address = addressOf(chatId);
      const message = { id, address } as InboxRow["message"];
      rows.set(id, { message, runId: `run-${id}`, sessionKey: chatId, endedMs: null, options: {}, ...row });
      bus.emit({ type: "message.received", messageId: id, address, atMs: 0 });
    },
    start(id: string, chatId = "c") {
      bus.emit({ type: "run.started", messageId: id, ...scope(id, chatId) });
    },
    park(id: string, chatId = "c") {
      bus.emit({ type: "run.parked", approvalId: "a", untilMs: 1, ...scope(id, chatId) });
    },
    end(id: string, chatId = "c") {
      rows.set(id, { ...rows.get(id), endedMs: 1 });
      const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
      const rest = { text: "", stopReason: "stop", usage, costMicros: 0, model: "m", toolCalls: [] } as const;
      bus.emit({ type: "run.ended", outcome: "final", ...rest, ...scope(id, chatId) });
    },
    refuse(id: string) {
      bus.emit({ type: "message.refused", messageId: id, address: addressOf("c"), reason: "rate-limited", atMs: 0 });
    },
  };
}

function scope(id: string, chatId: string) {
  return { runId: `run-${id}`, sessionKey: chatId, agentId: "main", atMs: 0 };
}

describe("the sign of writing", () => {
  it("G15: is there within 500 ms while a message waits, is renewed, and ends with its turn", async () => {
    const { clock, come, start, end, shown } = world();
    come("m1");
    await clock.advance(500);
    expect(shown.map(({ atMs }) => atMs)).toEqual([limits.typingAfterMs]);
    start("m1");
    await clock.advance(2 * intervalMs);
    const renewed = [0, 1, 2].map((beat) => limits.typingAfterMs + beat * intervalMs);
    expect(shown.map(({ atMs }) => atMs)).toEqual(renewed);
    end("m1");
    expect(shown.at(-1)?.signal.aborted).toBe(true);
    await clock.advance(10 * intervalMs);
    expect(shown).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  it("G15: is one a chat, and stays until the last message of it is answered", async () => {
    const { clock, come, end, shown } = world();
    come("m1");
    come("m2");
    come("m3", { chatId: "other" });
    await clock.advance(500);
    expect(shown.map(({ chatId }) => chatId)).toEqual(["c", "other"]);
    end("m1");
    end("m3", "other");
    await clock.advance(intervalMs);
    expect(shown.map(({ chatId }) => chatId)).toEqual(["c", "other", "c"]);
    end("m2");
    await clock.advance(intervalMs);
    expect(shown).toHaveLength(3);
  });

  it.each([
    ["was refused", ({ refuse }: ReturnType<typeof world>) => refuse("m1")],
    ["was answered at once", ({ come, start, end }: ReturnType<typeof world>) => (come("m1"), start("m1"), end("m1"))],
    [
      "is answered nowhere",
      ({ come }: ReturnType<typeof world>) => come("m1", { row: { options: { deliver: false } } }),
    ],
    ["belongs to a stateless call", ({ come }: ReturnType<typeof world>) => come("m1", { row: { ephemeral: true } })],
    ["ended meanwhile", ({ come }: ReturnType<typeof world>) => come("m1", { row: { endedMs: 1 } })],
    [
      "came where nothing may be sent",
      ({ come, state }: ReturnType<typeof world>) => ((state.permitted = false), come("m1")),
    ],
    [
      "came from a platform without such a sign",
      ({ come, state }: ReturnType<typeof world>) => ((state.has = false), come("m1")),
    ],
  ])("G15: is not shown for a message that %s", async (_what, happens) => {
    const house = world();
    happens(house);
    await house.clock.advance(3 * intervalMs);
    expect(house.shown).toEqual([]);
  });

  it("G15: is not shown while a person is asked, nor for what waits behind the question; it is when the turn goes on", async () => {
    const { clock, come, start, park, end, shown } = world();
    come("m1");
    start("m1");
    await clock.advance(500);
    park("m1");
    come("m2");
    await clock.advance(5 * intervalMs);
    expect(shown).toHaveLength(1);
    start("m1");
    await clock.advance(500);
    expect(shown).toHaveLength(2);
    end("m1");
    start("m2");
    await clock.advance(500);
    expect(shown).toHaveLength(3);
  });

  it("G15: what fails is left out, and an account that is told to wait waits", async () => {
    const { clock, come, state, shown } = world();
    state.fails = new AppError("CONN_001", "gone");
    come("m1");
    await clock.advance(500);
    state.fails = new AppError("CONN_003", "slow down", { retryAfterMs: 2.5 * intervalMs });
    await clock.advance(intervalMs);
    expect(shown).toHaveLength(2);
    state.fails = null;
    await clock.advance(2 * intervalMs);
    come("m2", { chatId: "other" });
    await clock.advance(limits.typingAfterMs);
    expect(shown).toHaveLength(2);
    await clock.advance(intervalMs);
    expect(shown.length).toBeGreaterThan(2);
    expect(clock.timerErrors).toEqual([]);
  });

  it("G15: ends by itself where nobody tells the end, and with the house", async () => {
    const { clock, come, shown, typing } = world();
    come("m1");
    await clock.advance(limits.typingMostMs + 2 * intervalMs);
    const { length } = shown;
    await clock.advance(10 * intervalMs);
    expect(shown).toHaveLength(length);
    come("m2", { chatId: "other" });
    await clock.advance(500);
    typing.close();
    await clock.advance(3 * intervalMs);
    expect(shown).toHaveLength(length + 1);
    expect(clock.pendingTimers).toBe(0);
  });
});
