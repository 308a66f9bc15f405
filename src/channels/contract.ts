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
import type { Address, Attachment, ContentType, InboundMessage, ReplyButton } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Failpoints } from "../platform/failpoints.ts";
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
  /** Ceiling for one account over all chats, in any window of one second. */
  readonly messagesPerSecond: number;
  /** What the platform allows in one chat besides; what a 429 teaches is learned on top of it. */
  readonly messagesPerChat?: {
    /** In a direct conversation. */
    readonly directPerSecond?: number;
    /** In a group or channel, in any window of one minute. */
    readonly groupPerMinute?: number;
  };
  /** Edits of one message that the platform takes in a minute; for a reply that grows while it is written. */
  readonly editsPerMinute?: number;
  /** The largest file it takes, in bytes; a larger one is named in the text instead. */
  readonly attachmentBytes?: number;
  /** Keys of the config that hold secrets, dot paths relative to the account; `*` stands for any index or name. */
  readonly secrets: readonly string[];
  /** Variable that stands in for a setting that is not written, by setting: `{ botToken: "EXAMPLE_BOT_TOKEN" }`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The setting that says who we are there. Two accounts with the same would hear and answer everything twice. */
  readonly identity?: string;
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
  /**
   * Markdown → what `send` takes, in pieces within `options.max`. Pure: the same text and options give the same pieces,
   * or a retry after a restart would go on at the wrong one. Joined pieces lose no visible text.
   */
  render(markdown: string, options: RenderOptions): readonly Rendered[];
  /** Wipes what was stored to log this account in. Called by logout, after the connection is closed. */
  forget?(account: ChannelAccount<Config>): Promise<void>;
}

export interface ChannelAccount<Config> {
  readonly channel: string;
  readonly accountId: string;
  readonly config: Config;
}

/** How a text is cut: `text` ignores markup, `markdown` keeps its blocks whole, `paragraph` makes each paragraph a piece. */
export const chunkModes = ["text", "markdown", "paragraph"] as const;
export type ChunkMode = (typeof chunkModes)[number];

export interface RenderOptions {
  /** Size of a piece, in the manifest's unit; at most the manifest's. */
  readonly max: number;
  readonly mode: ChunkMode;
}

/** One piece as the platform will show it. */
export interface Rendered {
  /** What a person reads, without markup where the platform keeps formatting apart from text. */
  readonly text: string;
  /** The channel's own, JSON-safe; made by its `render` and understood by its `send` alone. */
  readonly format?: unknown;
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
  /** Small facts of this account that outlive a restart, such as how far its events were read. */
  readonly memory: AccountMemory;
  /** Where a platform can call us. */
  readonly webhooks: WebhookPort;
  /** What a person can tell the assistant with a slash, for platforms that show a list. */
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly failpoints: Failpoints;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export interface AccountMemory {
  /** Undefined where nothing is kept under this name. */
  get(key: string): Promise<unknown>;
  /** Resolves when it is durable. `value` is JSON-safe. */
  put(key: string, value: unknown): Promise<void>;
}

export interface WebhookPort {
  /**
   * Hands every POST to `path` (begins with a slash) to `handler`, until the returned function is called. Throws AppError
   * CFG_004 where another account or the gateway itself has the path. The channel checks who calls; nothing was checked
   * before but the name that the caller asked for: one of the gateway's own, or `publicHost`.
   */
  mount(path: string, handler: WebhookHandler, publicHost?: string): () => void;
}

export interface WebhookRequest {
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** The caller's address, as far as trusted proxies tell. */
  readonly remoteAddress: string;
}

/** The HTTP status to answer with. 503 asks the platform to send the event again. Never throws. */
export type WebhookHandler = (request: WebhookRequest) => Promise<{ readonly status: number; readonly body?: string }>;

export type ReceiveOutcome =
  | { readonly outcome: "accepted" }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "refused"; readonly reason: string }
  /** Could not be stored now: do not acknowledge, the platform will send it again. */
  | { readonly outcome: "unavailable" };

export interface OutboundPiece extends Rendered {
  /** Ours, stable over retries: `<part id>.<chunk index>`. */
  readonly id: string;
  readonly address: Address;
  /** Goes in front of the text, e.g. that this may be a repetition; there is room for it in the platform's limit. */
  readonly label: string | null;
  readonly replyToId: string | null;
  readonly attachments: readonly Attachment[];
  /**
   * Under the piece, where the platform has such. Pressed, they come in as a `callback` whose text is what they say. A
   * channel without them leaves them out: the text tells what to write instead.
   */
  readonly buttons?: readonly ReplyButton[];
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
  /** Makes that message this piece. To make it what it already is succeeds. */
  edit?(piece: OutboundPiece, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome>;
  /** A message that is not there any more is deleted. */
  delete?(address: Address, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome>;
  /** An empty emoji takes our reaction back. */
  react?(address: Address, platformMessageId: string, emoji: string, signal: AbortSignal): Promise<SendOutcome>;
  /** The bytes of an attachment that came in with a `mediaId`. Throws AppError; MSG_003 where it is larger than `maxBytes`. */
  download?(attachment: Attachment, options: { maxBytes: number; signal: AbortSignal }): Promise<Uint8Array>;
}
