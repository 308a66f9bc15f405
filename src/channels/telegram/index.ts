/**
 * Telegram. One connection attempt, and the connection that comes of it: who the bot is, how its updates reach us, and
 * what it sends. Reconnecting, retrying a send and deciding who may talk are not done here.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Address, Attachment } from "../../domain/message.ts";
import type {
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  ChannelModule,
  OutboundPiece,
  SendOutcome,
} from "../contract.ts";
import { BotApi } from "./api.ts";
import { Changes } from "./changes.ts";
import { chatTarget } from "./chat-target.ts";
import { Cursor } from "./cursor.ts";
import { numberSuffix } from "./first-bot.ts";
import { renderTelegram } from "./format.ts";
import { Intake } from "./intake.ts";
import { isToken, manifest, type TelegramConfig } from "./manifest.ts";
import { Outbound } from "./outbound.ts";
import { Reception } from "./reception.ts";
import { SentMessages } from "./sent-messages.ts";
import { Unfinished } from "./unfinished.ts";
import { readMe, type Me } from "./wire.ts";

/** How long sends under way may take to get their answers when the connection is closed. */
const drainMs = 1_500;
/** What the Bot API hands out at most. */
const maxDownloadBytes = 20 * 1024 * 1024;
/** What Telegram lists at most. */
const maxCommands = 100;

export const telegram: ChannelModule<TelegramConfig> = {
  manifest,
  connect,
  render: (markdown, options) => renderTelegram(markdown, options),
};

async function connect(
  account: ChannelAccount<TelegramConfig>,
  link: ChannelLink,
  signal: AbortSignal,
): Promise<ChannelConnection> {
  const token = await tokenOf(account.config);
  const api = new BotApi({ token, apiRoot: account.config.apiRoot, clock: link.clock, log: link.log });
  try {
    const me = await whoAmI(api, signal);
    const connection = await TelegramConnection.open({ account, link, api, me }, signal);
    tellCommands(api, link);
    return connection;
  } catch (error) {
    await api.close();
    throw AppError.from(error, "CONN_001");
  }
}

/** What the account remembers from before. */
interface Kept {
  readonly cursor: Cursor;
  readonly unfinished: Unfinished;
  readonly numberSuffix: string;
}

interface ConnectionDeps {
  readonly account: ChannelAccount<TelegramConfig>;
  readonly link: ChannelLink;
  readonly api: BotApi;
  readonly me: Me;
}

class TelegramConnection implements ChannelConnection {
  readonly #link: ChannelLink;
  readonly #api: BotApi;
  readonly #intake: Intake;
  readonly #outbound: Outbound;
  readonly #changes: Changes;
  readonly #reception: Reception;
  #lost: AppError | null = null;
  #closing: Promise<void> | null = null;

  private constructor({ account, link, api, me }: ConnectionDeps, kept: Kept) {
    const sent = new SentMessages();
    const outboundOptions = { api, link, config: account.config, sent, unfinished: kept.unfinished };
    this.#link = link;
    this.#api = api;
    this.#intake = new Intake({ account, link, api, me, sent, numberSuffix: kept.numberSuffix });
    this.#outbound = new Outbound(outboundOptions);
    this.#changes = new Changes(outboundOptions, this.#outbound);
    const lost = (error: AppError): void => this.#lose(error);
    this.#reception = new Reception({ account, api, intake: this.#intake, cursor: kept.cursor, link, lost });
  }

  static async open(deps: ConnectionDeps, signal: AbortSignal): Promise<TelegramConnection> {
    const { link, me } = deps;
    const [cursor, unfinished, suffix] = await Promise.all([
      Cursor.load(link.memory, link.clock, me.id),
      Unfinished.load(link.memory),
      numberSuffix(link.memory, me.id),
    ]);
    const connection = new TelegramConnection(deps, { cursor, unfinished, numberSuffix: suffix });
    try {
      await connection.#reception.open(signal);
    } catch (error) {
      await connection.#reception.close();
      throw error;
    }
    return connection;
  }

  send(piece: OutboundPiece, signal: AbortSignal): Promise<SendOutcome> {
    return this.#outbound.send(piece, signal);
  }

