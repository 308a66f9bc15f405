/**
 * What a channel is. A channel turns one platform's events into canonical messages and sends rendered text back.
 * It decides nothing: who may talk, in what order, how often a send is repeated and when a connection is made
 * again are decided outside, the same way for every channel.
 *
 * A folder per channel, always the same files: `manifest.ts` (what it can do), `index.ts` (the module),
 * `inbound.ts` (platform event → message, pure), `outbound.ts` (send), `format.ts` (Markdown → platform text, pure),
 * `fixtures/` (real payloads, sanitised). Every channel passes `conformance.ts`.
 */
import type { ZodType } from "zod";
import type { AppError } from "../domain/app-error.ts";
import type { Address, Attachment, ContentType, InboundMessage } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";

/** In what a text limit is counted. */
export type TextUnit = "utf16" | "codepoint" | "byte";

/**
 * What may be done about a send whose answer was lost.
 * `native`: a client id makes sending it again harmless. `read-back`: look before sending again.
 * `blind`: neither; the operator's policy decides.
 */
export type IdempotencyClass = "native" | "read-back" | "blind";

export interface ChannelCapabilities {
  readonly threads: boolean;
  readonly edits: boolean;
  readonly deletes: boolean;
  readonly reactions: boolean;
  readonly typing: boolean;
  readonly quotes: boolean;
  readonly voice: boolean;
  readonly groups: boolean;
  /** Content types it can receive and send natively; the others are degraded to text. */
  readonly receives: readonly ContentType[];
  readonly sends: readonly ContentType[];
}

export interface ChannelManifest<Config = unknown> {
  /** Lower-kebab, e.g. `irc`. */
  readonly id: string;
  readonly label: string;
  /** One sentence for the docs table. */
  readonly summary: string;
  /** How a sender's id looks, which the lists of who may write are made of. For the docs. */
  readonly senderIds?: string;
  /** A configuration that somebody could begin with, in JSON5. For the docs. */
  readonly example?: string;
  /** The account's settings under `channels.<id>` (or `channels.<id>.accounts.<name>`), strict about types, with defaults. */
  readonly configSchema: ZodType<Config>;
  readonly capabilities: ChannelCapabilities;
  readonly idempotency: IdempotencyClass;
  readonly text: { readonly max: number; readonly unit: TextUnit };
  /** Ceiling for one account over all chats. */
  readonly messagesPerSecond: number;
  /** Keys of the config that hold secrets, dot paths relative to the account; `*` stands for any index or name. */
  readonly secrets: readonly string[];
  /** Variable that stands in for a setting that is not written, by setting: `{ botToken: "EXAMPLE_BOT_TOKEN" }`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What may stand in front of one of its ids in `allowFrom` and the like, besides its own id: `tg` for Telegram. */
  readonly prefixes?: readonly string[];
  /** There without any setting, as an account named `default`. */
  readonly builtIn?: boolean;
  /** What becomes of each content type that is not in `sends`: one sentence for the docs table. */
  readonly degrades?: Readonly<Partial<Record<ContentType, string>>>;
}

export interface ChannelModule<Config = unknown> {
  readonly manifest: ChannelManifest<Config>;
  /**
   * One connection attempt. Resolves when the platform has accepted us and messages can flow; throws AppError
   * CONN_001 (may be tried again) or CONN_002 (credentials: not tried again). Never retries by itself.
   * After it resolved, `link.lost` is called at most once. Aborting `signal` ends an attempt under way.
   */
  connect(account: ChannelAccount<Config>, link: ChannelLink, signal: AbortSignal): Promise<ChannelConnection>;
  /** Markdown → what `send` takes, in pieces within the platform's limit. Pure; joined pieces lose no visible text. */
  render(markdown: string): readonly string[];
  /** Wipes what was stored to log this account in. Called by logout, after the connection is closed. */
  forget?(account: ChannelAccount<Config>): Promise<void>;
}

export interface ChannelAccount<Config> {
  readonly channel: string;
  readonly accountId: string;
  readonly config: Config;
}

/** What a channel may call. Handed in by the supervisor; a closed connection's calls are ignored. */
export interface ChannelLink {
  /**
   * Hands over one event, parsed. Resolves after it is durable (or refused with a reason), so that a platform that
   * wants an acknowledgement gets it only then. Never throws.
   */
  receive(message: InboundMessage): Promise<ReceiveOutcome>;
  /** The connection is gone; a new one is made from outside. */
  lost(error: AppError): void;
  /** One line for the status while connected, e.g. a room that could not be joined; null takes it back. */
  note?(text: string | null): void;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export type ReceiveOutcome =
  | { readonly outcome: "accepted" }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "refused"; readonly reason: string }
  /** Could not be stored now: do not acknowledge, the platform will send it again. */
  | { readonly outcome: "unavailable" };

export interface OutboundPiece {
  /** Ours, stable over retries: `<part id>.<chunk index>`. */
  readonly id: string;
  readonly address: Address;
  readonly text: string;
  readonly replyToId: string | null;
  readonly attachments: readonly Attachment[];
}

/** What became of a send. A send never throws. */
export type SendOutcome =
  /** The platform confirmed it. */
  | { readonly outcome: "sent"; readonly platformMessageId: string | null }
  /** Provably not sent: may be tried again later (`error.retryAfterMs` wins over backoff) or never. */
  | { readonly outcome: "not-sent"; readonly error: AppError }
  /** It may have been sent: the connection broke before the answer. */
  | { readonly outcome: "unknown"; readonly error: AppError };

export interface ChannelConnection {
  send(piece: OutboundPiece, signal: AbortSignal): Promise<SendOutcome>;
  /** A full round trip to the platform. Throws AppError when there is no answer. */
  probe(signal: AbortSignal): Promise<void>;
  /** Ends it politely within 2 s; never throws; after it no event is handed over. Idempotent. */
  close(): Promise<void>;
  /** Only where `idempotency` is `read-back`: whether the piece is already there. */
  find?(piece: OutboundPiece, signal: AbortSignal): Promise<{ platformMessageId: string } | null>;
  /** Only where the capability says so. */
  typing?(address: Address, signal: AbortSignal): Promise<void>;
  edit?(address: Address, platformMessageId: string, text: string, signal: AbortSignal): Promise<SendOutcome>;
  delete?(address: Address, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome>;
  react?(address: Address, platformMessageId: string, emoji: string, signal: AbortSignal): Promise<SendOutcome>;
}
