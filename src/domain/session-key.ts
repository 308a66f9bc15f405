/**
 * Session keys: which conversation a turn belongs to, as one line of text. One canonical form is written, every older
 * form is read. Segments are percent-encoded, so that a peer id may hold `:`, `/`, `%` or any script; a key of the
 * canonical form is therefore told from all others by its segments alone. Parsing never throws.
 */
import { AppError } from "./app-error.ts";
import { limits } from "./limits.ts";
import { chatKinds, type Address, type ChatKind } from "./message.ts";

export type SessionKey =
  /** `agent:<agentId>:<name>`. The name is `session.mainKey` for the agent's main session. */
  | { readonly kind: "named"; readonly agentId: string; readonly name: string }
  /** `agent:<agentId>:<channel>:<accountId>:<chatKind>:<peer>[:thread:<threadId>]`. */
  | {
      readonly kind: "chat";
      readonly agentId: string;
      readonly channel: string;
      readonly accountId: string;
      readonly chatKind: ChatKind;
      readonly peer: string;
      readonly threadId?: string;
    }
  /** `agent:<agentId>[:<channel>]:dm:<peer>`: one person over all accounts, or over all channels too. */
  | { readonly kind: "person"; readonly agentId: string; readonly channel?: string; readonly peer: string }
  /** `agent:<agentId>:subagent:<id>`, `…:openai:<id>`, `…:openai-user:<id>`. */
  | { readonly kind: AgentScopedKind; readonly agentId: string; readonly id: string }
  /** `cron:<id>`, `hook:<id>`, `node-<id>`. */
  | { readonly kind: HouseKind; readonly id: string }
  /** `<channel>:<accountId>:<conversationId>`, a form without an agent. Read, and made canonical with the default agent. */
  | {
      readonly kind: "conversation";
      readonly channel: string;
      readonly accountId: string;
      readonly conversationId: string;
    }
  /** One word, `main` above all: a session of the default agent. */
  | { readonly kind: "bare"; readonly name: string };

type AgentScopedKind = "subagent" | "openai" | "openai-user";
type HouseKind = "cron" | "hook" | "node";

export type DmScope = "main" | "per-peer" | "per-channel-peer" | "per-account-channel-peer";

/** The account that a form without one means. */
const defaultAccountId = "default";
const agentScopedKinds: readonly string[] = ["subagent", "openai", "openai-user"] satisfies AgentScopedKind[];
/** Words that mean something as the third segment: a channel of that name is escaped. */
const reservedChannels: readonly string[] = [...agentScopedKinds, "dm"];
const reservedFirstSegments: readonly string[] = ["agent", "cron", "hook"];

/** The key as text. Throws AppError RPC_003 where a part is empty or the text would be longer than its limit. */
export function formatSessionKey(key: SessionKey): string {
  const text = segmentsOf(key).join(":");
  if (text.length > limits.sessionKeyChars) {
    throw new AppError("RPC_003", `A session key is longer than ${limits.sessionKeyChars} characters.`, {
      details: { chars: text.length },
    });
  }
  return text;
}

/** Any form, old or new; undefined where the text is none of them. Never throws. */
export function parseSessionKey(text: string): SessionKey | undefined {
  if (text === "" || text.length > limits.sessionKeyChars || hasControlCharacter(text)) return undefined;
  if (text.startsWith("node-")) return text.length > 5 ? { kind: "node", id: decode(text.slice(5)) } : undefined;
  const segments = text.split(":");
  if (segments.includes("")) return undefined;
  const [first = "", ...rest] = segments;
  if (rest.length === 0) return first === "agent" ? undefined : { kind: "bare", name: decode(first) };
  if (first === "cron" || first === "hook") return { kind: first, id: decodeJoined(rest) };
  if (first === "agent") return parseAgentKey(rest);
  const [accountId = "", ...conversation] = rest;
  if (conversation.length === 0) return undefined;
  return {
    kind: "conversation",
    channel: decode(first),
    accountId: decode(accountId),
    conversationId: decodeJoined(conversation),
  };
}

