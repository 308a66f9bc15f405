/**
 * The gateway: one port for HTTP and WebSocket, the clients on it, and the events they hear. Translates and decides
 * nothing; built without side effects, started once, closed once.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { AppEvent } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { Timer } from "../platform/clock.ts";
import { hangsOnSecret } from "./auth/connect-auth.ts";
import type { GatewayAuth } from "./auth/gateway-auth.ts";
import { bindAddresses } from "./bind-policy.ts";
import type { GatewayDeps } from "./deps.ts";
import { houseEvent } from "./events/house-events.ts";
import { RunStreams } from "./events/run-streams.ts";
import { createSystemEvents, systemEventOf, type SystemEvents } from "./events/system-events.ts";
import { createHealthState, type HealthState } from "./health-state.ts";
import { listenOn, type Listening } from "./listen.ts";
import { createPresence, type Presence } from "./presence.ts";
import { createConfigWriteAllowance } from "./rpc/config-write-allowance.ts";
import { createMethodTable, type MethodTable, type PluginMethod } from "./rpc/method-table.ts";
import { rpcMethods, type RpcGroup } from "./rpc/methods.ts";
import { createOnce, type Once } from "./rpc/once.ts";
import { clientsListen } from "./rpc/operate/approvals.ts";
import { asksForSocket, malformedRequest, refuseUpgrade, upgradeRefusal } from "./upgrade.ts";
import { Acceptance, type AcceptDeps } from "./ws/accept.ts";
import { createConnections, type ConnectionCounters, type Connections } from "./ws/connections.ts";
import { createDispatcher } from "./ws/dispatch.ts";
import { serialisedEvent, wireEvent } from "./ws/wire-event.ts";

// An import of its names would ask for every one of them, and with the WebSocket client among them load Node's own undici.
const { createServer } = process.getBuiltinModule("node:http");

export interface GatewayOptions {
  readonly auth: GatewayAuth;
  /** Answers every request that is no upgrade, and asks host, origin and credential itself. */
  readonly http: (req: IncomingMessage, res: ServerResponse) => void;
  readonly handshakeTimeoutMs?: number;
  /** Groups of methods that are not there. */
  readonly disabledGroups?: readonly RpcGroup[];
}

export interface Gateway {
  /** Makes the token file, reads what was kept, opens the port. Throws CFG_004 or SYS_005. */
  start(): Promise<Listening>;
  /** Tells every client that the gateway will stop. Once; `close` does it where nobody did. */
  announce(reason: string, restartExpectedMs?: number | null): void;
  /** Tells, closes every socket with 1012, frees the port. Idempotent. */
  close(reason: string): Promise<void>;
  /** Adds a plugin's method; returns the way to take it back. */
  registerMethod(method: PluginMethod): () => void;
  methodNames(): readonly string[];
  counters(): ConnectionCounters;
}

const pruneKeysEveryMs = 3_600_000;
const headCheckMs = 2_000;
/** How long clients may take to answer the close before they are cut. */
const closeWithinMs = 1_500;

export function createGateway(deps: GatewayDeps, options: GatewayOptions): Gateway {
  return new GatewayServer(deps, options);
}

