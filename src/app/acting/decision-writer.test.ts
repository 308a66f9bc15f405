/** What is kept of decisions: all of them, whole where they are small, and never a known secret. */
import { afterEach, describe, expect, it } from "vitest";
import type { AppEvent } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import { createEventBus } from "../../platform/bus.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { callOf, commandAct, elsewhere, webPage } from "../../policy/policy-world.fixture.ts";
import type { DecisionRow } from "../../store/decision-port.ts";
import { Database } from "../../store/sqlite/database.ts";
import { openInlineStore } from "../../store/sqlite/open-inline-store.ts";
import { createDecisionWriter } from "./decision-writer.ts";

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

const scope = { runId: "run-1", sessionKey: "agent:main:main", agentId: "main" };

function decided(facts: unknown, callId = "c1"): AppEvent {
  const told = { effect: "ask", rule: "built-in", says: "Somebody is asked." } as const;
  return { type: "tool.decided", callId, tool: "exec", ...told, facts, atMs: 7, ...scope };
}

function open(add?: (rows: readonly DecisionRow[]) => Promise<void>) {
  const database = new Database(":memory:", { readOnly: false, cacheKiB: 1_024, busyTimeoutMs: 0 });
  databases.push(database);
  const store = openInlineStore({ database, delay: () => Promise.resolve(), signal: new AbortController().signal });
  const clock = new FakeClock();
  const bus = createEventBus(silentLog());
  const writer = createDecisionWriter({
    bus,
    store: add === undefined ? store : { decisions: { ...store.decisions, add } },
    clock,
    ids: systemIds(),
    log: silentLog(),
    redact: (text) => text.replaceAll("s3cret", "(a secret)"),
  });
  const rows = async () => (await store.decisions.list({ sinceMs: 0, limit: 100 })).rows;
  return { clock, bus, writer, rows };
}

describe("the record of decisions", () => {
  it("keeps each with its rule and its facts, written behind, and what waits when the house closes", async () => {
    const { clock, bus, writer, rows } = open();
    const facts = callOf("exec", commandAct("git push"), { taint: [webPage], within: ["exec"] });
    bus.emit(decided(facts));
    expect(await rows()).toEqual([]);
    await clock.advance(500);
    const told = { callId: "c1", tool: "exec", effect: "ask", rule: "built-in", atMs: 7, ...scope };
    expect(await rows()).toEqual([{ id: expect.any(String) as string, ...told, facts }]);
    bus.emit(decided(facts, "c2"));
    bus.emit({ type: "tool.started", callId: "c3", tool: "exec", input: {}, atMs: 8, ...scope });
    await writer.close();
    expect((await rows()).map(({ callId }) => callId)).toEqual(["c1", "c2"]);
    expect(clock.pendingTimers).toBe(0);
    bus.emit(decided(facts, "c4"));
    await clock.advance(5_000);
    expect(await rows()).toHaveLength(2);
  });

  it("R103: a known secret is in no fact, however deep it stands", async () => {
    const { bus, writer, rows } = open();
    const act = commandAct("curl -H s3cret", { env: { TOKEN: "s3cret" } });
    bus.emit(decided(callOf("exec", act, { taint: [{ class: "foreign", source: "mail s3cret" }] })));
    await writer.close();
    const kept = JSON.stringify(await rows());
    expect(kept).not.toContain("s3cret");
    expect(kept.match(/\(a secret\)/g)).toHaveLength(3);
  });

  it("facts are kept whole up to their limit; larger ones are cut and marked, since they cannot be tried again", async () => {
    const { bus, writer, rows } = open();
    const facts = (text: string) => ({ ...callOf("message", { ...elsewhere, text } as typeof elsewhere) });
    const room = limits.decisionFactsBytes - Buffer.byteLength(JSON.stringify(facts("")));
    bus.emit(decided(facts("x".repeat(room)), "fits"));
    bus.emit(decided(facts("x".repeat(room + 1)), "too-large"));
    bus.emit(decided({ list: Array.from({ length: 50_000 }, () => "many") }, "too-many"));
    await writer.close();
    const [fits, tooLarge, tooMany] = (await rows()).map((row) => row.facts as Record<string, unknown>);
    expect(fits).toEqual(facts("x".repeat(room)));
    expect(tooLarge).toMatchObject({ cut: true, tool: "message", act: { text: `${"x".repeat(1_000)}…` } });
    expect(tooMany).toEqual({ cut: true });
  });

  it("a store that is in trouble holds up nothing: the oldest go first, and it is tried on", async () => {
    let isBroken = true;
    const added: (readonly DecisionRow[])[] = [];
    const { clock, bus, writer } = open((rows) => {
      if (isBroken) return Promise.reject(new Error("the disk is full"));
      added.push(rows);
      return Promise.resolve();
    });
    bus.emit(decided(null, "lost"));
    await clock.advance(500);
    isBroken = false;
    for (let index = 0; index < limits.decisionsWaiting + 1; index += 1) bus.emit(decided(null, `c${index}`));
    await writer.close();
    expect(added).toHaveLength(1);
    expect(added[0]).toHaveLength(limits.decisionsWaiting);
    expect(added[0]?.[0]?.callId).toBe("c1");
  });
});
