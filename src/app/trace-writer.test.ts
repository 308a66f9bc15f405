/** What the trace keeps of the bus, and what it leaves to the store. */
import { afterEach, expect, it } from "vitest";
import type { AppEvent } from "../domain/events.ts";
import { createEventBus } from "../platform/bus.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { Database } from "../store/sqlite/database.ts";
import { openInlineStore } from "../store/sqlite/open-inline-store.ts";
import { createTraceWriter } from "./trace-writer.ts";

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

const scope = { runId: "run-1", sessionKey: "agent:main:main", agentId: "main" };
const address = { channel: "irc", accountId: "default", chatId: "#town", chatKind: "group" as const };
const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 };

function open() {
  const database = new Database(":memory:", { readOnly: false, cacheKiB: 1_024, busyTimeoutMs: 0 });
  databases.push(database);
  const store = openInlineStore({
    database,
    delay: () => Promise.resolve(),
    signal: new AbortController().signal,
  });
  const clock = new FakeClock();
  const bus = createEventBus(silentLog());
  return { store, clock, bus, writer: createTraceWriter({ bus, store, clock, log: silentLog() }) };
}

it("keeps the first word, the tools and the bill of a turn, and nothing that was said", async () => {
  const { store, clock, bus, writer } = open();
  const call = { callId: "c1", tool: "clock" };
  const told: AppEvent[] = [
    { type: "run.text", text: "", soFar: "", atMs: 1, ...scope },
    { type: "run.text", text: "Let ", soFar: "Let ", atMs: 2, ...scope },
    { type: "run.text", text: "me", soFar: "Let me", atMs: 3, ...scope },
    { type: "tool.started", ...call, input: { secret: "in" }, atMs: 4, ...scope },
    { type: "tool.completed", ...call, output: "secret out", atMs: 5, ...scope },
    {
      type: "run.ended",
      outcome: "final",
      text: "Let me say it.",
      stopReason: "stop",
      usage,
      costMicros: 20,
      model: "demo/one",
      toolCalls: [],
      atMs: 6,
      ...scope,
    },
  ];
  for (const event of told) bus.emit(event);
  expect(await store.trace.of("run-1")).toEqual([]);
  await clock.advance(500);
  const { sessionKey, agentId } = scope;
  const ended = { outcome: "final", stopReason: "stop", usage, costMicros: 20, model: "demo/one", sessionKey, agentId };
  expect(await store.trace.of("run-1")).toEqual([
    { type: "run.first-text", atMs: 2, data: {} },
    { type: "tool.started", atMs: 4, data: call },
    { type: "tool.completed", atMs: 5, data: call },
    { type: "run.ended", atMs: 6, data: ended },
  ]);
  await writer.close();
  expect(clock.pendingTimers).toBe(0);
});

it("leaves the states of messages and parts to the store, which writes them with what they tell of", async () => {
  const { store, bus, writer } = open();
  const part = { partId: "p1", runId: "run-1", address, atMs: 1 };
  const error = { code: "CONN_001", message: "no", retry: "later", details: {} } as const;
  const told: AppEvent[] = [
    { type: "message.received", messageId: "m1", address, atMs: 1 },
    { type: "message.refused", messageId: "m2", address, reason: "sender-not-allowed", atMs: 1 },
    { type: "run.started", messageId: "m1", atMs: 1, ...scope },
    { type: "message.sent", ...part, platformMessageId: "9" },
    { type: "message.unsent", ...part, state: "failed", error },
  ];
  for (const event of told) bus.emit(event);
  await writer.close();
  expect(await store.trace.recent(10)).toEqual([]);
});
