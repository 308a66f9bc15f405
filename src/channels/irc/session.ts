/**
 * The connection after signing on: our nick and prefix as they change, the rooms, the people seen, messages handed
 * over in order, and the end of it all. It hands nothing over once it is closing.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Timer } from "../../platform/clock.ts";
import type { ChannelAccount, ChannelLink } from "../contract.ts";
import { foldName } from "./casemap.ts";
import { FloodGate } from "./flood.ts";
import { clientQuery, parseInbound } from "./inbound.ts";
import { Intake } from "./intake.ts";
import type { IrcLine } from "./line.ts";
import type { IrcConfig } from "./manifest.ts";
import { Outbound } from "./outbound.ts";
import { Peers, senderIdentity } from "./peers.ts";
import { Rooms } from "./rooms.ts";
import type { SignedOn } from "./sign-on.ts";
import type { Wire } from "./wire.ts";

/** How long the server may take to answer QUIT before the socket is cut. */
export const quitTimeoutMs = 1_500;
/** How often the nick that we wanted is asked for again. */
export const regainMs = 60_000;
/** One answer to clients' queries in this time: enough for a person, too little to make us flood. */
const queryAnswerMs = 5_000;
const rememberedIds = 500;
/** How long the messages of a broken connection may take to be stored before the loss is told. */
const drainMs = 1_000;

export interface IrcSessionDeps {
  readonly wire: Wire;
  readonly account: ChannelAccount<IrcConfig>;
  readonly link: ChannelLink;
  readonly identity: SignedOn;
}

export class IrcSession {
  readonly outbound: Outbound;
  readonly #deps: IrcSessionDeps;
  readonly #gate: FloodGate;
  readonly #rooms: Rooms;
  readonly #peers: Peers;
  readonly #intake: Intake;
  readonly #ownMessages = new Set<string>();
  readonly #repeats = new Map<string, number>();
  #nick: string;
  #user: string | null = null;
  #host: string | null = null;
  #regain: Timer | null = null;
  #closing: Promise<void> | null = null;
  #queryAnsweredMs = Number.NEGATIVE_INFINITY;

