/**
 * The life of one account: when a connection is attempted, kept, probed, given up and replaced. It never waits for an
 * old connection to end before it makes a new one, and believes in a connection only as far as its last round trip.
 */
import { AppError } from "../domain/app-error.ts";
import type { ConnectionState, EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { InboundMessage } from "../domain/message.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Failpoints } from "../platform/failpoints.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { withoutSecrets } from "../platform/redact-error.ts";
import type { AccountSetting } from "./account-settings.ts";
import { backoffMs } from "./backoff.ts";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { nextConnectionState, type ConnectionEvent } from "./connection-machine.ts";
import type {
  AccountMemory,
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  ChannelModule,
  ReceiveOutcome,
} from "./contract.ts";
import { meteredConnection } from "./metered-connection.ts";
import { closedToAll } from "./policy-config.ts";
import type { ConnectionWebhooks, Webhooks } from "./webhooks.ts";

/** How long an attempt may take: some servers look up names and identities for half a minute first. */
export const connectTimeoutMs = 60_000;
/** Shorter than the pause between probes, so that a dead connection is found within two of them. */
export const probeTimeoutMs = limits.channelProbeMs * 0.8;
/** A connection that does not end by itself is left behind after this. */
export const closeTimeoutMs = 2_500;

export interface AccountLifeDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly bus: EventBus;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly loadModule: (channel: string) => Promise<ChannelModule>;
  readonly receive: (message: InboundMessage) => Promise<ReceiveOutcome>;
  readonly ready: (channel: string, accountId: string) => void;
  readonly memoryOf: (channel: string, accountId: string) => AccountMemory;
  readonly webhooks: Webhooks;
  readonly commands: ChannelLink["commands"];
  readonly failpoints: Failpoints;
  /** Takes known secrets out of what a platform says. */
  readonly redact: (text: string) => string;
}

export interface AccountCounters {
  received: number;
  sent: number;
  errors: number;
  reconnects: number;
}

/** One attempt and the connection that came of it. What belongs to a replaced one is ignored. */
interface Epoch {
  readonly abort: AbortController;
  readonly webhooks: ConnectionWebhooks;
  connection: ChannelConnection | null;
  /** The same, counted and guarded, as the rest of the house sees it. */
  metered: ChannelConnection | null;
}

export class AccountLife {
  readonly setting: AccountSetting;
  readonly counters: AccountCounters = { received: 0, sent: 0, errors: 0, reconnects: 0 };
  readonly #deps: AccountLifeDeps;
  readonly #log: Log;
  readonly #breaker = createCircuitBreaker();
  readonly #closing = new Set<Promise<void>>();
  #state: ConnectionState = "DISCONNECTED";
  #sinceMs: number;
  #reason: string | null = null;
  #note: string | null = null;
  #failures = 0;
  #epoch: Epoch | null = null;
  #timer: Timer | null = null;
  #roundTripMs: number | null = null;

