/** What a reply that leaves while it is written is given. */
import type { ChannelManifest } from "../../channels/contract.ts";
import type { DeliverySettings } from "../../domain/delivery-policy.ts";
import type { InboxRow, Lease } from "../../store/port.ts";
import type { Delivery, DeliveryDeps } from "../contract.ts";
import type { InitialStateOf } from "../initial-state.ts";

export interface ReplyStreamDeps extends Pick<
  DeliveryDeps,
  "store" | "clock" | "log" | "bus" | "rate" | "failpoints" | "route" | "settings" | "permission"
> {
  readonly delivery: Pick<Delivery, "wake" | "withdraw">;
  readonly initialStateOf: InitialStateOf;
  /** Known of every channel, connected or not. */
  readonly manifest: (channel: string) => ChannelManifest | undefined;
}

/** One turn's answer, on its way to one chat. */
export interface StreamScope {
  readonly row: InboxRow;
  readonly lease: Lease;
  readonly manifest: ChannelManifest;
  readonly settings: DeliverySettings;
  readonly deps: ReplyStreamDeps;
}
