/** A turn that waits for a person, and a newer message of the same one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import { noMentions } from "../../domain/message.ts";
import { createEventBus } from "../../platform/bus.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import { openSqliteStore, type SqliteStore } from "../../store/sqlite/open-store.ts";
import type { InboxEntry } from "../../store/port.ts";
import { giveWay, type GiveWayDeps } from "./give-way.ts";

let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-give-way-"));
  store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log: silentLog() });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const clock = new FakeClock();

function entry(id: string, part: Partial<InboxEntry> = {}, senderId = "ada"): InboxEntry {
  const address = { channel: "irc", accountId: "default", chatId: "ada", chatKind: "dm" } as const;
  const content = [{ type: "text" as const, text: id }];
  const atMs = clock.nowMs();
  const common = { platformMessageId: id, mentions: noMentions, sentAtMs: atMs, receivedAtMs: atMs, raw: null };
  return {
    message: { id, kind: "message", address, sender: { id: senderId }, content, ...common },
    dedupeKey: id,
    sessionKey: "agent:main:main",
    agentId: "main",
    runId: `run-${id}`,
    priority: "normal",
    dueMs: 0,
    expiresMs: atMs + 1e6,
    options: {},
    ephemeral: false,
    ...part,
  };
}

async function parkedBehindQuestion(): Promise<void> {
  const atMs = clock.nowMs();
  const admitted = await store.inbox.admit(entry("m1"), { atMs, claimFor: { owner: "w", leaseMs: 1e6 } });
  const lease = admitted.outcome === "accepted" ? admitted.lease : null;
  if (lease === null) throw new Error("not claimed");
  const asked = {
    id: "a1",
    kind: "tool",
    subject: {},
    subjectKey: "s",
    runId: "run-m1",
    sessionKey: "agent:main:main",
  } as const;
  await store.approvals.request({ ...asked, createdMs: atMs, expiresMs: atMs + 1e6 });
  await store.inbox.park(lease, { approvalId: "a1", atMs, untilMs: atMs + 1e6 });
}

async function newerMessage(
  mode: "interrupt" | "steer",
  newer: InboxEntry,
): Promise<{ state: string | undefined; woken: number }> {
  await parkedBehindQuestion();
  await store.inbox.admit(newer, { atMs: clock.nowMs() });
  let woken = 0;
  const base = defaultConfig();
  const deps: GiveWayDeps = {
    store,
    clock,
    bus: createEventBus(silentLog()),
    registry: { active: () => [], supersede: () => false },
    config: () => ({ ...base, messages: { ...base.messages, queue: { ...base.messages.queue, mode } } }),
    wakeQueue: () => (woken += 1),
  };
  await giveWay(newer, deps);
  return { state: (await store.approvals.get("a1"))?.state, woken };
}

describe("a question that nobody has answered", () => {
  it("G16: is withdrawn by the same person's next message, and its turn is due at once", async () => {
    expect(await newerMessage("interrupt", entry("m2"))).toEqual({ state: "denied", woken: 1 });
    const claimed = await store.inbox.claim({ owner: "w", leaseMs: 1, atMs: clock.nowMs(), agingMs: 1 });
    expect(claimed?.row.message.id).toBe("m1");
  });

  it.each([
    ["in another mode", "steer", entry("m2")],
    ["by another person", "interrupt", entry("m2", {}, "eve")],
    ["by a message of another session", "interrupt", entry("m2", { sessionKey: "agent:main:other" })],
  ] as const)("G16: stays open %s", async (_what, mode, newer) => {
    expect(await newerMessage(mode, newer)).toEqual({ state: "open", woken: 0 });
  });
});
