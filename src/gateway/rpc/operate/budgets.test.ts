/** Budgets over the wire: who may see and change them, and that dollars are dollars on both sides. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../../platform/fake-clock.ts";
import { t0 } from "../../../store/conformance/samples.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { askForMore, holdFor, payer, purse } from "./budgets.fixture.ts";
import { connect, errorOf, makeIdentity, type WireClient } from "../../wire-client.fixture.ts";

let stage: Stage;
let client: WireClient;

beforeEach(async () => {
  stage = await openStage({
    clock: new FakeClock(t0),
    config: (config) => ({ ...config, budgets: { ...config.budgets, agents: { main: { day: 5 } }, warnAt: 0.9 } }),
  });
  client = await connect(stage.url);
});
afterEach(() => stage.close());

describe("budget.get", () => {
  it("shows limits, what is left of them, lost calls, open questions and pauses", async () => {
    await holdFor(stage, "call-1");
    await stage.store.budgets.loseOrphans(t0 + 1);
    const id = await askForMore(stage);
    await client.ask("budget.pause", { agentId: "main", reason: "a loop" });
    const { kind, period, sinceMs, untilMs } = purse;
    expect(await client.ask("budget.get")).toEqual({
      timeZone: "UTC",
      warnAt: 0.9,
      unpriced: "refuse",
      pauses: [{ agentId: "main", atMs: t0, by: expect.any(String), reason: "a loop" }],
      purses: [{ kind, id: "main", period, sinceMs, untilMs, limitUsd: 5, extraUsd: 0, spentUsd: 0, heldUsd: 4.98 }],
      lost: [
        {
          id: "call-1",
          atMs: t0,
          runId: "run-1",
          sessionKey: payer.sessionKey,
          agentId: "main",
          model: "openai/m",
          usd: 4.98,
        },
      ],
      approvals: [
        {
          id,
          kind,
          purse: "main",
          period,
          proposedUsd: 1,
          sessionKey: payer.sessionKey,
          createdMs: t0,
          expiresMs: untilMs,
        },
      ],
    });
    expect(stage.calls).toContain("interrupt main");
  });

  it("shows what the ledger says of a purse that nobody has asked yet", async () => {
    expect(await client.ask("budget.get")).toMatchObject({ purses: [{ id: "main", spentUsd: 0, limitUsd: 5 }] });
  });
});

describe("a decision about a budget", () => {
  it("is made once, with what was proposed or another amount", async () => {
    const id = await askForMore(stage);
    const answers = await Promise.all([
      client.ask("budget.allow", { id, usd: 2.5 }),
      client.ask("budget.allow", { id }),
    ]);
    expect(answers).toEqual([
      { id, outcome: "allowed", state: "allowed", usd: 2.5, replayed: 0 },
      { id, outcome: "late", state: "allowed", usd: 0, replayed: 0 },
    ]);
    expect(await client.ask("budget.get")).toMatchObject({ purses: [{ extraUsd: 2.5 }], approvals: [] });
    expect(stage.calls).toContain("wake");
    const other = await askForMore(stage);
    expect(other).not.toBe(id);
    expect(await client.ask("budget.deny", { id: other })).toMatchObject({ outcome: "denied" });
    expect(await client.ask("budget.allow", { id: other })).toMatchObject({ outcome: "late", state: "denied" });
    expect(errorOf(await client.call("budget.allow", { id: "nothing" })).details).toMatchObject({
      errorCode: "RPC_007",
    });
  });

  it("settles a lost call at what it cost", async () => {
    await holdFor(stage, "call-1");
    const settle = () => client.call("budget.settle", { id: "call-1", usd: 0.25 });
    expect(errorOf(await settle()).details).toMatchObject({ errorCode: "RPC_007" });
    await stage.store.budgets.loseOrphans(t0 + 1);
    expect(await settle()).toMatchObject({ ok: true });
    expect(await client.ask("budget.get")).toMatchObject({ lost: [], purses: [{ spentUsd: 0.25, heldUsd: 0 }] });
    expect(errorOf(await settle()).details).toMatchObject({ errorCode: "RPC_007" });
  });

  it("pauses and goes on", async () => {
    await client.ask("budget.pause");
    expect(stage.calls).toContain("interrupt all");
    expect(await client.ask("budget.resume", { agentId: "main" })).toEqual({ ok: true, lifted: 0, replayed: 0 });
    expect(await client.ask("budget.resume")).toEqual({ ok: true, lifted: 1, replayed: 0 });
  });

  it("is written by the writer of the configuration", async () => {
    await client.ask("budget.set", { kind: "user", id: "telegram:1", day: 2, month: null });
    await client.ask("budget.set", { kind: "global", month: 20 });
    expect(stage.config.changes).toEqual([
      { kind: "patch", patch: { budgets: { users: { "telegram:1": { day: 2, month: null } } } } },
      { kind: "patch", patch: { budgets: { global: { month: 20 } } } },
    ]);
  });

  it.each([
    ["budget.set", { kind: "global", id: "x", day: 1 }],
    ["budget.set", { kind: "user", day: 1 }],
    ["budget.set", { kind: "global" }],
    ["budget.set", { kind: "global", day: -1 }],
    ["budget.set", { kind: "purse", id: "x", day: 1 }],
    ["budget.allow", { id: "x", usd: 0 }],
    ["budget.settle", { id: "x" }],
    ["budget.pause", { reason: "" }],
  ])("%s refuses %j with what is wrong", async (method, params) => {
    expect(errorOf(await client.call(method, params)).details).toMatchObject({ errorCode: "RPC_003" });
    expect(stage.config.changes).toEqual([]);
  });

  it("is not for those who may only read or write", async () => {
    const scopes = ["operator.read", "operator.write", "operator.approvals"] as const;
    const reader = await connect(stage.url, { identity: makeIdentity(), scopes });
    expect(await reader.ask("budget.get")).toMatchObject({ purses: [{ id: "main" }] });
    const calls = [
      ["budget.set", { kind: "global", day: 1 }],
      ["budget.allow", { id: "x" }],
      ["budget.deny", { id: "x" }],
      ["budget.settle", { id: "x", usd: 1 }],
      ["budget.pause", {}],
      ["budget.resume", {}],
    ] as const;
    for (const [method, params] of calls) {
      expect(errorOf(await reader.call(method, params)).details, method).toMatchObject({ errorCode: "SEC_004" });
    }
  });
});
