/**
 * Who may talk to the assistant where. Pure rules over typed ids: a name that its owner can change never opens a door,
 * an empty list admits nobody, and `*` admits everybody without making anybody an owner.
 */
import type { InboundMessage } from "./message.ts";

export type DmPolicy = "open" | "allowlist" | "pairing" | "disabled";
export type GroupPolicy = "open" | "allowlist" | "disabled";

export interface AdmissionPolicy {
  readonly dmPolicy: DmPolicy;
  readonly groupPolicy: GroupPolicy;
  /** Senders who may write directly: platform ids, with or without the channel's name in front, or `*`. */
  readonly allowFrom: readonly string[];
  /** Senders who may write in groups; where absent, `allowFrom` is asked. */
  readonly groupAllowFrom: readonly string[] | null;
  /** Chats in which the assistant listens at all; null = every chat it is in. */
  readonly groups: readonly string[] | null;
  /** In a group, only messages that address the assistant are requests. */
  readonly requireMention: boolean;
  /** Lets a changeable handle match an entry. Weak: anybody can take a free name. Off unless an administrator says so. */
  readonly allowHandles: boolean;
  /** Senders who proved themselves by pairing; good for direct messages alone. */
  readonly paired: readonly string[];
  /** What may stand in front of an id of this channel in the lists: the channel's name and its short forms. */
  readonly prefixes: readonly string[];
}

export type PolicyRefusal =
  | "sender-not-allowed"
  | "chat-not-allowed"
  | "direct-messages-disabled"
  | "groups-disabled"
  | "not-mentioned"
  | "pairing-required";

/** What a channel account without any setting gets: strangers are asked to pair, groups are closed. */
export const closedPolicy: AdmissionPolicy = Object.freeze({
  dmPolicy: "pairing",
  groupPolicy: "allowlist",
  allowFrom: [],
  groupAllowFrom: null,
  groups: null,
  requireMention: true,
  allowHandles: false,
  paired: [],
  prefixes: [],
});

/** Null when the message may pass. */
export function judgeAdmission(message: InboundMessage, policy: AdmissionPolicy): PolicyRefusal | null {
  return message.address.chatKind === "dm" ? judgeDirect(message, policy) : judgeGroup(message, policy);
}

function judgeDirect(message: InboundMessage, policy: AdmissionPolicy): PolicyRefusal | null {
  switch (policy.dmPolicy) {
    case "disabled":
      return "direct-messages-disabled";
    case "open":
      // "open" still wants the explicit wildcard: one switch flipped by accident opens nothing.
      return matchesSender(message, policy.allowFrom, policy) ? null : "sender-not-allowed";
    case "allowlist":
      return matchesSender(message, withoutWildcard(policy.allowFrom), policy) ? null : "sender-not-allowed";
    case "pairing": {
      const known = [...withoutWildcard(policy.allowFrom), ...policy.paired];
      return matchesSender(message, known, policy) ? null : "pairing-required";
    }
  }
}

function judgeGroup(message: InboundMessage, policy: AdmissionPolicy): PolicyRefusal | null {
  if (policy.groupPolicy === "disabled") return "groups-disabled";
  if (policy.groups !== null && !matchesChat(message.address.chatId, policy.groups, policy.prefixes))
    return "chat-not-allowed";
  if (policy.groupPolicy === "allowlist") {
    const senders = policy.groupAllowFrom ?? policy.allowFrom;
    if (!matchesSender(message, senders, policy)) return "sender-not-allowed";
  }
  if (policy.requireMention && !message.mentions.self) return "not-mentioned";
  return null;
}

function withoutWildcard(entries: readonly string[]): readonly string[] {
  return entries.filter((entry) => entry !== "*");
}

function matchesSender(message: InboundMessage, entries: readonly string[], policy: AdmissionPolicy): boolean {
  return entries.some((entry) => {
    if (entry === "*") return true;
    const id = withoutPrefix(entry, policy.prefixes);
    if (id === message.sender.id) return true;
    return (
      policy.allowHandles &&
      message.sender.handle !== undefined &&
      id.toLowerCase() === message.sender.handle.toLowerCase()
    );
  });
}

function matchesChat(chatId: string, entries: readonly string[], prefixes: readonly string[]): boolean {
  return entries.some((entry) => entry === "*" || withoutPrefix(entry, prefixes) === chatId);
}

/** `tg:42` names the sender 42 of the channel that has this prefix, and of no other. */
function withoutPrefix(entry: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((candidate) => entry.startsWith(`${candidate}:`));
  return prefix === undefined ? entry : entry.slice(prefix.length + 1);
}
