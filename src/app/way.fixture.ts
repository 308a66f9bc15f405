/** A way of a message on a real store in a folder of its own, with a model that answers by script. For tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ShrinkImages } from "../agent/contract.ts";
import type { MemoryNotes } from "../agent/context/contract.ts";
import type { ModelCatalogue } from "../agent/contract.ts";
import type { ChannelCatalogue } from "../channels/catalogue.ts";
import { defaultConfig } from "../config/default-config.ts";
import type { ApprovalDeskDeps } from "../approvals/desk.ts";
import type { Config } from "../config/schema/root.ts";
import type { AppEvent, EventBus, EventOf } from "../domain/events.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { mintPrincipal } from "../domain/authority-mint.ts";
import type { AdmitRequest } from "../inbound/contract.ts";
import { noMentions, type InboundMessage } from "../domain/message.ts";
import type { ModelDesk } from "../models/contract.ts";
import { createFixedDesk } from "../models/fixed-desk.ts";
import { createEventBus } from "../platform/bus.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { noFailpoints, type Failpoints } from "../platform/failpoints.ts";
import { systemIds } from "../platform/ids.ts";
import { silentLog, type Log } from "../platform/log.ts";
import type { ModelEvent, ModelProvider, ModelRequest } from "../providers/contract.ts";
import { createLocalQueue } from "../queue/local/dispatch-queue.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite/open-store.ts";
import type { Store } from "../store/port.ts";
import type { Tool } from "../tools/contract.ts";
import type { VisionDesk } from "../tools/vision.ts";
import { toolSpecs } from "../tools/run-tool.ts";
import { noGrants, openApprovals, type Approvals } from "./acting/approvals.ts";
import { createMessageWay, type MessageWay } from "./message-way.ts";
import type { Acting } from "./acting/contract.ts";
import { nobodyThere } from "./acting/nobody-there.ts";
import { createRestarts, type RestartDesk } from "./restarts.ts";

/** What the model does when it is asked for the n-th time (from 0). */
export type Script = (request: ModelRequest, call: number, signal: AbortSignal) => AsyncIterable<ModelEvent>;

