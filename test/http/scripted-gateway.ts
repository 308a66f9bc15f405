/**
 * The HTTP surface on a real port, with a scripted run behind it: what the door is asked is kept, and a test says what
 * the run then does. Everything below the door is invented here; everything above it is the product's own.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../../src/domain/app-error.ts";
import { mintPrincipal } from "../../src/domain/authority-mint.ts";
import type { Principal } from "../../src/domain/authority.ts";
import type { ModelInfo, ToolCall } from "../../src/domain/conversation.ts";
import type { EventBus, StopReason } from "../../src/domain/events.ts";
import type { TokenUsage } from "../../src/domain/money.ts";
import { scopes, type Scope } from "../../src/domain/scopes.ts";
import type { TurnOptions } from "../../src/agent/turn-options.ts";
import type { HttpAuth } from "../../src/gateway/http/contract.ts";
import type { GatewayDeps } from "../../src/gateway/deps.ts";
import { createHttpApp } from "../../src/gateway/http/app.ts";
import type { Admission, AdmitRequest } from "../../src/inbound/contract.ts";
import { fakeDeskView } from "../../src/models/desk-view.fixture.ts";
import { createEventBus } from "../../src/platform/bus.ts";
import { systemClock, type Clock } from "../../src/platform/clock.ts";
import { systemIds } from "../../src/platform/ids.ts";
import type { Log } from "../../src/platform/log.ts";
import type { TurnRow } from "../../src/store/port.ts";

export interface RunScript {
  readonly request: AdmitRequest;
  readonly options: TurnOptions;
  readonly runId: string;
  readonly signal: AbortSignal;
  text(delta: string): void;
  /** The answer begins anew: only this much of it still counts. */
  restart(kept: string): void;
  end(result?: { text?: string; stopReason?: StopReason; toolCalls?: readonly ToolCall[]; usage?: TokenUsage }): void;
  fail(error: AppError): void;
}

export interface ScriptedGateway {
  readonly url: string;
  readonly token: string;
  /** A credential of a paired device that may write but is no admin. */
  readonly writerToken: string;
  /** A second one of the same kind. */
  readonly otherToken: string;
  readonly readerToken: string;
  readonly admitted: AdmitRequest[];
  /** Run ids that came a second time. */
  readonly duplicates: string[];
  readonly aborted: { runId: string; reason: string }[];
  readonly logged: string[];
  readonly config: { chatCompletions: boolean; responses: boolean; controlUi: boolean };
  readonly health: { ready: boolean; failing: string[]; hangs: boolean };
  readonly server: Server;
  script(run: (script: RunScript) => void | Promise<void>): void;
  refuseWith(error: AppError | null): void;
  close(): Promise<void>;
}

const testModel: ModelInfo = {
  ref: "mock/mock-1",
  provider: "mock",
  id: "mock-1",
  name: "Mock",
  contextWindow: 128_000,
  maxTokens: 4_096,
  reasoning: false,
  input: ["text", "image"],
  price: undefined,
};

