/**
 * The whole way of a message for a simulation: door, queue, agent, outbox, delivery and channels as the gateway has them,
 * on a database in memory that outlives the processes which are started on it.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { ModelCatalogue } from "../agent/contract.ts";
import type { ToolSet } from "../agent/turn.ts";
import type { ChannelCatalogue } from "../channels/catalogue.ts";
import type { ChannelModule } from "../channels/contract.ts";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { ModelInfo, ModelMessage } from "../domain/conversation.ts";
import { AppError } from "../domain/app-error.ts";
import {
  tokenMicros,
  type ModelPiece,
  type ModelQuestion,
  type SimulatedModel,
} from "../drill/simulation/simulated-model.ts";
import type { BootParts, RunningHouse, SimulatedDisk, SimulatedHouse } from "../drill/simulation/house.ts";
import type { SimulatedProcess } from "../drill/simulation/simulated-process.ts";
import { createFixedDesk } from "../models/fixed-desk.ts";
import { createEventBus } from "../platform/bus.ts";
import type { Log, LogFields } from "../platform/log.ts";
import type { ModelEvent, ModelProvider, ModelRequest } from "../providers/contract.ts";
import type { Store } from "../store/port.ts";
import type { Database } from "../store/sqlite/database.ts";
import { openInlineStore } from "../store/sqlite/open-inline-store.ts";
import type { Tool } from "../tools/contract.ts";
import { toolSpecs } from "../tools/run-tool.ts";
import { collectEvidence } from "./drill-evidence.ts";
import { createLocalQueue } from "../queue/local/dispatch-queue.ts";
import { nobodyThere } from "./acting/nobody-there.ts";
import { createMessageWay } from "./message-way.ts";
import { createTraceWriter } from "./trace-writer.ts";
import { createVirtualDisk, tablesOf, type VirtualDisk } from "./virtual-disk.ts";

export interface SimulatedHouseOptions {
  /** What a process sees instead of its store; for houses that are built wrong on purpose. */
  readonly wrapStore?: (store: Store, process: SimulatedProcess) => Store;
}

export function createSimulatedHouse(options: SimulatedHouseOptions = {}): SimulatedHouse {
  // Making the tables and compiling every statement costs more than a whole run: an emptied database is as good as new.
  const emptied: VirtualDisk[] = [];
  return {
    openDisk() {
      const disk = emptied.pop() ?? createVirtualDisk();
      const giveBack = (): void => {
        disk.empty();
        emptied.push(disk);
      };
      return Promise.resolve(openDisk(disk.database, options, giveBack));
    },
  };
}

/** How long an orderly end may take in a simulation, in its own time. */
const closeBudgetMs = 8_000;

function openDisk(
  database: Database,
  { wrapStore = (store) => store }: SimulatedHouseOptions,
  giveBack: () => void,
): SimulatedDisk {
  const open = (delay: () => Promise<void>): Store =>
    openInlineStore({ database, delay, signal: new AbortController().signal });
  const plain = open(() => Promise.resolve());
  return {
    boot(parts) {
      const { process } = parts;
      const store = open(() => process.guard(() => Promise.resolve()));
      return boot(parts, wrapStore(mortalStore(store, process), process));
    },
    async isIdle() {
      const { queued, running } = await plain.inbox.counts();
      const { prepared, sending, unknown } = await plain.outbox.counts();
      return queued + running + prepared + sending + unknown === 0;
    },
    evidence: (said) => collectEvidence(plain, said),
    picture: () => Promise.resolve(pictureOf(database)),
    readEverything: () => readEverything(plain),
    close: () => {
      giveBack();
      return Promise.resolve();
    },
  };
}

async function boot(parts: BootParts, store: Store): Promise<RunningHouse> {
  const { process, ids, channels } = parts;
  const { clock, failpoints } = process;
  const lines: string[] = [];
  const log = recordingLog(lines);
  const bus = createEventBus(log);
  const settings = followSettings(parts.settings);
  const way = createMessageWay({
    dispatch: createLocalQueue,
    store,
    bus,
    clock,
    ids,
    log,
    failpoints,
    config: settings,
    models: () => catalogue,
    desk: createFixedDesk({ models: [model], open: () => Promise.resolve(providerOver(parts.model, process)) }),
    ...nobodyThere(),
    tools: () => Promise.resolve(toolSet()),
    catalogue: catalogueOf(channels),
  });
  await way.recover();
  const trace = createTraceWriter({ bus, store, clock, log });
  await way.start();
  return {
    async applySettings() {
      await failpoints.reach("config-swap");
      await way.applyConfig(settings());
    },
    async close() {
      await way.close(closeBudgetMs);
      await trace.close();
    },
    log: () => lines.join("\n"),
  };
}

/** The same object as long as the settings are the same: the house compares it to see whether anything changed. */
function followSettings(settings: BootParts["settings"]): () => Config {
  const base = defaultConfig();
  let made: { readonly text: string; readonly config: Config } | undefined;
  return () => {
    const channels = settings();
    const text = JSON.stringify(channels);
    if (made?.text !== text) made = { text, config: { ...base, channels } as Config };
    return made.config;
  };
}

