/**
 * The one place that builds and wires. Order of a start: lock, configuration, log, store, port (not ready yet),
 * channels and turns, ready. A stop goes the other way: told, intake closed, turns drained or parked, outbox
 * flushed, channels, sockets, store, lock.
 */
import { channelManifest } from "../channels/registry.ts";
import { createConfigAccess, type ConfigHandle } from "../config/access.ts";
import type { ConfigIssue } from "../config/contract.ts";
import type { LoadOptions } from "../config/load.ts";
import { environmentSecrets, type Environment } from "../config/environment.ts";
import type { Overrides } from "../config/meaning/overrides.ts";
import { statePaths } from "../config/paths.ts";
import { limits } from "../domain/limits.ts";
import type { EventBus } from "../domain/events.ts";
import { scopes } from "../domain/scopes.ts";
import { createGatewayAuth, type GatewayAuth } from "../gateway/auth/gateway-auth.ts";
import type { GatewayDeps } from "../gateway/deps.ts";
import { createHttpApp } from "../gateway/http/app.ts";
import type { Listening } from "../gateway/listen.ts";
import { createGateway } from "../gateway/server.ts";
import { createModelDesk, type ModelDeskDeps, type RunningDesk } from "../models/desk.ts";
import { createEventBus } from "../platform/bus.ts";
import { shiftedClock, type Clock } from "../platform/clock.ts";
import { noFailpoints, type Failpoints } from "../platform/failpoints.ts";
import { acquireGatewayLock } from "../platform/gateway-lock.ts";
import { systemIds, type Ids } from "../platform/ids.ts";
import { createLogFile } from "../platform/log-file.ts";
import { createLog, type LogThreshold, type RootLog } from "../platform/log.ts";
import { sampleLoopDelay } from "../platform/loop-delay.ts";
import { createRedactor, type Redactor } from "../platform/redact.ts";
import { openSqliteStore } from "../store/sqlite/open-store.ts";
import type { Store } from "../store/port.ts";
import { openActing, type HouseActing } from "./acting/open-acting.ts";
import type { Approvals } from "./acting/approvals.ts";
import { channelSettings } from "./channel-settings.ts";
import { dispatchDriver } from "./dispatch-driver.ts";
import { createDecisionWriter } from "./acting/decision-writer.ts";
import { createFitImages } from "./fit-images.ts";
import { gatewayDepsOf, type GatewayParts } from "./gateway-deps.ts";
import type { HealthState } from "./health-view.ts";
import { createMemoryNotes } from "./acting/memory-notes.ts";
import { createHouseClock } from "./house-clock.ts";
import { createLifecycle, type Lifecycle } from "./lifecycle.ts";
import { startMaintenance } from "./maintenance.ts";
import { createMessageWay, type MessageWay } from "./message-way.ts";
import { routeModel } from "../models/router.ts";
import { modelListFile } from "./model-list-file.ts";
import { createModels, needsLogin, type Models } from "./models.ts";
import { createRestarts, type RestartDesk } from "./restarts.ts";
import { openSecrets, type AskPassphrase, type Secrets } from "./secrets.ts";
import { createTraceWriter } from "./trace-writer.ts";
import { version } from "./version.ts";

export interface GatewayServerOptions {
  readonly environment: Environment;
  /** What the command line says, by dot path; wins over file and environment. */
  readonly overrides?: Overrides;
  /** Also to standard error, from this level on. Nothing where absent. */
  readonly consoleLevel?: LogThreshold;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Nothing happens at any of them where absent. */
  readonly failpoints?: Failpoints;
  /** A clock that is wrong and a lease that is short, for a drill. */
  readonly drill?: { readonly clockOffsetMs: number; readonly leaseMs?: number };
  /** Asks the person at the terminal for the vault's passphrase; nobody is asked where absent. */
  readonly askPassphrase?: AskPassphrase;
  /** Somebody asked the gateway to stop, over the wire. */
  readonly onStopRequested?: (reason: string) => void;
  /** Somebody asked the gateway to end and start anew. Without it nobody can. */
  readonly onRestartRequested?: (reason: string) => void;
}

export interface RunningGateway {
  readonly port: number;
  /** `http://127.0.0.1:18789`, without a slash at the end. */
  readonly url: string;
  readonly stateDir: string;
  /** A link that logs its opener in, once, within ten minutes. */
  loginLink(): string;
  /** True where only the built-in demo model answers; known when the first look around is over. */
  demoOnly(): Promise<boolean>;
  /** What was wrong with the configuration, for the person who starts it. */
  readonly configIssues: readonly string[];
  /** Names of parts in the order in which they were started, and of those that failed. */
  readonly started: readonly string[];
  readonly degraded: readonly string[];
  /**
   * What is said of an error that nobody foresaw, before the process ends: a line of the log, and the same as a text to
   * show, both without secrets. Resolves when the line is written.
   */
  lastWords(error: unknown): Promise<string>;
  /**
   * Ends everything within ten seconds. Idempotent. Where it is about to start anew, clients are told in how many
   * milliseconds.
   */
  close(reason?: string, restartExpectedMs?: number | null): Promise<void>;
}