  constructor(setting: AccountSetting, deps: AccountLifeDeps) {
    this.setting = setting;
    this.#deps = deps;
    this.#log = deps.log.child(setting.channel).child(setting.accountId);
    this.#sinceMs = deps.clock.nowMs();
    if (!setting.enabled) this.#reason = "switched off in the configuration";
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get reason(): string | null {
    return this.#reason ?? this.#note ?? (this.#state === "CONNECTED" ? closedToAll(this.setting.config) : null);
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get lastRoundTripAgeMs(): number | null {
    return this.#roundTripMs === null ? null : Math.max(0, this.#deps.clock.monotonicMs() - this.#roundTripMs);
  }

  /** The live connection, or null while there is none. */
  get connection(): ChannelConnection | null {
    return this.#state === "CONNECTED" ? (this.#epoch?.metered ?? null) : null;
  }

  /** Begins, or begins anew where it had given up or was waiting. Does nothing to a connection that stands. */
  start(): void {
    if (!this.setting.enabled || this.#state === "CONNECTED" || this.#state === "CONNECTING") return;
    this.#begin();
  }

  /** Takes the connection down and makes a new one at once, without waiting for the old one's end. */
  restart(): void {
    this.#drop();
    this.#apply("stop", null);
    if (this.setting.enabled) this.#begin();
  }

  /** A round trip now instead of at the next look; what it finds counts the same. Never throws. */
  async probe(): Promise<void> {
    if (this.#state === "CONNECTED" && this.#epoch !== null) await this.#probe(this.#epoch);
  }

  /** Resolves when the connection is down, or has been left behind because it would not end. */
  async stop(reason: string | null = null): Promise<void> {
    this.#drop();
    this.#apply("stop", reason);
    await Promise.all(this.#closing);
  }

  /** Stops, and lets the channel wipe what it stored to log in. */
  async logout(): Promise<void> {
    await this.stop("logged out");
    const module = await this.#deps.loadModule(this.setting.channel);
    await module.forget?.(this.#account());
  }

  #begin(): void {
    this.#drop();
    this.#failures = 0;
    this.#breaker.reset();
    const { problem } = this.setting;
    if (problem !== null) {
      if (this.#state !== "PERMANENTLY_FAILED") this.#giveUp("refused", problem);
      return;
    }
    this.#apply("start", null);
    this.#attempt();
  }

  #attempt(): void {
    if (!this.#breaker.allow()) return;
    const { channel, accountId } = this.setting;
    const webhooks = this.#deps.webhooks.portFor(channel, accountId);
    const epoch: Epoch = { abort: new AbortController(), webhooks, connection: null, metered: null };
    this.#epoch = epoch;
    const timeout = this.#deps.clock.after(connectTimeoutMs, () => {
      epoch.abort.abort(new AppError("CONN_001", "The platform did not accept the connection in time."));
    });
    void this.#connect(epoch)
      .catch((error: unknown) => this.#failed(epoch, AppError.from(error, "CONN_001")))
      .finally(() => timeout.cancel());
  }

  async #connect(epoch: Epoch): Promise<void> {
    const module = await this.#deps.loadModule(this.setting.channel);
    if (this.#epoch !== epoch) return;
    const connection = await abortable(
      module.connect(this.#account(), this.#linkFor(epoch), epoch.abort.signal),
      epoch.abort.signal,
      (late) => this.#closeQuietly(late),
    );
    if (this.#epoch !== epoch) {
      this.#closeQuietly(connection);
      return;
    }
    epoch.connection = connection;
    epoch.metered = meteredConnection(connection, {
      live: () => this.#epoch === epoch,
      roundTrip: () => this.#roundTrip(),
      counters: this.counters,
      clean: (error) => withoutSecrets(error, this.#deps.redact),
    });
    this.#roundTrip();
    if (this.#state === "RECONNECTING") this.counters.reconnects += 1;
    this.#apply("connected", null);
    this.#scheduleProbe(epoch);
    this.#deps.ready(this.setting.channel, this.setting.accountId);
  }

  #linkFor(epoch: Epoch): ChannelLink {
    const { clock, ids, commands, failpoints } = this.#deps;
    const { channel, accountId } = this.setting;
    return {
      clock,
      ids,
      log: this.#log,
      commands,
      failpoints,
      memory: this.#deps.memoryOf(channel, accountId),
      webhooks: epoch.webhooks,
      receive: (message) => this.#receive(epoch, message),
      lost: (error) => this.#failed(epoch, error),
      note: (text) => {
        if (this.#epoch === epoch) this.#note = text === null ? null : this.#deps.redact(text);
      },
    };
  }

  async #receive(epoch: Epoch, message: InboundMessage): Promise<ReceiveOutcome> {
    if (this.#epoch !== epoch) return { outcome: "unavailable" };
    this.counters.received += 1;
    try {
      return await this.#deps.receive(message);
    } catch (error) {
      this.counters.errors += 1;
      this.#log.error("A message could not be taken in.", { error: AppError.from(error).toJSON() });
      return { outcome: "unavailable" };
    }
  }

  /** An attempt failed, a connection was lost, or a probe got no answer. */
  #failed(epoch: Epoch, told: AppError): void {
    if (this.#epoch !== epoch) return;
    const error = withoutSecrets(told, this.#deps.redact);
    const wasConnected = this.#state === "CONNECTED";
    this.counters.errors += 1;
    this.#drop();
    if (error.retry === "never") {
      this.#giveUp("refused", error);
      return;
    }
    this.#failures += 1;
    const pauseMs = backoffMs(this.#failures, this.#deps.random);
    if (pauseMs === null) {
      this.#giveUp("exhausted", error);
      return;
    }
    const tripped = this.#breaker.failed();
    this.#log.warn("The connection failed.", {
      error: error.toJSON(),
      attempt: this.#failures,
      pauseMs,
      breaker: this.#breaker.state(),
    });
    this.#apply(tripped ? "tripped" : wasConnected ? "lost" : "failed", error.message);
    // A platform that names its own pause knows better; ours is the least.
    this.#timer = this.#deps.clock.after(Math.max(pauseMs, error.retryAfterMs ?? 0), () => this.#tryAgain());
  }

  #tryAgain(): void {
    this.#timer = null;
    if (this.#state === "ERROR") {
      this.#breaker.cooledDown();
      this.#apply("retry", this.#reason);
    }
    this.#attempt();
  }

  /** The one alert: a line in the log and the event, once. */
  #giveUp(event: "refused" | "exhausted", error: AppError): void {
    this.#log.error("The channel has been given up; it starts again only when somebody starts it.", {
      error: error.toJSON(),
    });
    this.#apply(event, error.message);
  }

  #scheduleProbe(epoch: Epoch): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.after(limits.channelProbeMs, () => {
      void this.#probe(epoch);
    });
  }

  async #probe(epoch: Epoch): Promise<void> {
    const { connection } = epoch;
    if (connection === null || this.#epoch !== epoch) return;
    const abort = new AbortController();
    const silent = new AppError("CONN_001", "The platform stopped answering.");
    const timeout = this.#deps.clock.after(probeTimeoutMs, () => abort.abort(silent));
    // The next probe is due by the time this one started, or a slow answer would stretch how long a dead one lives.
    this.#scheduleProbe(epoch);
    try {
      await abortable(connection.probe(abort.signal), abort.signal);
    } catch (error) {
      this.#failed(epoch, AppError.from(error, "CONN_001"));
      return;
    } finally {
      timeout.cancel();
    }
    if (this.#epoch !== epoch) return;
    this.#roundTrip();
    // Only a connection that has proved itself clears the account: one that is accepted and dropped at once does not.
    this.#failures = 0;
    this.#breaker.succeeded();
  }

  #roundTrip(): void {
    this.#roundTripMs = this.#deps.clock.monotonicMs();
  }

  /** Leaves the current attempt or connection behind; its end is awaited by nobody but `stop`. */
  #drop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const epoch = this.#epoch;
    this.#epoch = null;
    this.#note = null;
    if (epoch === null) return;
    epoch.webhooks.end();
    epoch.abort.abort(new AppError("SYS_007", "The connection is no longer wanted."));
    if (epoch.connection !== null) this.#closeQuietly(epoch.connection);
  }

