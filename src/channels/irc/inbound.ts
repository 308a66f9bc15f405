/**
 * A line of the server → a message. Pure: the same line in the same circumstances gives the same message. What is not
 * something a person said to a person (a NOTICE, a server's word, a client's query, our own echo) gives null.
 */
import { createHash } from "node:crypto";
import type { InboundMessage, Mentions } from "../../domain/message.ts";
import { noMentions } from "../../domain/message.ts";
import { foldName, type Casemap } from "./casemap.ts";
import { personChatId, roomChatId } from "./chat-id.ts";
import type { IrcLine } from "./line.ts";
import { senderIdentity } from "./peers.ts";

export interface InboundContext {
  readonly accountId: string;
  /** Our nick of this moment. */
  readonly nick: string;
  /** Other names that mean us. */
  readonly names: readonly string[];
  readonly casemap: Casemap;
  /** What a room's name begins with (CHANTYPES). */
  readonly roomTypes: string;
  /** A name anywhere in the text addresses us, not only at its beginning. */
  readonly mentionAnywhere: boolean;
  readonly ignoreBots: boolean;
  /** The server vouches for accounts (account-tag). */
  readonly accounts: boolean;
  readonly receivedAtMs: number;
  /** Ours, for this message. */
  readonly id: string;
  /** How often the same words came from the same person at the same moment before, on this connection. */
  readonly repeated: (key: string) => number;
  /** Whether a message id is one of ours. */
  readonly isOurs: (platformMessageId: string) => boolean;
}

export function parseInbound(line: IrcLine, text: string, context: InboundContext): InboundMessage | null {
  const { source, tags } = line;
  if (source === null || (line.command !== "PRIVMSG" && line.command !== "TAGMSG")) return null;
  if (isNick(source.name, context)) return null;
  if (context.ignoreBots && Object.hasOwn(tags, "bot")) return null;
  const identity = senderIdentity(source, context.accounts ? (tags["account"] ?? null) : null);
  // A message from a server has no user and host: nobody who could be answered.
  if (identity === null || source.host === null) return null;
  const chat = chatOf(line.params[0] ?? "", source.name, identity, context);
  const body = bodyOf(line, context);
  if (chat === null || body === null) return null;
  const sentAtMs = serverTimeMs(tags) ?? context.receivedAtMs;
  const replyToId = tags["+draft/reply"] ?? tags["+reply"];
  return {
    id: context.id,
    kind: body.kind,
    address: { channel: "irc", accountId: context.accountId, ...chat },
    sender: {
      id: identity,
      handle: source.name,
      displayName: source.name,
      ...(Object.hasOwn(tags, "bot") ? { isBot: true } : {}),
    },
    platformMessageId: tags["msgid"] ?? derivedId(line, identity, sentAtMs, context),
    content: [{ type: "text", text: body.text }],
    mentions: mentionsOf(body, chat.chatKind === "dm" || (replyToId !== undefined && context.isOurs(replyToId))),
    ...(replyToId === undefined || replyToId === "" ? {} : { replyToId }),
    sentAtMs,
    receivedAtMs: context.receivedAtMs,
    raw: { line: text },
  };
}

/** A query from client to client (CTCP), which some clients expect to be answered; null where it is none. */
export function clientQuery(
  line: IrcLine,
  context: Pick<InboundContext, "nick" | "casemap">,
): { readonly verb: string; readonly argument: string } | null {
  if (line.command !== "PRIVMSG" || !isNick(line.params[0] ?? "", context)) return null;
  const match = /^\x01([A-Za-z]+)(?: ([^\x01]*))?\x01?$/.exec(line.params[1] ?? "");
  const verb = match?.[1]?.toUpperCase();
  return verb === undefined || verb === "ACTION" ? null : { verb, argument: match?.[2] ?? "" };
}

interface Body {
  readonly kind: "message" | "reaction";
  readonly text: string;
  readonly named: boolean;
}

function bodyOf(line: IrcLine, context: InboundContext): Body | null {
  if (line.command === "TAGMSG") {
    const emoji = line.tags["+draft/react"];
    return emoji === undefined || emoji === "" ? null : { kind: "reaction", text: emoji, named: false };
  }
  const said = line.params[1];
  if (said === undefined) return null;
  const action = /^\x01ACTION (.*?)\x01?$/s.exec(said);
  if (action === null && said.startsWith("\x01")) return null;
  const plain = withoutFormatting(action === null ? said : (action[1] ?? ""));
  const names = [context.nick, ...context.names];
  const addressed = action === null ? withoutAddress(plain, names) : null;
  const named = addressed !== null || (context.mentionAnywhere && names.some((name) => holdsName(plain, name)));
  return {
    kind: "message",
    text: action === null ? (addressed ?? plain) : `* ${line.source?.name ?? ""} ${plain}`,
    named,
  };
}

function chatOf(
  target: string,
  nick: string,
  identity: string,
  context: InboundContext,
): { chatId: string; chatKind: "dm" | "group" } | null {
  if (isNick(target, context)) return { chatId: personChatId(nick, identity), chatKind: "dm" };
  // `@#room` is said to the room's operators alone, and so is the answer.
  const name = /^[~&@%+](?=.)/.test(target) && context.roomTypes.includes(target[1] ?? "") ? target.slice(1) : target;
  return name !== "" && context.roomTypes.includes(name[0] ?? "")
    ? { chatId: roomChatId(target), chatKind: "group" }
    : null;
}

function isNick(name: string, { nick, casemap }: Pick<InboundContext, "nick" | "casemap">): boolean {
  return foldName(name, casemap) === foldName(nick, casemap);
}

/** `claw: do it` → `do it`; null where it does not begin by addressing us. */
function withoutAddress(text: string, names: readonly string[]): string | null {
  for (const name of names) {
    const match = new RegExp(`^\\s*(?:@${escaped(name)}(?![${nickChars}])[:,;]?|${escaped(name)}[:,;])\\s*`, "iu").exec(
      text,
    );
    if (match !== null) return text.slice(match[0].length);
  }
  return null;
}

/** As a word of its own: `claw` is not in `clawback`. */
function holdsName(text: string, name: string): boolean {
  return new RegExp(`(?<![${nickChars}])${escaped(name)}(?![${nickChars}])`, "iu").test(text);
}

const nickChars = "\\p{L}\\p{N}_\\[\\]\\\\`^{|}\\-";

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

function mentionsOf(body: Body, self: boolean): Mentions {
  const users = [...body.text.matchAll(/(?<=^|\s)@([^\s@,:;!?]+)/g)].map((match) => match[1] ?? "");
  const channels = [...body.text.matchAll(/(?<=^|\s)(#[^\s,:;!?]+)/g)].map((match) => (match[1] ?? "").toLowerCase());
  return { ...noMentions, users, channels, self: self || body.named };
}

/** Bold, colours and the like are single control characters, colours with digits behind them. */
function withoutFormatting(text: string): string {
  return text.replace(
    /\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]/g,
    "",
  );
}

function serverTimeMs(tags: Readonly<Record<string, string>>): number | null {
  const time = tags["time"];
  const atMs = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(atMs) ? null : atMs;
}

/**
 * For servers that give a message no id. With the server's own time the id is the same when a bouncer plays the
 * message back later; the count keeps the same word said twice in one moment apart.
 */
function derivedId(line: IrcLine, identity: string, sentAtMs: number, context: InboundContext): string {
  const key = JSON.stringify([sentAtMs, identity, line.source?.name, ...line.params]);
  return createHash("sha256")
    .update(key)
    .update(`#${context.repeated(key)}`)
    .digest("base64url")
    .slice(0, 27);
}
