/**
 * Tells the operator who knocked and was not let in: the sender gets no answer, and without this line nobody could
 * tell a closed door from a broken channel. Each sender is told once, and never what was written.
 */
import type { InboundMessage } from "../domain/message.ts";
import type { RefusalReason } from "../inbound/contract.ts";
import type { Log } from "../platform/log.ts";

export type RefusalLog = (message: InboundMessage, reason: RefusalReason) => void;

/** Beyond these strangers are nothing new; a flood of them must not become a flood of lines. */
const mostTold = 200;

export function createRefusalLog(log: Log): RefusalLog {
  const told = new Set<string>();
  return ({ address, sender, mentions }, reason) => {
    const remedy = Object.hasOwn(remedies, reason) ? remedies[reason] : undefined;
    // In a room most is said to others.
    const isForUs = address.chatKind === "dm" || mentions.self;
    const key = JSON.stringify([address.channel, address.accountId, sender.id, reason]);
    if (remedy === undefined || !isForUs || told.has(key) || told.size >= mostTold) return;
    told.add(key);
    log.warn("Somebody who is not let in wrote to the assistant and got no answer.", {
      channel: address.channel,
      accountId: address.accountId,
      chatId: address.chatId,
      sender: sender.id,
      reason,
      remedy: remedy(`channels.${address.channel}`, sender.id),
    });
  };
}

type Remedy = (section: string, sender: string) => string;
const byList: Remedy = (section, sender) => `to let them in, add ${JSON.stringify(sender)} to ${section}.allowFrom`;

const remedies: Readonly<Partial<Record<RefusalReason, Remedy>>> = {
  "sender-not-allowed": byList,
  "pairing-required": byList,
  "chat-not-allowed": (section) => `to listen there, add the chat to ${section}.groups`,
  "direct-messages-disabled": (section) => `to take direct messages, change ${section}.dmPolicy`,
  "groups-disabled": (section) => `to listen in groups, change ${section}.groupPolicy`,
};