  edit(piece: OutboundPiece, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#changes.edit(piece, platformMessageId, signal);
  }

  delete(address: Address, platformMessageId: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#changes.delete(address, platformMessageId, signal);
  }

  react(address: Address, platformMessageId: string, emoji: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#changes.react(address, platformMessageId, emoji, signal);
  }

  async typing(address: Address, signal: AbortSignal): Promise<void> {
    const target = chatTarget(address);
    if (target === null) throw new AppError("MSG_002", "The address is no chat on Telegram.", { retry: "never" });
    const topic = target.threadId === null ? {} : { message_thread_id: target.threadId };
    await this.#api.ask("sendChatAction", { chat_id: target.chatId, ...topic, action: "typing" }, { signal });
  }

  async download(attachment: Attachment, options: { maxBytes: number; signal: AbortSignal }): Promise<Uint8Array> {
    const { mediaId, sizeBytes = 0 } = attachment;
    const { signal } = options;
    if (mediaId === undefined) throw new AppError("MSG_001", "The attachment has no file on Telegram.");
    const maxBytes = Math.min(options.maxBytes, maxDownloadBytes);
    if (sizeBytes > maxBytes)
      throw new AppError("MSG_003", `The file has ${sizeBytes} bytes; at most ${maxBytes} are fetched.`, {
        details: { sizeBytes, maxBytes },
      });
    const file = await this.#api.ask("getFile", { file_id: mediaId }, { signal });
    const filePath = readFilePath(file);
    if (filePath === null) throw new AppError("MSG_001", "Telegram did not say where the file is.");
    return this.#api.file(filePath, { maxBytes, signal });
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    // Whether updates are answered too is found out by asking for them: a question stays open for half a minute at most.
    await this.#api.ask("getMe", {}, { signal });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** What is under way gets a moment to be answered: a send that is cut off is a send in doubt. */
  async #end(): Promise<void> {
    this.#intake.close();
    const over = Promise.withResolvers<void>();
    const timer = this.#link.clock.after(drainMs, over.resolve);
    await Promise.race([Promise.all([this.#reception.close(), this.#outbound.close()]), over.promise]);
    timer.cancel();
    await this.#api.close();
  }

  #lose(error: AppError): void {
    if (this.#lost !== null || this.#closing !== null) return;
    this.#lost = error;
    void this.#outbound.close();
    this.#link.lost(error);
  }
}

async function whoAmI(api: BotApi, signal: AbortSignal): Promise<Me> {
  const me = readMe(await api.ask("getMe", {}, { signal }));
  if (me === null) throw new AppError("CONN_001", "What answers at apiRoot is not the Bot API.");
  return me;
}

async function tokenOf({ botToken, tokenFile }: TelegramConfig): Promise<string> {
  if (botToken !== undefined) return botToken;
  if (tokenFile === undefined || !path.isAbsolute(tokenFile)) {
    throw new AppError("CONN_002", "The bot has no token: set botToken, or tokenFile to an absolute path.");
  }
  let token: string;
  try {
    token = (await readFile(tokenFile, "utf8")).trim();
  } catch (error) {
    throw new AppError("CONN_002", "The file with the bot's token cannot be read.", { cause: error });
  }
  if (isToken(token)) return token;
  throw new AppError("CONN_002", "The file with the bot's token holds none.");
}

/** For the list that apps show behind a slash. Best effort: the commands work without it. */
function tellCommands(api: BotApi, link: ChannelLink): void {
  const commands = link.commands
    .filter(({ name }) => /^[a-z0-9_]{1,32}$/.test(name))
    .slice(0, maxCommands)
    .map(({ name, description }) => ({ command: name, description: description.slice(0, 256) || name }));
  if (commands.length === 0) return;
  void api.call("setMyCommands", { commands }).then((answer) => {
    if (!answer.ok) link.log.debug("Telegram did not take the list of commands.", { error: answer.error.toJSON() });
  });
}

function readFilePath(file: unknown): string | null {
  if (typeof file !== "object" || file === null || !("file_path" in file)) return null;
  return typeof file.file_path === "string" && file.file_path !== "" ? file.file_path : null;
}
