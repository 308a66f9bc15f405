/**
 * Random schedules against a model: whatever the workers do and however time passes, a session's messages are handed
 * out in order, at most one worker can write one of them, a worker that lost its lease changes nothing, and of all that
 * may run it is the one whose turn it is: by class with aging, then by who has no turn, then by how long it waits.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { priorities, type Priority } from "../../domain/message.ts";
import type { Rig } from "../conformance.ts";
import type { InboxEntry, Lease, Store } from "../port.ts";
import { createNames, drain, entryOf, resultOf, t0, type Names } from "./samples.ts";

const leaseMs = 1_000;
const agingMs = 300;
const retryMs = 400;
/** Every second crash of a message makes it wait. */
const crashPauseMs = (attempts: number): number => (attempts % 2 === 0 ? 700 : 0);

type Verb = "renew" | "finish" | "release" | "retry";

type Action =
  | {
      readonly do: "admit";
      readonly session: number;
      readonly sender: number;
      readonly priority: Priority;
      readonly at: "now" | "later";
      readonly claim: boolean;
    }
  | { readonly do: "claim"; readonly worker: number }
  | { readonly do: Verb; readonly pick: number }
  | { readonly do: "end"; readonly pick: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "recover" };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("admit" as const),
      session: fc.nat(5),
      sender: fc.nat(2),
      priority: fc.constantFrom(...priorities),
      at: fc.constantFrom("now" as const, "now" as const, "later" as const),
      claim: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("claim" as const), worker: fc.nat(2) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom<Verb[]>("renew", "finish", "finish", "release", "retry"),
      pick: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(1_500) }) },
  { weight: 1, arbitrary: fc.constant({ do: "recover" as const }) },
);

/** What a message is, seen from outside. */
interface Known {
  readonly entry: InboxEntry;
  readonly arrival: number;
  ended: boolean;
  lease: Lease | null;
  leaseUntilMs: number;
  /** Set while it waits for its next attempt. */
  pausedUntilMs: number | null;
  readonly waitSinceMs: number;
  attempts: number;
}

class World {
  readonly #store: Store;
  readonly #names: Names;
  readonly #scope: string;
  readonly messages: Known[] = [];
  readonly leases: Lease[] = [];
  nowMs = t0;

  constructor(store: Store, names: Names) {
    this.#store = store;
    this.#names = names;
    this.#scope = names.next("world");
  }

  async apply(step: Action): Promise<void> {
    if (step.do === "admit") return this.#admit(step);
    if (step.do === "claim") return this.#claim(step.worker);
    if (step.do === "recover") return this.#recover();
    if (step.do === "end") return this.#end(step.pick);
    if (step.do === "pass") {
      this.nowMs += step.ms;
      return undefined;
    }
    const lease = this.leases[step.pick % Math.max(1, this.leases.length)];
    return lease === undefined ? undefined : this.#use(step.do, lease);
  }