class GatewayServer implements Gateway {
  readonly #deps: GatewayDeps;
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: limits.preAuthFrameBytes,
  });
  readonly #connections: Connections = createConnections();
  readonly #health: HealthState;
  readonly #presence: Presence;
  readonly #systemEvents: SystemEvents;
  readonly #runs: RunStreams;
  readonly #once: Once;
  readonly #table: MethodTable;
  readonly #accept: AcceptDeps;
  readonly #raw = new Set<Duplex>();
  readonly #timers: Timer[] = [];
  readonly #stops: (() => void)[] = [];
  #announced = false;
  #closing: Promise<void> | null = null;

  constructor(deps: GatewayDeps, options: GatewayOptions) {
    this.#deps = deps;
    this.#options = options;
    const { clock, bus } = deps;
    const connections = this.#connections;
    const stateVersion = (): string => `{"presence":${this.#presence.version()},"health":${this.#health.version()}}`;
    this.#health = createHealthState(deps);
    this.#presence = createPresence({ clock, bus, connections, stateVersion });
    const log = deps.log.child("gateway");
    this.#systemEvents = createSystemEvents({ documents: deps.store.documents, clock, log });
    this.#runs = new RunStreams({
      clock,
      broadcast: (event) => connections.broadcast(event),
      runEnded: (runId) => connections.runEnded(runId),
    });
    this.#once = createOnce(deps.store.idempotency, clock);
    const services = {
      deps,
      devices: options.auth.devices,
      connections,
      presence: this.#presence,
      health: this.#health,
      systemEvents: this.#systemEvents,
      once: this.#once,
      configWrites: createConfigWriteAllowance(clock),
    };
    this.#table = createMethodTable(rpcMethods(services, options.disabledGroups ?? []));
    this.#accept = {
      clock,
      ids: deps.ids,
      health: deps.health,
      auth: options.auth,
      connections,
      presence: this.#presence,
      dispatcher: createDispatcher(this.#table, log),
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? limits.handshakeTimeoutMs,
      log,
      hello: {
        ...deps,
        table: this.#table,
        presence: this.#presence,
        healthState: this.#health,
        secret: options.auth.secret,
        bootId: deps.ids.uuid(),
        stateVersion,
      },
    };
    const settings = {
      shouldUpgradeCallback: asksForSocket,
      // A head that drips gets no longer than a handshake; Node's own patience is ninety seconds.
      headersTimeout: limits.handshakeTimeoutMs,
      connectionsCheckingInterval: headCheckMs,
    };
    this.#server = createServer(settings, (req, res) => options.http(req, res));
    this.#server.on("upgrade", (req, socket, head) => this.#upgrade(req, { socket, head }));
    this.#server.on("clientError", (error, socket) => {
      if (socket.writable) refuseUpgrade(socket, malformedRequest(error));
      else socket.destroy();
    });
  }

  async start(): Promise<Listening> {
    const { config, bus, clock } = this.#deps;
    await this.#options.auth.secret.load();
    await this.#systemEvents.load();
    const { gateway } = config.current().config;
    const addresses = bindAddresses(gateway);
    this.#stops.push(bus.on((event) => this.#hear(event)));
    this.#stops.push(config.subscribe(() => this.#dropStaleClients()));
    this.#stops.push(this.#deps.approvals.listen(clientsListen(this.#connections)));
    this.#health.start(() => this.#tellHealth());
    this.#timers.push(
      clock.every(limits.tickIntervalMs, () => this.#tick()),
      clock.every(pruneKeysEveryMs, () => this.#pruneKeys()),
    );
    return listenOn(this.#server, gateway.port, addresses);
  }

  announce(reason: string, restartExpectedMs: number | null = null): void {
    if (this.#announced) return;
    this.#announced = true;
    const expected = restartExpectedMs === null ? {} : { restartExpectedMs };
    this.#connections.broadcast(wireEvent("shutdown", { reason, ...expected }));
  }

  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  registerMethod(method: PluginMethod): () => void {
    return this.#table.register(method);
  }

  methodNames(): readonly string[] {
    return this.#table.names();
  }

  counters(): ConnectionCounters {
    return this.#connections.counters();
  }

  #upgrade(req: IncomingMessage, { socket, head }: { readonly socket: Duplex; readonly head: Buffer }): void {
    socket.on("error", (error) => this.#accept.log.debug("An upgrade broke off.", { reason: error.message }));
    const refusal = upgradeRefusal(req, this.#options.auth.hosts, this.#announced || this.#closing !== null);
    if (refusal !== null) {
      refuseUpgrade(socket, refusal);
      return;
    }
    this.#raw.add(socket);
    socket.once("close", () => this.#raw.delete(socket));
    this.#sockets.handleUpgrade(req, socket, head, (ws) => {
      new Acceptance(this.#accept, ws, { req, raw: socket });
    });
  }

  #hear(event: AppEvent): void {
    this.#runs.take(event);
    if (event.type === "gateway.stopping") this.announce(event.reason, event.restartExpectedMs);
    const told = houseEvent(event, this.#deps.config);
    if (told !== null) this.#connections.broadcast(told);
    const kept = systemEventOf(event);
    if (kept !== null) this.#systemEvents.add(kept);
  }

  #tellHealth(): void {
    const stateVersion = `{"presence":${this.#presence.version()},"health":${this.#health.version()}}`;
    this.#connections.broadcast(serialisedEvent("health", this.#health.json(), { dropIfSlow: true, stateVersion }));
  }

  /** A sign of life both ways: an event for the client's watch, a ping for ours. */
  #tick(): void {
    const tick = wireEvent("tick", { ts: this.#deps.clock.nowMs() }, { dropIfSlow: true });
    for (const connection of this.#connections.all()) {
      if (!connection.answersPings) {
        connection.terminate();
        continue;
      }
      connection.tellDropped();
      connection.sendEvent(tick);
      connection.ping();
    }
  }

  /** A client lives no longer than the secret that let it in. */
  #dropStaleClients(): void {
    const fingerprint = this.#options.auth.secret.fingerprint();
    const closed = this.#connections.closeWhere(
      ({ facts }) => hangsOnSecret(facts.credential) && facts.secretFingerprint !== fingerprint,
      1008,
      "the gateway's credential changed",
    );
    if (closed > 0)
      this.#accept.log.warn("The credential changed; clients that used the old one were closed.", { closed });
  }

  async #pruneKeys(): Promise<void> {
    try {
      await this.#once.prune();
    } catch (error) {
      this.#accept.log.warn("Old idempotency keys could not be dropped.", { error });
    }
  }

  async #close(reason: string): Promise<void> {
    this.announce(reason);
    for (const timer of this.#timers) timer.cancel();
    for (const stop of this.#stops) stop();
    this.#health.close();
    this.#presence.close();
    this.#runs.close();
    const released = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    this.#connections.closeWhere(() => true, 1012, "service restart");
    this.#connections.closeHandshakes(1012, "service restart");
    this.#server.closeIdleConnections();
    const cut = this.#deps.clock.after(closeWithinMs, () => this.#cutAll());
    await this.#socketsGone();
    // Requests under way have had their drain before this; what is left is cut.
    this.#server.closeAllConnections();
    await released;
    cut.cancel();
    this.#sockets.close();
    await this.#systemEvents.close();
  }

  #cutAll(): void {
    for (const socket of this.#raw) socket.destroy();
    this.#server.closeAllConnections();
  }

  async #socketsGone(): Promise<void> {
    await Promise.all(
      Array.from(this.#raw, (socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve()))),
    );
  }
}
