/** How a part begins its life in the outbox: waiting to be sent, waiting for a person, or there already. */
import type { DeliverySettings } from "../domain/delivery-policy.ts";
import type { Address } from "../domain/message.ts";
import type { OutboxDraft } from "../store/port.ts";

export type InitialStateOf = (address: Address) => OutboxDraft["state"];

/** `storedIsDelivered`: the caller reads it from the gateway, so that storing it is delivering it. */
export function createInitialState(
  storedIsDelivered: (channel: string) => boolean,
  settings: (address: Address) => DeliverySettings,
): InitialStateOf {
  return (address) => {
    if (storedIsDelivered(address.channel)) return "sent";
    return settings(address).policy.permission === "require-approval" ? "held" : "prepared";
  };
}
