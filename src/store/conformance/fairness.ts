/** Rules of turns shared out: who has none goes before who has one, within a class and after aging. */
import { beforeEach, expect, it } from "vitest";
import type { Priority } from "../../domain/message.ts";
import type { Rig } from "../conformance.ts";
import type { InboxEntry } from "../port.ts";
import { createNames, drain, entryOf, resultOf, t0 } from "./samples.ts";

export function fairnessRules(rig: Rig): void {
  const names = createNames("fair");
  const claim = async (atMs: number = t0 + 1_000, agingMs = 0) =>
    rig.store().inbox.claim({ owner: "w", leaseMs: 3_600_000, atMs, agingMs });
  const from = (sender: string, priority: Priority = "normal"): InboxEntry => {
    const entry = entryOf(names, names.next("s"), { priority });
    return { ...entry, message: { ...entry.message, sender: { id: sender } } };
  };
  const admitAll = async (entries: readonly InboxEntry[], atMs: number = t0): Promise<void> => {
    for (const entry of entries) await rig.store().inbox.admit(entry, { atMs });
  };
  const idOf = (entry: InboxEntry): string => entry.message.id;
  beforeEach(() => drain(rig.store()));

  it("gives the next turn to a sender who has none, and to who waits longest where all have one", async () => {
    const flood = [from("ann"), from("ann"), from("ann"), from("ann")];
    const late = [from("bob"), from("eve")];
    await admitAll(flood, t0);
    await admitAll(late, t0 + 1);
    const order: string[] = [];
    for (let turn = 0; turn < 6; turn += 1) order.push((await claim())?.row.message.id ?? "none");
    const [first = from("-"), ...others] = flood;
    expect(order).toEqual([first, ...late, ...others].map(idOf));
    expect(await claim()).toBeNull();
  });

  it("knows that a sender's turn has ended", async () => {
    const [one, two, three] = [from("ann"), from("ann"), from("bob")];
    await admitAll([one, two, three]);
    const first = await claim();
    if (first !== null) await rig.store().turns.finish(first.lease, resultOf());
    expect((await claim())?.row.message.id).toBe(idOf(two));
    expect((await claim())?.row.message.id).toBe(idOf(three));
  });

  it("does not count a turn that waits for its next attempt as one that runs", async () => {
    const [one, two, three] = [from("ann"), from("ann"), from("bob")];
    await admitAll([one]);
    const first = await claim();
    await admitAll([two, three]);
    if (first !== null) {
      await rig.store().inbox.retry(first.lease, { atMs: t0, untilMs: t0 + 9_000, reason: "failed" });
    }
    expect((await claim())?.row.message.id).toBe(idOf(two));
  });

  it("takes one name on two accounts for two senders", async () => {
    const [one, two] = [from("ann"), from("ann")];
    const address = { ...two.message.address, accountId: "second" };
    const other = { ...two, message: { ...two.message, address } };
    const third = from("ann");
    await admitAll([one, third, other]);
    expect((await claim())?.row.message.id).toBe(idOf(one));
    expect((await claim())?.row.message.id).toBe(idOf(other));
  });

  it("M1: shares turns within a class only, and aging lifts a sender who has a turn too", async () => {
    const [low, critical] = [from("ann", "low"), from("ann", "critical")];
    const stranger = from("bob", "low");
    await admitAll([critical, low]);
    expect((await claim())?.row.message.id).toBe(idOf(critical));
    await admitAll([from("eve"), stranger], t0 + 250);
    // At +300 ann's message counts as critical, eve's as normal, bob's as low.
    expect((await claim(t0 + 300, 100))?.row.message.id).toBe(idOf(low));
    expect((await claim(t0 + 300, 100))?.row.message.sender.id).toBe("eve");
    expect((await claim(t0 + 300, 100))?.row.message.id).toBe(idOf(stranger));
  });

  it("finds the longest waiting one of a sender again, whatever becomes of those before it", async () => {
    const entries = [from("ann"), from("ann"), from("ann"), from("ann")];
    await admitAll(entries);
    await rig.store().inbox.end(idOf(entries[0] ?? from("-")), "dead", "by hand", t0);
    await rig.store().sessions.delete(entries[1]?.sessionKey ?? "");
    const third = await claim();
    expect(third?.row.message.id).toBe(entries[2]?.message.id);
    if (third !== null) await rig.store().inbox.release(third.lease, t0);
    expect((await claim())?.row.message.id).toBe(entries[2]?.message.id);
    expect((await claim())?.row.message.id).toBe(entries[3]?.message.id);
  });
}
