/** What usage says over the wire: the numbers of the ledger, in the forms that clients in the field ask for. */
import { SessionsUsageParamsSchema } from "@openclaw/gateway-protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { limits } from "../../../domain/limits.ts";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { sessionsUsage } from "../../../protocol/methods/session-usage.ts";
import { createNames, ledgerOf } from "../../../store/conformance/samples.ts";
import type { LedgerEntry } from "../../../store/ledger-port.ts";
import { Database } from "../../../store/sqlite/database.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../../wire-client.fixture.ts";
import { someCall } from "./usage.fixture.ts";

const hour = 3_600_000;
const nowMs = Date.UTC(2026, 10, 20, 12);
const names = createNames("wire-usage");

let stage: Stage;
let client: WireClient;

beforeEach(async () => {
  stage = await openStage({ clock: new FakeClock(nowMs) });
  client = await connect(stage.url);
});
afterEach(() => stage.close());

const one = "agent:main:irc:default:dm:ann";
const two = "agent:main:irc:default:dm:bob";

/** Three calls of two sessions on two days, and what was said in one of them. */
async function someUse(): Promise<void> {
  const calls: Partial<LedgerEntry>[] = [
    {
      sessionKey: one,
      atMs: nowMs - 25 * hour,
      usage: { input: 100, output: 20, cacheRead: 5, cacheWrite: 1 },
      costMicros: 1_000,
      costFrom: "provider",
      costs: { input: 600, output: 300, cacheRead: 60, cacheWrite: 40 },
      latencyMs: 1_000,
      profileId: "work",
    },
    { sessionKey: one, atMs: nowMs - hour, costMicros: null, estimated: true, latencyMs: 3_000, origin: "heartbeat" },
    {
      sessionKey: two,
      atMs: nowMs,
      senderId: "bob",
      provider: "demo",
      model: "a/b",
      costMicros: 500_000,
      latencyMs: null,
      channel: "webchat",
    },
  ];
  await stage.store.ledger.book(calls.map((call) => ledgerOf(names, call.sessionKey ?? one, call)));
  await stage.store.sessions.open(one, "main", { sessionId: "sid-one", atMs: nowMs });
  await stage.store.sessions.patch(one, { label: "Talk" }, nowMs);
  const said = [
    { role: "user", content: [{ type: "text", text: "look it up" }] },
    {
      role: "assistant",
      content: [{ type: "toolCall", id: "1", name: "read", arguments: {} }],
      usage: { totalTokens: 126, cost: { total: 0.001 } },
    },
    { role: "toolResult", toolName: "read", isError: true, content: [{ type: "text", text: "no" }] },
  ];
  const entries = said.map((message) => ({
    id: names.hex8(),
    type: "message" as const,
    atMs: nowMs - hour,
    body: { message },
  }));
  await stage.store.sessions.append(one, entries, nowMs);
}

const costTotals = {
  input: 100,
  output: 20,
  cacheRead: 5,
  cacheWrite: 1,
  totalTokens: 126,
  totalCost: 0.001,
  inputCost: 0.0006,
  outputCost: 0.0003,
  cacheReadCost: 0.00006,
  cacheWriteCost: 0.00004,
  missingCostEntries: 0,
};

