/** What delivery is given to do its work: the way to a platform, and the rules that are asked again at the last moment. */
import type { ChannelConnection, ChannelManifest, ChannelModule } from "../channels/contract.ts";
import type { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import type { Address } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";

/** What is done about a part that may have been sent, where the platform cannot tell. */
export type BlindPolicy = "resend-labelled" | "hold-and-ask" | "drop";

/** A connected account, ready to send. */
export interface Route {
  readonly connection: ChannelConnection;
  readonly manifest: ChannelManifest;
  readonly render: ChannelModule["render"];
}

export interface DeliveryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly bus: EventBus;
  /** Channels with at least one connected account. */
  readonly channels: () => readonly string[];
  /** Null while that account is not connected: the part waits and no attempt is counted. */
  readonly route: (address: Address) => Route | null;
  /** Asked right before sending: null where it may still be sent there. */
  readonly permission: (address: Address) => AppError | null;
  readonly blindPolicy: (channel: string) => BlindPolicy;
}

/** What the work on one part is given besides. */
export interface DeliveryWork extends DeliveryDeps {
  /** Aborts what is under way when the process cannot wait for it any longer. */
  readonly closing: AbortSignal;
}

export interface Delivery {
  /** Settles what the last run left in doubt, then sends what is ready. */
  start(): Promise<void>;
  /** Something may be ready. Cheap; may be called often. */
  wake(): void;
  /** Takes no new part; resolves when those under way are settled, or when `signal` aborts them. */
  close(signal: AbortSignal): Promise<void>;
}