export async function startScriptedGateway(
  options: { clock?: Clock; pagesDir?: string } = {},
): Promise<ScriptedGateway> {
  const clock = options.clock ?? systemClock();
  const logged: string[] = [];
  const log = collectingLog(logged);
  const bus = createEventBus(log);
  const world = createWorld(bus, clock);
  const config = { chatCompletions: true, responses: true, controlUi: true };
  const health = { ready: true, failing: [] as string[], hangs: false };
  const deps = fakeDeps({ clock, log, bus, world, config, health, pagesDir: options.pagesDir ?? "ui" });
  const tokens = new Map<string, Principal>([
    [
      "admin-token-0123456789",
      principal(
        "token:gateway",
        [...scopes].filter((scope) => scope !== "node"),
      ),
    ],
    ["writer-token-0123456789", principal("device:aa", ["operator.write"])],
    ["other-token-0123456789", principal("device:bb", ["operator.write"])],
    ["reader-token-0123456789", principal("device:cc", ["operator.read"])],
  ]);
  const server = createServer(createHttpApp(deps, fakeAuth(tokens)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const [token = "", writerToken = "", otherToken = "", readerToken = ""] = tokens.keys();
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    writerToken,
    otherToken,
    readerToken,
    admitted: world.admitted,
    duplicates: world.duplicates,
    aborted: world.aborted,
    logged,
    config,
    health,
    server,
    script: (run) => {
      world.script = run;
    },
    refuseWith: (error) => {
      world.refusal = error;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function principal(id: string, granted: readonly Scope[]): Principal {
  return mintPrincipal({ kind: id.startsWith("device") ? "device" : "token", id, role: "operator", scopes: granted });
}

function checkHost({ headers }: IncomingMessage): AppError | null {
  if (/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? "")) return null;
  return new AppError("SEC_006", "A foreign host.", { details: { httpStatus: 421 } });
}

function fakeAuth(tokens: ReadonlyMap<string, Principal>): HttpAuth {
  return {
    authenticate: ({ headers }) => {
      const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? String(headers["x-api-key"] ?? "");
      const known = tokens.get(bearer);
      if (known !== undefined) return { ok: true, principal: known };
      return { ok: false, error: new AppError("SEC_003", "Unauthorized") };
    },
    checkHost,
    checkHostAndOrigin: (req) => {
      const foreignHost = checkHost(req);
      if (foreignHost !== null) return foreignHost;
      const { headers } = req;
      const host = headers.host ?? "";
      const { origin } = headers;
      return origin === undefined || origin === `http://${host}` ? null : new AppError("SEC_006", "A foreign origin.");
    },
  };
}

interface World {
  admit(request: AdmitRequest): Promise<Admission>;
  abort(runId: string, reason: string): boolean;
  readonly rows: Map<string, TurnRow>;
  readonly running: Map<string, AbortController>;
  readonly admitted: AdmitRequest[];
  readonly duplicates: string[];
  readonly aborted: { runId: string; reason: string }[];
  script: (script: RunScript) => void | Promise<void>;
  refusal: AppError | null;
}

const someUsage: TokenUsage = { input: 11, output: 7, cacheRead: 3, cacheWrite: 1 };

function createWorld(bus: EventBus, clock: Clock): World {
  const known = new Map<string, AdmitRequest>();
  const world: World = {
    rows: new Map(),
    running: new Map(),
    admitted: [],
    duplicates: [],
    aborted: [],
    refusal: null,
    script: ({ end, request }) => end({ text: `echo: ${request.message.content.map((part) => part.text).join("|")}` }),
    admit: async (request) => {
      const runId = request.runId ?? "";
      const ids = {
        messageId: request.message.id,
        runId,
        sessionKey: request.sessionKey ?? "",
        agentId: request.agentId ?? "",
      };
      if (world.refusal !== null) return { outcome: "refused", reason: "inbox-full", error: world.refusal };
      if (known.has(runId)) {
        world.duplicates.push(runId);
        return { outcome: "duplicate", ...ids, ended: world.rows.has(runId) };
      }
      known.set(runId, request);
      world.admitted.push(request);
      runScript(world, bus, clock, request);
      return { outcome: "accepted", ...ids };
    },
    abort: (runId, reason) => {
      const controller = world.running.get(runId);
      world.aborted.push({ runId, reason });
      controller?.abort();
      return controller !== undefined;
    },
  };
  return world;
}

function runScript(world: World, bus: EventBus, clock: Clock, request: AdmitRequest): void {
  const runId = request.runId ?? "";
  const controller = new AbortController();
  world.running.set(runId, controller);
  const scoped = () => ({
    runId,
    sessionKey: request.sessionKey ?? "",
    agentId: request.agentId ?? "",
    atMs: clock.nowMs(),
  });
  let soFar = "";
  const finish = (outcome: "final" | "aborted" | "error", rest: Partial<TurnRow>): void => {
    if (!world.running.delete(runId)) return;
    const row = { text: soFar, toolCalls: [], stopReason: "stop", usage: someUsage, error: null, ...rest } as const;
    world.rows.set(runId, {
      ...row,
      runId,
      messageId: request.message.id,
      sessionKey: request.sessionKey ?? "",
      agentId: request.agentId ?? "",
      state: outcome,
      startedMs: 0,
      endedMs: 1,
      model: "mock/mock-1",
      costMicros: 42,
    });
    bus.emit({
      type: "run.ended",
      outcome,
      text: row.text,
      stopReason: row.stopReason ?? "stop",
      usage: row.usage,
      costMicros: 42,
      model: "mock/mock-1",
      toolCalls: row.toolCalls,
      ...(row.error === null ? {} : { error: row.error }),
      ...scoped(),
    });
  };
  controller.signal.addEventListener("abort", () => finish("aborted", { stopReason: "aborted" }));
  const script: RunScript = {
    request,
    options: (request.options ?? {}) as TurnOptions,
    runId,
    signal: controller.signal,
    text: (delta) => {
      soFar += delta;
      bus.emit({ type: "run.text", text: delta, soFar, ...scoped() });
    },
    restart: (kept) => {
      soFar = kept;
      bus.emit({ type: "run.restarted", soFar, ...scoped() });
    },
    end: (result = {}) => finish("final", { ...result, text: result.text ?? soFar }),
    fail: (error) => finish("error", { stopReason: "error", error: error.toJSON() }),
  };
  // As in the product, the run begins after the verdict is out.
  setImmediate(() => {
    bus.emit({ type: "run.started", messageId: request.message.id, ...scoped() });
    void world.script(script);
  });
}

interface Fakes {
  readonly clock: Clock;
  readonly log: Log;
  readonly bus: EventBus;
  readonly world: World;
  readonly config: ScriptedGateway["config"];
  readonly health: ScriptedGateway["health"];
  readonly pagesDir: string;
}

function fakeDeps({ clock, log, bus, world, config, health, pagesDir }: Fakes): GatewayDeps {
  const snapshot = () => ({
    loadedMs: 1_790_000_000_000,
    config: {
      gateway: {
        http: {
          endpoints: {
            chatCompletions: { enabled: config.chatCompletions },
            responses: { enabled: config.responses },
          },
        },
        controlUi: { enabled: config.controlUi, allowedOrigins: [] },
      },
      session: { mainKey: "main" },
    },
  });
  const documents = new Map<string, unknown>();
  const keys = new Map<string, string>();
  const deps = {
    clock,
    ids: systemIds(),
    log,
    bus,
    version: "0.0.0-test",
    pagesDir,
    config: { current: snapshot },
    admit: (request: AdmitRequest) => world.admit(request),
    turns: {
      abort: (runId: string, reason: string) => world.abort(runId, reason),
      wait: async (runId: string) => world.rows.get(runId) ?? null,
      active: () => [...world.running.keys()].map((runId) => ({ runId })),
    },
    models: {
      list: () => [testModel],
      find: (name: string) => (name === "mock/mock-1" || name === "mock-1" ? testModel : undefined),
      primary: () => testModel,
    },
    desk: fakeDeskView({
      find: (name) => (name === "mock/mock-1" || name === "mock-1" ? testModel : undefined),
    }),
    invokeTool: async () => ({ state: "unknown" }),
    agents: () => [
      { id: "main", name: "Main", isDefault: true, model: null },
      { id: "work", name: "Work", isDefault: false, model: null },
    ],
    webhooks: { mounted: () => false, handle: () => null },
    channels: {
      status: () => [
        {
          channel: "irc",
          accountId: 'de"fault',
          label: "IRC",
          state: "CONNECTED",
          reason: null,
          since: 0,
          lastRoundTripAgeMs: 1,
          reconnects: 2,
          received: 5,
          sent: 4,
          errors: 0,
        },
      ],
    },
    health: {
      ready: () =>
        health.hangs ? new Promise(() => undefined) : Promise.resolve({ ready: health.ready, failing: health.failing }),
      uptimeMs: () => 1_234,
      draining: () => !health.ready,
      loopDelay: () => ({ p50Ms: 1, p99Ms: 2, maxMs: 3 }),
    },
    store: {
      documents: {
        get: async (namespace: string, key: string) => documents.get(`${namespace} ${key}`),
        put: async (namespace: string, key: string, value: unknown) => {
          documents.set(`${namespace} ${key}`, structuredClone(value));
        },
        delete: async (namespace: string, key: string) => void documents.delete(`${namespace} ${key}`),
      },
      idempotency: {
        begin: async (key: unknown, hash: string) => {
          const name = JSON.stringify(key);
          const before = keys.get(name);
          if (before === undefined) keys.set(name, hash);
          return { outcome: before === undefined ? "new" : before === hash ? "known" : "conflict", result: null };
        },
        complete: async () => undefined,
      },
      totals: async () => ({ duplicates: 7, leasesLost: 1, unknownSends: 4 }),
      deadLetters: { count: async () => 5 },
      inbox: { counts: async () => ({ queued: 3, running: 1, oldestQueuedMs: null }) },
      outbox: {
        counts: async () => ({ held: 2, prepared: 1, sending: 0, sent: 9, unknown: 0, failed: 0, expired: 0 }),
      },
    },
  };
  return deps as unknown as GatewayDeps;
}

function collectingLog(lines: string[]): Log {
  const write = (message: string, fields?: unknown): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
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