  async #admit(step: Action & { do: "admit" }): Promise<void> {
    const dueMs = step.at === "later" ? this.nowMs + 500 : 0;
    const plain = entryOf(this.#names, `${this.#scope}-${step.session}`, { dueMs, priority: step.priority });
    const entry = { ...plain, message: { ...plain.message, sender: { id: `sender-${step.sender}` } } };
    const free = this.#waiting(entry.sessionKey).length === 0 && dueMs === 0;
    const admitted = await this.#store.inbox.admit(entry, {
      atMs: this.nowMs,
      ...(step.claim ? { claimFor: { owner: "direct", leaseMs } } : {}),
    });
    if (admitted.outcome !== "accepted") throw new Error("a new message was taken for a known one");
    const known: Known = {
      entry,
      arrival: this.messages.length,
      ended: false,
      lease: null,
      leaseUntilMs: 0,
      pausedUntilMs: null,
      waitSinceMs: Math.max(this.nowMs, dueMs),
      attempts: 0,
    };
    this.messages.push(known);
    assert.equal(admitted.lease !== null, step.claim && free);
    if (admitted.lease !== null) this.#hold(known, admitted.lease);
  }

  async #claim(worker: number): Promise<void> {
    const claimed = await this.#store.inbox.claim({ owner: `w${worker}`, leaseMs, atMs: this.nowMs, agingMs });
    const possible = this.messages.filter((known) => this.#mayRun(known));
    if (claimed === null) {
      assert.deepEqual(
        possible.map((known) => known.entry.runId),
        [],
      );
      return;
    }
    const known = possible.find((candidate) => candidate.entry.message.id === claimed.row.message.id);
    assert.ok(known, `${claimed.row.message.id} was handed out before its turn`);
    const next = possible.toSorted((left, right) => this.#order(left, right))[0];
    assert.equal(known.entry.message.id, next?.entry.message.id, "it was another one's turn");
    this.#hold(known, claimed.lease);
  }

  async #use(verb: Verb, lease: Lease): Promise<void> {
    const known = this.messages.find((candidate) => candidate.entry.message.id === lease.messageId);
    if (known === undefined) throw new Error("a lease without a message");
    const good = !known.ended && known.lease === lease;
    const attempt = this.#attempt(verb, lease);
    const outcome = await attempt.then(
      () => "done",
      (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
    );
    assert.equal(outcome, good ? "done" : "STORE_003");
    if (!good) return;
    if (verb === "renew") known.leaseUntilMs = this.nowMs + leaseMs;
    else known.lease = null;
    if (verb === "finish") known.ended = true;
    if (verb === "release") known.attempts -= 1;
    if (verb === "retry") known.pausedUntilMs = this.nowMs + retryMs;
  }

  #attempt(verb: Verb, lease: Lease): Promise<void> {
    const { inbox, turns } = this.#store;
    const atMs = this.nowMs;
    switch (verb) {
      case "renew":
        return inbox.renew(lease, atMs + leaseMs);
      case "release":
        return inbox.release(lease, atMs);
      case "retry":
        return inbox.retry(lease, { atMs, untilMs: atMs + retryMs, reason: "failed" });
      case "finish":
        return turns.finish(lease, resultOf({ atMs }));
    }
  }

  async #end(pick: number): Promise<void> {
    const open = this.messages.filter((known) => !known.ended);
    const known = open[pick % Math.max(1, open.length)];
    if (known === undefined) return;
    await this.#store.inbox.end(known.entry.message.id, "dead", "by hand", this.nowMs);
    known.ended = true;
    known.lease = null;
    known.pausedUntilMs = null;
  }

  async #recover(): Promise<void> {
    await this.#store.inbox.recover("nobody", this.nowMs, crashPauseMs);
    for (const known of this.messages) {
      if (known.lease === null) continue;
      known.lease = null;
      const pauseMs = crashPauseMs(known.attempts);
      known.pausedUntilMs = pauseMs === 0 ? null : this.nowMs + pauseMs;
    }
  }

  #hold(known: Known, lease: Lease): void {
    const others = this.messages.filter(
      (other) => other.entry.sessionKey === known.entry.sessionKey && other !== known,
    );
    assert.deepEqual(
      others.filter((other) => other.lease !== null || other.pausedUntilMs !== null),
      [],
    );
    known.lease = lease;
    known.pausedUntilMs = null;
    known.attempts += 1;
    known.leaseUntilMs = this.nowMs + leaseMs;
    this.leases.push(lease);
  }

  #waiting(sessionKey: string): Known[] {
    return this.messages.filter(
      (known) => known.entry.sessionKey === sessionKey && !known.ended && known.entry.dueMs <= this.nowMs,
    );
  }

  /** Its lease ran out; or its pause is over; or nobody runs in its session, and it is the oldest that is due. */
  #mayRun(known: Known): boolean {
    if (known.ended || known.entry.dueMs > this.nowMs) return false;
    if (known.lease !== null) return known.leaseUntilMs < this.nowMs;
    if (known.pausedUntilMs !== null) return known.pausedUntilMs <= this.nowMs;
    const session = this.#waiting(known.entry.sessionKey);
    return session.every(
      (other) => other.lease === null && other.pausedUntilMs === null && other.arrival >= known.arrival,
    );
  }

  #order(left: Known, right: Known): number {
    const rank = (known: Known): number =>
      Math.max(0, priorities.indexOf(known.entry.priority) - Math.floor((this.nowMs - known.waitSinceMs) / agingMs));
    return (
      rank(left) - rank(right) ||
      Number(this.#isServed(left)) - Number(this.#isServed(right)) ||
      left.waitSinceMs - right.waitSinceMs ||
      left.arrival - right.arrival
    );
  }

  /** Whether another turn of its sender runs. What runs itself and is free to be taken over is nobody's second turn. */
  #isServed(known: Known): boolean {
    if (known.lease !== null) return false;
    const { sender } = known.entry.message;
    return this.messages.some((other) => other.lease !== null && other.entry.message.sender.id === sender.id);
  }
}

export function scheduleRules(rig: Rig): void {
  const names = createNames("schedule");

  it("M6, M12: keeps order, fair turns, single leases and fencing over random schedules", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), async (actions) => {
        await drain(rig.store());
        const world = new World(rig.store(), names);
        for (const step of actions) await world.apply(step);
        for (const known of world.messages) {
          const row = await rig.store().inbox.get(known.entry.message.id);
          expect(row?.endedMs !== null).toBe(known.ended);
          if (known.ended) expect(row?.reason).toBeTruthy();
        }
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  it("gives each message to one worker when many ask at once", async () => {
    await drain(rig.store());
    const sessions = Array.from({ length: 10 }, () => names.next("s"));
    const entries = Array.from({ length: 200 }, (_, index) => entryOf(names, sessions[index % 10] ?? ""));
    await Promise.all(entries.map((entry) => rig.store().inbox.admit(entry, { atMs: t0 })));
    const order: string[] = [];
    const worker = async (owner: string): Promise<void> => {
      for (;;) {
        const claimed = await rig.store().inbox.claim({ owner, leaseMs, atMs: t0, agingMs: 0 });
        if (claimed === null) {
          if (order.length === entries.length) return;
          const { queued } = await rig.store().inbox.counts();
          if (queued === 0) return;
          continue;
        }
        order.push(claimed.row.message.id);
        await rig.store().turns.finish(claimed.lease, resultOf());
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, index) => worker(`w${index}`)));
    expect(order).toHaveLength(entries.length);
    for (const session of sessions) {
      const sent = entries.filter((entry) => entry.sessionKey === session).map((entry) => entry.message.id);
      expect(order.filter((id) => sent.includes(id))).toEqual(sent);
    }
  });
}
