/**
 * Owns every connection to a platform: which accounts there are, what state each is in, and how a person starts,
 * stops, restarts or logs one out. How one account lives is `account-life.ts`; this is the set of them.
 */
import { AppError } from "../domain/app-error.ts";
import type { ChannelStatus } from "../domain/channel-status.ts";
import type { EventBus } from "../domain/events.ts";
import type { InboundMessage } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import { noFailpoints, type Failpoints } from "../platform/failpoints.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { AccountLife, probeTimeoutMs, type AccountLifeDeps } from "./account-life.ts";
import type { AccountSetting } from "./account-settings.ts";
import type { AccountMemory, ChannelConnection, ChannelLink, ChannelModule, ReceiveOutcome } from "./contract.ts";
import type { Webhooks } from "./webhooks.ts";

export interface ChannelSupervisorDeps {
  /** Loads a channel's code; called when one of its accounts is first connected. */
  readonly modules: (channel: string) => Promise<ChannelModule>;
  /** What the channel is called, for people. */
  readonly label: (channel: string) => string;
  readonly accounts: readonly AccountSetting[];
  /** The one door. */
  readonly receive: (message: InboundMessage) => Promise<ReceiveOutcome>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The channels' own; each account gets a child of it. */
  readonly log: Log;
  readonly bus: EventBus;
  /** Uniform in [0, 1), for the spread of pauses; `ids.random` where none is given. */
  readonly random?: () => number;
  /** Where an account keeps the small facts that outlive a restart. */
  readonly memoryOf: (channel: string, accountId: string) => AccountMemory;
  readonly webhooks: Webhooks;
  /** Shown by platforms that have a list of what can be said with a slash. */
  readonly commands: ChannelLink["commands"];
  /** `noFailpoints` where none are given. */
  readonly failpoints?: Failpoints;
  /** Takes known secrets out of what a platform says, which may quote ours. Nothing where absent. */
  readonly redact?: (text: string) => string;
}

export type ReadyListener = (channel: string, accountId: string) => void;

export interface ChannelSupervisor {
  /** With arguments: one channel's accounts, or one account. Without: all that are enabled. Returns before they are up. */
  start(channel?: string, accountId?: string): Promise<void>;
  stop(channel: string, accountId?: string): Promise<void>;
  restart(channel: string, accountId?: string): Promise<void>;
  /** Stops it and wipes what it stored to log in. */
  logout(channel: string, accountId?: string): Promise<void>;
  /**
   * A round trip to every connected account now, all at once; resolves when each has answered or failed, at the latest
   * after `timeoutMs`. That time bounds the wait alone: how long a platform may take is the account's own affair.
   */
  probe(options: { channel?: string; timeoutMs?: number }): Promise<void>;
  status(): readonly ChannelStatus[];
  /** The live connection; null while there is none. Ask again for every send. */
  connection(channel: string, accountId: string): ChannelConnection | null;
  /** Called each time a connection comes up. Returns the way to stop. */
  onReady(listener: ReadyListener): () => void;
  /** Applies a changed configuration: only accounts whose settings changed are touched. */
  reconfigure(accounts: readonly AccountSetting[]): Promise<void>;
  /** Takes every connection down; after it nothing starts again. */
  close(): Promise<void>;
}

export function createChannelSupervisor(deps: ChannelSupervisorDeps): ChannelSupervisor {
  return new Supervisor(deps);
}

class Supervisor implements ChannelSupervisor {
  readonly #deps: ChannelSupervisorDeps;
  readonly #log: Log;
  readonly #lives = new Map<string, AccountLife>();
  readonly #readyListeners = new Set<ReadyListener>();
  readonly #lifeDeps: AccountLifeDeps;
  #running = false;
  #closed = false;

