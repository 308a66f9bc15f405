/**
 * A gateway on a real port and a real store, whose turns are played by the test. For tests of the wire: what lies
 * behind the door is the smallest thing that keeps the door's promises.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Turns } from "../agent/contract.ts";
import { createApprovalDesk } from "../approvals/desk.ts";
import { createBudgetDesk } from "../budget/desk.ts";
import { createBudgetGate } from "../budget/gate.ts";
import type { ConfigAccess, ConfigChange, ConfigSnapshot } from "../config/contract.ts";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { AppEvent, EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import { createCommandDesk } from "../exec/desk.ts";
import type { Admit, AdmitRequest } from "../inbound/contract.ts";
import { createMemory } from "../memory/create-memory.ts";
import { fakeDeskView } from "../models/desk-view.fixture.ts";
import { configWith, fakeCommands } from "../policy/policy-world.fixture.ts";
import { createPolicy } from "../policy/resolve.ts";
import { createPolicyView } from "../policy/view.ts";
import { createEventBus } from "../platform/bus.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { createAgentFiles } from "../skills/agent-files.ts";
import { createSkillDesk } from "../skills/skill-desk.ts";
import { silentMp3 } from "../speech/audio.fixture.ts";
import { createSpeechDesk } from "../speech/desk.ts";
import { createSurroundings } from "../skills/surroundings.ts";
import { silentLog, type Log } from "../platform/log.ts";
import type { InboxEntry, OutboxDraft, Store } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/open-store.ts";
import { createGatewayAuth, type GatewayAuth } from "./auth/gateway-auth.ts";
import type { ChannelStatus } from "../domain/channel-status.ts";
import type { GatewayDeps } from "./deps.ts";
import { createGateway, type Gateway, type GatewayOptions } from "./server.ts";

export const testToken = "a-token-that-is-long-enough-to-be-one";

export interface StageOptions {
  readonly config?: (config: Config) => Config;
  readonly clock?: Clock;
  readonly log?: Log;
  /** A folder of an earlier stage, to go on in. */
  readonly folder?: string;
  readonly handshakeTimeoutMs?: number;
  readonly disabledGroups?: GatewayOptions["disabledGroups"];
  readonly http?: GatewayOptions["http"];
  readonly admit?: Admit;
  readonly deps?: Partial<GatewayDeps>;
}