/** The one text for everything that means the same session; undefined where the text is no session key. */
export function canonicalSessionKey(
  text: string,
  context: { readonly defaultAgentId: string; readonly mainKey: string },
): string | undefined {
  const key = parseSessionKey(text);
  if (key === undefined) return undefined;
  try {
    return formatSessionKey(qualify(key, context));
  } catch (error) {
    // Escaping can make a key longer than its limit; such a key names nothing.
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** The session of a chat. Throws AppError RPC_003 where the address has an empty or endless part. */
export function sessionKeyForAddress(
  address: Address,
  scope: { readonly agentId: string; readonly dmScope: DmScope; readonly mainKey: string },
): string {
  const { agentId, dmScope } = scope;
  const { channel, chatId: peer } = address;
  if (address.chatKind === "dm") {
    if (dmScope === "main") return formatSessionKey({ kind: "named", agentId, name: scope.mainKey });
    if (dmScope === "per-peer") return formatSessionKey({ kind: "person", agentId, peer });
    if (dmScope === "per-channel-peer") return formatSessionKey({ kind: "person", agentId, channel, peer });
  }
  return formatSessionKey({
    kind: "chat",
    agentId,
    channel,
    accountId: address.accountId,
    chatKind: address.chatKind,
    peer,
    ...(address.threadId === undefined ? {} : { threadId: address.threadId }),
  });
}

/** Forms without an agent belong to the default agent; `main` is whatever the main session is called here. */
function qualify(key: SessionKey, context: { readonly defaultAgentId: string; readonly mainKey: string }): SessionKey {
  const agentId = context.defaultAgentId;
  if (key.kind === "bare") return qualify({ kind: "named", agentId, name: key.name }, context);
  if (key.kind === "named" && key.name === "main") return { ...key, name: context.mainKey };
  if (key.kind === "conversation") {
    const { channel, accountId, conversationId: peer } = key;
    // The form does not say what kind of chat it is; the narrowest kind opens the least.
    return { kind: "chat", agentId, channel, accountId, chatKind: "dm", peer };
  }
  return key;
}

/** Whether a key names the main session of an agent. One that cannot be read names none. */
export function isMainSession(sessionKey: string, mainKey: string): boolean {
  const key = parseSessionKey(sessionKey);
  if (key?.kind === "bare") return key.name === "main" || key.name === mainKey;
  return key?.kind === "named" && key.name === mainKey;
}

function segmentsOf(key: SessionKey): string[] {
  switch (key.kind) {
    case "named":
      return ["agent", encode(key.agentId), encode(key.name)];
    case "chat": {
      const thread = key.threadId === undefined ? [] : ["thread", encode(key.threadId)];
      const place = [encodeChannel(key.channel), encode(key.accountId), key.chatKind, encode(key.peer)];
      return ["agent", encode(key.agentId), ...place, ...thread];
    }
    case "person": {
      const channel = key.channel === undefined ? [] : [encodeChannel(key.channel)];
      return ["agent", encode(key.agentId), ...channel, "dm", encode(key.peer)];
    }
    case "subagent":
    case "openai":
    case "openai-user":
      return ["agent", encode(key.agentId), key.kind, encode(key.id)];
    case "cron":
    case "hook":
      return [key.kind, encode(key.id)];
    case "node":
      return [`node-${encode(key.id)}`];
    case "conversation":
      return [encodeFirst(key.channel), encode(key.accountId), encode(key.conversationId)];
    case "bare":
      return [encodeFirst(key.name)];
  }
}

/** What stands behind `agent:`. */
function parseAgentKey(segments: readonly string[]): SessionKey | undefined {
  const [agent = "", word = "", ...rest] = segments;
  if (word === "") return undefined;
  const agentId = decode(agent);
  if (rest.length === 0) return { kind: "named", agentId, name: decode(word) };
  if (word === "dm") return { kind: "person", agentId, peer: decodeJoined(rest) };
  if (isAgentScopedKind(word)) return { kind: word, agentId, id: decodeJoined(rest) };
  return (
    parseChat({ agentId, channel: decode(word) }, rest) ??
      // A name of several words, as some clients make them up: kept whole.
      { kind: "named", agentId, name: decodeJoined([word, ...rest]) }
  );
}

/** `<accountId>:<chatKind>:<peer>…`, or the older `<chatKind>:<peer>…` without an account. */
function parseChat(
  place: { readonly agentId: string; readonly channel: string },
  segments: readonly string[],
): SessionKey | undefined {
  const [first = "", second = ""] = segments;
  if (isChatKind(second) && segments.length > 2) {
    return { kind: "chat", ...place, accountId: decode(first), chatKind: second, ...peerAndThread(segments.slice(2)) };
  }
  if (!isChatKind(first) || segments.length < 2) return undefined;
  if (first === "dm") return { kind: "person", ...place, peer: decodeJoined(segments.slice(1)) };
  return { kind: "chat", ...place, accountId: defaultAccountId, chatKind: first, ...peerAndThread(segments.slice(1)) };
}

/** `<peer>[:thread:<id>]`, or `:topic:` as one platform calls it. Older forms do not escape colons in the peer. */
function peerAndThread(segments: readonly string[]): { readonly peer: string; readonly threadId?: string } {
  const mark = segments.at(-2);
  const threadId = segments.at(-1);
  if (segments.length < 3 || threadId === undefined || (mark !== "thread" && mark !== "topic")) {
    return { peer: decodeJoined(segments) };
  }
  return { peer: decodeJoined(segments.slice(0, -2)), threadId: decode(threadId) };
}

function isChatKind(word: string): word is ChatKind {
  return (chatKinds as readonly string[]).includes(word);
}

function isAgentScopedKind(word: string): word is AgentScopedKind {
  return agentScopedKinds.includes(word);
}

function encode(part: string): string {
  if (part === "") throw new AppError("RPC_003", "A part of a session key is empty.");
  // Half a surrogate pair is no character: it can be neither escaped nor stored.
  return encodeURIComponent(part.toWellFormed());
}

function encodeChannel(channel: string): string {
  return reservedChannels.includes(channel) ? escapeFirstCharacter(channel) : encode(channel);
}

function encodeFirst(part: string): string {
  return reservedFirstSegments.includes(part) || part.startsWith("node-")
    ? escapeFirstCharacter(encode(part))
    : encode(part);
}

/** `dm` → `%64m`: reads as the same word, and is not taken for the mark. */
function escapeFirstCharacter(ascii: string): string {
  return `%${ascii.charCodeAt(0).toString(16)}${ascii.slice(1)}`;
}

function decodeJoined(segments: readonly string[]): string {
  return decode(segments.join(":"));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    // A bare `%` of an older, unescaped key stands for itself.
    if (error instanceof URIError) return segment.toWellFormed();
    throw error;
  }
}

function hasControlCharacter(text: string): boolean {
  // oxlint-disable-next-line eslint/no-control-regex -- control characters are what it looks for.
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}