  #closeQuietly(connection: ChannelConnection): void {
    const closed = this.#boundedClose(connection);
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }

  async #boundedClose(connection: ChannelConnection): Promise<void> {
    const patience = new AbortController();
    const timeout = this.#deps.clock.after(closeTimeoutMs, () => patience.abort());
    try {
      await abortable(connection.close(), patience.signal);
    } catch (error) {
      this.#log.warn("A connection did not end properly and was left behind.", {
        error: AppError.from(error).toJSON(),
      });
    } finally {
      timeout.cancel();
    }
  }

  #apply(event: ConnectionEvent, reason: string | null): void {
    const previous = this.#state;
    const state = nextConnectionState(previous, event);
    if (state === null) {
      this.#log.error("An event that cannot happen in this state was ignored.", { state: previous, event });
      return;
    }
    this.#reason = reason;
    if (state === previous) return;
    const atMs = this.#deps.clock.nowMs();
    this.#state = state;
    this.#sinceMs = atMs;
    this.#deps.bus.emit({
      type: "channel.state",
      channel: this.setting.channel,
      accountId: this.setting.accountId,
      state,
      previous,
      ...(reason === null ? {} : { reason }),
      atMs,
    });
  }

  #account(): ChannelAccount<unknown> {
    const { channel, accountId, config } = this.setting;
    return { channel, accountId, config };
  }
}

/**
 * The promise's outcome, or the signal's reason where that comes first. A result that comes after it is handed to
 * `late`; a failure that comes after it is nobody's concern any more.
 */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal, late: (value: T) => void = () => {}): Promise<T> {
  let settled = false;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      settled = true;
      reject(AppError.from(signal.reason, "CONN_001"));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        if (settled) {
          late(value);
          return;
        }
        signal.removeEventListener("abort", onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error instanceof Error ? error : new AppError("CONN_001", String(error)));
      },
    );
  });
}