export interface Stage {
  readonly deps: GatewayDeps;
  readonly auth: GatewayAuth;
  readonly gateway: Gateway;
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly config: FakeConfig;
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly admitted: AdmitRequest[];
  readonly sent: OutboxDraft[];
  readonly channels: ChannelStatus[];
  readonly calls: string[];
  /** Ends a run that was admitted: in the store, then on the bus. */
  finish(runId: string, text: string): Promise<void>;
  /** Closes the gateway and the store; the folder stays for the next stage. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "openclaw-gateway-")));
  const log = options.log ?? silentLog();
  const clock = options.clock ?? systemClock();
  const ids = systemIds();
  const bus = createEventBus(log);
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log });
  const config = fakeConfig(withGateway(options.config?.(stageConfig()) ?? stageConfig()), bus, clock);
  const admitted: AdmitRequest[] = [];
  const sent: OutboxDraft[] = [];
  const calls: string[] = [];
  const channels: ChannelStatus[] = [channelStatus()];
  const running = new Map<string, { runId: string; sessionKey: string; agentId: string; startedMs: number }>();
  const admit = options.admit ?? fakeAdmit({ store, clock, bus, admitted, running });
  const verb = (name: string) => (channel: string, accountId?: string) => {
    calls.push(`${name} ${channel} ${accountId ?? "-"}`);
    return Promise.resolve();
  };
  const deps: GatewayDeps = {
    clock,
    ids,
    log,
    bus,
    store,
    config,
    admit,
    turns: fakeTurns({ store, clock, bus, running }),
    models: { list: () => [], find: () => undefined, primary: () => undefined },
    desk: fakeDeskView({ find: () => undefined }),
    sandboxes: () => Promise.resolve([]),
    mcp: {
      states: () => [
        { name: "git", state: "ready", tools: ["mcp__git__log"], trouble: null },
        { name: "old", state: "failed", tools: [], trouble: "It ended by itself." },
      ],
    },
    budgets: createBudgetDesk({
      store,
      gate: createBudgetGate({ store, clock, log, config: () => config.current().config, onWarning: () => undefined }),
      clock,
      ids,
      log,
      config: () => config.current().config,
      ownerChats: () => Promise.resolve([]),
      interrupt: (agentId) => void calls.push(`interrupt ${agentId ?? "all"}`),
      wakeQueue: () => void calls.push("wake"),
    }),
    policy: createPolicyView({
      config: () => config.current().config,
      policy: createPolicy({ config: () => config.current().config, commands: fakeCommands() }),
      policyFor: (candidate) => createPolicy({ config: () => candidate, commands: fakeCommands() }),
      decisions: store.decisions,
      isOwner: ({ senderId }) => senderId === "owner",
      providerOf: () => "openai",
      // A candidate of a test is JSON of what differs from the defaults.
      readCandidate: (text) => Promise.resolve(configWith(JSON.parse(text) as object)),
    }),
    approvals: createApprovalDesk({
      store,
      clock,
      ids,
      bus,
      log,
      config: () => config.current().config,
      commands: { grant: (agentId, { says }) => Promise.resolve(void calls.push(`grant ${agentId} ${says}`)) },
      wakeQueue: () => void calls.push("wake"),
    }),
    memory: createMemory({
      stateDir: folder,
      config: () => ({ ...config.current().config, agents: inFolder(config.current().config.agents, folder) }),
      embeddings: {
        wanted: () => null,
        open: () => {
          throw new AppError("MODEL_001", "There is no provider here.");
        },
      },
      clock,
      ids,
      log,
    }),
    execApprovals: createCommandDesk({
      documents: store.documents,
      config: () => config.current().config,
      hostEnvironment: () => ({}),
      clock,
      ids,
      log,
      stateDir: folder,
    }).approvals,
    speech: createSpeechDesk({
      config: () => config.current().config,
      variables: () => ({ OPENAI_API_KEY: "k" }),
      egress: { trustedFetch: () => () => Promise.resolve(new Response(new Uint8Array(silentMp3(2)))) },
      clock,
      agentId: () => "main",
      pay: (_call, ask) => ask(),
    }),
    invokeTool: () => Promise.resolve({ state: "unknown" }),
    agents: () => [{ id: "main", name: "Main", isDefault: true, model: null }],
    ...fakeFolder(folder, () => config.current().config, log),
    channels: {
      status: () => channels,
      start: verb("start"),
      stop: verb("stop"),
      restart: verb("restart"),
      logout: verb("logout"),
      probe: ({ channel }) => verb("probe")(channel ?? "-"),
    },
    webhooks: { mounted: () => false, publicHost: () => null, handle: () => null },
    enqueue: async (draft, context) => {
      const { said: _said, ...where } = context;
      await store.outbox.add(draft, { ...where, atMs: clock.nowMs() });
      sent.push(draft);
    },
    sessionOfChat: () => ({ sessionKey: "agent:main:main", agentId: "main" }),
    wake: () => void calls.push("wake"),
    rules: { admission: () => null, permission: () => null },
    tailLog: () => Promise.resolve({ lines: ["one", "two"], cursor: "7" }),
    health: {
      ready: () => Promise.resolve({ ready: true, failing: [] }),
      uptimeMs: () => 1_234,
      draining: () => false,
      loopDelay: () => ({ p50Ms: 0, p99Ms: 0, maxMs: 0 }),
    },
    version: "2026.11.0",
    stateDir: folder,
    configPath: path.join(folder, "openclaw.json"),
    prompt: () => Promise.resolve({ sections: [], tools: [], totalBytes: 0 }),
    pagesDir: folder,
    ...options.deps,
  };
  const auth = createGatewayAuth(deps);
  const gateway = createGateway(deps, {
    auth,
    http: options.http ?? ((_req, res) => res.writeHead(404).end()),
    ...(options.handshakeTimeoutMs === undefined ? {} : { handshakeTimeoutMs: options.handshakeTimeoutMs }),
    ...(options.disabledGroups === undefined ? {} : { disabledGroups: options.disabledGroups }),
  });
  const { port } = await gateway.start();
  async function stop(): Promise<void> {
    await gateway.close("test over");
    await deps.memory.close();
    await store.close();
  }
  return {
    deps,
    auth,
    gateway,
    store,
    bus,
    clock,
    config,
    port,
    url: `ws://127.0.0.1:${port}`,
    folder,
    admitted,
    sent,
    channels,
    calls,
    finish: (runId, text) => finishRun({ store, clock, bus, running }, runId, text),
    stop,
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function stageConfig(): Config {
  return defaultConfig();
}

/** What is noted in a test stays in its folder. */
function inFolder(agents: Config["agents"], folder: string): Config["agents"] {
  return { ...agents, defaults: { ...agents.defaults, workspace: path.join(folder, "workspace") } };
}

/** A free port and a known token; what the test set besides stays. */
function withGateway(config: Config): Config {
  const { gateway } = config;
  const token = gateway.auth.token ?? (gateway.auth.mode === "token" ? testToken : undefined);
  const auth = { ...gateway.auth, ...(token === undefined ? {} : { token }) };
  return { ...config, gateway: { ...gateway, port: 0, auth } };
}

export function channelStatus(part: Partial<ChannelStatus> = {}): ChannelStatus {
  return {
    channel: "irc",
    accountId: "default",
    label: "IRC",
    state: "CONNECTED",
    reason: null,
    since: 0,
    lastRoundTripAgeMs: 5,
    reconnects: 0,
    received: 0,
    sent: 0,
    errors: 0,
    ...part,
  };
}

export interface FakeConfig extends ConfigAccess {
  /** Swaps the configuration as a reload would. */
  swap(change: (config: Config) => Config, changedPaths: readonly string[]): void;
  readonly changes: ConfigChange[];
}

function fakeConfig(first: Config, bus: EventBus, clock: Clock): FakeConfig {
  const listeners = new Set<(next: ConfigSnapshot, changedPaths: readonly string[]) => void>();
  const changes: ConfigChange[] = [];
  let snapshot: ConfigSnapshot = {
    version: 1,
    config: first,
    hash: "hash-1",
    path: "/state/openclaw.json",
    exists: true,
    raw: "{}",
    parsed: {},
    issues: [],
    missingSecrets: [],
    loadedMs: 0,
  };
  function swap(change: (config: Config) => Config, changedPaths: readonly string[]): void {
    const version = snapshot.version + 1;
    snapshot = { ...snapshot, version, hash: `hash-${version}`, config: change(snapshot.config) };
    for (const listener of listeners) listener(snapshot, changedPaths);
    bus.emit({ type: "config.changed", version, changedPaths, atMs: clock.nowMs() });
  }
  return {
    current: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    write(change) {
      if (change.baseHash !== undefined && change.baseHash !== snapshot.hash) {
        return Promise.reject(new AppError("CFG_005", "The configuration changed since it was read."));
      }
      changes.push(change);
      swap((config) => config, []);
      return Promise.resolve(snapshot);
    },
    schema: () => ({ type: "object" }),
    secretPaths: () => ["gateway.auth.token", "gateway.auth.password"],
    redacted: () => redact(snapshot.config),
    redact,
    swap,
    changes,
  };
}

function redact(config: Config): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) =>
      typeof value === "string" && /^(token|password|apiKey)$/.test(key) ? "__OPENCLAW_REDACTED__" : value,
    ),
  );
}

