/** What delivery is given to do its work: the way to a platform, and the rules that are asked again at the last moment. */
import type { ChannelConnection, ChannelManifest, ChannelModule } from "../channels/contract.ts";
import type { AppError } from "../domain/app-error.ts";
import type { DeliverySettings } from "../domain/delivery-policy.ts";
import type { EventBus } from "../domain/events.ts";
import type { Address } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Failpoints } from "../platform/failpoints.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";
import type { RateLimit } from "./rate-limit.ts";

/** A connected account, ready to send. */
export interface Route {
  readonly connection: ChannelConnection;
  readonly manifest: ChannelManifest;
  readonly render: ChannelModule["render"];
}

export type Account = Pick<Address, "channel" | "accountId">;

export interface DeliveryDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** For jitter, pauses and the ids of transcript entries. */
  readonly ids: Pick<Ids, "hex" | "random">;
  readonly log: Log;
  readonly bus: EventBus;
  /** Shared with whatever else sends to the same accounts. */
  readonly rate: RateLimit;
  readonly failpoints: Failpoints;
  /** The connected ones. */
  readonly accounts: () => readonly Account[];
  /** Null while that account is not connected: the part waits and no attempt is counted. */
  readonly route: (address: Address) => Route | null;
  /** Asked right before sending: null where it may still be sent there. */
  readonly permission: (address: Address) => AppError | null;
  /** What the account's configuration says now. */
  readonly settings: (address: Address) => DeliverySettings;
}

/** What the work on one part is given besides. */
export interface DeliveryWork extends DeliveryDeps {
  /** Aborts what is under way when the process cannot wait for it any longer. */
  readonly closing: AbortSignal;
}

/** A part that may leave, and everything that its attempt needs to know. */
export interface Attempt {
  readonly route: Route;
  readonly settings: DeliverySettings;
  /** Aborts with the reason when somebody stopped the turn: what was not begun is not sent. */
  readonly stop: AbortSignal;
  readonly work: DeliveryWork;
}

export interface Delivery {
  /** Settles what the last run left in doubt, then sends what is ready. */
  start(): Promise<void>;
  /** Something may be ready. Cheap; may be called often. */
  wake(): void;
  /**
   * What a turn has not said yet stays unsaid: its waiting parts end as failed at once, one that is being sent stops behind
   * the piece that is on its way. Resolves when those that waited are settled.
   */
  abort(runId: string, reason: string): Promise<void>;
  /** The same for every turn of a session that has something left to say. Returns their run ids. */
  abortSession(sessionKey: string, reason: string): Promise<readonly string[]>;
  /**
   * The same for single parts, with the error they end with. Those that are on their way may still arrive when it resolves:
   * their row tells.
   */
  withdraw(ids: readonly string[], error: AppError): Promise<void>;
  /** Takes no new part; resolves when those under way are settled, or when `signal` aborts them. */
  close(signal: AbortSignal): Promise<void>;
}
