/** Delivery on a real store, with a platform that does as it is told and a clock that stands still. For tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect } from "vitest";
import type { ChannelConnection, ChannelManifest, OutboundPiece, SendOutcome } from "../channels/contract.ts";
import { AppError } from "../domain/app-error.ts";
import { defaultDeliverySettings, type DeliveryPolicy, type DeliverySettings } from "../domain/delivery-policy.ts";
import type { AppEvent, EventBus } from "../domain/events.ts";
import type { Address } from "../domain/message.ts";
import { createEventBus } from "../platform/bus.ts";
import { noFailpoints, type Failpoints } from "../platform/failpoints.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import type { OutboxDraft, OutboxRow, PartState } from "../store/port.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite/open-store.ts";
import type { Delivery, DeliveryDeps } from "./contract.ts";
import { createDelivery } from "./deliver.ts";
import { createRateLimit } from "./rate-limit.ts";

/** What people see of a message, and when they first saw it. */
export interface Shown {
  text: string;
  readonly piece: OutboundPiece;
  readonly atMs: number;
  edits: number[];
  deleted: boolean;
  reaction: string | null;
}

export type Answer = (piece: OutboundPiece) => SendOutcome | Promise<SendOutcome>;

export interface FakePlatform {
  /** By the platform's id, in the order of their coming. */
  readonly messages: Map<string, Shown>;
  /** Every send that was taken, in order. */
  readonly seen: OutboundPiece[];
  /** Answers the next sends, in order; when it is empty every send succeeds. */
  readonly answers: Answer[];
  /** The same for edits, deletions and reactions. */
  readonly changes: (() => SendOutcome | Promise<SendOutcome>)[];
  /** Answers the next looks for a piece; when it is empty the truth is told. */
  readonly looks: (() => Promise<{ platformMessageId: string } | null>)[];
  /** The platform takes the piece as it does without an answer of ours. */
  take(piece: OutboundPiece): { outcome: "sent"; platformMessageId: string };
  /** What stands in the chats, oldest first, labels included. */
  texts(): string[];
}

export interface WorldOptions {
  readonly manifest?: Partial<ChannelManifest>;
  readonly policy?: Partial<DeliveryPolicy>;
  readonly settings?: Partial<DeliverySettings>;
  readonly folder?: string;
  /** False: it connects when the test says so. */
  readonly connected?: boolean;
  readonly failpoints?: Failpoints;
  readonly clock?: FakeClock;
  readonly render?: (markdown: string, max: number) => readonly string[];
}