interface World {
  readonly store: Store;
  readonly clock: Clock;
  readonly bus: EventBus;
  readonly running: Map<string, { runId: string; sessionKey: string; agentId: string; startedMs: number }>;
}

function fakeAdmit({ store, clock, bus, admitted, running }: World & { admitted: AdmitRequest[] }): Admit {
  return async (request) => {
    const atMs = clock.nowMs();
    const { message, sessionKey = "agent:main:main", agentId = "main", runId = message.id } = request;
    const { channel, accountId, chatId } = message.address;
    const entry: InboxEntry = {
      message,
      dedupeKey: JSON.stringify([channel, accountId, chatId, message.platformMessageId]),
      sessionKey,
      agentId,
      runId,
      priority: "normal",
      dueMs: 0,
      expiresMs: atMs + limits.inboundTtlMs,
      options: request.options ?? {},
      ephemeral: false,
    };
    const result = await store.inbox.admit(entry, { atMs, claimFor: { owner: "stage", leaseMs: 60_000 } });
    if (result.outcome === "duplicate") {
      const { existing } = result;
      return {
        outcome: "duplicate",
        messageId: existing.message.id,
        runId: existing.runId,
        sessionKey: existing.sessionKey,
        agentId: existing.agentId,
        ended: existing.endedMs !== null,
      };
    }
    admitted.push(request);
    running.set(runId, { runId, sessionKey, agentId, startedMs: atMs });
    bus.emit({ type: "run.started", messageId: message.id, runId, sessionKey, agentId, atMs });
    return { outcome: "accepted", messageId: message.id, runId, sessionKey, agentId };
  };
}