describe("usage over the wire", () => {
  it("X4, X5: a cost summary has days and totals by kind of token, says what is missing, estimated and told by the provider", async () => {
    await someUse();
    const summary = await client.ask("usage.cost", { days: 3, by: "user" });
    expect(summary).toMatchObject({
      updatedAt: nowMs,
      days: 3,
      daily: [
        { date: "2026-11-19", key: "2026-11-19", ...costTotals, reportedCalls: 1, estimatedCalls: 0 },
        { date: "2026-11-20", totalTokens: 252, totalCost: 0.5, missingCostEntries: 1, estimatedCalls: 1 },
      ],
      groups: [
        { key: "webchat:bob", calls: 1, costUsd: 0.5, unpricedCalls: 0 },
        { key: "irc:alice", calls: 2, costUsd: 0.001, unpricedCalls: 1 },
      ],
      totals: {
        calls: 3,
        totalTokens: 378,
        totalCost: 0.501,
        inputCost: 0.0006,
        missingCostEntries: 1,
        reportedCalls: 1,
      },
    });
    const by = async (group: string): Promise<unknown> =>
      ((await client.ask("usage.cost", { by: group })) as { groups: { key: string; calls: number }[] }).groups.map(
        ({ key, calls }) => [key, calls],
      );
    expect(await by("origin")).toEqual([
      ["chat", 2],
      ["heartbeat", 1],
    ]);
    expect(await by("profile")).toEqual([
      ["", 2],
      ["work", 1],
    ]);
    expect(await by("provider")).toEqual([
      ["demo", 1],
      ["openai", 2],
    ]);
    expect(await client.ask("usage.cost", { days: 1, agentId: "nobody" })).toMatchObject({ totals: { calls: 0 } });
    expect(await client.ask("usage.cost", { days: 30, sessionKey: one, by: "model" })).toMatchObject({
      groups: [{ key: "openai/gpt-x", calls: 2 }],
    });
    expect(await client.ask("usage.status")).toMatchObject({
      today: { calls: 2, costUsd: 0.5 },
      total: { calls: 3, totalTokens: 378 },
      models: [{ key: "demo/a/b" }, { key: "openai/gpt-x", reportedCalls: 1 }],
    });
  });

  it("X5: a session's summary tells span, days, messages, tools, models and latencies", async () => {
    await someUse();
    const answer = await client.ask("sessions.usage", { range: "7d", key: one });
    expect(answer).toMatchObject({
      startDate: "2026-11-14",
      endDate: "2026-11-20",
      timeZone: "UTC",
      totals: { totalTokens: 252, totalCost: 0.001, missingCostEntries: 1 },
      overview: { matchedSessions: 1, returnedSessions: 1, durationCount: 1, durationSumMs: 24 * hour },
    });
    const latency = (ms: number) => ({ count: 1, avgMs: ms, p50Ms: ms, p95Ms: ms, minMs: ms, maxMs: ms });
    const counts = { total: 2, user: 1, assistant: 1, toolCalls: 1, toolResults: 1, errors: 1 };
    const both = { ...costTotals, input: 200, output: 40, cacheRead: 10, cacheWrite: 2, totalTokens: 252 };
    expect((answer as { sessions: unknown[] }).sessions).toEqual([
      {
        key: one,
        agentId: "main",
        label: "Talk",
        sessionId: "sid-one",
        updatedAt: nowMs,
        channel: "irc",
        modelProvider: "openai",
        model: "gpt-x",
        usage: {
          ...both,
          missingCostEntries: 1,
          sessionId: "sid-one",
          firstActivity: nowMs - 25 * hour,
          lastActivity: nowMs - hour,
          durationMs: 24 * hour,
          activityDates: ["2026-11-19", "2026-11-20"],
          dailyBreakdown: [
            { date: "2026-11-19", tokens: 126, cost: 0.001 },
            { date: "2026-11-20", tokens: 126, cost: 0 },
          ],
          dailyMessageCounts: [{ date: "2026-11-20", ...counts }],
          dailyLatency: [
            { date: "2026-11-19", ...latency(1_000) },
            { date: "2026-11-20", ...latency(3_000) },
          ],
          dailyModelUsage: [
            { date: "2026-11-19", provider: "openai", model: "gpt-x", tokens: 126, cost: 0.001, count: 1 },
            { date: "2026-11-20", provider: "openai", model: "gpt-x", tokens: 126, cost: 0, count: 1 },
          ],
          messageCounts: counts,
          toolUsage: { totalCalls: 1, uniqueTools: 1, tools: [{ name: "read", count: 1 }] },
          modelUsage: [{ provider: "openai", model: "gpt-x", count: 2, totals: { ...both, missingCostEntries: 1 } }],
          latency: { count: 2, avgMs: 2_000, p50Ms: 1_000, p95Ms: 3_000, minMs: 1_000, maxMs: 3_000 },
        },
      },
    ]);
  });

  it("X5: all sessions together are what they are one by one", async () => {
    await someUse();
    const all = (await client.ask("sessions.usage", {})) as Awaited<ReturnType<typeof askAll>>;
    expect(all.sessions.map(({ key }) => key)).toEqual([one, two]);
    expect(all.aggregates).toMatchObject({
      messages: { total: 2, errors: 1 },
      tools: { totalCalls: 1 },
      byModel: [
        { provider: "demo", model: "a/b", count: 1 },
        { provider: "openai", model: "gpt-x", count: 2 },
      ],
      byProvider: [{ provider: "openai" }, { provider: "demo" }],
      byAgent: [{ agentId: "main", totals: { totalTokens: 378 } }],
      byChannel: [{ channel: "webchat" }, { channel: "irc" }],
      latency: { count: 2, minMs: 1_000, maxMs: 3_000 },
      daily: [
        { date: "2026-11-19", tokens: 126, messages: 0 },
        { date: "2026-11-20", tokens: 252, messages: 2, toolCalls: 1, errors: 1 },
      ],
    });
    const alone = await Promise.all([askAll({ key: one }), askAll({ key: two })]);
    const withoutLatency = alone.flatMap(({ sessions }) =>
      sessions.map(({ usage, ...rest }) => {
        const { latency: _, dailyLatency: _days, ...told } = usage as Record<string, unknown>;
        return { ...rest, usage: told };
      }),
    );
    expect(all.sessions).toEqual(withoutLatency);
    const sum = (of: "totalTokens" | "totalCost"): number => alone.reduce((total, { totals }) => total + totals[of], 0);
    expect([all.totals.totalTokens, all.totals.totalCost]).toEqual([sum("totalTokens"), sum("totalCost")]);
    expect(await askAll({ key: "agent:main:nobody" })).toMatchObject({ sessions: [], totals: { totalTokens: 0 } });
    expect((await askAll({ limit: 1 })).overview).toMatchObject({ matchedSessions: 2, returnedSessions: 1 });
    expect((await askAll({ agentId: "other" })).sessions).toEqual([]);
  });

  function askAll(params: Record<string, unknown>) {
    return client.ask("sessions.usage", params) as unknown as Promise<{
      sessions: { key: string; usage: unknown }[];
      totals: { totalTokens: number; totalCost: number };
      aggregates: unknown;
      overview: unknown;
    }>;
  }

  it("X5: takes whatever the published schema of sessions.usage allows, and no day that is none", async () => {
    const published = JSON.parse(JSON.stringify(SessionsUsageParamsSchema)) as { properties: Record<string, unknown> };
    const ours = z.toJSONSchema(sessionsUsage.params, { io: "input" }) as { properties: Record<string, unknown> };
    expect(Object.keys(ours.properties).toSorted()).toEqual(Object.keys(published.properties).toSorted());
    const theirs = z.fromJSONSchema(published as never);
    for (const params of [
      { startDate: "2026-11-01", endDate: "2026-11-20", mode: "specific", utcOffset: "UTC+5:30" },
      { range: "all", groupBy: "family", includeHistorical: true, includeContextWeight: true, agentScope: "all" },
      { range: "1y", mode: "gateway", timeZone: "Europe/Lisbon", limit: 1_000_000 },
    ]) {
      expect(theirs.safeParse(params).success).toBe(true);
      expect(await client.ask("sessions.usage", params)).toMatchObject({ sessions: [] });
    }
    for (const params of [
      { startDate: "2026-02-31", endDate: "2026-03-01" },
      { startDate: "2026-03-01", endDate: "2026-02-01" },
      { startDate: "2026-03-01" },
      { range: "8d" },
      { startdate: "2026-03-01" },
    ]) {
      expect(errorOf(await client.call("sessions.usage", params)), JSON.stringify(params)).toMatchObject({
        code: "INVALID_REQUEST",
      });
    }
  });

  it("a session's calls add up from its first one on, also where only the last are asked for", async () => {
    await someUse();
    const points = async (limit?: number) =>
      (await client.ask("sessions.usage.timeseries", { key: one, ...(limit === undefined ? {} : { limit }) })) as {
        points: unknown[];
      };
    const all = await points();
    expect(all).toMatchObject({
      sessionId: "sid-one",
      points: [
        {
          timestamp: nowMs - 25 * hour,
          cost: 0.001,
          costFrom: "provider",
          cumulativeTokens: 126,
          cumulativeCost: 0.001,
        },
        { timestamp: nowMs - hour, cost: 0, costFrom: "unknown", estimated: true, cumulativeTokens: 252 },
      ],
    });
    expect((await points(1)).points).toEqual(all.points.slice(1));
    expect(await client.ask("sessions.usage.logs", { key: one })).toEqual({
      logs: [
        { timestamp: nowMs - hour, role: "user", content: "look it up" },
        { timestamp: nowMs - hour, role: "assistant", content: "[uses read]", tokens: 126, cost: 0.001 },
        { timestamp: nowMs - hour, role: "toolResult", content: "no" },
      ],
    });
    expect(errorOf(await client.call("sessions.usage.logs", { key: "agent:main:nobody" }))).toMatchObject({
      details: { errorCode: "RPC_007" },
    });
  });

  it("X2: says on request whether counting anew gives what was kept", async () => {
    await someUse();
    const sums = [
      ["days", 3],
      ["sessions", 3],
      ["latencies", 2],
      ["messages", 1],
      ["tools", 1],
    ].map(([sum, rows]) => ({ sum, rows, differing: 0 }));
    expect(await client.ask("usage.check", {})).toEqual({ sound: true, sums });
    const other = new Database(`${stage.folder}/store.sqlite`, { readOnly: false, cacheKiB: 64, busyTimeoutMs: 1_000 });
    other.run(`UPDATE ledger SET cost_micros = cost_micros + 1 WHERE cost_micros = 500000`);
    other.close();
    expect(await client.ask("usage.check", {})).toMatchObject({
      sound: false,
      sums: [{ differing: 2 }, { differing: 2 }, { differing: 0 }, { differing: 0 }, { differing: 0 }],
    });
  });

  it("books the calls of another installation once, and none of the future", async () => {
    const call = { ...someCall, atMs: nowMs - hour };
    expect(await client.ask("usage.import", { calls: [call, call] })).toEqual({ ok: true, booked: 1, known: 1 });
    expect(await client.ask("usage.import", { calls: [call] })).toEqual({ ok: true, booked: 0, known: 1 });
    expect(await client.ask("usage.cost", { by: "origin" })).toMatchObject({
      groups: [{ key: "import", calls: 1, costUsd: 0.000007, reportedCalls: 1 }],
    });
    const future = { ...call, id: "def", atMs: nowMs + 25 * hour };
    expect(errorOf(await client.call("usage.import", { calls: [call, future] }))).toMatchObject({
      code: "INVALID_REQUEST",
    });
    const many = Array.from({ length: limits.usageImportCalls + 1 }, () => call);
    expect(errorOf(await client.call("usage.import", { calls: many }))).toMatchObject({ code: "INVALID_REQUEST" });
    expect(await client.ask("usage.import", { calls: many.slice(1) })).toMatchObject({ booked: 0 });
  });
});
