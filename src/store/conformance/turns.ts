/** Rules of turns: steps that survive, and one commit in which everything of the end is there or nothing. */
import { beforeEach, expect, it } from "vitest";
import type { Rig } from "../conformance.ts";
import type { StepRow } from "../port.ts";
import {
  createNames,
  drain,
  draftOf,
  entryOf,
  failure,
  ledgerOf,
  resultOf,
  startTurn,
  t0,
  transcriptDraft,
  usage,
} from "./samples.ts";

export function turnRules(rig: Rig): void {
  const names = createNames("turn");
  beforeEach(() => drain(rig.store()));

  it("ends turn, message, transcript, outbox and ledger in one commit, over a restart too", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const call = { callId: "c1", tool: "clock", input: { zone: "UTC" } };
    const draft = draftOf(names, entry.sessionKey);
    const user = transcriptDraft(names, "hi");
    const reply = transcriptDraft(names, "the answer");
    const paid = ledgerOf(names, entry.sessionKey, { runId: entry.runId });
    await rig.store().sessions.open(entry.sessionKey, "main", { sessionId: names.next("id"), atMs: t0 });
    await rig
      .store()
      .turns.finish(lease, resultOf({ toolCalls: [call], transcript: [user, reply], outbox: [draft], ledger: [paid] }));
    const store = await rig.reopen();
    expect(await store.turns.get(entry.runId)).toEqual({
      runId: entry.runId,
      messageId: entry.message.id,
      sessionKey: entry.sessionKey,
      agentId: "main",
      state: "final",
      startedMs: t0,
      endedMs: t0 + 1_000,
      text: "the answer",
      toolCalls: [call],
      stopReason: "stop",
      model: "openai/gpt-x",
      usage,
      costMicros: 250,
      error: null,
    });
    expect(await store.inbox.get(entry.message.id)).toMatchObject({
      state: "replied",
      reason: "answered",
      leaseOwner: null,
    });
    const transcript = await store.sessions.transcript(entry.sessionKey);
    expect(transcript).toEqual([
      { ...user, seq: 1, parentId: null },
      { ...reply, seq: 2, parentId: user.id },
    ]);
    expect(await store.outbox.ofRun(entry.runId)).toMatchObject([
      { ...draft, messageId: entry.message.id, sessionKey: entry.sessionKey, attempts: 0 },
    ]);
    expect(await store.ledger.totals({ sessionKey: entry.sessionKey })).toMatchObject({ calls: 1, costMicros: 250 });
    expect(await store.sessions.get(entry.sessionKey)).toMatchObject({ messageCount: 2, costMicros: 250, usage });
  });

  it("refuses a second end and leaves the first as it is", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    await rig.store().turns.finish(lease, resultOf());
    const part = draftOf(names, entry.sessionKey);
    const again = rig.store().turns.finish(lease, resultOf({ text: "other", outbox: [part] }));
    await expect(again).rejects.toMatchObject({ code: "STORE_003" });
    expect((await rig.store().turns.get(entry.runId))?.text).toBe("the answer");
    expect(await rig.store().outbox.get(part.id)).toBeNull();
  });

  it("lets one of many concurrent ends win", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const ends = Array.from({ length: 20 }, () =>
      rig.store().turns.finish(lease, resultOf({ outbox: [draftOf(names, entry.sessionKey)] })),
    );
    const settled = await Promise.allSettled(ends);
    expect(settled.filter((end) => end.status === "fulfilled")).toHaveLength(1);
    expect(await rig.store().outbox.ofRun(entry.runId)).toHaveLength(1);
  });

  it("knows no turn before a worker took the message, and a running one afterwards", async () => {
    const entry = entryOf(names, names.next("s"));
    await rig.store().inbox.admit(entry, { atMs: t0 });
    expect(await rig.store().turns.get(entry.runId)).toBeNull();
    await rig.store().inbox.claim({ owner: "w", leaseMs: 1, atMs: t0 + 3, agingMs: 0 });
    expect(await rig.store().turns.get(entry.runId)).toMatchObject({
      state: "running",
      startedMs: t0 + 3,
      endedMs: null,
      text: "",
      stopReason: null,
    });
  });

  it("keeps steps for whoever goes on, and drops them with the end", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    const step = (index: number, record: unknown): StepRow => ({
      runId: entry.runId,
      index,
      kind: index % 2 === 0 ? "model" : "tool",
      record,
      atMs: t0 + index,
    });
    const steps = [step(0, { text: "let me look" }), step(1, ["tool", null])];
    const paid = ledgerOf(names, entry.sessionKey);
    const line = transcriptDraft(names, "let me look");
    await rig.store().turns.appendStep(lease, step(0, "replaced below"), { ledger: [paid] });
    await rig.store().turns.appendStep(lease, steps[0] ?? step(0, 0), { ledger: [paid], transcript: [line] });
    await rig.store().turns.appendStep(lease, steps[1] ?? step(1, 0), { ledger: [] });
    const store = await rig.reopen();
    expect(await store.turns.steps(entry.runId)).toEqual(steps);
    expect(await store.ledger.totals({ sessionKey: entry.sessionKey })).toMatchObject({ calls: 1 });
    await store.turns.finish(lease, resultOf({ ledger: [paid, ledgerOf(names, entry.sessionKey)] }));
    expect(await store.turns.steps(entry.runId)).toEqual([]);
    expect(await store.ledger.totals({ sessionKey: entry.sessionKey })).toMatchObject({ calls: 2 });
    expect(await store.sessions.get(entry.sessionKey)).toMatchObject({ costMicros: 500, messageCount: 1 });
    expect(await store.turns.steps("nobody")).toEqual([]);
  });

  it("writes no session and no transcript for an ephemeral message", async () => {
    const entry = entryOf(names, names.next("s"), { ephemeral: true });
    const lease = await startTurn(rig.store(), entry);
    const paid = ledgerOf(names, entry.sessionKey);
    await rig.store().turns.finish(lease, resultOf({ transcript: [transcriptDraft(names, "x")], ledger: [paid] }));
    expect(await rig.store().sessions.get(entry.sessionKey)).toBeNull();
    expect(await rig.store().sessions.transcript(entry.sessionKey)).toEqual([]);
    expect(await rig.store().ledger.totals({ sessionKey: entry.sessionKey })).toMatchObject({ calls: 1 });
    expect(await rig.store().turns.get(entry.runId)).toMatchObject({ state: "final" });
  });

  it("keeps the answer of a session that nobody opened", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    await rig.store().turns.finish(lease, resultOf({ transcript: [transcriptDraft(names, "x")] }));
    expect(await rig.store().sessions.get(entry.sessionKey)).toMatchObject({ sessionId: entry.runId, messageCount: 1 });
  });

  it("records a turn that failed, with its error and a message that is dead", async () => {
    const entry = entryOf(names, names.next("s"));
    const lease = await startTurn(rig.store(), entry);
    await rig.store().turns.finish(
      lease,
      resultOf({
        state: "error",
        error: failure,
        costMicros: null,
        inbox: { state: "dead", reason: "no model answered" },
      }),
    );
    expect(await rig.store().turns.get(entry.runId)).toMatchObject({
      state: "error",
      error: failure,
      costMicros: null,
    });
    expect(await rig.store().inbox.get(entry.message.id)).toMatchObject({ state: "dead", reason: "no model answered" });
  });
}
