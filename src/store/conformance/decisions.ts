/** Rules of what was decided about calls of tools: kept once, told in order and in pages, gone by age and with nothing else. */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { DecisionRow } from "../decision-port.ts";
import { createNames, t0 } from "./samples.ts";

export function decisionRules(rig: Rig): void {
  const names = createNames("decision");
  const rowOf = (atMs: number, changes: Partial<DecisionRow> = {}): DecisionRow => ({
    id: names.next("id"),
    atMs,
    runId: names.next("run"),
    callId: "call-1",
    sessionKey: "agent:main:main",
    agentId: "main",
    tool: "exec",
    effect: "ask",
    rule: 'tools.bySender."irc:ünïcödé".deny[0]',
    facts: { act: { kind: "command", text: "echo \u0000 ✨", env: {} }, taint: [], within: null, isOwner: false },
    ...changes,
  });
  const all = async (sinceMs = 0): Promise<readonly DecisionRow[]> =>
    (await rig.store().decisions.list({ sinceMs, limit: 1_000 })).rows;
  beforeEach(() => rig.store().decisions.prune({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 10_000 }));

  it("gives back what it was given, over a restart too", async () => {
    const rows = [
      rowOf(t0),
      rowOf(t0 + 1, { effect: "deny", facts: null }),
      rowOf(t0 + 2, { effect: "allow", facts: [] }),
    ];
    await rig.store().decisions.add(rows);
    await rig.reopen();
    expect(await all()).toEqual(rows);
  });

  it("keeps a decision once: an id that is known writes nothing, in another batch or in the same", async () => {
    const row = rowOf(t0);
    await rig.store().decisions.add([row, { ...row, effect: "deny" }]);
    await rig.store().decisions.add([{ ...row, effect: "allow" }, rowOf(t0 + 1)]);
    await rig.store().decisions.add([]);
    expect((await all()).map(({ effect }) => effect)).toEqual(["ask", "ask"]);
    expect((await all())[0]).toEqual(row);
  });

  it("tells them by time, those of one moment as they came, from that very moment on", async () => {
    const [late, first, second, early] = [rowOf(t0 + 5), rowOf(t0), rowOf(t0), rowOf(t0 - 1)];
    await rig.store().decisions.add([late, first, second, early]);
    expect((await all()).map(({ id }) => id)).toEqual([early, first, second, late].map(({ id }) => id));
    expect((await all(t0)).map(({ id }) => id)).toEqual([first, second, late].map(({ id }) => id));
    expect(await all(t0 + 6)).toEqual([]);
  });

  it("tells them in pages that miss none and repeat none, while more are written and of one moment too", async () => {
    const rows = Array.from({ length: 11 }, (_, index) => rowOf(t0 + Math.floor(index / 4)));
    await rig.store().decisions.add(rows.slice(0, 9));
    const told: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 20; page += 1) {
      const found = await rig
        .store()
        .decisions.list({ sinceMs: t0, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      expect(found.rows.length).toBeLessThanOrEqual(2);
      told.push(...found.rows.map(({ id }) => id));
      if (page === 1) await rig.store().decisions.add(rows.slice(9));
      if (found.nextCursor === null) break;
      cursor = found.nextCursor;
    }
    expect(told).toEqual(rows.map(({ id }) => id));
  });

  it("drops what is older, the oldest first, and no more than it is told to", async () => {
    await rig.store().decisions.add(Array.from({ length: 5 }, (_, index) => rowOf(t0 + index)));
    expect(await rig.store().decisions.prune({ beforeMs: t0 + 4, limit: 3 })).toBe(3);
    expect((await all()).map(({ atMs }) => atMs)).toEqual([t0 + 3, t0 + 4]);
    expect(await rig.store().decisions.prune({ beforeMs: t0 + 4, limit: 3 })).toBe(1);
    expect(await rig.store().decisions.prune({ beforeMs: t0 + 4, limit: 3 })).toBe(0);
    expect((await all()).map(({ atMs }) => atMs)).toEqual([t0 + 4]);
  });

  it("goes with its session where that is deleted, and no other goes with it", async () => {
    const key = names.next("session");
    await rig.store().sessions.open(key, "main", { sessionId: names.next("s"), atMs: t0 });
    const other = rowOf(t0);
    await rig.store().decisions.add([rowOf(t0, { sessionKey: key }), other]);
    await rig.store().sessions.delete(key);
    expect(await all()).toEqual([other]);
  });
}