function catalogueOf(channels: readonly ChannelModule[]): ChannelCatalogue {
  const find = (id: string): ChannelModule | undefined => channels.find((channel) => channel.manifest.id === id);
  return {
    manifests: () => channels.map((channel) => channel.manifest),
    manifest: (id) => find(id)?.manifest,
    async module(id) {
      const found = find(id);
      if (found === undefined) throw new AppError("CFG_004", `There is no channel named ${id}.`);
      return found;
    },
    prefixes: (id) => [id],
  };
}

// ---------------------------------------------------------------- the store of a process that may die

/** Every call and its answer pass the process's guard: a dead one asks nothing and hears nothing. */
function mortalStore(store: Store, process: SimulatedProcess): Store {
  const mortal = <Area extends object>(area: Area): Area =>
    new Proxy(area, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") {
          return typeof member === "object" && member !== null ? mortal(member) : member;
        }
        return (...words: unknown[]) =>
          process.guard(() => {
            // Two gateways never deliver from one folder, which a lock sees to; two workers may meet at one turn.
            if (process.isSuperseded && target === store.outbox && deliveryWrites.has(String(name))) return never();
            return Reflect.apply(member, target, words) as Promise<unknown>;
          });
      },
    });
  return mortal(store);
}

const deliveryWrites: ReadonlySet<string> = new Set(["sending", "progress", "settle", "postpone", "recover"]);

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function pictureOf(database: Database): string {
  const hash = createHash("sha256");
  for (const name of tablesOf(database)) {
    hash.update(JSON.stringify([name, database.all(`SELECT * FROM "${name}"`)], printable));
  }
  return hash.digest("hex");
}

function printable(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

async function readEverything(store: Store): Promise<void> {
  const { rows } = await store.sessions.list({ limit: 1_000 });
  for (const { sessionKey } of rows) {
    await store.sessions.transcript(sessionKey);
    await store.sessions.history(sessionKey);
  }
  await store.trace.recent(1_000);
  await store.deadLetters.list({ limit: 100 });
  await store.outbox.inState("sent", 100);
  await store.inbox.counts();
  await store.inbox.nextDueMs(0);
  await store.ledger.by("model", {});
  await store.devices.list();
  await store.totals();
}

// ---------------------------------------------------------------- model and tools

const model: ModelInfo = {
  ref: "simulated/one",
  provider: "simulated",
  id: "one",
  name: "one",
  contextWindow: 100_000,
  maxTokens: null,
  reasoning: false,
  input: ["text"],
  // Dollars for a million tokens are micro-dollars for one.
  price: { input: tokenMicros, output: tokenMicros, cacheRead: 0, cacheWrite: 0 },
};

const catalogue: ModelCatalogue = {
  list: () => [model],
  find: (name) => (name === model.ref ? model : undefined),
  primary: () => model,
};

function providerOver(simulated: SimulatedModel, process: SimulatedProcess): ModelProvider {
  return {
    endpoint: { id: "simulated", api: "demo", baseUrl: null, apiKey: null, headers: {} },
    async *stream(request, signal) {
      const pieces = simulated.ask(questionOf(request))[Symbol.asyncIterator]();
      for (let call = 1; ; call += 1) {
        const { done, value } = await process.guard(() => pieces.next());
        if (done === true) return;
        if (signal.aborted) {
          yield failure("RUN_001", "The call was aborted.");
          return;
        }
        yield eventOf(value, call);
      }
    },
  };
}

function eventOf(piece: ModelPiece, call: number): ModelEvent {
  switch (piece.type) {
    case "text":
      return piece;
    case "tool-call":
      return { ...piece, callId: `call-${call}` };
    case "end": {
      const usage = { input: piece.inputTokens, output: piece.outputTokens, cacheRead: 0, cacheWrite: 0 };
      return { type: "end", reason: "stop", usage };
    }
    case "failure":
      return failure("MODEL_004", "The simulated provider failed.");
  }
}

function failure(code: "RUN_001" | "MODEL_004", message: string): ModelEvent {
  return { type: "failure", error: new AppError(code, message).toJSON() };
}

function questionOf({ messages, system }: ModelRequest): ModelQuestion {
  const persons = messages.findLast((message) => message.role === "user");
  return {
    personsText: persons === undefined ? "" : textOf(persons),
    lastRole: messages.at(-1)?.role === "tool" ? "tool" : "user",
    promptChars: system.length + JSON.stringify(messages).length,
  };
}

function textOf(message: Extract<ModelMessage, { role: "user" }>): string {
  return message.content.map((content) => (content.type === "text" ? content.text : "")).join("\n");
}

const echo: Tool<Record<string, unknown>> = {
  name: "echo",
  description: "Says that it was called.",
  inputSchema: z.record(z.string(), z.unknown()),
  effect: "pure",
  run: () => Promise.resolve("called"),
};

function toolSet(): ToolSet {
  return { tools: [echo], specs: toolSpecs([echo]) };
}

/** Everything that is logged, as one would find it in the file. */
function recordingLog(lines: string[]): Log {
  const write = (message: string, fields?: LogFields): void =>
    void lines.push(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
  const log: Log = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => log,
  };
  return log;
}
