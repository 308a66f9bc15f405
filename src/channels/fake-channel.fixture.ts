/** A channel that does what a test tells it, and remembers every connection it ever made. For tests alone. */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import type { AppEvent } from "../domain/events.ts";
import type { InboundMessage } from "../domain/message.ts";
import { noMentions } from "../domain/message.ts";
import { createEventBus } from "../platform/bus.ts";
import { noFailpoints } from "../platform/failpoints.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Log, LogFields, LogLevel } from "../platform/log.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { accountSettings } from "./account-settings.ts";
import type {
  AccountMemory,
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  ChannelManifest,
  ChannelModule,
  ReceiveOutcome,
  Rendered,
} from "./contract.ts";
import { createChannelSupervisor, type ChannelSupervisor } from "./supervisor.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export function recordingLog(lines: LogLine[] = []): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => void lines.push({ level, message, fields });
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: () => recordingLog(lines),
  };
}

export const fakeManifest: ChannelManifest<{ name: string }> = {
  id: "fake",
  label: "Fake",
  summary: "For tests.",
  configSchema: z.object({ name: z.string() }),
  capabilities: {
    threads: false,
    edits: false,
    deletes: false,
    reactions: false,
    typing: false,
    quotes: false,
    voice: false,
    groups: false,
    receives: ["text"],
    sends: ["text"],
  },
  idempotency: "blind",
  text: { max: 100, unit: "utf16" },
  messagesPerSecond: 10,
  secrets: [],
};

export interface FakeConnection {
  readonly account: ChannelAccount<{ name: string }>;
  readonly link: ChannelLink;
  closed: boolean;
  /** `never`: a probe gets no answer, as on a socket whose other end is gone without a word. */
  probe: "answers" | "fails" | "never";
  closes: "at once" | "never";
}

export class FakeChannel implements ChannelModule<{ name: string }> {
  readonly manifest = fakeManifest;
  readonly connections: FakeConnection[] = [];
  readonly attemptsMs: number[] = [];
  readonly forgotten: string[] = [];
  /** What the next attempts do: an error is thrown, `hang` waits until it is called off. */
  outcome: AppError | "connect" | "hang" = "connect";
  closes: FakeConnection["closes"] = "at once";
  /** What an attempt does before its outcome is known. */
  beforeOutcome: (link: ChannelLink) => void = () => {};
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
  }

  get alive(): readonly FakeConnection[] {
    return this.connections.filter((connection) => !connection.closed);
  }

  get newest(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new AppError("SYS_001", "No connection was made yet.");
    return connection;
  }

  async connect(
    account: ChannelAccount<{ name: string }>,
    link: ChannelLink,
    signal: AbortSignal,
  ): Promise<ChannelConnection> {
    this.attemptsMs.push(this.#nowMs());
    this.beforeOutcome(link);
    if (this.outcome instanceof AppError) throw this.outcome;
    if (this.outcome === "hang") await untilAborted(signal);
    const fake: FakeConnection = { account, link, closed: false, probe: "answers", closes: this.closes };
    this.connections.push(fake);
    return {
      send: async (piece) =>
        piece.text === "fail"
          ? { outcome: "not-sent", error: new AppError("MSG_002", "no") }
          : { outcome: "sent", platformMessageId: piece.id },
      async probe(probeSignal) {
        if (fake.probe === "fails") throw new AppError("CONN_001", "no answer");
        if (fake.probe === "never") await untilAborted(probeSignal);
      },
      close: () => {
        if (fake.closes === "never") return new Promise<void>(() => {});
        fake.closed = true;
        return Promise.resolve();
      },
    };
  }

  render(markdown: string): readonly Rendered[] {
    return [{ text: markdown }];
  }

  async forget(account: ChannelAccount<{ name: string }>): Promise<void> {
    this.forgotten.push(account.accountId);
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(AppError.from(signal.reason, "CONN_001"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

export interface SupervisorWorld {
  readonly clock: FakeClock;
  readonly channel: FakeChannel;
  readonly supervisor: ChannelSupervisor;
  readonly webhooks: Webhooks;
  readonly events: AppEvent[];
  readonly lines: LogLine[];
  readonly received: InboundMessage[];
  /** `PREVIOUS>STATE` of every event, in order. */
  readonly path: () => readonly string[];
}

export interface WorldOptions {
  readonly channels?: Record<string, Record<string, unknown>>;
  readonly random?: () => number;
  readonly receive?: (message: InboundMessage) => Promise<ReceiveOutcome>;
}

export function supervisorWorld(options: WorldOptions = {}): SupervisorWorld {
  const clock = new FakeClock();
  const channel = new FakeChannel(() => clock.monotonicMs());
  const lines: LogLine[] = [];
  const log = recordingLog(lines);
  const bus = createEventBus(log);
  const events: AppEvent[] = [];
  const webhooks = createWebhooks();
  const received: InboundMessage[] = [];
  bus.on((event) => void events.push(event));
  const supervisor = createChannelSupervisor({
    modules: () => Promise.resolve(channel),
    label: () => "Fake",
    accounts: accountSettings(options.channels ?? { fake: { name: "one" } }, [fakeManifest]),
    receive:
      options.receive ??
      ((message) => {
        received.push(message);
        return Promise.resolve({ outcome: "accepted" });
      }),
    clock,
    ids: seededIds(),
    log,
    bus,
    random: options.random ?? (() => 0),
    memoryOf: fakeMemory(),
    webhooks,
    commands: [{ name: "help", description: "What can be said" }],
  });
  const path = (): readonly string[] =>
    events.flatMap((event) => (event.type === "channel.state" ? [`${event.previous}>${event.state}`] : []));
  return { clock, channel, supervisor, webhooks, events, lines, received, path };
}

/** Memory that outlives connections and not the process, each account's own. */
export function fakeMemory(): (channel: string, accountId: string) => AccountMemory {
  const kept = new Map<string, unknown>();
  return (channel, accountId) => {
    const full = (key: string): string => JSON.stringify([channel, accountId, key]);
    return {
      get: (key) => Promise.resolve(kept.get(full(key))),
      put: (key, value) => {
        kept.set(full(key), value);
        return Promise.resolve();
      },
    };
  };
}

/** What a link needs besides what a test says itself. */
export function quietLinkParts(): Pick<ChannelLink, "memory" | "webhooks" | "commands" | "failpoints"> {
  return {
    memory: fakeMemory()("fake", "default"),
    webhooks: createWebhooks().portFor("fake", "default"),
    commands: [],
    failpoints: noFailpoints,
  };
}

export function fakeMessage(id: string): InboundMessage {
  return {
    id,
    kind: "message",
    address: { channel: "fake", accountId: "default", chatId: "c", chatKind: "dm" },
    sender: { id: "s" },
    platformMessageId: id,
    content: [{ type: "text", text: "hi" }],
    mentions: noMentions,
    sentAtMs: 0,
    receivedAtMs: 0,
    raw: null,
  };
}