  constructor(deps: IrcSessionDeps) {
    const { wire, account, link, identity } = deps;
    this.#deps = deps;
    this.#nick = identity.nick;
    this.#gate = new FloodGate(account.config.flood, link.clock);
    this.#peers = new Peers(link.clock);
    this.#intake = new Intake(link, wire);
    this.#rooms = new Rooms({
      rooms: account.config.channels,
      wire,
      clock: link.clock,
      casemap: identity.casemap,
      isSelf: (nick) => this.#isSelf(nick),
      note: (text) => this.#note(text),
    });
    this.outbound = new Outbound({
      wire,
      gate: this.#gate,
      clock: link.clock,
      ids: link.ids,
      casemap: identity.casemap,
      capability: (name) => identity.capabilities.has(name),
      ownPrefix: () => this.#ownPrefix(),
      isSelf: (nick) => this.#isSelf(nick),
      identify: (nick, signal) => this.#identify(nick, signal),
      filed: (id) => remember(this.#ownMessages, id),
    });
    wire.onLine((line, text) => this.#line(line, text));
    wire.onClosed((error) => void this.#closed(error));
  }

  /** Joins the rooms; resolves when the server has answered for each of them. */
  async begin(signal: AbortSignal): Promise<void> {
    const { wire, identity, account } = this.#deps;
    const botMode = identity.supports.get("BOT");
    // Where a network has a mark for bots we wear it, so that other bots leave us alone.
    if (botMode !== undefined && /^[A-Za-z]$/.test(botMode)) wire.send("MODE", [this.#nick, `+${botMode}`]);
    wire.send("USERHOST", [this.#nick]);
    this.#rooms.joinAll();
    await wire.roundTrip(signal);
    if (!this.#isSelf(account.config.nick)) this.#scheduleRegain();
  }

  close(): Promise<void> {
    this.#closing ??= this.#quit();
    return this.#closing;
  }

  async #quit(): Promise<void> {
    const { wire, link } = this.#deps;
    this.#stopParts(new AppError("CONN_001", "The connection is closed."));
    this.#intake.close();
    if (wire.closedBy !== null) return;
    const gone = Promise.withResolvers<void>();
    wire.onClosed(() => gone.resolve());
    const patience = link.clock.after(quitTimeoutMs, () => wire.destroy());
    wire.resume();
    wire.send("QUIT", ["bye"]);
    await gone.promise;
    patience.cancel();
  }

  /** Messages that came before the break are handed over before the loss is told: IRC does not send them again. */
  async #closed(error: AppError): Promise<void> {
    this.#stopParts(error);
    if (this.#closing === null) await this.#intake.drained(drainMs);
    this.#intake.close();
    if (this.#closing === null) this.#deps.link.lost(error);
  }

  #stopParts(error: AppError): void {
    this.#gate.close(error);
    this.#rooms.close();
    this.#regain?.cancel();
    this.#regain = null;
  }

  #line(line: IrcLine, text: string): void {
    if (this.#closing !== null) return;
    this.#watchSelf(line);
    this.#watchPeers(line);
    this.#rooms.line(line);
    this.outbound.line(line);
    if (line.command === "PRIVMSG" || line.command === "TAGMSG") this.#said(line, text);
  }

  #said(line: IrcLine, text: string): void {
    const { account, link, identity } = this.#deps;
    const { config } = account;
    const query = clientQuery(line, { nick: this.#nick, casemap: identity.casemap });
    if (query !== null) {
      this.#answerQuery(line, query);
      return;
    }
    const message = parseInbound(line, text, {
      accountId: account.accountId,
      nick: this.#nick,
      names: [config.nick, ...config.mentionNames],
      casemap: identity.casemap,
      roomTypes: identity.supports.get("CHANTYPES") ?? "#&",
      mentionAnywhere: config.mentionAnywhere,
      ignoreBots: config.ignoreBots,
      accounts: identity.capabilities.has("account-tag"),
      receivedAtMs: link.clock.nowMs(),
      id: link.ids.uuid(),
      repeated: (key) => this.#repeated(key),
      isOurs: (id) => this.#ownMessages.has(id),
    });
    if (message !== null) this.#intake.take(message);
  }

  /** By NOTICE, which nobody answers. */
  #answerQuery(line: IrcLine, { verb, argument }: { verb: string; argument: string }): void {
    const { wire, link } = this.#deps;
    const answer = verb === "VERSION" ? "OpenClaw" : verb === "PING" ? argument.slice(0, 64) : null;
    const nowMs = link.clock.monotonicMs();
    if (answer === null || line.source === null || nowMs - this.#queryAnsweredMs < queryAnswerMs) return;
    this.#queryAnsweredMs = nowMs;
    wire.send("NOTICE", [line.source.name, `\x01${verb} ${answer}\x01`]);
  }

  #watchSelf({ command, params, source }: IrcLine): void {
    const { identity, account } = this.#deps;
    const self = source !== null && this.#isSelf(source.name);
    if (self && source.host !== null) {
      this.#user = source.user;
      this.#host = source.host;
    }
    if (command === "NICK" && self) this.#nick = params[0] ?? this.#nick;
    else if (command === "396") this.#host = params[1] ?? this.#host;
    else if (command === "302") this.#ownHost(params.at(-1) ?? "");
    else if (command === "CAP" && params[1] === "DEL")
      for (const name of (params.at(-1) ?? "").split(" ")) identity.capabilities.delete(name);
    else if ((command === "QUIT" || command === "NICK") && source !== null && this.#wants(source.name))
      this.#askForNick();
    if (command === "NICK" && !this.#isSelf(account.config.nick)) this.#scheduleRegain();
  }

  /** `nick*=+user@host`, where the star marks an operator and the sign whether the user is here. */
  #ownHost(reply: string): void {
    const match = /^([^=*]+)\*?=[+-]([^@]+)@(\S+)/.exec(reply.trim());
    if (match === null || !this.#isSelf(match[1] ?? "")) return;
    this.#user = match[2] ?? null;
    this.#host = match[3] ?? null;
  }

  #watchPeers({ command, params, source, tags }: IrcLine): void {
    if (source === null) return;
    const { identity } = this.#deps;
    const nick = this.#fold(source.name);
    if (command === "QUIT" || command === "NICK") {
      this.#peers.left(nick);
      if (command === "NICK") this.#peers.left(this.#fold(params[0] ?? ""));
    } else if (command === "PRIVMSG") {
      const account = identity.capabilities.has("account-tag") ? (tags["account"] ?? null) : null;
      const seen = senderIdentity(source, account);
      if (seen !== null) this.#peers.saw(nick, seen);
    }
  }

  /** Asks the server where we have not seen the person lately. */
  async #identify(nick: string, signal: AbortSignal): Promise<string | null> {
    const { wire, identity } = this.#deps;
    const folded = this.#fold(nick);
    const known = this.#peers.identity(folded);
    if (known !== null) return known;
    let source: { user: string; host: string } | null = null;
    let account: string | null = null;
    const stop = wire.onLine(({ command, params }) => {
      if (this.#fold(params[1] ?? "") !== folded) return;
      if (command === "311") source = { user: params[2] ?? "", host: params[3] ?? "" };
      if (command === "330") account = params[2] ?? null;
    });
    await this.#gate.enter(signal);
    try {
      wire.send("WHOIS", [nick]);
      await wire.roundTrip(signal);
    } finally {
      stop();
      this.#gate.confirmed();
    }
    if (source === null) return null;
    // An account counts only where messages carry it too, or the same person would have two ids.
    const seen = senderIdentity(source, identity.capabilities.has("account-tag") ? account : null);
    if (seen !== null) this.#peers.saw(folded, seen);
    return seen;
  }

  #scheduleRegain(): void {
    this.#regain ??= this.#deps.link.clock.after(regainMs, () => {
      this.#regain = null;
      this.#askForNick();
      if (!this.#isSelf(this.#deps.account.config.nick)) this.#scheduleRegain();
    });
  }

  #askForNick(): void {
    const { wire, account } = this.#deps;
    if (!this.#isSelf(account.config.nick)) wire.send("NICK", [account.config.nick]);
  }

  #wants(nick: string): boolean {
    return this.#fold(nick) === this.#fold(this.#deps.account.config.nick);
  }

  #isSelf(nick: string): boolean {
    return this.#fold(nick) === this.#fold(this.#nick);
  }

  #fold(name: string): string {
    return foldName(name, this.#deps.identity.casemap);
  }

  /** The longest there may be where the server has not told us ours. */
  #ownPrefix(): string {
    return `${this.#nick}!${this.#user ?? "x".repeat(12)}@${this.#host ?? "x".repeat(63)}`;
  }

  #repeated(key: string): number {
    const times = this.#repeats.get(key) ?? 0;
    this.#repeats.delete(key);
    this.#repeats.set(key, times + 1);
    const [oldest] = this.#repeats.keys();
    if (this.#repeats.size > rememberedIds && oldest !== undefined) this.#repeats.delete(oldest);
    return times;
  }

  #note(text: string | null): void {
    this.#deps.link.note?.(text);
    if (text !== null) this.#deps.link.log.warn("A room is missing.", { note: text });
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  const [oldest] = ids;
  if (ids.size > rememberedIds && oldest !== undefined) ids.delete(oldest);
}