  constructor(deps: ChannelSupervisorDeps) {
    this.#deps = deps;
    this.#log = deps.log;
    this.#lifeDeps = {
      clock: deps.clock,
      ids: deps.ids,
      log: this.#log,
      bus: deps.bus,
      random: deps.random ?? (() => deps.ids.random()),
      loadModule: deps.modules,
      receive: deps.receive,
      ready: (channel, accountId) => this.#tellReady(channel, accountId),
      memoryOf: deps.memoryOf,
      webhooks: deps.webhooks,
      commands: deps.commands,
      failpoints: deps.failpoints ?? noFailpoints,
      redact: deps.redact ?? ((text) => text),
    };
    for (const setting of deps.accounts) this.#add(setting);
  }

  async start(channel?: string, accountId?: string): Promise<void> {
    if (this.#closed) throw new AppError("SYS_007", "The gateway is stopping.");
    if (channel === undefined) {
      this.#running = true;
      for (const life of this.#lives.values()) life.start();
      return;
    }
    const chosen = this.#select(channel, accountId);
    if (chosen.every((life) => !life.setting.enabled)) {
      throw new AppError("RPC_003", `${channel} is switched off in the configuration.`, { details: { channel } });
    }
    for (const life of chosen) life.start();
  }

  async stop(channel: string, accountId?: string): Promise<void> {
    await Promise.all(this.#select(channel, accountId).map((life) => life.stop("stopped by an operator")));
  }

  async restart(channel: string, accountId?: string): Promise<void> {
    if (this.#closed) throw new AppError("SYS_007", "The gateway is stopping.");
    for (const life of this.#select(channel, accountId)) life.restart();
  }

  async logout(channel: string, accountId?: string): Promise<void> {
    await Promise.all(this.#select(channel, accountId).map((life) => life.logout()));
  }

  async probe({ channel, timeoutMs = probeTimeoutMs }: { channel?: string; timeoutMs?: number }): Promise<void> {
    const asked = [...this.#lives.values()].filter((life) => channel === undefined || life.setting.channel === channel);
    const late = Promise.withResolvers<void>();
    const timer = this.#deps.clock.after(Math.min(timeoutMs, probeTimeoutMs), late.resolve);
    await Promise.race([Promise.all(asked.map((life) => life.probe())), late.promise]);
    timer.cancel();
  }

  status(): readonly ChannelStatus[] {
    return [...this.#lives.values()].map((life) => ({
      channel: life.setting.channel,
      accountId: life.setting.accountId,
      label: this.#deps.label(life.setting.channel),
      state: life.state,
      reason: life.reason,
      since: life.sinceMs,
      lastRoundTripAgeMs: life.lastRoundTripAgeMs,
      ...life.counters,
    }));
  }

  connection(channel: string, accountId: string): ChannelConnection | null {
    return this.#lives.get(key(channel, accountId))?.connection ?? null;
  }

  onReady(listener: ReadyListener): () => void {
    this.#readyListeners.add(listener);
    return () => this.#readyListeners.delete(listener);
  }

  async reconfigure(accounts: readonly AccountSetting[]): Promise<void> {
    if (this.#closed) return;
    const wanted = new Map(accounts.map((setting) => [key(setting.channel, setting.accountId), setting]));
    const gone: Promise<void>[] = [];
    for (const [name, life] of this.#lives) {
      const next = wanted.get(name);
      if (next !== undefined && sameSetting(life.setting, next)) {
        wanted.delete(name);
        continue;
      }
      this.#lives.delete(name);
      gone.push(life.stop(next === undefined ? "removed from the configuration" : "its settings changed"));
    }
    // The new ones do not wait for the old ones' end.
    for (const setting of wanted.values()) {
      const life = this.#add(setting);
      if (this.#running) life.start();
    }
    await Promise.all(gone);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lives.values()].map((life) => life.stop("the gateway is stopping")));
    this.#readyListeners.clear();
  }

  #add(setting: AccountSetting): AccountLife {
    const life = new AccountLife(setting, this.#lifeDeps);
    this.#lives.set(key(setting.channel, setting.accountId), life);
    return life;
  }

  #select(channel: string, accountId: string | undefined): readonly AccountLife[] {
    const found = [...this.#lives.values()].filter(
      ({ setting }) => setting.channel === channel && (accountId === undefined || setting.accountId === accountId),
    );
    if (found.length > 0) return found;
    const name = accountId === undefined ? channel : `${channel}/${accountId}`;
    throw new AppError("RPC_007", `No account is configured for ${name}.`, {
      details: { channel, accountId: accountId ?? null },
    });
  }

  #tellReady(channel: string, accountId: string): void {
    for (const listener of this.#readyListeners) {
      try {
        listener(channel, accountId);
      } catch (error) {
        this.#log.error("A listener failed when a connection came up.", { error: AppError.from(error).toJSON() });
      }
    }
  }
}

function key(channel: string, accountId: string): string {
  return JSON.stringify([channel, accountId]);
}

/** By what was written, with keys in any order, and by what is wrong with it: that can lie in another account. */
function sameSetting(left: AccountSetting, right: AccountSetting): boolean {
  const sameProblem = left.problem?.message === right.problem?.message;
  return left.enabled === right.enabled && sameProblem && canonical(left.raw) === canonical(right.raw);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