/** Throws STORE_005 where another gateway has the state directory, CFG_… where it cannot be started safely, SYS_005 for the port. */
export async function startGatewayServer(port: number | null, options: GatewayServerOptions): Promise<RunningGateway> {
  const clock = shiftedClock(options.clock ?? createHouseClock(() => log), options.drill?.clockOffsetMs ?? 0);
  const ids = options.ids ?? systemIds();
  const { stateDir } = options.environment;
  const redactor = createRedactor();
  const secrets = openSecrets({
    environment: options.environment,
    clock,
    redactor,
    watched: true,
    ...askOf(options),
  });
  const paths = statePaths(stateDir);
  const log: RootLog = createLog({
    clock,
    redactor,
    file: createLogFile({ path: paths.logFile, clock }),
    level: "info",
    consoleLevel: options.consoleLevel ?? "silent",
  });
  const life = createLifecycle(clock, log.child("app"));
  try {
    return await start({ port, options, clock, ids, log, life, redactor, secrets });
  } catch (error) {
    await life.close();
    await log.close();
    throw error;
  }
}

async function lastWords(error: unknown, { log, redactor }: Ground): Promise<string> {
  log.fatal("something failed that nobody foresaw; the process ends", { error });
  await log.flush();
  return redactor.text(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

function askOf({ askPassphrase }: GatewayServerOptions): { ask?: AskPassphrase } {
  return askPassphrase === undefined ? {} : { ask: askPassphrase };
}

interface Ground {
  readonly port: number | null;
  readonly options: GatewayServerOptions;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: RootLog;
  readonly life: Lifecycle;
  readonly redactor: Redactor;
  readonly secrets: Secrets;
}

async function start(ground: Ground): Promise<RunningGateway> {
  const { options, clock, log, life } = ground;
  const { stateDir } = options.environment;
  const paths = statePaths(stateDir);
  const bus = createEventBus(log.child("bus"));
  await holdLock(ground);
  // The store's threads start while the configuration is read: neither needs the other.
  const opening = openSqliteStore({ file: paths.storeFile, log: log.child("store") });
  // Where the configuration fails first, nobody else would look at how the opening ended.
  opening.catch(() => undefined);
  const config = await openConfig(ground, bus).catch((error: unknown) => closeOpening(opening, error));
  const store = await opening;
  await life.start({ name: "store", close: () => store.close() });
  const { models, desk } = await openModels({ ground, bus, store, config });
  const acting = await openActing({ ...ground, environment: options.environment, bus, store, config, models });
  const restarts = createRestartDesk(ground, store);
  const way = await wayOf({ ground, bus, store, config, models, desk, restarts, acting });
  const { errands } = acting.follow(way);
  // From here on, so that no change falls between what the channels were built with and what they hear of.
  const unsubscribe = config.subscribe((next) => void way.applyConfig(next.config));
  await way.recover();
  await restarts.fulfil();
  const loop = sampleLoopDelay(clock);
  await life.start({ name: "loop delay", close: () => loop.close() });
  const state: HealthState = { blockers: new Set(["starting"]), draining: false };
  const gatewayDeps = gatewayDepsOf({
    ...ground,
    environment: options.environment,
    load: loadOptionsOf(ground),
    bus,
    store,
    config,
    models,
    desk,
    way,
    loop,
    state,
    acting,
    asked: askedOf(options, restarts),
  });
  const { auth, listening } = await openPort(gatewayDeps, ground);
  await openRecords({ ...ground, bus, store });
  await life.start({ name: "approvals", ...closable(acting.approvals), start: () => acting.approvals.start() });
  await openLocalDoor(ground, acting.approvals);
  await life.start({ name: "helpers", start: () => errands.start(), close: () => errands.close() });
  await life.start({ name: "way", start: () => way.start(), close: () => way.close(limits.shutdownMs * 0.8) });
  await life.start({ name: "reload", close: unsubscribe });
  state.blockers.delete("starting");
  bus.emit({ type: "gateway.started", atMs: clock.nowMs() });
  const url = addressOf(listening);
  let closing: Promise<void> | undefined;
  return {
    port: listening.port,
    url,
    stateDir,
    loginLink: () => `${url}/chat#code=${auth.codes.issue({ scopes: scopes.filter((scope) => scope !== "node") })}`,
    demoOnly: async () => {
      if (models.demoOnly()) await models.looked;
      return models.demoOnly();
    },
    configIssues: config.current().issues.map(describeIssue),
    started: life.started(),
    degraded: [...life.degraded().keys()],
    lastWords: (error) => lastWords(error, ground),
    close(reason = "gateway stopping", restartExpectedMs = null) {
      closing ??= stop({ reason, restartExpectedMs, ground, bus, state });
      return closing;
    },
  };
}

async function openModels({ ground, bus, store, config }: OpenParts): Promise<Pick<HouseParts, "models" | "desk">> {
  const { options, clock, ids, log, life } = ground;
  const models = createModels({
    environment: () => config.environment(),
    config: () => config.current().config,
    listStore: modelListFile(options.environment.stateDir),
    vault: ground.secrets.vault,
    bus,
    missingSecrets: () => config.current().missingSecrets,
    clock,
    ids,
    log,
    redact: (secret) => ground.redactor.add(secret),
  });
  await life.start({ name: "models", start: () => models.start(), close: () => models.close() });
  const desk = createModelDesk(deskDeps({ ground, store, config, models }));
  bus.on("session.changed", ({ sessionKey, change }) => {
    if (change === "deleted") desk.forgetSession(sessionKey);
  });
  await life.start({ name: "model desk", start: () => desk.start(), close: () => desk.close() });
  return { models, desk };
}

function deskDeps({
  ground: { clock, log },
  store,
  config,
  models,
}: Pick<HouseParts, "ground" | "store" | "config" | "models">): ModelDeskDeps {
  return {
    config: () => config.current().config,
    catalogue: models.catalogue,
    profiles: {
      of: (provider) => models.profiles.of(provider),
      get: (profileId) => models.profiles.get(profileId),
      refused: (profileId, revision) => models.profiles.refused(profileId, revision),
      // Not only which logins there are: a model that was not looked for yet must not lose its turn to another.
      looked: models.looked,
    },
    needsLogin: (providerId) => needsLogin(models.catalogue().endpoint(providerId)),
    open: (model, profileId) => models.open(model, profileId),
    addressOf: (providerId) => models.catalogue().endpoint(providerId)?.baseUrl ?? "",
    route: routeModel,
    documents: store.documents,
    clock,
    log: log.child("models"),
  };
}

function createRestartDesk({ options, clock, log }: Ground, store: Store): RestartDesk {
  return createRestarts({
    store,
    clock,
    log: log.child("app"),
    storedIsDelivered: (channel) => channelManifest(channel)?.builtIn === true,
    ask: options.onRestartRequested ?? (() => undefined),
  });
}

/** What a client may ask of the process itself: only what somebody hears. */
function askedOf(
  { onStopRequested, onRestartRequested }: GatewayServerOptions,
  restarts: RestartDesk,
): GatewayParts["asked"] {
  return {
    ...(onStopRequested === undefined ? {} : { requestStop: onStopRequested }),
    ...(onRestartRequested === undefined ? {} : { restarts }),
  };
}

/** What is written down beside the way, and what is thrown away of it in time. */
async function openRecords(parts: Ground & Pick<HouseParts, "bus" | "store">): Promise<void> {
  const { life, redactor } = parts;
  const redact = (text: string): string => redactor.known(text);
  await life.start({ name: "trace", ...closable(createTraceWriter(parts)) });
  await life.start({ name: "decisions", ...closable(createDecisionWriter({ ...parts, redact })) });
  await life.start({ name: "maintenance", ...closable(startMaintenance(parts)) });
}

/** The house is ready without it: whoever would approve there is told why they cannot. */
async function openLocalDoor({ options, clock, ids, log, life }: Ground, desk: Approvals): Promise<void> {
  const { stateDir } = options.environment;
  const { createApprovalSocket } = await import("./acting/local-approvals.ts");
  const door = createApprovalSocket({
    stateDir,
    platform: process.platform,
    desk,
    clock,
    ids,
    log: log.child("approvals"),
  });
  await life.start({ name: "local approvals", start: () => door.start(), close: () => door.close(), optional: true });
}

async function wayOf({ ground, bus, store, config, models, desk, restarts, acting }: HouseParts): Promise<MessageWay> {
  const { options, clock, ids, log } = ground;
  const dispatch = await dispatchDriver(config.current().config.queue, { store, clock, ids });
  return createMessageWay({
    dispatch,
    store,
    bus,
    clock,
    ids,
    log,
    config: () => config.current().config,
    missingSecrets: () => config.current().missingSecrets,
    redact: (text) => ground.redactor.known(text),
    models: models.catalogue,
    desk,
    tools: acting.tools,
    ...acting.forTurns,
    shrinkImages: createFitImages({
      endpointOf: (providerId) => models.catalogue().endpoint(providerId),
      log: log.child("models"),
    }),
    notes: createMemoryNotes(() => config.current().config),
    failpoints: options.failpoints ?? noFailpoints,
    ...(options.drill?.leaseMs === undefined ? {} : { leaseMs: options.drill.leaseMs }),
    ...(options.onRestartRequested === undefined ? {} : { restarts }),
  });
}

async function holdLock({ options, clock, life }: Ground): Promise<void> {
  const { stateDir } = options.environment;
  const lock = await acquireGatewayLock(stateDir, { clock, waitMs: lockWaitMs });
  await life.start({ name: "lock", close: () => lock.release() });
}

/** A start that fails leaves no thread behind: it would keep the process alive, and the store's files open. */
async function closeOpening(opening: Promise<Store>, error: unknown): Promise<never> {
  await opening.then(
    (store) => store.close(),
    () => "there is nothing to close",
  );
  throw error;
}

/** `warning: openclaw.json:3: gateway.prot is not known and has no effect` */
function describeIssue({ severity, path: where, message, file, line }: ConfigIssue): string {
  // A file that cannot be used as a whole is named by the message itself.
  const place = message.includes(file) ? "" : `${file}${line === null ? "" : `:${line}`}: `;
  return `${severity}: ${place}${where === "" ? "" : `${where} `}${message}`;
}

/** A predecessor that is just leaving gets this long. */
const lockWaitMs = 3_000;

function loadOptionsOf({ port, options, clock, secrets }: Ground): LoadOptions {
  const overrides = { ...options.overrides, ...(port === null ? {} : { "gateway.port": port }) };
  return { environment: options.environment, ...channelSettings(), overrides, version, clock, secrets: secrets.source };
}

async function openConfig(ground: Ground, bus: EventBus): Promise<ConfigHandle> {
  const { options, clock, log, life, redactor } = ground;
  const config = await createConfigAccess({
    ...loadOptionsOf(ground),
    failpoints: options.failpoints ?? noFailpoints,
    log: log.child("config"),
    onRefused: (reason) => bus.emit({ type: "config.refused", reason, atMs: clock.nowMs() }),
  });
  await life.start({ name: "config", start: () => config.start(), close: () => config.close() });
  const follow = (): void => {
    const snapshot = config.current();
    log.setLevels({ file: snapshot.config.logging.level });
    for (const secret of [...config.secrets(), ...environmentSecrets(config.environment())]) redactor.add(secret);
  };
  follow();
  // For the file alone: whoever started it is told by `configIssues`, in a sentence, and would read it twice.
  log.setLevels({ console: "silent" });
  for (const { path: where, file, line, message } of config.current().issues) {
    log.warn("the configuration has a mistake", { path: where, file, line, mistake: message });
  }
  log.setLevels({ console: options.consoleLevel ?? "silent" });
  config.subscribe((next, changedPaths) => {
    follow();
    bus.emit({ type: "config.changed", version: next.version, changedPaths, atMs: clock.nowMs() });
  });
  return config;
}

type OpenParts = Pick<HouseParts, "ground" | "bus" | "store" | "config">;

interface HouseParts {
  readonly ground: Ground;
  readonly bus: EventBus;
  readonly store: Store;
  readonly config: ConfigHandle;
  readonly models: Models;
  readonly desk: RunningDesk;
  readonly restarts: RestartDesk;
  readonly acting: HouseActing;
}

async function openPort(deps: GatewayDeps, { life }: Ground): Promise<{ auth: GatewayAuth; listening: Listening }> {
  const auth = createGatewayAuth(deps);
  const gateway = createGateway(deps, { auth, http: createHttpApp(deps, auth.http) });
  let listening: Listening | undefined;
  await life.start({
    name: "port",
    start: async () => {
      listening = await gateway.start();
    },
    close: () => gateway.close("gateway stopping"),
  });
  return { auth, listening: listening as Listening };
}

async function stop({
  reason,
  restartExpectedMs,
  ground,
  bus,
  state,
}: {
  reason: string;
  restartExpectedMs: number | null;
  ground: Ground;
  bus: EventBus;
  state: HealthState;
}): Promise<void> {
  const { clock, log, life } = ground;
  log.info("stopping", { reason });
  state.draining = true;
  bus.emit({ type: "gateway.stopping", reason, restartExpectedMs, atMs: clock.nowMs() });
  await life.close();
  log.info("stopped");
  await log.close();
}

function closable(part: { close(): Promise<void> | void }): { close(): Promise<void> | void } {
  return { close: () => part.close() };
}

function addressOf({ port, addresses }: Listening): string {
  const [address = "127.0.0.1"] = addresses;
  // An address for a person's browser: "every interface" is no place to go to.
  const host = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