export interface TestWay {
  readonly way: MessageWay;
  /** Where turns ask, unless a test brings its own desk. */
  readonly approvals: Approvals;
  readonly store: SqliteStore;
  readonly bus: EventBus;
  readonly events: AppEvent[];
  readonly requests: ModelRequest[];
  readonly restarts: RestartDesk;
  readonly folder: string;
  /** Resolves with the next event of that type that passes the test, past ones included. */
  next<T extends AppEvent["type"]>(type: T, passes?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
  /** Ends it as a crash would: nothing is given back, nothing is told. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

const model: ModelInfo = {
  ref: "script/one",
  provider: "script",
  id: "one",
  name: "one",
  contextWindow: 100_000,
  maxTokens: null,
  reasoning: false,
  input: ["text"],
  price: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
};

const catalogue: ModelCatalogue = {
  list: () => [model],
  find: (name) => (name === model.ref ? model : undefined),
  primary: () => model,
};

export interface TestWayOptions {
  readonly script: Script;
  readonly folder?: string;
  readonly tools?: readonly Tool[];
  readonly config?: Config;
  readonly clock?: Clock;
  readonly log?: Log;
  /** The one scripted model where absent. */
  readonly desk?: (store: Store) => ModelDesk;
  /** Everything is allowed but commands, and nobody is asked, where absent. */
  readonly acting?: Partial<Acting>;
  readonly failpoints?: Failpoints;
  /** Where what is allowed for good goes; nowhere where absent. */
  readonly grants?: ApprovalDeskDeps["commands"];
  readonly shrinkImages?: ShrinkImages;
  /** Where tools have pictures looked at. */
  readonly vision?: VisionDesk;
  /** What stands between the way and its store, for a medium that refuses. */
  readonly medium?: (store: Store) => Store;
  /** The channels that ship where absent. */
  readonly channels?: ChannelCatalogue;
  /** Where lasting facts go; nowhere where absent. */
  readonly notes?: MemoryNotes;
  /** Hears when somebody asks for a restart; without it nobody can. */
  readonly onRestart?: (reason: string) => void;
}

export async function openTestWay(options: TestWayOptions): Promise<TestWay> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "openclaw-way-")));
  const log = options.log ?? silentLog();
  const clock = options.clock ?? systemClock();
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log });
  const bus = createEventBus(log);
  const events: AppEvent[] = [];
  bus.on((event) => events.push(event));
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    endpoint: { id: "script", api: "demo", baseUrl: null, apiKey: null, headers: {} },
    stream(request, signal) {
      requests.push(structuredClone(request));
      return options.script(request, requests.length - 1, signal);
    },
  };
  const tools = options.tools ?? [];
  const config = options.config ?? defaultConfig();
  const ask = options.onRestart;
  const restarts = createRestarts({
    store,
    clock,
    log,
    storedIsDelivered: (channel) => channel === "webchat",
    ask: ask ?? (() => undefined),
  });
  const approvals = openApprovals({
    store,
    clock,
    ids: systemIds(),
    bus,
    log,
    config: () => config,
    commands: options.grants ?? noGrants,
  });
  const way = createMessageWay({
    store: options.medium?.(store) ?? store,
    bus,
    clock,
    ids: systemIds(),
    log,
    config: () => config,
    failpoints: options.failpoints ?? noFailpoints,
    models: () => catalogue,
    desk: options.desk?.(store) ?? createFixedDesk({ models: [model], open: () => Promise.resolve(provider) }),
    tools: () => Promise.resolve({ tools, specs: toolSpecs(tools) }),
    ...nobodyThere(),
    approvals,
    ...options.acting,
    dispatch: createLocalQueue,
    ...(options.notes === undefined ? {} : { notes: options.notes }),
    ...(options.channels === undefined ? {} : { catalogue: options.channels }),
    ...(ask === undefined ? {} : { restarts }),
    ...(options.shrinkImages === undefined ? {} : { shrinkImages: options.shrinkImages }),
    ...(options.vision === undefined ? {} : { vision: options.vision }),
  });
  approvals.follow(way);
  return {
    way,
    approvals,
    store,
    bus,
    events,
    requests,
    restarts,
    folder,
    next: (type, passes) => nextEvent(bus, events, type, passes),
    async crash() {
      await store.close();
    },
    async close() {
      approvals.close();
      await way.close(1_000);
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function nextEvent<T extends AppEvent["type"]>(
  bus: EventBus,
  past: readonly AppEvent[],
  type: T,
  passes: (event: EventOf<T>) => boolean = () => true,
): Promise<EventOf<T>> {
  const wanted = (event: AppEvent): event is EventOf<T> => event.type === type && passes(event as EventOf<T>);
  const seen = past.find(wanted);
  if (seen !== undefined) return Promise.resolve(seen);
  return new Promise((resolve) => {
    const stop = bus.on((event) => {
      if (!wanted(event)) return;
      stop();
      resolve(event);
    });
  });
}

/** A model that says this, in two deltas. */
export function says(text: string): Script {
  return async function* () {
    const half = Math.ceil(text.length / 2);
    yield { type: "text", text: text.slice(0, half) };
    yield { type: "text", text: text.slice(half) };
    yield { type: "end", reason: "stop", usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 } };
  };
}

/** A message of a platform's sender, as its channel would bring it: judged by policy, routed by rule. */
export function ircRequest(
  text: string,
  { chatId, senderId, message = {} }: { chatId: string; senderId: string; message?: Partial<InboundMessage> },
): AdmitRequest {
  const { message: made } = chatRequest(text);
  const chatKind = chatId.startsWith("#") ? ("group" as const) : ("dm" as const);
  return {
    origin: { via: "channel" },
    message: {
      ...made,
      address: { channel: "irc", accountId: "default", chatId, chatKind },
      sender: { id: senderId },
      ...message,
    },
  };
}

/** An IRC account that listens to these settings; it is never connected. */
export function ircConfig(part: Record<string, unknown> = {}): Config {
  const settings = { host: "127.0.0.1", port: 1, nick: "claw", enabled: true, dmPolicy: "open", allowFrom: ["*"] };
  return { ...defaultConfig(), channels: { irc: { ...settings, groupPolicy: "open", ...part } } };
}

export function chatRequest(
  text: string,
  part: Partial<Omit<AdmitRequest, "message">> & { message?: Partial<InboundMessage> } = {},
): AdmitRequest {
  const id = systemIds().uuid();
  return {
    origin: {
      via: "gateway",
      principal: mintPrincipal({ kind: "token", id: "token:gateway", role: "operator", scopes: ["operator.write"] }),
    },
    sessionKey: "agent:main:main",
    agentId: "main",
    runId: id,
    ...part,
    message: {
      id,
      kind: "message",
      address: { channel: "webchat", accountId: "default", chatId: "main", chatKind: "dm" },
      sender: { id: "token:gateway" },
      platformMessageId: id,
      content: [{ type: "text", text }],
      mentions: noMentions,
      sentAtMs: systemClock().nowMs(),
      receivedAtMs: systemClock().nowMs(),
      raw: null,
      ...part.message,
    },
  };
}
