/** Rules of idempotency keys, devices, documents and the trace, and of the store as a whole. */
import { expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { Rig } from "../conformance.ts";
import type { DeviceRow } from "../device-port.ts";
import { createNames, entryOf, startTurn, t0 } from "./samples.ts";

export function namedRules(rig: Rig): void {
  const names = createNames("named");
  const key = () => ({ principalId: "token:gateway", method: "chat.send", key: names.next("key") });

  it("gives a key to one of many concurrent callers, and its result to all the others, over a restart too", async () => {
    const one = key();
    const begun = await Promise.all(Array.from({ length: 5 }, () => rig.store().idempotency.begin(one, "hash", t0)));
    expect(begun.map((begin) => begin.outcome).toSorted()).toEqual(["known", "known", "known", "known", "new"]);
    expect(begun.every((begin) => begin.result === null)).toBe(true);
    await rig.store().idempotency.complete(one, { runId: "r", list: [1] }, t0 + 1);
    const store = await rig.reopen();
    expect(await store.idempotency.begin(one, "hash", t0 + 2)).toEqual({
      outcome: "known",
      result: { runId: "r", list: [1] },
    });
    expect(await store.idempotency.begin(one, "other", t0 + 2)).toEqual({ outcome: "conflict", result: null });
  });

  it("keeps keys of principals and methods apart", async () => {
    const one = key();
    await rig.store().idempotency.begin(one, "hash", t0);
    for (const other of [
      { ...one, principalId: "device:x" },
      { ...one, method: "send" },
    ]) {
      expect((await rig.store().idempotency.begin(other, "another", t0)).outcome).toBe("new");
    }
  });

  it("gives a key back on request, after its window, and after a crash, but never one with a result", async () => {
    const [failed, crashed, done] = [key(), key(), key()];
    for (const one of [failed, crashed, done]) await rig.store().idempotency.begin(one, "hash", t0);
    await rig.store().idempotency.complete(done, "ok", t0);
    await rig.store().idempotency.release(failed);
    await rig.store().idempotency.release(done);
    expect((await rig.store().idempotency.begin(failed, "changed", t0)).outcome).toBe("new");
    const store = await rig.reopen();
    expect(await store.idempotency.recover()).toBeGreaterThanOrEqual(2);
    expect((await store.idempotency.begin(crashed, "hash", t0)).outcome).toBe("new");
    const end = t0 + limits.idempotencyTtlMs;
    expect((await store.idempotency.begin(done, "hash", end)).outcome).toBe("known");
    expect((await store.idempotency.begin(done, "hash", end + 1)).outcome).toBe("new");
    expect(await store.idempotency.prune(end + 1)).toBeGreaterThan(0);
    expect((await store.idempotency.begin(done, "hash", end + 1)).outcome).toBe("known");
  });

  it("keeps devices as they were put", async () => {
    const row: DeviceRow = {
      deviceId: names.next("device"),
      publicKey: "key",
      role: "operator",
      scopes: ["operator.read"],
      tokenHash: "abc",
      displayName: "Phone",
      platform: null,
      pairedMs: t0,
      lastSeenMs: t0,
    };
    await rig.store().devices.put(row);
    const revoked = { ...row, tokenHash: null, lastSeenMs: t0 + 1 };
    await rig.store().devices.put(revoked);
    const store = await rig.reopen();
    expect(await store.devices.get(row.deviceId)).toEqual(revoked);
    expect(await store.devices.list()).toContainEqual(revoked);
    expect(await store.devices.remove(row.deviceId)).toBe(true);
    expect(await store.devices.remove(row.deviceId)).toBe(false);
    expect(await store.devices.get(row.deviceId)).toBeNull();
  });

  it("keeps documents by namespace and key", async () => {
    const space = names.next("space");
    await rig.store().documents.put(space, "b", { cursor: 1 }, t0);
    await rig.store().documents.put(space, "a", [null, "ü"], t0);
    await rig.store().documents.put(space, "b", "replaced", t0 + 1);
    const store = await rig.reopen();
    expect(await store.documents.get(space, "a")).toEqual([null, "ü"]);
    expect(await store.documents.list(space)).toEqual([
      { key: "a", value: [null, "ü"], atMs: t0 },
      { key: "b", value: "replaced", atMs: t0 + 1 },
    ]);
    await store.documents.delete(space, "a");
    await store.documents.delete(space, "never");
    expect(await store.documents.get(space, "a")).toBeUndefined();
    expect(await store.documents.get("elsewhere", "b")).toBeUndefined();
  });

  it("tells one trace by message id and by run id", async () => {
    const entry = entryOf(names, names.next("s"));
    await startTurn(rig.store(), entry);
    const event = (type: string, atMs: number, by: "message" | "run") => ({
      messageId: by === "message" ? entry.message.id : null,
      runId: by === "run" ? entry.runId : null,
      type,
      atMs,
      data: { type },
    });
    await rig.store().trace.add([event("received", t0, "message"), event("started", t0 + 1, "run")]);
    await rig.store().trace.add([event("ended", t0, "run")]);
    // By time, and of one time in the order of their writing.
    const told = ["inbox.queued", "inbox.running", "received", "ended", "started"];
    for (const id of [entry.message.id, entry.runId]) {
      expect((await rig.store().trace.of(id)).map((one) => one.type)).toEqual(told);
    }
    const recent = await rig.store().trace.recent(2);
    expect(recent).toEqual([
      { type: "started", atMs: t0 + 1, data: { type: "started" } },
      { type: "ended", atMs: t0, data: { type: "ended" } },
    ]);
    expect(await rig.store().trace.prune(t0 + 1, 1_000)).toBeGreaterThanOrEqual(2);
    expect((await rig.store().trace.of(entry.runId)).map((one) => one.type)).toEqual(["started"]);
    await rig.store().trace.prune(0, 0);
    expect(await rig.store().trace.recent(5)).toEqual([]);
  });

  it("reads what was written, at once, whatever is read", async () => {
    const space = names.next("space");
    for (let round = 0; round < 50; round += 1) {
      await rig.store().documents.put(space, "n", round, t0);
      expect(await rig.store().documents.get(space, "n")).toBe(round);
    }
  });

  it("applies the calls of one caller in order without waiting for each", async () => {
    const space = names.next("space");
    const puts = Array.from({ length: 200 }, (_, index) => rig.store().documents.put(space, "n", index, t0));
    await Promise.all(puts);
    expect(await rig.store().documents.get(space, "n")).toBe(199);
  });

  it("says whether it can write, compacts, and closes twice without a complaint", async () => {
    await rig.store().probe();
    await rig.store().compact();
    const closed = rig.store();
    await rig.reopen();
    await closed.close();
    await expect(closed.probe()).rejects.toMatchObject({ code: "STORE_001" });
  });
}