export interface World {
  readonly store: SqliteStore;
  readonly clock: FakeClock;
  readonly bus: EventBus;
  readonly deps: DeliveryDeps;
  readonly delivery: Delivery;
  readonly platform: FakePlatform;
  readonly manifest: ChannelManifest;
  readonly events: AppEvent[];
  readonly folder: string;
  /** Of the accounts that are connected. */
  accountIds: readonly string[];
  settings: DeliverySettings;
  connected: boolean;
  refusal: AppError | null;
  put(id: string, markdown: string, more?: Partial<OutboxDraft> & { chatId?: string; runId?: string }): Promise<void>;
  row(id: string): Promise<OutboxRow | null>;
  state(id: string): Promise<PartState | undefined>;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "openclaw-out-")));
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log: silentLog() });
  const clock = options.clock ?? new FakeClock();
  const bus = createEventBus(silentLog());
  const events: AppEvent[] = [];
  bus.on((event) => events.push(event));
  const platform = createPlatform(clock);
  const manifest = { ...baseManifest, ...options.manifest } as ChannelManifest;
  const connection = connectionOf(platform, clock);
  const render = options.render ?? ((markdown: string) => markdown.split("|"));
  const settings = {
    ...defaultDeliverySettings,
    ...options.settings,
    policy: { ...defaultDeliverySettings.policy, ...options.policy },
  };
  const deps: DeliveryDeps = {
    store,
    clock,
    bus,
    ids: { hex: (bytes) => "0".repeat(bytes * 2), random: () => 0 },
    log: silentLog(),
    rate: createRateLimit(clock),
    failpoints: options.failpoints ?? noFailpoints,
    accounts: () => (world.connected ? world.accountIds.map((accountId) => ({ channel: "fake", accountId })) : []),
    route: () =>
      world.connected
        ? { connection, manifest, render: (markdown, { max }) => render(markdown, max).map((text) => ({ text })) }
        : null,
    permission: () => world.refusal,
    settings: () => world.settings,
  };
  const world: World = {
    store,
    clock,
    bus,
    deps,
    platform,
    manifest,
    events,
    folder,
    accountIds: ["default"],
    settings,
    connected: options.connected ?? true,
    refusal: null,
    delivery: createDelivery(deps),
    async put(id, markdown, { chatId = "#room", runId, ...draft } = {}) {
      const nowMs = clock.nowMs();
      await store.outbox.add(
        {
          id,
          address: address(chatId),
          replyToId: null,
          reply: { markdown },
          expiresMs: nowMs + 3_600_000,
          state: "prepared",
          ...draft,
        },
        { sessionKey: "s", runId: runId ?? null, atMs: nowMs },
      );
      world.delivery.wake();
    },
    row: (id) => store.outbox.get(id),
    state: async (id) => (await store.outbox.get(id))?.state,
  };
  closers.push(async () => {
    await world.delivery.close(AbortSignal.abort());
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  return world;
}

/** Ends a world as a crash would: what was under way is never settled. Its folder stays for the next, which removes it. */
export async function crash(world: World): Promise<void> {
  await world.store.close();
  closers.length = 0;
}

function createPlatform(clock: FakeClock): FakePlatform {
  const platform: FakePlatform = {
    messages: new Map(),
    seen: [],
    answers: [],
    changes: [],
    looks: [],
    take(piece) {
      platform.seen.push(piece);
      const id = `p${platform.seen.length}`;
      const text = shownText(piece);
      platform.messages.set(id, { text, piece, atMs: clock.nowMs(), edits: [], deleted: false, reaction: null });
      return { outcome: "sent", platformMessageId: id };
    },
    texts: () => [...platform.messages.values()].filter(({ deleted }) => !deleted).map(({ text }) => text),
  };
  return platform;
}

function shownText({ label, text }: Pick<OutboundPiece, "label" | "text">): string {
  return `${label ?? ""}${text}`;
}

function connectionOf(platform: FakePlatform, clock: FakeClock): ChannelConnection {
  async function change(id: string, apply: (shown: Shown) => void): Promise<SendOutcome> {
    const answer = platform.changes.shift();
    if (answer !== undefined) return answer();
    const shown = platform.messages.get(id);
    if (shown === undefined) return { outcome: "not-sent", error: new AppError("MSG_002", "gone", { retry: "never" }) };
    apply(shown);
    return { outcome: "sent", platformMessageId: id };
  }
  return {
    async send(piece) {
      const answer = platform.answers.shift();
      return answer === undefined ? platform.take(piece) : answer(piece);
    },
    edit: (piece, id) =>
      change(id, (shown) => {
        shown.text = shownText(piece);
        shown.edits.push(clock.nowMs());
      }),
    delete: (_address, id) => change(id, (shown) => (shown.deleted = true)),
    react: (_address, id, emoji) => change(id, (shown) => (shown.reaction = emoji)),
    find: (piece) => {
      const look = platform.looks.shift();
      if (look !== undefined) return look();
      const found = [...platform.messages].find(([, shown]) => shown.piece.id === piece.id);
      return Promise.resolve(found === undefined ? null : { platformMessageId: found[0] });
    },
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const baseManifest: Partial<ChannelManifest> = {
  id: "fake",
  label: "Fake",
  idempotency: "blind",
  text: { max: 4_096, unit: "utf16" },
  messagesPerSecond: 1_000,
  capabilities: {
    threads: false,
    edits: true,
    deletes: true,
    reactions: true,
    typing: false,
    quotes: true,
    voice: false,
    groups: true,
    receives: ["text"],
    sends: ["text", "image"],
  },
};

export function address(chatId: string): Address {
  return { channel: "fake", accountId: "default", chatId, chatKind: "group" };
}

export const busy = (): SendOutcome => ({ outcome: "not-sent", error: new AppError("CONN_003", "slow down") });

export const lost = (): SendOutcome => ({
  outcome: "unknown",
  error: new AppError("CONN_001", "the connection broke"),
});

/** The platform took it; we never heard of it. */
export function takenUnheard(world: World): Answer {
  return (piece) => {
    world.platform.take(piece);
    return lost();
  };
}

/** Every pause before a further attempt, as it is written. */
export function recordPauses({ store }: World): number[] {
  const pausesMs: number[] = [];
  const settle = store.outbox.settle.bind(store.outbox);
  store.outbox.settle = (id, outcome, atMs) => {
    if (outcome.state === "prepared") pausesMs.push(outcome.nextAttemptMs - atMs);
    return settle(id, outcome, atMs);
  };
  return pausesMs;
}

/** Moves the fake clock in small steps until something holds; the store's own work goes on in real time. */
export async function passTime(
  { clock }: Pick<World, "clock">,
  holds: () => boolean | Promise<boolean>,
  stepMs = 250,
): Promise<void> {
  await expect
    .poll(
      async () => {
        if (await holds()) return true;
        await clock.advance(stepMs);
        return false;
      },
      { timeout: 15_000, interval: 5 },
    )
    .toBe(true);
}