/** The named files and packs of the one agent, in a folder of the stage's. */
function fakeFolder(folder: string, config: () => Config, log: Log): Pick<GatewayDeps, "agentFiles" | "skills"> {
  const managedDir = path.join(folder, "skills");
  const agentIds = () => ["main"];
  const placed = (): Config => {
    const { agents, ...rest } = config();
    return {
      ...rest,
      agents: { ...agents, defaults: { ...agents.defaults, workspace: path.join(folder, "workspace") } },
    };
  };
  const shelf = createSurroundings({
    config: placed,
    variables: () => ({}),
    managedDir,
    bundledDir: null,
    clock: systemClock(),
    log,
  });
  return {
    agentFiles: createAgentFiles({ config: placed, agentIds }),
    skills: createSkillDesk({ shelf, agentIds, managedDir }),
  };
}

function fakeTurns(world: World): Turns {
  const abort = (runId: string): boolean => {
    if (!world.running.has(runId)) return false;
    void finishRun(world, runId, "so far", "aborted");
    return true;
  };
  return {
    abort,
    abortSession: (sessionKey) =>
      [...world.running.values()]
        .filter((run) => run.sessionKey === sessionKey && abort(run.runId))
        .map((run) => run.runId),
    async wait(runId, timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = world.bus.on("run.ended", (event) => event.runId === runId && resolve());
      const timer = world.clock.after(timeoutMs, resolve);
      const known = await world.store.turns.get(runId);
      if (known !== null && known.state !== "running") resolve();
      await promise;
      stop();
      timer.cancel();
      const row = await world.store.turns.get(runId);
      return row === null || row.state === "running" ? null : row;
    },
    active: () => [...world.running.values()],
  };
}

const noUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

async function finishRun(
  { store, clock, bus, running }: World,
  runId: string,
  text: string,
  outcome: "final" | "aborted" = "final",
): Promise<void> {
  const row = await store.inbox.byRunId(runId);
  if (row === null) throw new AppError("RPC_007", "no such run");
  running.delete(runId);
  const atMs = clock.nowMs();
  const stopReason = outcome === "final" ? ("stop" as const) : ("aborted" as const);
  const { sessionKey, agentId } = row;
  const result = { text, toolCalls: [], stopReason, model: "test/one", usage: noUsage, costMicros: 0 };
  if (row.state === "queued") {
    await store.inbox.end(row.message.id, "expired", "stopped before it began", atMs);
    bus.emit({ type: "run.ended", outcome, runId, sessionKey, agentId, atMs, ...result });
    return;
  }
  await store.turns.finish(
    { messageId: row.message.id, runId, owner: "stage", epoch: row.leaseEpoch },
    {
      ...result,
      state: outcome,
      error: null,
      transcript: [],
      outbox: [],
      ledger: [],
      inbox: { state: "replied", reason: outcome },
      atMs,
    },
  );
  bus.emit({ type: "run.ended", outcome, runId, sessionKey, agentId, atMs, ...result });
}

/** Text of a run as the agent would tell it, piece by piece. */
export function runText(
  run: { runId: string; sessionKey: string },
  text: string,
  soFar: string,
  atMs: number,
): AppEvent {
  return { type: "run.text", ...run, agentId: "main", text, soFar, atMs };
}
