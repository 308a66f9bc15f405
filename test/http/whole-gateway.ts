/**
 * A whole gateway on a real port: the product's own guard, HTTP, WebSocket, door, run loop and store. Only the model
 * is played, and a test may change what it says at any time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { openTestWay, says, type Script, type TestWay, type TestWayOptions } from "../../src/app/way.fixture.ts";
import { defaultConfig } from "../../src/config/default-config.ts";
import type { ConfigSnapshot } from "../../src/config/contract.ts";
import type { Config } from "../../src/config/schema/root.ts";
import type { Principal } from "../../src/domain/authority.ts";
import type { ModelInfo } from "../../src/domain/conversation.ts";
import { createGatewayAuth, type GatewayAuth } from "../../src/gateway/auth/gateway-auth.ts";
import type { GatewayDeps } from "../../src/gateway/deps.ts";
import { createHttpApp } from "../../src/gateway/http/app.ts";
import type { HttpAuth } from "../../src/gateway/http/contract.ts";
import { createGateway } from "../../src/gateway/server.ts";
import { fakeDeskView } from "../../src/models/desk-view.fixture.ts";
import { systemClock, type Clock } from "../../src/platform/clock.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { silentLog } from "../../src/platform/log.ts";
import type { Tool } from "../../src/tools/contract.ts";

export const wholeGatewayToken = "a-token-that-is-long-enough-to-be-one";

export interface WholeGateway {
  readonly url: string;
  readonly auth: GatewayAuth;
  readonly way: TestWay;
  loginLink(): string;
  /** What the model does from now on. */
  model(script: Script): void;
  /** Stops it and starts another on the same port and folder. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const model: ModelInfo = {
  ref: "script/one",
  provider: "script",
  id: "one",
  name: "One",
  contextWindow: 100_000,
  maxTokens: null,
  reasoning: false,
  input: ["text"],
  price: undefined,
};

/** The one tool that a played model may call. */
const noon: Tool<Record<string, never>> = {
  name: "time",
  description: "The time.",
  inputSchema: z.object({}).strict(),
  effect: "pure",
  run: () => Promise.resolve("noon"),
};

/** What may be other than the defaults, for tests of what a caller may do. */
export interface WholeOptions {
  readonly folder: string;
  readonly config: Config;
  readonly tools: readonly Tool[];
  readonly acting: TestWayOptions["acting"];
  readonly clock: Clock;
  /** Whom every good credential stands for. */
  readonly principal: Principal;
}

interface Run {
  readonly way: TestWay;
  readonly auth: GatewayAuth;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startWholeGateway(options: Partial<WholeOptions> = {}): Promise<WholeGateway> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "openclaw-whole-")));
  let script: Script = says("Hello from the model.");
  const play: Script = (request, call, signal) => script(request, call, signal);
  let run = await startRun({ folder, port: 0, script: play, options });
  const { port } = run;
  return {
    url: `http://127.0.0.1:${port}`,
    get auth() {
      return run.auth;
    },
    get way() {
      return run.way;
    },
    loginLink: () => {
      const code = run.auth.codes.issue({
        scopes: ["operator.admin", "operator.read", "operator.write", "operator.approvals"],
      });
      return `http://127.0.0.1:${port}/chat#code=${code}`;
    },
    model: (next) => {
      script = next;
    },
    restart: async (whileDown) => {
      await run.stop();
      await whileDown?.();
      run = await startRun({ folder, port, script: play, options });
    },
    close: async () => {
      await run.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface RunParts {
  readonly folder: string;
  readonly port: number;
  readonly script: Script;
  readonly options: Partial<WholeOptions>;
}

async function startRun({ folder, port, script, options }: RunParts): Promise<Run> {
  const base = options.config ?? defaultConfig();
  const clock = options.clock ?? systemClock();
  const config = {
    ...base,
    gateway: { ...base.gateway, port, auth: { ...base.gateway.auth, token: wholeGatewayToken } },
  };
  const way = await openTestWay({
    folder,
    script,
    config,
    clock,
    tools: options.tools ?? [noon as Tool],
    ...(options.acting === undefined ? {} : { acting: options.acting }),
  });
  const snapshot = { version: 1, config, hash: "h", path: "", exists: true, issues: [], loadedMs: 0 };
  const deps = {
    clock,
    ids: systemIds(),
    log: silentLog(),
    bus: way.bus,
    store: way.store,
    config: { current: () => snapshot as unknown as ConfigSnapshot, subscribe: () => () => undefined },
    admit: way.way.admit,
    turns: way.way.turns,
    invokeTool: way.way.invokeTool,
    approvals: way.approvals,
    models: { list: () => [model], find: () => model, primary: () => model },
    desk: fakeDeskView({ find: () => model }),
    agents: () => [{ id: "main", name: "Molly", isDefault: true, model: model.ref }],
    channels: { status: () => [] },
    webhooks: way.way.webhooks,
    health: {
      ready: () => Promise.resolve({ ready: true, failing: [] }),
      uptimeMs: () => 1,
      draining: () => false,
      loopDelay: () => ({ p50Ms: 0, p99Ms: 0, maxMs: 0 }),
    },
    version: "0.0.0-test",
    stateDir: folder,
    configPath: path.join(folder, "openclaw.json"),
    pagesDir: "ui",
  } as unknown as GatewayDeps;
  const auth = createGatewayAuth(deps);
  const gateway = createGateway(deps, { auth, http: createHttpApp(deps, httpAuth(auth, options.principal)) });
  const listening = await gateway.start();
  await way.way.start();
  return {
    way,
    auth,
    port: listening.port,
    stop: async () => {
      await gateway.close("test");
      await way.way.close(1_000);
      await way.store.close();
    },
  };
}

function httpAuth(auth: GatewayAuth, principal: Principal | undefined): HttpAuth {
  if (principal === undefined) return auth.http;
  return {
    checkHostAndOrigin: (req) => auth.http.checkHostAndOrigin(req),
    checkHost: (req, host) => auth.http.checkHost(req, host),
    authenticate: async (req) => {
      const result = await auth.http.authenticate(req);
      return result.ok ? { ok: true, principal } : result;
    },
  };
}
