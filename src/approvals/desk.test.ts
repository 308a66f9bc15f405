/** Questions to people about one act: who is asked, whose answer counts, and what becomes of a question over time. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { t0 } from "../store/conformance/samples.ts";
import type { Asked, Approver } from "./contract.ts";
import { approvalView } from "./subject.ts";
import { openDesk, proposal, question, watcher, type DeskWorld, type WorldOptions } from "./world.fixture.ts";

let world: DeskWorld;
beforeEach(async () => {
  world = await openDesk();
});
afterEach(() => world.close());

async function anew(options: WorldOptions): Promise<void> {
  await world.close();
  world = await openDesk(options);
}

const ui: Approver = { id: "device:page", via: "gateway" };
const local: Approver = { id: "local", via: "socket" };
const owner: Approver = { id: "irc:account:ann", via: "chat", isOwner: true };
const stranger: Approver = { id: "irc:account:eve", via: "chat", isOwner: false };

function idOf(asked: Asked): string {
  if (asked.id === null) throw new Error("nobody was asked");
  return asked.id;
}

async function asks(changes: Parameters<typeof question>[0] = {}): Promise<string> {
  const asked = await world.desk.ask(question(changes));
  expect(asked.state).toBe("open");
  return idOf(asked);
}

const claimed = async () =>
  (await world.store.inbox.claim({ owner: "w", leaseMs: 9, atMs: world.clock.nowMs(), agingMs: 0 }))?.row.message.id;

const told = (type: "approval.requested" | "approval.resolved") => world.events.filter((event) => event.type === type);

describe("a question about an act", () => {
  it("P1: tells whoever may answer all there is to know, and keeps no environment", async () => {
    const page = watcher();
    world.desk.listen(page);
    const id = await asks();
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(page.seen).toEqual([id]);
    const row = await world.store.approvals.get(id);
    expect(told("approval.requested")).toEqual([
      expect.objectContaining({ id, expiresMs: world.clock.nowMs() + 300_000, sessionKey: "agent:main:main" }),
    ]);
    expect(row === null ? null : approvalView(row)).toEqual({
      id,
      kind: "exec",
      tool: "exec",
      shown: "git status && rm -rf ./built",
      cwd: "/home/ann/work",
      programs: ["/usr/bin/git"],
      reasons: ["rm is on no list"],
      taint: [{ class: "foreign", source: "web page https://example.org/a" }],
      always: proposal.says,
      runId: "run-1",
      callId: "call-1",
      sessionKey: "agent:main:main",
      agentId: "main",
      channel: "irc",
      senderId: "account:ann",
      createdMs: world.clock.nowMs(),
      expiresMs: world.clock.nowMs() + 300_000,
      state: "open",
      decidedMs: null,
      decidedBy: null,
      answer: null,
    });
    expect(JSON.stringify([row, world.events])).not.toContain("hush");
  });

  for (const [how, by] of Object.entries({ "the page": ui, "a chat": owner, "a local program": local })) {
    it(`P1: is answered from ${how}: the first counts, the others are told how it stands, and who it was is kept`, async () => {
      world.desk.listen(watcher());
      const id = await asks();
      const message = await world.park(id);
      const answers = await Promise.all([
        world.desk.answer(id.toUpperCase(), "allow-once", by),
        world.desk.answer(id, "deny", ui),
        world.desk.answer(id, "allow-always", local),
      ]);
      expect(answers.map(({ outcome }) => outcome)).toEqual(["decided", "late", "late"]);
      expect(answers[1]).toMatchObject({ row: { state: "allowed", decidedBy: by.id } });
      expect(await world.desk.ask(question())).toEqual({ state: "allowed", id, by: by.id, binding: "b1" });
      expect(told("approval.resolved")).toEqual([
        expect.objectContaining({ id, state: "allowed", by: by.id, decision: { answer: "allow-once" } }),
      ]);
      expect(world.wakes()).toBe(1);
      expect(await claimed()).toBe(message);
      const trace = await world.store.trace.of("run-1");
      expect(trace.map(({ type }) => type)).toEqual(["approval.asked", "approval.allowed"]);
      expect(trace[1]?.data).toEqual({ approval: id, by: by.id, answer: "allow-once" });
    });
  }

  it("P1: a no sets the parked turn going too, and stays a no", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    const message = await world.park(id);
    expect(await claimed()).toBeUndefined();
    await world.desk.answer(id, "deny", ui);
    expect(await claimed()).toBe(message);
    expect(await world.desk.ask(question())).toEqual({ state: "denied", id, why: "denied", by: ui.id });
  });

  it("R114: the same call about something else is another question, and no answer to the first is one to it", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    expect(await asks()).toBe(id);
    await world.desk.answer(id, "allow-once", ui);
    const other = await asks({ binding: "b2" });
    expect(other).not.toBe(id);
    for (const changed of [{ runId: "run-2" }, { callId: "call-2" }]) expect(await asks(changed)).not.toBe(id);
    expect(told("approval.requested")).toHaveLength(4);
  });

  it("P1: a chat's sender answers only as an owner or a named approver, and learns nothing else", async () => {
    await anew({ config: named(["irc:account:bob"]) });
    world.desk.listen(watcher());
    const id = await asks();
    for (const ask of [id, "00000000"])
      expect(await world.desk.answer(ask, "allow-once", stranger)).toEqual({ outcome: "not-yours" });
    // The same id on another platform is somebody else.
    const elsewhere: Approver = { id: "telegram:account:bob", via: "chat" };
    expect(await world.desk.answer(id, "deny", elsewhere)).toEqual({ outcome: "not-yours" });
    expect(await world.desk.answer("00000000", "deny", owner)).toEqual({ outcome: "unknown" });
    expect(await world.desk.answer(id, "deny", { id: "irc:account:bob", via: "chat" })).toMatchObject({
      outcome: "decided",
    });
  });

  it("is no question about money: those have a desk of their own", async () => {
    const draft = { subject: {}, subjectKey: "m", runId: null, sessionKey: "s", createdMs: world.clock.nowMs() };
    await world.store.approvals.request({
      ...draft,
      id: "00000001",
      kind: "budget",
      expiresMs: world.clock.nowMs() + 1_000,
    });
    expect(await world.desk.answer("00000001", "allow-once", ui)).toEqual({ outcome: "unknown" });
    expect(await world.desk.pending()).toEqual([]);
    expect((await world.store.approvals.get("00000001"))?.state).toBe("open");
  });
});

describe("what is allowed for good", () => {
  it("P1: is written down with who said so", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    expect(await world.desk.answer(id, "allow-always", owner)).toMatchObject({ outcome: "decided", always: "written" });
    expect(world.grants).toEqual([
      { agentId: "main", ...proposal, by: owner.id, atMs: world.clock.nowMs(), expiresMs: null },
    ]);
  });

  it("is refused where it can be allowed once only: the question stays open", async () => {
    world.desk.listen(watcher());
    const id = await asks({ always: null });
    expect(await world.desk.answer(id, "allow-always", ui)).toMatchObject({ outcome: "refused", why: "only-once" });
    expect((await world.desk.find(id))?.state).toBe("open");
    expect(await world.desk.answer(id, "allow-once", ui)).toMatchObject({ outcome: "decided", always: null });
    expect(world.grants).toEqual([]);
  });

  it("is not written by whoever comes late", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    await world.desk.answer(id, "deny", ui);
    expect(await world.desk.answer(id, "allow-always", local)).toMatchObject({ outcome: "late" });
    expect(world.grants).toEqual([]);
  });

  it("counts once where it cannot be written down, and says so", async () => {
    await anew({ grant: () => Promise.reject(new AppError("STORE_001", "full")) });
    world.desk.listen(watcher());
    const id = await asks();
    expect(await world.desk.answer(id, "allow-always", ui)).toMatchObject({ outcome: "decided", always: "failed" });
    expect(await world.desk.ask(question())).toMatchObject({ state: "allowed" });
  });
});

describe("where nobody could see it", () => {
  it("P2: it is denied at once, and no row waits for anybody", async () => {
    expect(await world.desk.ask(question())).toEqual({ state: "denied", id: null, why: "nobody-to-ask", by: null });
    expect(await world.desk.pending()).toEqual([]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("P14: what a crash left in doubt is asked all the same: pages and terminals are back a moment later", async () => {
    const asked = await world.desk.ask(question({ kind: "in-doubt" }));
    expect(asked).toMatchObject({ state: "open" });
    const page = watcher();
    world.desk.listen(page);
    expect(await world.desk.answer(idOf(asked), "allow-once", ui)).toMatchObject({ outcome: "decided" });
  });

  it("P2 R117: it is allowed at once where the fallback says so, and that is kept like every consent", async () => {
    const asked = await world.desk.ask(question({ fallback: "allow" }));
    expect(asked).toMatchObject({ state: "allowed", by: "askFallback", binding: "b1" });
    expect(await world.store.approvals.get(idOf(asked))).toMatchObject({ state: "allowed", decidedBy: "askFallback" });
  });

  it("P2: a listener that is off, or reaches nobody now, is nobody", async () => {
    const page = watcher();
    const stop = world.desk.listen(page);
    page.there = false;
    expect(await world.desk.ask(question())).toMatchObject({ state: "denied", why: "nobody-to-ask" });
    page.there = true;
    stop();
    expect(await world.desk.ask(question())).toMatchObject({ state: "denied", why: "nobody-to-ask" });
    world.desk.listen(page);
    expect(await world.desk.ask(question())).toMatchObject({ state: "open" });
  });

  it("P2: a listener that fails is nobody, and keeps the question from no one else", async () => {
    const broken = {
      ...watcher("broken"),
      reaches: () => {
        throw new Error("gone");
      },
    };
    world.desk.listen(broken);
    expect(await world.desk.ask(question())).toMatchObject({ state: "denied", why: "nobody-to-ask" });
    const page = watcher();
    const deaf = {
      ...watcher("deaf"),
      asked: () => {
        throw new Error("gone");
      },
      resolved: () => {
        throw new Error("gone");
      },
    };
    world.desk.listen(deaf);
    world.desk.listen(page);
    const id = await asks();
    await world.desk.answer(id, "deny", ui);
    expect([page.seen, page.ended.map(({ state }) => state)]).toEqual([[id], ["denied"]]);
  });

  it("more than anybody can look at is denied, and never falls back to a yes", async () => {
    world.desk.listen(watcher());
    for (let call = 0; call < limits.openApprovals; call += 1) await asks({ callId: `call-${call}` });
    const over = await world.desk.ask(question({ callId: "one too many", fallback: "allow" }));
    expect(over).toMatchObject({ state: "denied", why: "nobody-to-ask" });
    expect(await world.desk.pending()).toHaveLength(limits.openApprovals);
    const [first] = await world.desk.pending();
    await world.desk.answer(first?.id ?? "", "deny", ui);
    await asks({ callId: "one too many" });
  });
});

describe("a question that nobody answers", () => {
  it("P3: is a no when its time is over: told, waked, and no late answer counts", async () => {
    const page = watcher();
    world.desk.listen(page);
    const id = await asks();
    await world.clock.advance(299_999);
    expect([page.ended, await world.desk.ask(question())]).toEqual([[], expect.objectContaining({ state: "open" })]);
    const message = await world.park(id);
    await world.clock.advance(1);
    await expect.poll(() => page.ended.map(({ state }) => state)).toEqual(["expired"]);
    expect(told("approval.resolved")).toEqual([expect.objectContaining({ id, state: "expired", by: null })]);
    expect(world.wakes()).toBe(1);
    expect(await world.desk.ask(question())).toEqual({ state: "denied", id, why: "expired", by: null });
    for (const answer of ["allow-once", "allow-always", "deny"] as const)
      expect(await world.desk.answer(id, answer, ui)).toMatchObject({ outcome: "late", row: { state: "expired" } });
    expect(world.grants).toEqual([]);
    expect(message).toBeDefined();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("P3: has the time that the configuration gives", async () => {
    await anew({ config: (config) => ({ ...config, approvals: { ...config.approvals, timeoutSeconds: 60 } }) });
    const page = watcher();
    world.desk.listen(page);
    await asks();
    await world.clock.advance(60_000);
    await expect.poll(() => page.ended.map(({ state }) => state)).toEqual(["expired"]);
  });

  it("P3: an answered one is not told again at its time", async () => {
    const page = watcher();
    world.desk.listen(page);
    await world.desk.answer(await asks(), "deny", ui);
    await world.clock.advance(1_000_000);
    expect(page.ended).toHaveLength(1);
  });
});

describe("over a restart", () => {
  it("P14: open questions are listed, told to whoever comes, and answered; the parked message goes on", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    const message = await world.park(id);
    world = await world.again();
    await world.desk.start();
    expect((await world.desk.pending()).map((row) => row.id)).toEqual([id]);
    const page = watcher();
    world.desk.listen(page);
    await expect.poll(() => page.seen).toEqual([id]);
    expect(await world.desk.ask(question())).toMatchObject({ state: "open", id });
    expect(await claimed()).toBeUndefined();
    await world.desk.answer(id, "allow-once", ui);
    expect(await claimed()).toBe(message);
    world = await world.again();
    expect(await world.desk.ask(question())).toEqual({ state: "allowed", id, by: ui.id, binding: "b1" });
  });

  it("P14: an open question ends in time, also where nobody listens any more", async () => {
    world.desk.listen(watcher());
    const id = await asks();
    world = await world.again();
    await world.desk.start();
    await world.clock.advance(300_000);
    await expect.poll(() => told("approval.resolved")).toMatchObject([{ id, state: "expired" }]);
  });

  it("P2 P14: a turn from before waits a moment for its people, and asks whoever comes back", async () => {
    world.clock.setWall(t0 + 1_000);
    world = await world.again();
    const id = await asks();
    const message = await world.park(id);
    await world.clock.advance(limits.approversReturnMs - 1);
    const page = watcher();
    world.desk.listen(page);
    await expect.poll(() => page.seen).toEqual([id]);
    await world.clock.advance(1);
    expect(await world.desk.ask(question())).toMatchObject({ state: "open", id });
    await world.desk.answer(id, "allow-once", ui);
    expect(await claimed()).toBe(message);
  });

  for (const fallback of ["deny", "allow"] as const) {
    it(`P2 P14: where nobody comes back, what is done then is done (${fallback}), and the parked turn goes on`, async () => {
      world.clock.setWall(t0 + 1_000);
      world = await world.again();
      const id = await asks({ fallback });
      const message = await world.park(id);
      await world.clock.advance(limits.approversReturnMs);
      const standing = fallback === "deny" ? { state: "denied", why: "nobody-to-ask" } : { state: "allowed" };
      await expect
        .poll(() => world.desk.ask(question({ fallback })))
        .toMatchObject({ ...standing, id, by: "askFallback" });
      expect(told("approval.resolved")).toMatchObject([{ id, by: "askFallback" }]);
      expect([world.wakes(), await claimed()]).toEqual([1, message]);
      expect(world.clock.pendingTimers).toBe(0);
    });
  }

  it("P2 P14: whoever can be reached by then without having come is told then, and nothing is done without them", async () => {
    const back = watcher();
    back.there = false;
    world.clock.setWall(t0 + 1_000);
    world = await world.again();
    world.desk.listen(back);
    const id = await asks({ fallback: "allow" });
    const doubt = await asks({ kind: "in-doubt", callId: "other" });
    back.there = true;
    await world.clock.advance(limits.approversReturnMs);
    await expect.poll(() => back.seen.toSorted()).toEqual([id, doubt].toSorted());
    expect(await world.desk.ask(question({ fallback: "allow" }))).toMatchObject({ state: "open", id });
  });

  it("P2: after that moment, and for a turn that began since, nobody there is nobody", async () => {
    world.clock.setWall(t0 + 1_000);
    world = await world.again();
    const nobody = { state: "denied", id: null, why: "nobody-to-ask" };
    expect(await world.desk.ask(question({ receivedAtMs: world.clock.nowMs() }))).toMatchObject(nobody);
    await world.clock.advance(limits.approversReturnMs);
    expect(await world.desk.ask(question())).toMatchObject(nobody);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("P14: one whose time was over meanwhile is not shown as open", async () => {
    world.desk.listen(watcher());
    await asks();
    world.clock.setWall(world.clock.nowMs() + 300_000);
    world = await world.again();
    await world.desk.start();
    const page = watcher();
    world.desk.listen(page);
    await world.clock.advance(1);
    expect([await world.desk.pending(), page.seen]).toEqual([[], []]);
  });
});

function named(approvers: readonly string[]): (config: Config) => Config {
  return (config) => ({
    ...config,
    approvals: { ...config.approvals, exec: { ...config.approvals.exec, approvers: [...approvers] } },
  });
}
