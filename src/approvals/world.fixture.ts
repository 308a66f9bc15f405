/** A desk on a real store in a folder of its own, under a clock that stands still. For tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { AppEvent } from "../domain/events.ts";
import type { GrantContext, GrantProposal } from "../exec/contract.ts";
import { createEventBus } from "../platform/bus.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import type { ApprovalRow } from "../store/budget-port.ts";
import { createNames, entryOf, startTurn, t0 } from "../store/conformance/samples.ts";
import type { Store } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/open-store.ts";
import type { ActQuestion, ApprovalDesk, ApprovalListener } from "./contract.ts";
import { createApprovalDesk } from "./desk.ts";

export const proposal: GrantProposal = {
  pattern: "/usr/bin/git",
  argv: ["status"],
  says: "git status, in any folder",
};

export function question(changes: Partial<ActQuestion> = {}): ActQuestion {
  return {
    kind: "exec",
    runId: "run-1",
    callId: "call-1",
    sessionKey: "agent:main:main",
    agentId: "main",
    address: { channel: "irc", accountId: "default", chatId: "ann", chatKind: "dm" },
    senderId: "account:ann",
    receivedAtMs: t0,
    tool: "exec",
    shown: "git status && rm -rf ./built",
    reasons: ["rm is on no list"],
    taint: [{ class: "foreign", source: "web page https://example.org/a" }],
    binding: "b1",
    command: {
      text: "git status && rm -rf ./built",
      argv: ["/bin/sh", "-c", "git status && rm -rf ./built"],
      usesShell: true,
      cwd: "/home/ann/work",
      env: { PATH: "/bin", SECRET_OF_ANN: "hush" },
      programs: [{ path: "/usr/bin/git", device: 1, inode: 2 }],
      scripts: [],
      binding: "b1",
    },
    always: proposal,
    fallback: "deny",
    ...changes,
  };
}

/** Somebody who is there, and what was shown to them. */
export interface Watcher extends ApprovalListener {
  readonly seen: string[];
  readonly ended: ApprovalRow[];
  there: boolean;
}

export function watcher(id = "page"): Watcher {
  const seen: string[] = [];
  const ended: ApprovalRow[] = [];
  return {
    id,
    seen,
    ended,
    there: true,
    reaches() {
      return this.there;
    },
    asked: (row) => void seen.push(row.id),
    resolved: (row) => void ended.push(row),
  };
}

export interface DeskWorld {
  readonly desk: ApprovalDesk;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly events: AppEvent[];
  readonly grants: (GrantProposal & GrantContext & { agentId: string })[];
  readonly wakes: () => number;
  /** Closes desk and store, and opens both on the same data. */
  again(): Promise<DeskWorld>;
  close(): Promise<void>;
  /** Puts a message into the inbox whose turn waits behind that question; returns the message's id. */
  park(approvalId: string, sessionKey?: string): Promise<string>;
}

export interface WorldOptions {
  readonly config?: (config: Config) => Config;
  readonly clock?: FakeClock;
  readonly folder?: string;
  readonly grant?: () => Promise<void>;
}

const names = createNames("desk");

export async function openDesk(options: WorldOptions = {}): Promise<DeskWorld> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "openclaw-desk-")));
  const clock = options.clock ?? new FakeClock(t0);
  const log = silentLog();
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log });
  const bus = createEventBus(log);
  const events: AppEvent[] = [];
  bus.on((event) => events.push(event));
  const grants: DeskWorld["grants"] = [];
  let wakes = 0;
  const config = options.config?.(defaultConfig()) ?? defaultConfig();
  const desk = createApprovalDesk({
    store,
    clock,
    ids: systemIds(),
    bus,
    log,
    config: () => config,
    commands: {
      async grant(agentId, granted, context) {
        await options.grant?.();
        grants.push({ agentId, ...granted, ...context });
      },
    },
    wakeQueue: () => (wakes += 1),
  });
  async function stop(): Promise<void> {
    desk.close();
    await store.close();
  }
  return {
    desk,
    store,
    clock,
    events,
    grants,
    wakes: () => wakes,
    async again() {
      await stop();
      return openDesk({ ...options, clock, folder });
    },
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
    async park(approvalId, sessionKey = names.next("s")) {
      const entry = entryOf(names, sessionKey);
      const lease = await startTurn(store, entry);
      const atMs = clock.nowMs();
      await store.inbox.park(lease, { approvalId, atMs, untilMs: atMs + 300_000 });
      return entry.message.id;
    },
  };
}
